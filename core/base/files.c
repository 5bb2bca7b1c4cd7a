/* SPDX-License-Identifier: Apache-2.0 */
/* Files as wholes. */

#include <config.h>

#include <ezcdc/connector.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/base/print.h"

/* What stands behind a file's name in the name of the one that is to replace
 * it; the X are letters and digits. Nobody would name a copy like that. */
#define TEMPORARY_SUFFIX ".ezcdc-XXXXXX"
#define TEMPORARY_RANDOM 6 /* how many X there are */

char *
file_folder (const char *path)
{
  const char *slash = strrchr (path, '/');

  if (slash == NULL)
    return strdup (".");
  if (slash == path)
    return strdup ("/");
  return strndup (path, (size_t) (slash - path));
}

static int
out_of_memory (struct error *error, const char *path)
{
  return error_set (error, EZCDC_E_MEMORY, "%s: out of memory", path);
}

/* The size of a regular file, 0 for anything else. */
static size_t
size_hint (int descriptor)
{
  struct stat status;

  if (fstat (descriptor, &status) < 0 || !S_ISREG (status.st_mode)
      || status.st_size < 0)
    return 0;
  return (size_t) status.st_size;
}

/* Reads to the end, at most limit + 1 bytes, so that the caller sees that
 * there are more. */
static int
read_to_end (int descriptor, const char *path, size_t limit, struct text *text,
             struct error *error)
{
  size_t start = text->length;
  size_t hint = size_hint (descriptor);

  text_reserve (text, (hint < limit ? hint : limit) + 1);
  for (;;) {
    size_t rest = limit + 1 - (text->length - start);
    ssize_t got;

    if (rest == 0)
      return 0;
    text_reserve (text, 1);
    if (text->failed)
      return out_of_memory (error, path);
    if (rest > text->capacity - text->length - 1)
      rest = text->capacity - text->length - 1;
    got = read (descriptor, text->data + text->length, rest);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error_set (error, EZCDC_E_CONFIG, "read %s: %m", path);
    if (got == 0)
      return 0;
    text->length += (size_t) got;
    text->data[text->length] = '\0';
  }
}

/* Reads what is open within the limit; nothing of it stays on failure. */
static int
read_within (int descriptor, const char *path, size_t limit, struct text *text,
             struct error *error)
{
  size_t start = text->length;

  if (limit == SIZE_MAX)
    limit--;
  int code = read_to_end (descriptor, path, limit, text, error);
  if (code == 0 && text->length - start > limit)
    code = error_set (error, EZCDC_E_CONFIG,
                      "%s: longer than %zu bytes, which is the limit", path,
                      limit);
  if (code < 0 && text->data != NULL) {
    explicit_bzero (text->data + start, text->capacity - start);
    text->length = start;
  }
  return code;
}

/* One without a name: a command line names it as /dev/fd/N. */
static bool
is_given_pipe (int descriptor)
{
  struct statfs status;

  return fstatfs (descriptor, &status) == 0 && status.f_type == PIPEFS_MAGIC;
}

/* Nothing is waited for until it is known that it may be. */
int
file_open (const char *path, int *ret_descriptor, struct error *error)
{
  CLEANUP_CLOSE int descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY
                                               | O_NONBLOCK);
  struct stat status;

  if (descriptor < 0 || fstat (descriptor, &status) != 0)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m",
                      print_given (path));
  if (!S_ISREG (status.st_mode)
      && (!is_given_pipe (descriptor) || fcntl (descriptor, F_SETFL, 0) != 0))
    return error_set (error, EZCDC_E_CONFIG, "%s is not a regular file", path);
  *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
  return 0;
}

int
file_read (const char *path, size_t limit, struct text *text,
           struct error *error)
{
  CLEANUP_CLOSE int descriptor = -1;
  int code = file_open (path, &descriptor, error);

  if (code != 0)
    return code;
  return read_within (descriptor, path, limit, text, error);
}

int
file_read_own (const char *path, size_t limit, struct text *text,
               struct error *error)
{
  CLEANUP_CLOSE int descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY
                                               | O_NOFOLLOW | O_NONBLOCK);
  struct stat status;

  if (descriptor < 0 || fstat (descriptor, &status) != 0)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m",
                      print_given (path));
  if (!S_ISREG (status.st_mode))
    return error_set (error, EZCDC_E_CONFIG, "%s is not a regular file", path);
  return read_within (descriptor, path, limit, text, error);
}

static int
write_all (int descriptor, const char *data, size_t length)
{
  while (length > 0) {
    ssize_t written = write (descriptor, data, length);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return -1;
    data += written;
    length -= (size_t) written;
  }
  return 0;
}

/* Owner and mode for a new file. The owner first: a change of owner may clear
 * mode bits. */
static bool
set_identity (int descriptor, const struct file_identity *identity)
{
  struct stat now;

  if (fstat (descriptor, &now) < 0)
    return false;
  if ((now.st_uid != identity->owner || now.st_gid != identity->group)
      && fchown (descriptor, identity->owner, identity->group) < 0)
    return false;
  return fchmod (descriptor, identity->mode) == 0;
}

int
folder_sync (const char *path, struct error *error)
{
  CLEANUP_CLOSE int descriptor = open (path,
                                       O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (descriptor < 0 || fsync (descriptor) < 0)
    return error_set (error, EZCDC_E_OPERATOR, "sync the folder %s: %m", path);
  return 0;
}

/* Writes the temporary file; it is there afterwards, whatever is returned. */
static int
fill_file (int descriptor, const char *path, const void *data, size_t length,
           const struct file_identity *identity, struct error *error)
{
  if (!set_identity (descriptor, identity))
    return error_set (error, EZCDC_E_OPERATOR,
                      "give the new %s its owner and mode: %m", path);
  if (write_all (descriptor, data, length) < 0 || fsync (descriptor) < 0)
    return error_set (error, EZCDC_E_OPERATOR, "write beside %s: %m", path);
  return 0;
}

int
file_replace_name (const char *path, const void *data, size_t length,
                   const struct file_identity *identity, struct error *error)
{
  CLEANUP_FREE char *folder = file_folder (path);
  CLEANUP_FREE char *temporary = NULL;
  CLEANUP_CLOSE int descriptor = -1;
  int r;

  if (folder == NULL
      || asprintf (&temporary, "%s" TEMPORARY_SUFFIX, path) < 0) {
    temporary = NULL;
    return out_of_memory (error, path);
  }
  descriptor = mkostemp (temporary, O_CLOEXEC);
  if (descriptor < 0)
    return error_set (error, EZCDC_E_OPERATOR,
                      "make a temporary file beside %s: %m", path);
  r = fill_file (descriptor, path, data, length, identity, error);
  if (r == 0 && rename (temporary, path) < 0)
    r = error_set (error, EZCDC_E_OPERATOR, "rename the new %s: %m", path);
  if (r < 0) {
    unlink (temporary);
    return r;
  }
  return folder_sync (folder, error);
}

int
file_replace (const char *path, const void *data, size_t length, mode_t mode,
              struct error *error)
{
  CLEANUP_FREE char *resolved = realpath (path, NULL);
  struct file_identity identity = { geteuid (), getegid (), mode };
  struct stat old;

  if (resolved == NULL && errno != ENOENT)
    return error_set (error, EZCDC_E_OPERATOR, "find %s: %m", path);
  if (resolved != NULL) {
    if (stat (resolved, &old) < 0)
      return error_set (error, EZCDC_E_OPERATOR, "look at %s: %m", resolved);
    identity = (struct file_identity){ old.st_uid, old.st_gid,
                                       old.st_mode & 07777 };
  }
  return file_replace_name (resolved != NULL ? resolved : path, data, length,
                            &identity, error);
}

/* ---- What remains of processes that were killed ------------------------ */

static bool
is_temporary_of (const char *name, const char *file_name)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  size_t length = strlen (file_name);
  size_t fixed = strlen (TEMPORARY_SUFFIX) - TEMPORARY_RANDOM;

  return strncmp (name, file_name, length) == 0
         && strncmp (name + length, TEMPORARY_SUFFIX, fixed) == 0
         && strlen (name + length + fixed) == TEMPORARY_RANDOM
         && strspn (name + length + fixed, letters) == TEMPORARY_RANDOM;
}

/* A regular file of ours, or of the owner of the file that it was to replace:
 * root gives it away. */
static bool
is_ours (int folder, const char *name, const char *file_name)
{
  struct stat status;
  struct stat file;

  if (fstatat (folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0
      || !S_ISREG (status.st_mode))
    return false;
  return status.st_uid == geteuid ()
         || (fstatat (folder, file_name, &file, AT_SYMLINK_NOFOLLOW) == 0
             && S_ISREG (file.st_mode) && status.st_uid == file.st_uid);
}

void
file_sweep (const char *path)
{
  CLEANUP_FREE char *folder_path = file_folder (path);
  DIR *folder = folder_path != NULL ? opendir (folder_path) : NULL;
  const char *slash = strrchr (path, '/');
  const char *file_name = slash != NULL ? slash + 1 : path;
  const struct dirent *entry;

  if (folder == NULL)
    return;
  while ((entry = readdir (folder)) != NULL)
    if (is_temporary_of (entry->d_name, file_name)
        && is_ours (dirfd (folder), entry->d_name, file_name))
      unlinkat (dirfd (folder), entry->d_name, 0);
  closedir (folder);
}

/* ---- Folders ----------------------------------------------------------- */

/* Makes one folder; that it exists already is no failure. */
static bool
make_one (const char *path)
{
  struct stat status;

  if (mkdir (path, 0700) == 0)
    return true;
  if (errno != EEXIST)
    return false;
  if (stat (path, &status) < 0)
    return false;
  if (!S_ISDIR (status.st_mode)) {
    errno = ENOTDIR;
    return false;
  }
  return true;
}

int
folder_make (const char *path, struct error *error)
{
  CLEANUP_FREE char *part = strdup (path);
  struct stat status;

  if (part == NULL)
    return out_of_memory (error, path);
  for (char *at = part; *at != '\0'; at++) {
    if (at == part || *at != '/' || at[-1] == '/')
      continue;
    *at = '\0';
    /* A folder above that exists may be one in which nothing can be made. */
    if (stat (part, &status) < 0 && !make_one (part))
      return error_set (error, EZCDC_E_OPERATOR, "make the folder %s: %m",
                        part);
    *at = '/';
  }
  if (!make_one (part))
    return error_set (error, EZCDC_E_OPERATOR, "make the folder %s: %m", path);
  return 0;
}
