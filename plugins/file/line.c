/* SPDX-License-Identifier: Apache-2.0 */
/* One row or change as one line of JSON.
 *
 * {"op":"update","position":"000000000016b374","ordinal":3,"commit_time":...,
 *  "schema":"public","table":"orders","key":{...},"before":{...},
 *  "after":{...},"unchanged":[...]}
 *
 * The first three members stand at the front, so that the place of a line can
 * be read back without a parser for JSON.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "line.h"
#include "output.h"

#define LINE_BEGIN "{\"op\":\""

/* ---- JSON -------------------------------------------------------------- */

/* The length of the UTF-8 character at data, 0 if there is none. */
static size_t
character_length (const unsigned char *data, size_t length)
{
  unsigned char first = data[0];
  size_t needed = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

  if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || needed > length)
    return 0;
  for (size_t i = 1; i < needed; i++)
    if ((data[i] & 0xc0) != 0x80)
      return 0;
  /* Overlong forms, surrogates, beyond U+10FFFF. */
  if ((first == 0xe0 && data[1] < 0xa0) || (first == 0xed && data[1] > 0x9f)
      || (first == 0xf0 && data[1] < 0x90)
      || (first == 0xf4 && data[1] > 0x8f))
    return 0;
  return needed;
}

static bool
is_utf8 (const char *data, size_t length)
{
  const unsigned char *at = (const unsigned char *) data;

  while (length > 0) {
    size_t step = character_length (at, length);
    if (step == 0)
      return false;
    at += step;
    length -= step;
  }
  return true;
}

static void
write_escape (struct output *output, unsigned char c)
{
  char escape[8];

  switch (c) {
  case '"':
  case '\\':
    snprintf (escape, sizeof escape, "\\%c", c);
    break;
  case '\n':
    memcpy (escape, "\\n", 3);
    break;
  case '\r':
    memcpy (escape, "\\r", 3);
    break;
  case '\t':
    memcpy (escape, "\\t", 3);
    break;
  default:
    snprintf (escape, sizeof escape, "\\u%04x", (unsigned) c);
  }
  output_text (output, escape);
}

static void
write_string (struct output *output, const char *data, size_t length)
{
  size_t begin = 0; /* of what needs no escape */

  output_text (output, "\"");
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char) data[i];
    if (c >= ' ' && c != '"' && c != '\\')
      continue;
    output_put (output, data + begin, i - begin);
    write_escape (output, c);
    begin = i + 1;
  }
  output_put (output, data + begin, length - begin);
  output_text (output, "\"");
}

static void
write_name (struct output *output, const char *name)
{
  write_string (output, name, strlen (name));
}

/* ---- Values ------------------------------------------------------------ */

/* Integers and truth are JSON's own; all else is a string, because readers
 * of JSON put other numbers into binary floating point. */
static bool
is_bare (const struct ezcdc_column *column, const struct ezcdc_value *value)
{
  size_t sign = value->length > 0 && value->data[0] == '-';

  switch (column->type) {
  case EZCDC_TYPE_BOOL:
    return (value->length == 4 && memcmp (value->data, "true", 4) == 0)
           || (value->length == 5 && memcmp (value->data, "false", 5) == 0);
  case EZCDC_TYPE_INT16:
  case EZCDC_TYPE_INT32:
  case EZCDC_TYPE_INT64:
    for (size_t i = sign; i < value->length; i++)
      if (value->data[i] < '0' || value->data[i] > '9')
        return false;
    return value->length > sign;
  default:
    return false;
  }
}

static void
write_value (struct output *output, const struct ezcdc_column *column,
             const struct ezcdc_value *value)
{
  if (value->state != EZCDC_VALUE)
    output_text (output, "null");
  else if (is_bare (column, value))
    output_put (output, value->data, value->length);
  else
    write_string (output, value->data, value->length);
}

/* An object with the values of those columns that have all the flags and are
 * not unchanged. */
static void
write_values (struct output *output, const struct ezcdc_table *table,
              const struct ezcdc_value *values, uint32_t flags)
{
  const char *separator = "{";

  for (uint32_t i = 0; i < table->column_count; i++) {
    if ((table->columns[i].flags & flags) != flags
        || values[i].state == EZCDC_UNCHANGED)
      continue;
    output_text (output, separator);
    write_name (output, table->columns[i].name);
    output_text (output, ":");
    write_value (output, &table->columns[i], &values[i]);
    separator = ",";
  }
  output_text (output, separator[0] == '{' ? "{}" : "}");
}

static void
write_unchanged (struct output *output, const struct ezcdc_row *row)
{
  const char *separator = ",\"unchanged\":[";

  for (uint32_t i = 0; i < row->table->column_count; i++) {
    if (row->values[i].state != EZCDC_UNCHANGED)
      continue;
    output_text (output, separator);
    write_name (output, row->table->columns[i].name);
    separator = ",";
  }
  if (separator[1] == '\0')
    output_text (output, "]");
}

/* Whether the source has sent more of the old row than its key. */
static bool
has_old_row (const struct ezcdc_row *row)
{
  if (row->old_values == NULL)
    return false;
  for (uint32_t i = 0; i < row->table->column_count; i++)
    if ((row->table->columns[i].flags & EZCDC_COLUMN_KEY) == 0
        && row->old_values[i].state == EZCDC_VALUE)
      return true;
  return false;
}

/* ---- The line ---------------------------------------------------------- */

static const char *
operation_name (uint32_t operation)
{
  switch (operation) {
  case EZCDC_INSERT:
    return "insert";
  case EZCDC_UPDATE:
    return "update";
  case EZCDC_DELETE:
    return "delete";
  case EZCDC_TRUNCATE:
    return "truncate";
  default:
    return "read";
  }
}

static void
write_place (struct output *output, const struct ezcdc_row *row)
{
  const char digits[] = "0123456789abcdef";
  char position[2 * EZCDC_POSITION_MAX];
  char ordinal[40];

  for (uint32_t i = 0; i < row->commit->length; i++) {
    position[2 * i] = digits[row->commit->bytes[i] >> 4];
    position[2 * i + 1] = digits[row->commit->bytes[i] & 15];
  }
  output_text (output, LINE_BEGIN);
  output_text (output, operation_name (row->operation));
  output_text (output, "\",\"position\":\"");
  output_put (output, position, 2 * (size_t) row->commit->length);
  snprintf (ordinal, sizeof ordinal, "\",\"ordinal\":%" PRIu64, row->ordinal);
  output_text (output, ordinal);
}

/* RFC 3339 in UTC with microseconds, between double quotes; or null. */
static void
format_time (int64_t microseconds, char ret_text[LINE_TIME])
{
  int64_t rest = (microseconds % 1000000 + 1000000) % 1000000;
  time_t seconds = (time_t) ((microseconds - rest) / 1000000);
  struct tm fields;
  char text[LINE_TIME - 11];

  if (microseconds == 0 || gmtime_r (&seconds, &fields) == NULL
      || strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &fields) == 0)
    memcpy (ret_text, "null", 5);
  else
    snprintf (ret_text, LINE_TIME, "\"%s.%06dZ\"", text, (int) rest);
}

static void
write_time (struct output *output, int64_t microseconds)
{
  char text[LINE_TIME];

  format_time (microseconds, text);
  output_text (output, ",\"commit_time\":");
  output_text (output, text);
}

void
line_write (struct output *output, const struct ezcdc_row *row)
{
  const struct ezcdc_table *table = row->table;

  write_place (output, row);
  write_time (output, row->commit_time);
  output_text (output, ",\"schema\":");
  write_name (output, table->schema);
  output_text (output, ",\"table\":");
  write_name (output, table->name);
  if (row->operation != EZCDC_TRUNCATE) {
    output_text (output, ",\"key\":");
    write_values (output, table,
                  row->old_values != NULL ? row->old_values : row->values,
                  EZCDC_COLUMN_KEY);
    if (has_old_row (row)) {
      output_text (output, ",\"before\":");
      write_values (output, table, row->old_values, 0);
    }
    if (row->operation != EZCDC_DELETE) {
      output_text (output, ",\"after\":");
      write_values (output, table, row->values, 0);
      write_unchanged (output, row);
    }
  }
  output_text (output, "}\n");
}

static bool
are_utf8 (const struct ezcdc_table *table, const struct ezcdc_value *values,
          const char **ret_column)
{
  for (uint32_t i = 0; i < table->column_count; i++)
    if (values[i].state == EZCDC_VALUE
        && !is_utf8 (values[i].data, values[i].length)) {
      *ret_column = table->columns[i].name;
      return false;
    }
  return true;
}

bool
line_is_possible (const struct ezcdc_row *row, const char **ret_column)
{
  return (row->values == NULL
          || are_utf8 (row->table, row->values, ret_column))
         && (row->old_values == NULL
             || are_utf8 (row->table, row->old_values, ret_column));
}

/* ---- Places ------------------------------------------------------------ */

struct place
line_place (const struct ezcdc_row *row)
{
  struct place place = { .known = row->operation != EZCDC_READ };

  if (place.known) {
    place.commit = *row->commit;
    place.ordinal = row->ordinal;
    format_time (row->commit_time, place.commit_time);
  }
  return place;
}

static int
compare_positions (const struct ezcdc_position *a,
                   const struct ezcdc_position *b)
{
  uint32_t common = a->length < b->length ? a->length : b->length;
  int order = memcmp (a->bytes, b->bytes, common);

  if (order != 0)
    return order;
  return (a->length > b->length) - (a->length < b->length);
}

bool
line_is_repeated (const struct ezcdc_row *row, const struct place *last)
{
  char commit_time[LINE_TIME];
  int order;

  if (!last->known || row->operation == EZCDC_READ || row->commit_time == 0)
    return false;
  order = compare_positions (row->commit, &last->commit);
  if (order > 0 || (order == 0 && row->ordinal > last->ordinal))
    return false;
  /* Both have the same form, so their order is that of the times. "null"
   * comes after each of them and stands for unknown. */
  format_time (row->commit_time, commit_time);
  return last->commit_time[0] == '"'
         && strcmp (commit_time, last->commit_time) <= 0;
}

/* Skips a text at *at, or returns false. */
static bool
skip (const char **at, const char *text)
{
  size_t length = strlen (text);

  if (strncmp (*at, text, length) != 0)
    return false;
  *at += length;
  return true;
}

static int
digit_value (char c)
{
  const char digits[] = "0123456789abcdef";
  const char *found = c == '\0' ? NULL : strchr (digits, c);

  return found == NULL ? -1 : (int) (found - digits);
}

static bool
read_position (const char **at, struct ezcdc_position *ret_position)
{
  struct ezcdc_position position = { 0 };

  while (digit_value ((*at)[0]) >= 0 && digit_value ((*at)[1]) >= 0) {
    if (position.length == EZCDC_POSITION_MAX)
      return false;
    position.bytes[position.length++] = (uint8_t) (digit_value ((*at)[0]) * 16
                                                   + digit_value ((*at)[1]));
    *at += 2;
  }
  *ret_position = position;
  return true;
}

static bool
read_ordinal (const char **at, uint64_t *ret_ordinal)
{
  const char *begin = *at;
  uint64_t ordinal = 0;

  for (; **at >= '0' && **at <= '9'; ++*at)
    if (__builtin_mul_overflow (ordinal, (uint64_t) 10, &ordinal)
        || __builtin_add_overflow (ordinal, (uint64_t) (**at - '0'), &ordinal))
      return false;
  *ret_ordinal = ordinal;
  return *at != begin;
}

static bool
read_time (const char **at, char ret_time[LINE_TIME])
{
  size_t length = strspn (*at, "null\"0123456789-T:.Z");

  if (length == 0 || length >= LINE_TIME)
    return false;
  memcpy (ret_time, *at, length);
  ret_time[length] = '\0';
  *at += length;
  return true;
}

bool
line_read_place (const char *head, struct place *ret_place)
{
  struct place place = { 0 };
  const char *at = head;
  bool is_read;

  if (!skip (&at, LINE_BEGIN))
    return false;
  is_read = strncmp (at, "read\"", 5) == 0;
  at += strspn (at, "abcdefghijklmnopqrstuvwxyz");
  if (!skip (&at, "\",\"position\":\"") || !read_position (&at, &place.commit)
      || !skip (&at, "\",\"ordinal\":") || !read_ordinal (&at, &place.ordinal)
      || !skip (&at, ",\"commit_time\":")
      || !read_time (&at, place.commit_time) || !skip (&at, ","))
    return false;
  place.known = !is_read;
  *ret_place = place;
  return true;
}

bool
line_is_ours (const char *head)
{
  struct place place;

  return line_read_place (head, &place);
}

bool
line_may_become_ours (const char *head)
{
  size_t length = strlen (head);
  size_t whole = strlen (LINE_BEGIN);

  return strncmp (head, LINE_BEGIN, length < whole ? length : whole) == 0;
}
