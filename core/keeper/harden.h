/* SPDX-License-Identifier: Apache-2.0 */
/* What keeper and runner take away from themselves. */

#ifndef EZCDC_KEEPER_HARDEN_H
#define EZCDC_KEEPER_HARDEN_H

/* No core dumps, no debugger or /proc/PID/mem of the same user, no new
 * privileges by exec, files for the owner only. For commands that hold keys,
 * the keeper and the runner. */
void harden_process (void);

#endif
