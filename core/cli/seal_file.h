/* SPDX-License-Identifier: Apache-2.0 */
/* What seal and reseal have in common: a configuration file whose values are
 * replaced by sealed ones, with a record for each, all or none. */

#ifndef EZCDC_CLI_SEAL_FILE_H
#define EZCDC_CLI_SEAL_FILE_H

#include "core/base/error.h"
#include "core/cli/ini_edit.h"
#include "core/crypto/key_ring.h"
#include "core/keeper/settings.h"

/* A file in work; begins as SEAL_FILE_EMPTY, ended with seal_file_close. */
struct seal_file {
  const struct key_ring *ring; /* lent */
  struct ini_edit edit;
  struct pipeline_settings settings;
};
#define SEAL_FILE_EMPTY                                                       \
  {                                                                           \
    .edit = {.lock = -1 }                                                     \
  }

int seal_file_open (const char *path, const struct key_ring *ring,
                    struct seal_file *file, struct error *error)
  __attribute__ ((nonnull (1, 2, 3)));
void seal_file_close (struct seal_file *file) __attribute__ ((nonnull));

/* Seals a value for a key of the section; the file changes when it is
 * committed. */
int seal_file_set (struct seal_file *file, const struct ini_section *section,
                   const char *name, const char *value, size_t length,
                   struct error *error) __attribute__ ((nonnull (1, 2, 3, 4)));

/* Writes one record of the action for each change, and then replaces the
 * file. If a record cannot be written, nothing is changed. */
int seal_file_commit (struct seal_file *file, const char *action,
                      struct error *error) __attribute__ ((nonnull (1, 2)));

/* The exit code for an error. */
int seal_exit_code (const struct error *error) __attribute__ ((nonnull));

#endif
