/* SPDX-License-Identifier: Apache-2.0 */
/* A growable buffer of bytes. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/text.h"

void
text_reserve (struct text *text, size_t more)
{
  size_t needed;

  if (text->failed)
    return;
  if (!size_add (text->length, more, &needed)
      || !size_add (needed, 1, &needed)) {
    text->failed = 1;
    return;
  }
  if (needed <= text->capacity)
    return;
  if (needed < 64)
    needed = 64;
  if (!array_reserve (&text->data, &text->capacity, needed, 1)) {
    text->failed = 1;
    return;
  }
  text->data[text->length] = '\0';
}

void
text_append (struct text *text, const void *data, size_t length)
{
  text_reserve (text, length);
  if (text->failed)
    return;
  if (length > 0)
    memcpy (text->data + text->length, data, length);
  text->length += length;
  text->data[text->length] = '\0';
}

void
text_char (struct text *text, char c)
{
  text_append (text, &c, 1);
}

void
text_append_string (struct text *text, const char *string)
{
  text_append (text, string, strlen (string));
}

void
text_vprintf (struct text *text, const char *format, va_list args)
{
  va_list again;
  int length;

  va_copy (again, args);
  length = vsnprintf (NULL, 0, format, again);
  va_end (again);
  if (length < 0) {
    text->failed = 1;
    return;
  }
  text_reserve (text, (size_t) length);
  if (text->failed)
    return;
  vsnprintf (text->data + text->length, (size_t) length + 1, format, args);
  text->length += (size_t) length;
}

void
text_printf (struct text *text, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  text_vprintf (text, format, args);
  va_end (args);
}

const char *
text_string (const struct text *text)
{
  return text->data != NULL ? text->data : "";
}

void
text_clear (struct text *text)
{
  text->length = 0;
  text->failed = 0;
  if (text->data != NULL)
    text->data[0] = '\0';
}

void
text_free (struct text *text)
{
  free (text->data);
  *text = (struct text){ 0 };
}

void
text_wipe_free (struct text *text)
{
  if (text->data != NULL)
    explicit_bzero (text->data, text->capacity);
  text_free (text);
}

char *
text_take (struct text *text)
{
  char *data = NULL;

  text_reserve (text, 0);
  if (!text->failed)
    data = TAKE_POINTER (text->data);
  text_free (text);
  return data;
}
