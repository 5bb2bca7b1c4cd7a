/* SPDX-License-Identifier: Apache-2.0 */
/* On whose behalf a process of this machine acts. */

#ifndef EZCDC_AUDIT_ACTOR_H
#define EZCDC_AUDIT_ACTOR_H

/* Where acts of the command line come from: this machine. */
#define ACTOR_ADDRESS "127.0.0.1"

/* Writes the name of the real user of this process, or "uid:N" where
 * /etc/passwd has none. It reads the file itself: the name service could
 * load foreign code into a process that holds keys. */
void actor_name (char *ret_name, unsigned long size);

#endif
