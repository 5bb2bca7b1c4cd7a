/* SPDX-License-Identifier: Apache-2.0 */
/* The file that lines are appended to.
 *
 *   path           what is written now
 *   path.000001    the oldest that was rotated away
 *   path.000002    the next one ...
 *
 * Only whole lines are ever left behind: after a failure the file is cut back
 * to its last commit, after a crash to its last newline.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "line.h"
#include "output.h"

#define DIGITS 6 /* of the number of a file that was rotated away */

void
output_init (struct output *output, const struct ezcdc_host *host,
             struct ezcdc_instance *instance, const char *path,
             int64_t rotate_size, bool sync)
{
  output->host = host;
  output->instance = instance;
  output->path = path;
  output->rotate_size = rotate_size;
  output->sync = sync;
  output->descriptor = -1;
  output->durable = 0;
  output->written = 0;
  output->failure = 0;
  output->length = 0;
}

static bool
is_standard_output (const struct output *output)
{
  return strcmp (output->path, "-") == 0;
}

bool
output_is_open (const struct output *output)
{
  return output->descriptor >= 0;
}

/* ---- Errors ------------------------------------------------------------ */

/* What the core should do about an errno. */
static int
code_of (int number)
{
  switch (number) {
  case EACCES:
  case EPERM:
  case ENOENT:
  case ENOTDIR:
  case EISDIR:
  case ELOOP:
  case ENAMETOOLONG:
  case EROFS:
    return EZCDC_E_CONFIG;
  case EPIPE:
    return EZCDC_E_OPERATOR;
  case ENOMEM:
    return EZCDC_E_MEMORY;
  default: /* a full disk will be emptied, a lost mount comes back */
    return EZCDC_E_UNAVAILABLE;
  }
}

/* "WHAT PATH: strerror (number)". */
static int
fail (const struct output *output, const char *what, int number)
{
  return output->host->fail (output->instance, code_of (number), "%s %s: %s",
                             what, output->path, strerror (number));
}

/* ---- The last line ----------------------------------------------------- */

/* Where the line that ends before end begins: behind the newline before it,
 * or at 0. -1 after an error. */
static int64_t
line_start (int descriptor, int64_t end)
{
  char block[4096];

  while (end > 0) {
    int64_t from = end > (int64_t) sizeof block ? end - (int64_t) sizeof block
                                                : 0;
    ssize_t length = pread (descriptor, block, (size_t) (end - from), from);
    if (length != end - from)
      return -1;
    const char *newline = memrchr (block, '\n', (size_t) length);
    if (newline != NULL)
      return from + (newline - block) + 1;
    end = from;
  }
  return 0;
}

/* The beginning of what stands between two places, as a string. */
static int
read_head (int descriptor, int64_t start, int64_t end,
           char ret_head[OUTPUT_HEAD])
{
  size_t length = end - start < OUTPUT_HEAD ? (size_t) (end - start)
                                            : OUTPUT_HEAD - 1;

  if (pread (descriptor, ret_head, length, start) != (ssize_t) length)
    return -1;
  ret_head[length] = '\0';
  return 0;
}

/* Where the last whole line ends, and its head ("" if there is none); -1
 * after an error. */
static int64_t
find_last_line (int descriptor, int64_t size, char ret_head[OUTPUT_HEAD])
{
  int64_t end = line_start (descriptor, size);

  ret_head[0] = '\0';
  if (end <= 0)
    return end;
  int64_t start = line_start (descriptor, end - 1);
  if (start < 0 || read_head (descriptor, start, end - 1, ret_head) != 0)
    return -1;
  return end;
}

/* Takes off what stands behind the last newline: a line that was not finished
 * when the process died. A file that does not look like ours is left alone:
 * the path may be a mistake. */
static int
repair (struct output *output, int64_t size, char ret_head[OUTPUT_HEAD])
{
  char torn[OUTPUT_HEAD];
  int64_t end = find_last_line (output->descriptor, size, ret_head);

  if (end < 0 || read_head (output->descriptor, end, size, torn) != 0)
    return fail (output, "read the end of", errno);
  if ((ret_head[0] != '\0' && !line_is_ours (ret_head))
      || !line_may_become_ours (torn))
    return output->host->fail (output->instance, EZCDC_E_CONFIG,
                               "go on with %s: its end was not written by "
                               "ezcdc; give another path",
                               output->path);
  if (end < size) {
    if (ftruncate (output->descriptor, end) != 0)
      return fail (output, "take a torn last line off", errno);
    output->host->log (output->instance, EZCDC_LOG_WARNING,
                       "%s: took off a torn last line of %lld bytes",
                       output->path, (long long) (size - end));
  }
  output->durable = end;
  output->written = end;
  return EZCDC_OK;
}

/* ---- Files that were rotated away -------------------------------------- */

/* The folder and the name in it; the caller frees *ret_folder. */
static const char *
split_path (const char *path, char **ret_folder)
{
  const char *slash = strrchr (path, '/');

  if (slash == NULL) {
    *ret_folder = strdup (".");
    return path;
  }
  *ret_folder = strndup (path, (size_t) (slash - path) + 1);
  return slash + 1;
}

/* The number behind "NAME.", 0 if it is another name. */
static unsigned long
number_of (const char *entry, const char *name)
{
  size_t length = strlen (name);

  if (strncmp (entry, name, length) != 0 || entry[length] != '.')
    return 0;
  const char *digits = entry + length + 1;
  if (strlen (digits) < DIGITS
      || strspn (digits, "0123456789") != strlen (digits))
    return 0;
  return strtoul (digits, NULL, 10);
}

/* The highest number in use, 0 if there is none; -1 after an error. */
static long
newest_number (const struct output *output)
{
  char *folder = NULL;
  const char *name = split_path (output->path, &folder);
  DIR *entries = folder == NULL ? NULL : opendir (folder);
  const struct dirent *entry;
  unsigned long newest = 0;

  free (folder);
  if (entries == NULL)
    return -1;
  while ((entry = readdir (entries)) != NULL) {
    unsigned long number = number_of (entry->d_name, name);
    if (number > newest && number < LONG_MAX)
      newest = number;
  }
  closedir (entries);
  return (long) newest;
}

static int
rotated_path (const struct output *output, long number, char **ret_path)
{
  return asprintf (ret_path, "%s.%0*ld", output->path, DIGITS, number) < 0 ? -1
                                                                           : 0;
}

/* Closes the descriptor; path is the file's. */
static int
head_of_older (const struct output *output, int descriptor, const char *path,
               char ret_head[OUTPUT_HEAD])
{
  struct stat status;
  int result = EZCDC_OK;

  if (descriptor < 0 || fstat (descriptor, &status) != 0)
    result = fail (output, "open the newest of the older files of", errno);
  else if (!S_ISREG (status.st_mode))
    result = output->host->fail (output->instance, EZCDC_E_CONFIG,
                                 "go on after %s: it is no regular file; move "
                                 "it away",
                                 path);
  else if (find_last_line (descriptor, status.st_size, ret_head) < 0)
    result = fail (output, "read the newest of the older files of", errno);
  if (descriptor >= 0)
    close (descriptor);
  return result;
}

/* The head of the last line of the newest file that was rotated away. */
static int
head_of_newest (const struct output *output, char ret_head[OUTPUT_HEAD])
{
  long number = newest_number (output);
  char *path = NULL;

  if (number == 0)
    return EZCDC_OK;
  if (number < 0 || rotated_path (output, number, &path) != 0)
    return fail (output, "look for older files of", errno);
  int descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  int result = head_of_older (output, descriptor, path, ret_head);
  free (path);
  return result;
}

/* ---- Opening ----------------------------------------------------------- */

/* Makes a new name in the folder survive a loss of power. */
static int
sync_folder (const struct output *output)
{
  char *folder = NULL;
  int result = -1;

  split_path (output->path, &folder);
  if (folder == NULL)
    return -1;
  int descriptor = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  free (folder);
  if (descriptor >= 0) {
    result = fsync (descriptor);
    close (descriptor);
  }
  return result;
}

static int
open_descriptor (struct output *output, struct stat *ret_status)
{
  struct stat status;
  int descriptor = open (
    output->path,
    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

  if (descriptor < 0)
    return fail (output, "open", errno);
  output->descriptor = descriptor;
  if (fstat (descriptor, &status) != 0)
    return fail (output, "look at", errno);
  if (!S_ISREG (status.st_mode))
    return output->host->fail (output->instance, EZCDC_E_CONFIG,
                               "open %s: it is no regular file; write - for "
                               "standard output",
                               output->path);
  if (flock (descriptor, LOCK_EX | LOCK_NB) != 0)
    return output->host->fail (output->instance, EZCDC_E_UNAVAILABLE,
                               "open %s: another process writes it; give "
                               "each pipeline a file of its own",
                               output->path);
  if (output->sync && sync_folder (output) != 0)
    return fail (output, "sync the folder of", errno);
  *ret_status = status;
  return EZCDC_OK;
}

static int
open_file (struct output *output, char ret_head[OUTPUT_HEAD])
{
  struct stat status = { 0 };
  int result = open_descriptor (output, &status);

  if (result == EZCDC_OK)
    result = repair (output, status.st_size, ret_head);
  if (result == EZCDC_OK && ret_head[0] == '\0')
    result = head_of_newest (output, ret_head);
  if (result != EZCDC_OK)
    output_close (output);
  return result;
}

int
output_open (struct output *output, char ret_head[OUTPUT_HEAD])
{
  ret_head[0] = '\0';
  output->length = 0;
  output->failure = 0;
  if (!is_standard_output (output))
    return open_file (output, ret_head);
  output->descriptor = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  return output->descriptor < 0 ? fail (output, "open", errno) : EZCDC_OK;
}

void
output_close (struct output *output)
{
  if (output->descriptor >= 0)
    close (output->descriptor);
  output->descriptor = -1;
}

/* ---- Appending --------------------------------------------------------- */

static void
write_all (struct output *output, const char *data, size_t length)
{
  while (length > 0 && output->failure == 0) {
    ssize_t written = write (output->descriptor, data, length);
    if (written < 0 && errno != EINTR)
      output->failure = errno;
    if (written < 0)
      continue;
    data += written;
    length -= (size_t) written;
    output->written += written;
  }
}

static void
flush (struct output *output)
{
  write_all (output, output->buffer, output->length);
  output->length = 0;
}

void
output_put (struct output *output, const char *data, size_t length)
{
  if (length > sizeof output->buffer - output->length)
    flush (output);
  if (length > sizeof output->buffer)
    write_all (output, data, length);
  else {
    memcpy (output->buffer + output->length, data, length);
    output->length += length;
  }
}

void
output_text (struct output *output, const char *text)
{
  output_put (output, text, strlen (text));
}

/* Back to the last commit. If even that fails the file is closed: opening it
 * again repairs it. */
static void
roll_back (struct output *output)
{
  output->length = 0;
  output->failure = 0;
  if (is_standard_output (output))
    return;
  if (ftruncate (output->descriptor, output->durable) == 0)
    output->written = output->durable;
  else
    output_close (output);
}

int
output_commit (struct output *output)
{
  flush (output);
  if (output->failure == 0 && output->sync && !is_standard_output (output)
      && fdatasync (output->descriptor) != 0)
    output->failure = errno;
  if (output->failure != 0) {
    int number = output->failure;
    roll_back (output);
    return fail (output, "write to", number);
  }
  output->durable = output->written;
  return EZCDC_OK;
}

/* ---- Rotating ---------------------------------------------------------- */

int
output_rotate (struct output *output)
{
  char head[OUTPUT_HEAD];
  char *path = NULL;

  if (output->rotate_size == 0 || output->durable < output->rotate_size
      || is_standard_output (output))
    return EZCDC_OK;
  long number = newest_number (output);
  if (number < 0 || rotated_path (output, number + 1, &path) != 0)
    return fail (output, "look for older files of", errno);
  int result = rename (output->path, path);
  free (path);
  if (result != 0)
    return fail (output, "rotate", errno);
  output_close (output);
  return open_file (output, head);
}
