/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow at their end. */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

int
buffer_reserve (struct buffer *buffer, size_t more)
{
  size_t needed, capacity;
  char *data;

  if (buffer->failed)
    return -1;
  if (more <= buffer->capacity - buffer->length)
    return 0;
  if (more > SIZE_MAX / 4 - buffer->length)
    goto failed;
  needed = buffer->length + more;
  capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
  while (capacity < needed)
    capacity += capacity / 2;
  data = realloc (buffer->data, capacity);
  if (data == NULL)
    goto failed;
  buffer->data = data;
  buffer->capacity = capacity;
  return 0;

failed:
  buffer->failed = 1;
  return -1;
}

void
buffer_append (struct buffer *buffer, const char *data, size_t length)
{
  if (length == 0 || buffer_reserve (buffer, length) == -1)
    return;
  memcpy (buffer->data + buffer->length, data, length);
  buffer->length += length;
}

void
buffer_text (struct buffer *buffer, const char *text)
{
  buffer_append (buffer, text, strlen (text));
}

void
buffer_printf (struct buffer *buffer, const char *format, ...)
{
  va_list arguments;
  int length;

  va_start (arguments, format);
  length = vsnprintf (NULL, 0, format, arguments);
  va_end (arguments);
  if (length < 0) {
    buffer->failed = 1;
    return;
  }
  if (buffer_reserve (buffer, (size_t) length + 1) == -1)
    return;
  va_start (arguments, format);
  vsnprintf (buffer->data + buffer->length, (size_t) length + 1, format,
             arguments);
  va_end (arguments);
  buffer->length += (size_t) length;
}

const char *
buffer_string (struct buffer *buffer)
{
  if (buffer_reserve (buffer, 1) == -1)
    return "";
  buffer->data[buffer->length] = '\0';
  return buffer->data;
}

void
buffer_clear (struct buffer *buffer)
{
  buffer->length = 0;
  buffer->failed = 0;
}

void
buffer_free (struct buffer *buffer)
{
  free (buffer->data);
  memset (buffer, 0, sizeof *buffer);
}
