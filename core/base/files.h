/* SPDX-License-Identifier: Apache-2.0 */
/* Files as wholes: reading within a limit, replacing atomically. */

#ifndef EZCDC_BASE_FILES_H
#define EZCDC_BASE_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "core/base/text.h"

/* What returns an int returns 0, or an EZCDC_E_... with a text that names the
 * path and the reason. What does not exist or may not be read is
 * EZCDC_E_CONFIG. */

/* Opens a file to be read: a regular one, or a pipe that this process was
 * given, as /dev/stdin. Nothing that could hold it up until somebody else
 * comes, as a named pipe, and no device. *ret_descriptor is the caller's. */
int file_open (const char *path, int *ret_descriptor, struct error *error)
  __attribute__ ((nonnull (1, 2)));

/* Appends the whole content of what file_open opens to text. More than limit
 * bytes is an error, and leaves text as it was. If the content is a secret, the
 * caller frees text with text_wipe_free; no other copies are made as long as it
 * is a regular file.
 */
int file_read (const char *path, size_t limit, struct text *text,
               struct error *error) __attribute__ ((nonnull (1, 3)));

/* The same for a file of the program's own, in a folder that may be somebody
 * else's: a symbolic link and what is no regular file are errors. */
int file_read_own (const char *path, size_t limit, struct text *text,
                   struct error *error) __attribute__ ((nonnull (1, 3)));

/* Replaces the content of a file, or makes a new one with the given mode. An
 * existing file keeps mode and owner; a symbolic link is followed, so that
 * the link stays. Afterwards the file has either the old or the new content,
 * also after a loss of power: the new one is written beside it, synced, and
 * renamed.
 */
int file_replace (const char *path, const void *data, size_t length,
                  mode_t mode, struct error *error)
  __attribute__ ((nonnull (1)));

struct file_identity {
  uid_t owner;
  gid_t group;
  mode_t mode;
};

/* Replaces whatever has that name, also a symbolic link, by a new file. For a
 * folder that may be somebody else's: where a link leads is their choice. */
int file_replace_name (const char *path, const void *data, size_t length,
                       const struct file_identity *identity,
                       struct error *error) __attribute__ ((nonnull (1, 4)));

/* Removes what processes have left that were killed while they replaced that
 * file: regular files FILE.ezcdc-XXXXXX of this user or of the file's owner.
 * Nobody may be replacing it now; path is no symbolic link. */
void file_sweep (const char *path) __attribute__ ((nonnull));

/* The folder that a path lies in, the caller's to free; NULL if memory is
 * out. */
char *file_folder (const char *path) __attribute__ ((nonnull));

/* Makes a folder and those above it that are missing, each with mode 0700.
 * An existing one is left as it is. */
int folder_make (const char *path, struct error *error)
  __attribute__ ((nonnull (1)));

/* Syncs a folder, so that new names in it survive a loss of power. */
int folder_sync (const char *path, struct error *error)
  __attribute__ ((nonnull (1)));

#endif
