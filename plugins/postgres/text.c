/* SPDX-License-Identifier: Apache-2.0 */
/* A string that grows, for statements. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Room for length more bytes and a NUL. */
static bool
text_reserve (struct text *text, size_t length)
{
  size_t space = text->space ? text->space : 256;
  char *data;

  if (text->failed)
    return false;
  while (space - text->length <= length)
    space *= 2;
  if (space > text->space) {
    data = realloc (text->data, space);
    if (data == NULL) {
      text_clear (text);
      text->failed = true;
      return false;
    }
    text->data = data;
    text->space = space;
  }
  return true;
}

void
text_add_bytes (struct text *text, const char *data, size_t length)
{
  if (!text_reserve (text, length))
    return;
  memcpy (text->data + text->length, data, length);
  text->length += length;
  text->data[text->length] = '\0';
}

void
text_add (struct text *text, const char *string)
{
  text_add_bytes (text, string, strlen (string));
}

void
text_format (struct text *text, const char *format, ...)
{
  va_list arguments;
  int length;

  va_start (arguments, format);
  length = vsnprintf (NULL, 0, format, arguments);
  va_end (arguments);
  if (length < 0 || !text_reserve (text, (size_t) length))
    return;
  va_start (arguments, format);
  vsnprintf (text->data + text->length, (size_t) length + 1, format,
             arguments);
  va_end (arguments);
  text->length += (size_t) length;
}

static void
text_add_quoted (struct text *text, char quote, const char *data,
                 size_t length)
{
  size_t i;

  text_add_bytes (text, &quote, 1);
  for (i = 0; i < length; i++) {
    if (data[i] == quote)
      text_add_bytes (text, &quote, 1);
    text_add_bytes (text, &data[i], 1);
  }
  text_add_bytes (text, &quote, 1);
}

void
text_add_name (struct text *text, const char *name)
{
  text_add_quoted (text, '"', name, strlen (name));
}

void
text_add_literal (struct text *text, const char *data, size_t length)
{
  text_add_quoted (text, '\'', data, length);
}

void
text_clear (struct text *text)
{
  text->length = 0;
  if (text->data != NULL)
    *text->data = '\0';
}

void
text_free (struct text *text)
{
  free (text->data);
  text->data = NULL;
  text->length = text->space = 0;
  text->failed = false;
}
