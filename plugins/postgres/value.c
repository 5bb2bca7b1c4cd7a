/* SPDX-License-Identifier: Apache-2.0 */
/* From PostgreSQL's text of a value to the canonical text. */

#include <stdlib.h>
#include <string.h>

#include "value.h"

/* An array of booleans grows most: {f,f} to {false,false}. */
#define VALUE_ARRAY_GROWTH 5

static bool
value_type_differs (uint32_t type)
{
  return type == EZCDC_TYPE_BOOL || type == EZCDC_TYPE_BYTES
         || type == EZCDC_TYPE_TIMESTAMPTZ;
}

bool
value_rules_set (struct value_rules *rules, const struct ezcdc_column *columns,
                 uint32_t count)
{
  struct value_rule *items;
  uint32_t i, used = 0;

  items = calloc (count + 1, sizeof *items);
  if (items == NULL)
    return false;
  rules->arrays = false;
  for (i = 0; i < count; i++) {
    bool array = columns[i].type == EZCDC_TYPE_ARRAY;

    if (!value_type_differs (array ? columns[i].element_type
                                   : columns[i].type))
      continue;
    items[used].column = i;
    items[used].type = columns[i].type;
    items[used].element_type = columns[i].element_type;
    rules->arrays |= array;
    used++;
  }
  free (rules->items);
  rules->items = items;
  rules->count = used;
  return true;
}

void
value_rules_clear (struct value_rules *rules)
{
  free (rules->items);
  free (rules->scratch);
  memset (rules, 0, sizeof *rules);
}

/* 2024-03-31 01:30:00+00, 0044-03-15 12:00:00+00 BC, infinity. Returns the
 * new length. */
static size_t
value_timestamptz (char *text, size_t length)
{
  if (length > 3 && memcmp (text + length - 3, "+00", 3) == 0)
    return length - 3;
  if (length > 6 && memcmp (text + length - 6, "+00 BC", 6) == 0) {
    memcpy (text + length - 6, " BC", 3);
    return length - 3;
  }
  return length;
}

static void
value_scalar (uint32_t type, struct ezcdc_value *value)
{
  /* The bytes are the connection's receive buffer, ours to change. */
  char *text = (char *) value->data;

  if (type == EZCDC_TYPE_BOOL) {
    bool yes = value->length == 1 && *text == 't';

    value->data = yes ? "true" : "false";
    value->length = yes ? 4 : 5;
  }
  else if (type == EZCDC_TYPE_BYTES) {
    if (value->length >= 2 && text[0] == '\\' && text[1] == 'x') {
      value->data += 2;
      value->length -= 2;
    }
  }
  else
    value->length = (uint32_t) value_timestamptz (text, value->length);
}

/* Where the element at from, quoted or not, ends. */
static const char *
value_element_end (const char *from, const char *end)
{
  if (*from == '"') {
    for (from++; from < end && *from != '"'; from++)
      if (*from == '\\' && from + 1 < end)
        from++;
    return from < end ? from + 1 : end;
  }
  while (from < end && *from != ',' && *from != '{' && *from != '}')
    from++;
  return from;
}

/* Writes one element and returns where writing goes on. */
static char *
value_element (uint32_t type, const char *from, size_t length, char *write)
{
  if (type == EZCDC_TYPE_BOOL && length == 1) {
    const char *word = *from == 't' ? "true" : "false";

    memcpy (write, word, strlen (word));
    return write + strlen (word);
  }
  if (type == EZCDC_TYPE_BYTES && length >= 5
      && memcmp (from, "\"\\\\x", 4) == 0) {
    if (length == 5) { /* no bytes at all: an empty element needs quotes */
      memcpy (write, "\"\"", 2);
      return write + 2;
    }
    memcpy (write, from + 4, length - 5);
    return write + length - 5;
  }
  memcpy (write, from, length);
  if (type == EZCDC_TYPE_TIMESTAMPTZ && length > 1 && *from == '"') {
    length = value_timestamptz (write, length - 1);
    write[length++] = '"';
  }
  return write + length;
}

static char *
value_array (uint32_t type, struct ezcdc_value *value, char *write)
{
  const char *from = value->data, *end = from + value->length, *next;
  char *start = write;

  /* Bounds, as in [0:1]={7,8}, are no elements. */
  while (from < end && *from != '{')
    *write++ = *from++;
  while (from < end) {
    if (*from == '{' || *from == '}' || *from == ',') {
      *write++ = *from++;
      continue;
    }
    next = value_element_end (from, end);
    write = value_element (type, from, (size_t) (next - from), write);
    from = next;
  }
  value->data = start;
  value->length = (uint32_t) (write - start);
  return write;
}

static size_t
value_array_bytes (const struct value_rules *rules,
                   const struct ezcdc_value *row)
{
  size_t bytes = 0;
  uint32_t i;

  for (i = 0; i < rules->count; i++)
    if (rules->items[i].type == EZCDC_TYPE_ARRAY)
      bytes += row[rules->items[i].column].length;
  return bytes;
}

static char *
value_rules_apply_row (struct value_rules *rules, struct ezcdc_value *row,
                       char *write)
{
  uint32_t i;

  for (i = 0; i < rules->count; i++) {
    const struct value_rule *rule = &rules->items[i];
    struct ezcdc_value *value = &row[rule->column];

    if (value->state != EZCDC_VALUE)
      continue;
    if (rule->type == EZCDC_TYPE_ARRAY)
      write = value_array (rule->element_type, value, write);
    else
      value_scalar (rule->type, value);
  }
  return write;
}

/* Room for the arrays of both rows, so that nothing moves while they are
 * written. */
static bool
value_rules_reserve (struct value_rules *rules,
                     const struct ezcdc_value *first,
                     const struct ezcdc_value *second)
{
  size_t bytes = value_array_bytes (rules, first);
  char *scratch;

  if (second != NULL)
    bytes += value_array_bytes (rules, second);
  bytes *= VALUE_ARRAY_GROWTH;
  if (bytes <= rules->scratch_size)
    return true;
  scratch = realloc (rules->scratch, bytes);
  if (scratch == NULL)
    return false;
  rules->scratch = scratch;
  rules->scratch_size = bytes;
  return true;
}

bool
value_rules_apply (struct value_rules *rules, struct ezcdc_value *first,
                   struct ezcdc_value *second)
{
  char *write;

  if (rules->count == 0)
    return true;
  if (rules->arrays && !value_rules_reserve (rules, first, second))
    return false;
  write = value_rules_apply_row (rules, first, rules->scratch);
  if (second != NULL)
    value_rules_apply_row (rules, second, write);
  return true;
}
