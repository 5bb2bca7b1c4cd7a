/* SPDX-License-Identifier: Apache-2.0 */
/* Files that exist in memory alone, for libraries that want a path. */

#ifndef EZCDC_TLS_MEMFD_H
#define EZCDC_TLS_MEMFD_H

#include <stddef.h>

struct error;

/* Makes an empty file, readable by its owner only (libpq insists for keys).
 * *ret_descriptor is the caller's. name shows up in /proc for people. Returns
 * 0 or EZCDC_E_UNAVAILABLE. */
int memfd_create_private (const char *name, int *ret_descriptor,
                          struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* Gives such a file its content, which nobody can change any more. The
 * descriptor stays the caller's; so is *ret_descriptor for the same file,
 * which is above the standard three. name is for the error. Returns 0 or
 * EZCDC_E_UNAVAILABLE. */
int memfd_fill_sealed (int descriptor, const char *name, const void *data,
                       size_t length, int *ret_descriptor, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

#endif
