/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner that was started by root gives back. */

#ifndef EZCDC_RUNNER_PRIVILEGES_H
#define EZCDC_RUNNER_PRIVILEGES_H

#include "core/base/error.h"

/* Takes the user and the groups of who owns folder, if this process is root's;
 * root may own it, too, and it may be NULL. In any case drops every capability,
 * for good. What the process has opened stays open. Call it before there are
 * threads. */
int privileges_drop (const char *folder, struct error *error);

#endif
