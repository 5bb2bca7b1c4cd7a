/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator, on standard error. */

#ifndef EZCDC_BASE_LOG_H
#define EZCDC_BASE_LOG_H

#include <stdarg.h>

enum log_level {
  LEVEL_NONE = -1, /* for log_set_level only */
  LEVEL_ERROR,
  LEVEL_WARNING,
  LEVEL_INFO,
  LEVEL_DEBUG,
};

/* Writes one line, "ezcdc: error: TEXT", with one write, so that lines of
 * several threads and processes do not mix. What is no plain character
 * (utf8.h) comes out as \xNN, byte by byte; a line longer than 4 KiB is cut.
 * Any thread; not from a signal handler. Leaves errno as it was, so "%m"
 * works. A function that returns an error does not log it; who handles the
 * error does.
 */
void log_message (enum log_level level, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));
void log_vmessage (enum log_level level, const char *format, va_list args)
  __attribute__ ((format (printf, 2, 0)));

/* Messages above this level are dropped; LEVEL_INFO at the start. */
void log_set_level (enum log_level level);
enum log_level log_get_level (void);

/* What stands at the front of each line instead of "ezcdc", for example
 * "ezcdc[shop]". Copied; cut after 60 bytes. Before threads are started. */
void log_set_prefix (const char *prefix);

/* Shows a line at the foot of the terminal that standard error is, until it
 * is replaced or taken away (NULL); messages scroll by above it. Copied. */
void log_set_progress (const char *line);

#endif
