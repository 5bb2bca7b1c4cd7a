/* SPDX-License-Identifier: Apache-2.0 */
/* Changes values in a configuration file and leaves all else as it is:
 * comments, order, spacing, line ends, mode and owner. */

#ifndef EZCDC_CLI_INI_EDIT_H
#define EZCDC_CLI_INI_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/base/text.h"

struct ini_change {
  const struct ini_section *section;
  char *name;        /* owned */
  unsigned line;     /* the line to change, or to write behind */
  bool is_new;       /* a new line behind that one */
  struct text value; /* owned */
};

/* A file that is being changed; begins as { .lock = -1 }. */
struct ini_edit {
  char *path;          /* owned; without symbolic links */
  int lock;            /* owned; another change waits for this one to end */
  struct text content; /* owned, wiped: it may hold secrets in the clear */
  struct ini *ini;     /* owned; what content says */
  struct ini_change *changes; /* owned */
  size_t count;
  size_t capacity;
};

/* Reads and locks a file. EZCDC_E_CONFIG if it is not well-formed, has more
 * than one name (the others would keep the old content), or is being changed
 * by another process. ini_edit_close must be called in any case. */
int ini_edit_open (const char *path, struct ini_edit *edit,
                   struct error *error) __attribute__ ((nonnull (1, 2)));
void ini_edit_close (struct ini_edit *edit) __attribute__ ((nonnull));

/* Removes what changes of the file have left that were killed: it may hold
 * what was sealed. */
void ini_edit_sweep (const struct ini_edit *edit) __attribute__ ((nonnull));

/* Notes that a key of a section is to have the value; a key that is not there
 * is added at the section's end. The value has no line ends. */
int ini_edit_set (struct ini_edit *edit, const struct ini_section *section,
                  const char *name, const char *value, struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4)));

/* Makes sure that the changed file would read as it should. */
int ini_edit_check (struct ini_edit *edit, struct error *error)
  __attribute__ ((nonnull (1)));

/* Replaces the file, all changes or none. */
int ini_edit_commit (struct ini_edit *edit, struct error *error)
  __attribute__ ((nonnull (1)));

#endif
