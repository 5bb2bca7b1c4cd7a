/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a file in memory that nobody can change any more, not even its
 * owner or this process: what is checked in it is what is loaded from it. */

#ifndef EZCDC_PLUGIN_SEALED_COPY_H
#define EZCDC_PLUGIN_SEALED_COPY_H

struct error;

/* Copies the regular file behind descriptor, whose path is for messages and
 * whose last part names the copy in /proc/PID/maps. *ret_copy, close-on-exec
 * and above the standard three, is the caller's. Returns 0 or EZCDC_E_CONFIG.
 */
int sealed_copy (int descriptor, const char *path, int *ret_copy,
                 struct error *error);

#endif
