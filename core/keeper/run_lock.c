/* SPDX-License-Identifier: Apache-2.0 */
/* The lock that a run holds on its pipeline. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/keeper/run_lock.h"

#define CONTENT_MAX 1024

/* The whole file. These locks belong to the open file, not to the process,
 * and looking at one does not take it. */
static struct flock
whole_file (short type)
{
  return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

static int
open_lock (const char *folder, int flags, struct text *path,
           struct error *error)
{
  text_printf (path, "%s/lock", folder);
  if (path->failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  return open (path->data,
               flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
}

/* The folder may be somebody else's: what has another name, too, may be a file
 * of ours. */
static bool
is_a_lock (int descriptor)
{
  struct stat status;

  return fstat (descriptor, &status) == 0 && S_ISREG (status.st_mode)
         && status.st_nlink == 1;
}

/* The process id that the holder has written; 0 if it has not. */
static pid_t
read_pid (int descriptor)
{
  char digits[24] = "";
  ssize_t got = pread (descriptor, digits, sizeof digits - 1, 0);

  return got > 0 ? (pid_t) strtol (digits, NULL, 10) : 0;
}

/* The process id, and below it the line. In one write, so that a reader sees
 * the former content or this, but for a rest that is cut off then. */
static int
write_content (int descriptor, const char *line)
{
  CLEANUP_TEXT struct text content = { 0 };

  text_printf (&content, "%ld\n%s%s", (long) getpid (), line,
               line[0] != '\0' ? "\n" : "");
  return !content.failed
             && pwrite (descriptor, content.data, content.length, 0)
                  == (ssize_t) content.length
             && ftruncate (descriptor, (off_t) content.length) == 0
           ? 0
           : -1;
}

void
run_lock_tell (int descriptor, const char *line)
{
  (void) write_content (descriptor, line);
}

int
run_lock_take (const char *folder, int *ret_descriptor, struct error *error)
{
  CLEANUP_TEXT struct text path = { 0 };
  CLEANUP_CLOSE int descriptor = open_lock (folder, O_RDWR | O_CREAT, &path,
                                            error);
  struct flock lock = whole_file (F_WRLCK);

  if (path.failed)
    return EZCDC_E_MEMORY;
  if (descriptor < 0)
    return error_set (error, EZCDC_E_CONFIG, "open the lock %s: %m",
                      path.data);
  if (!is_a_lock (descriptor))
    return error_set (error, EZCDC_E_CONFIG,
                      "the lock %s is not a regular file with one name: "
                      "remove it",
                      path.data);
  if (fcntl (descriptor, F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES)
      return error_set (error, EZCDC_E_OPERATOR,
                        "this pipeline is being run by another process "
                        "already (process id %ld, lock %s): a pipeline runs "
                        "once",
                        (long) read_pid (descriptor), path.data);
    return error_set (error, EZCDC_E_UNAVAILABLE, "take the lock %s: %m",
                      path.data);
  }
  if (write_content (descriptor, "") != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "write the lock %s: %m",
                      path.data);
  *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
  return 0;
}

void
run_lock_read (const char *folder, struct text *text)
{
  CLEANUP_TEXT struct text path = { 0 };
  CLEANUP_CLOSE int descriptor = open_lock (folder, O_RDONLY, &path, NULL);
  char content[CONTENT_MAX];
  ssize_t length = descriptor >= 0
                     ? pread (descriptor, content, sizeof content, 0)
                     : -1;
  const char *line = length > 0 ? memchr (content, '\n', (size_t) length)
                                : NULL;

  if (line == NULL)
    return;
  line++;
  const char *end = memchr (line, '\n', (size_t) (content + length - line));
  if (end != NULL)
    text_append (text, line, (size_t) (end - line));
}

int
run_lock_probe (const char *folder, bool *ret_alive, pid_t *ret_pid,
                struct error *error)
{
  CLEANUP_TEXT struct text path = { 0 };
  CLEANUP_CLOSE int descriptor = open_lock (folder, O_RDONLY, &path, error);
  struct flock lock = whole_file (F_RDLCK);

  if (path.failed)
    return EZCDC_E_MEMORY;
  if (descriptor < 0 && errno != ENOENT)
    return error_set (error, EZCDC_E_CONFIG, "open the lock %s: %m",
                      path.data);
  if (descriptor >= 0 && fcntl (descriptor, F_OFD_GETLK, &lock) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "look at the lock %s: %m",
                      path.data);
  *ret_alive = descriptor >= 0 && lock.l_type != F_UNLCK;
  *ret_pid = *ret_alive ? read_pid (descriptor) : 0;
  return 0;
}
