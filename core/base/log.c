/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator, one line and one write each. */

#include <config.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/utf8.h"

#define LINE_MAX_BYTES 4096

static _Atomic int level_limit = LEVEL_INFO;
static char line_prefix[64] = "ezcdc";

static const char *
level_name (enum log_level level)
{
  switch (level) {
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

/* Copies text into the line from `used` on, with everything escaped that a
 * terminal or a log reader could take for something else. Leaves room for
 * the newline. Returns the new length. */
static size_t
append_escaped (char *line, size_t used, const char *text)
{
  size_t length = strlen (text);

  for (size_t at = 0; at < length;) {
    unsigned char byte = (unsigned char) text[at];
    size_t size = utf8_character (text + at, length - at);
    /* C0, DEL, and the C1 controls, which are C2 80 to C2 9F. */
    bool plain = size > 0 && byte >= 0x20 && byte != 0x7f
                 && !(byte == 0xc2 && (unsigned char) text[at + 1] < 0xa0);

    if (used + 4 >= LINE_MAX_BYTES)
      break;
    if (plain) {
      memcpy (line + used, text + at, size);
      used += size;
      at += size;
    }
    else {
      used += (size_t) snprintf (line + used, 5, "\\x%02x", byte);
      at++;
    }
  }
  return used;
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
  used = append_escaped (line, 0, line_prefix);
  used = append_escaped (line, used, ": ");
  used = append_escaped (line, used, level_name (level));
  used = append_escaped (line, used, ": ");
  used = append_escaped (line, used, text);
  line[used++] = '\n';

  /* There is nobody to tell if this fails. */
  while (write (STDERR_FILENO, line, used) < 0 && errno == EINTR)
    ;
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
