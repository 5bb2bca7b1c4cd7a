/* SPDX-License-Identifier: Apache-2.0 */
/* Errors on their way up. */

#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"

/* Formats into error->text at offset; what does not fit is cut between two
 * characters. Returns the length of the whole text. */
__attribute__ ((format (printf, 3, 0))) static size_t
format_text (char *text, size_t size, const char *format, va_list args)
{
  int length = vsnprintf (text, size, format, args);
  size_t whole;

  if (length < 0)
    whole = 0;
  else if ((size_t) length < size)
    return (size_t) length;
  else
    whole = utf8_whole_length (text, size - 1);
  text[whole] = '\0';
  return whole;
}

int
error_vset (struct error *error, int code, const char *format, va_list args)
{
  int saved_errno = errno;
  char text[sizeof error->text];
  size_t length;

  if (error != NULL) {
    /* Not in place: an argument may be the old text. */
    length = format_text (text, sizeof text, format, args);
    memcpy (error->text, text, length + 1);
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
