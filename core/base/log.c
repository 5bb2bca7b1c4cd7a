/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator, one line and one write each. */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/pem_mark.h"
#include "core/base/print.h"
#include "core/base/utf8.h"

#define LINE_MAX_BYTES 4096

/* Goes to the line's start and clears it. */
#define CLEAR_LINE "\r\033[K"
#define PROGRESS_MAX 200

static _Atomic int level_limit = LEVEL_INFO;
static char line_prefix[64] = "ezcdc";

/* The line at the foot of the terminal; "" if there is none. */
static pthread_mutex_t progress_lock = PTHREAD_MUTEX_INITIALIZER;
static char progress[PROGRESS_MAX];

static const char *
level_name (enum log_level level)
{
  switch (level) {
  case LEVEL_NONE:
  case LEVEL_ERROR:
    return "error";
  case LEVEL_WARNING:
    return "warning";
  case LEVEL_INFO:
    return "info";
  case LEVEL_DEBUG:
    return "debug";
  }
  return "?";
}

void
log_set_level (enum log_level level)
{
  atomic_store (&level_limit, (int) level);
}

enum log_level
log_get_level (void)
{
  return (enum log_level) atomic_load (&level_limit);
}

void
log_set_prefix (const char *prefix)
{
  snprintf (line_prefix, 61, "%s", prefix);
}

/* Copies text into the line from `used` on, escaped. Leaves room for the
 * newline. Returns the new length. */
static size_t
append_escaped (char *line, size_t used, const char *text, size_t room)
{
  size_t length = strlen (text), size;
  char shown[PRINT_CHARACTER_SIZE];

  for (size_t at = 0; at < length; used += size) {
    at += print_character (text + at, length - at, shown, &size);
    if (used + size >= room)
      break;
    memcpy (line + used, shown, size);
  }
  return used;
}

/* There is nobody to tell if this fails. */
static void
write_bytes (const char *bytes, size_t length)
{
  while (write (STDERR_FILENO, bytes, length) < 0 && errno == EINTR)
    ;
}

static void
write_line (const char *line, size_t length)
{
  char whole[LINE_MAX_BYTES + PROGRESS_MAX + 2 * sizeof CLEAR_LINE];
  int size;

  pthread_mutex_lock (&progress_lock);
  if (progress[0] == '\0')
    write_bytes (line, length);
  else {
    size = snprintf (whole, sizeof whole, CLEAR_LINE "%.*s%s", (int) length,
                     line, progress);
    write_bytes (whole, (size_t) size);
  }
  pthread_mutex_unlock (&progress_lock);
}

void
log_set_progress (const char *line)
{
  char whole[PROGRESS_MAX + sizeof CLEAR_LINE];
  int size;

  pthread_mutex_lock (&progress_lock);
  progress[0] = '\0';
  if (line != NULL)
    progress[append_escaped (progress, 0, line, sizeof progress)] = '\0';
  size = snprintf (whole, sizeof whole, CLEAR_LINE "%s", progress);
  write_bytes (whole, (size_t) size);
  pthread_mutex_unlock (&progress_lock);
}

void
log_vmessage (enum log_level level, const char *format, va_list args)
{
  int saved_errno = errno;
  char text[LINE_MAX_BYTES];
  char line[LINE_MAX_BYTES];
  size_t used;
  int length;

  if ((int) level > atomic_load (&level_limit))
    return;
  length = vsnprintf (text, sizeof text, format, args);
  if (length < 0)
    text[0] = '\0';
  else if ((size_t) length >= sizeof text)
    text[utf8_whole_length (text, sizeof text - 1)] = '\0';
  pem_hide (text);
  used = append_escaped (line, 0, line_prefix, sizeof line);
  used = append_escaped (line, used, ": ", sizeof line);
  used = append_escaped (line, used, level_name (level), sizeof line);
  used = append_escaped (line, used, ": ", sizeof line);
  used = append_escaped (line, used, text, sizeof line);
  line[used++] = '\n';
  write_line (line, used);
  errno = saved_errno;
}

void
log_message (enum log_level level, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_vmessage (level, format, args);
  va_end (args);
}
