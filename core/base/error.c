/* SPDX-License-Identifier: Apache-2.0 */
/* Errors on their way up. */

#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/pem_mark.h"
#include "core/base/utf8.h"

/* Formats a text without PEM in it; what does not fit is cut between two
 * characters. */
__attribute__ ((format (printf, 3, 0))) static void
format_text (char *text, size_t size, const char *format, va_list args)
{
  int length = vsnprintf (text, size, format, args);

  if (length < 0)
    text[0] = '\0';
  else if ((size_t) length >= size)
    text[utf8_whole_length (text, size - 1)] = '\0';
  pem_hide (text);
}

int
error_vset (struct error *error, int code, const char *format, va_list args)
{
  int saved_errno = errno;
  char text[sizeof error->text];

  if (error != NULL) {
    /* Not in place: an argument may be the old text. */
    format_text (text, sizeof text, format, args);
    memcpy (error->text, text, strlen (text) + 1);
    error->code = code;
  }
  errno = saved_errno;
  return code;
}

int
error_set (struct error *error, int code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  error_vset (error, code, format, args);
  va_end (args);
  return code;
}

int
error_prefix (struct error *error, const char *format, ...)
{
  int saved_errno = errno;
  char prefix[sizeof error->text];
  va_list args;

  if (error == NULL)
    return 0;
  va_start (args, format);
  format_text (prefix, sizeof prefix, format, args);
  va_end (args);
  errno = saved_errno;
  return error_set (error, error->code, "%s: %s", prefix, error->text);
}
