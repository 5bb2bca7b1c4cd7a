/* SPDX-License-Identifier: Apache-2.0 */
/* One row of COPY ... TO STDOUT in text format. */

#include <string.h>

#include "copy.h"

/* What the character behind a backslash stands for. */
static char
copy_escape (char c)
{
  switch (c) {
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  case 'v':
    return '\v';
  default:
    return c;
  }
}

/* Resolves the escapes in [from, end), of which the first is at escape.
 * Returns the new end, or NULL if a backslash is the last character. */
static char *
copy_unescape (char *escape, char *end)
{
  char *read = escape, *write = escape, *next;

  do {
    if (end - read < 2)
      return NULL;
    *write++ = copy_escape (read[1]);
    read += 2;
    next = memchr (read, '\\', (size_t) (end - read));
    if (next == NULL)
      next = end;
    memmove (write, read, (size_t) (next - read));
    write += next - read;
    read = next;
  } while (read < end);
  return write;
}

static bool
copy_value (char *from, char *end, bool escapes, struct ezcdc_value *value)
{
  char *escape;

  value->state = EZCDC_VALUE;
  value->data = from;
  value->length = (uint32_t) (end - from);
  if (!escapes)
    return true;
  escape = memchr (from, '\\', (size_t) (end - from));
  if (escape == NULL)
    return true;
  if (end - from == 2 && from[1] == 'N') {
    value->state = EZCDC_NULL;
    value->data = NULL;
    value->length = 0;
    return true;
  }
  end = copy_unescape (escape, end);
  if (end == NULL)
    return false;
  value->length = (uint32_t) (end - from);
  return true;
}

bool
copy_row (char *row, size_t length, uint32_t count,
          struct ezcdc_value *ret_values)
{
  char *end = row + length, *tab;
  bool escapes;
  uint32_t i;

  if (length > 0 && end[-1] == '\n')
    end--;
  /* Most rows have none, and then a value needs no second look. */
  escapes = memchr (row, '\\', (size_t) (end - row)) != NULL;
  for (i = 0; i < count; i++) {
    /* A tab inside a value is escaped. */
    tab = memchr (row, '\t', (size_t) (end - row));
    if ((tab == NULL) != (i + 1 == count))
      return false;
    if (tab == NULL)
      tab = end;
    if (!copy_value (row, tab, escapes, &ret_values[i]))
      return false;
    row = tab + 1;
  }
  return count > 0;
}
