/* SPDX-License-Identifier: Apache-2.0 */
/* Files that exist in memory alone, for libraries that want a path. */

#ifndef EZCDC_TLS_MEMFD_H
#define EZCDC_TLS_MEMFD_H

#include <stddef.h>

struct error;

/* Makes a file of length bytes that nobody can change any more, readable by
 * its owner only (libpq insists for keys). *ret_descriptor, which is
 * above the standard three, is the caller's. name shows up in /proc for
 * people. Returns 0 or EZCDC_E_UNAVAILABLE. */
int memfd_create_sealed (const char *name, const void *data, size_t length,
                         int *ret_descriptor, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

#endif
