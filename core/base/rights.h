/* SPDX-License-Identifier: Apache-2.0 */
/* Who can put another file in the place of one: a program or a connector is
 * run only if nobody can whom we do not trust anyway. Whether others can read
 * a file is another question, and not asked here. */

#ifndef EZCDC_BASE_RIGHTS_H
#define EZCDC_BASE_RIGHTS_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "core/base/error.h"

/* All refuse with EZCDC_E_CONFIG and a text that names the path, and what to
 * do. Root and the present user are trusted, and the user `trusted`. */

/* A file or folder may be written to by those alone, but for a folder in which
 * nobody can rename what is another's (the sticky bit). */
int rights_check (const struct stat *status, const char *path, uid_t trusted,
                  struct error *error) __attribute__ ((nonnull (1, 2)));

/* The same of each folder above an absolute path without links.
 * *ret_roots_only: root alone can write to all of them; may be NULL. */
int rights_check_folders (const char *path, uid_t trusted,
                          bool *ret_roots_only, struct error *error)
  __attribute__ ((nonnull (1)));

#endif
