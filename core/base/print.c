/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from elsewhere in lines of ours. */

#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/print.h"
#include "core/base/utf8.h"

/* What has so many in a row may be a key. */
#define KEY_CHARACTERS 32

size_t
print_character (const char *data, size_t length,
                 char ret_shown[PRINT_CHARACTER_SIZE], size_t *ret_size)
{
  size_t size = utf8_plain_character (data, length);

  if (size > 0)
    memcpy (ret_shown, data, size);
  else
    snprintf (ret_shown, PRINT_CHARACTER_SIZE, "\\x%02x",
              (unsigned char) data[0]);
  *ret_size = size > 0 ? size : 4;
  return size > 0 ? size : 1;
}

void
print_append (struct text *text, const char *string)
{
  size_t length = strlen (string), size;
  char shown[PRINT_CHARACTER_SIZE];

  for (size_t at = 0; at < length;) {
    at += print_character (string + at, length - at, shown, &size);
    text_append (text, shown, size);
  }
}

/* 64 hexadecimal digits, and the base64 of a private key, have many of these in
 * a row; names that people give seldom do. A whole path is none: base64 has
 * slashes, too, but hardly begins with one. */
const char *
print_given (const char *word)
{
  static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+=";
  size_t length;

  if (*word == '/')
    return word;
  for (const char *at = word; *at != '\0'; at += length > 0 ? length : 1) {
    length = strspn (at, characters);
    if (length >= KEY_CHARACTERS)
      return "(not shown: it looks like a key itself)";
  }
  return word;
}

void
print_line (const char *format, ...)
{
  CLEANUP_TEXT struct text given = { 0 };
  CLEANUP_TEXT struct text line = { 0 };
  va_list args;

  va_start (args, format);
  text_vprintf (&given, format, args);
  va_end (args);
  print_append (&line, text_string (&given));
  if (given.failed || line.failed)
    log_message (LEVEL_ERROR, "print a line: out of memory");
  else
    puts (text_string (&line));
}
