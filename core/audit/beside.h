/* SPDX-License-Identifier: Apache-2.0 */
/* Files that lie beside an audit log and belong to it. */

#ifndef EZCDC_AUDIT_BESIDE_H
#define EZCDC_AUDIT_BESIDE_H

#include "core/base/error.h"
#include "core/base/text.h"

/* The log's path with a suffix, the caller's to free; NULL if memory is
 * out. */
char *beside_path (const char *log_path, const char *suffix,
                   struct error *error) __attribute__ ((nonnull (1, 2)));

/* Gives a file that root has made to the owner of its folder. */
int beside_adopt (const char *folder, int descriptor, const char *path,
                  struct error *error) __attribute__ ((nonnull (1, 3)));

/* Replaces such a file as a whole, and a symbolic link in its place; the new
 * one has mode 0600 and belongs to the owner of its folder. What a process
 * left that was killed while it did the same goes. The caller has the log's
 * lock. */
int beside_replace (const char *path, const struct text *text,
                    struct error *error) __attribute__ ((nonnull (1, 2)));

#endif
