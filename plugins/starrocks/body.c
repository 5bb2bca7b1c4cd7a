/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a load: rows as a JSON array, compressed while it grows. */

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "settings.h"

/* So much JSON is collected before it is compressed. */
#define PIECE (256 * 1024)
/* More than this is given back when small bodies follow. */
#define KEPT (1024 * 1024)

/* Text up to this length is written without a look at the room: there is six
 * times as much. */
#define SHORT 1024
/* Around a value: quotes, an exponent, the end of the row. */
#define AROUND 32

/* Whether none of eight bytes is below 0x20, a quote or a backslash. */
static inline int
eight_are_plain (uint64_t word)
{
  const uint64_t ones = UINT64_C (0x0101010101010101), high = ones * 0x80;
  uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');

  return ((((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote)
           | ((backslash - ones) & ~backslash))
          & high)
         == 0;
}

static inline int
is_plain (unsigned char c)
{
  return c >= 0x20 && c != '"' && c != '\\';
}

static char *
write_escape (char *out, unsigned char c)
{
  static const char digits[] = "0123456789abcdef";

  *out++ = '\\';
  switch (c) {
  case '"':
  case '\\':
    *out++ = (char) c;
    break;
  case '\n':
    *out++ = 'n';
    break;
  case '\r':
    *out++ = 'r';
    break;
  case '\t':
    *out++ = 't';
    break;
  default:
    memcpy (out, "u00", 3);
    out[3] = digits[c >> 4];
    out[4] = digits[c & 15];
    out += 5;
  }
  return out;
}

/* Copies and escapes; out has room for six times length. */
static char *
write_text (char *out, const char *data, size_t length)
{
  const char *end = data + length;
  uint64_t word;

  while (end - data >= (ptrdiff_t) sizeof word) {
    memcpy (&word, data, sizeof word);
    if (eight_are_plain (word)) {
      memcpy (out, &word, sizeof word);
      data += sizeof word;
      out += sizeof word;
      continue;
    }
    for (; is_plain ((unsigned char) *data); data++)
      *out++ = *data;
    out = write_escape (out, (unsigned char) *data++);
  }
  for (; data < end; data++)
    if (is_plain ((unsigned char) *data))
      *out++ = *data;
    else
      out = write_escape (out, (unsigned char) *data);
  return out;
}

void
json_append_text (struct buffer *json, const char *text, size_t length)
{
  /* Enough for all of it, if there is nothing to escape. */
  if (buffer_reserve (json, length + 2) == -1)
    return;
  json->data[json->length++] = '"';
  while (length > 0) {
    size_t piece = length < SHORT ? length : SHORT;
    char *out;

    if (buffer_reserve (json, 6 * piece) == -1)
      return;
    out = json->data + json->length;
    json->length += (size_t) (write_text (out, text, piece) - out);
    text += piece;
    length -= piece;
  }
  buffer_append (json, "\"", 1);
}

/* StarRocks adds up the digits of a float in a way that loses the last bits,
 * except behind an exponent, where it calls strtod. */
static char *
write_float (char *out, const char *data, size_t length)
{
  int plain = 1;

  for (size_t i = 0; i < length; i++) {
    out[i] = data[i];
    if ((data[i] < '0' || data[i] > '9') && data[i] != '-' && data[i] != '.')
      plain = 0; /* an exponent, NaN, Infinity */
  }
  out += length;
  if (plain) {
    *out++ = 'e';
    *out++ = '0';
  }
  return out;
}

/* The room that write_value needs. */
static inline size_t
value_bound (enum encoding encoding, const struct ezcdc_value *value)
{
  if (value->state != EZCDC_VALUE)
    return AROUND;
  return encoding == ENCODE_TEXT && value->length <= SHORT
           ? (size_t) value->length * 6 + AROUND
           : (size_t) value->length + AROUND;
}

/* Anything but long text. */
static inline char *
write_value (char *out, enum encoding encoding,
             const struct ezcdc_value *value)
{
  if (value->state != EZCDC_VALUE) {
    memcpy (out, "null", 4);
    return out + 4;
  }
  if (encoding != ENCODE_PLAIN)
    *out++ = '"';
  if (encoding == ENCODE_TEXT)
    out = write_text (out, value->data, value->length);
  else if (encoding == ENCODE_FLOAT)
    out = write_float (out, value->data, value->length);
  else if (value->length > 0) {
    memcpy (out, value->data, value->length);
    out += value->length;
  }
  if (encoding != ENCODE_PLAIN)
    *out++ = '"';
  return out;
}

void
json_append_value (struct buffer *json, enum encoding encoding,
                   const struct ezcdc_value *value)
{
  char *out;

  if (encoding == ENCODE_TEXT && value->state == EZCDC_VALUE
      && value->length > SHORT) {
    json_append_text (json, value->data, value->length);
    return;
  }
  if (buffer_reserve (json, value_bound (encoding, value)) == -1)
    return;
  out = json->data + json->length;
  json->length += (size_t) (write_value (out, encoding, value) - out);
}

int
body_begin (struct body *body, int method)
{
  if (body->compressor != NULL
      && compressor_method (body->compressor) != method) {
    compressor_free (body->compressor);
    body->compressor = NULL;
  }
  if (body->compressor == NULL && method != COMPRESSION_NONE) {
    body->compressor = compressor_new (method);
    if (body->compressor == NULL)
      return -1;
  }
  buffer_clear (&body->raw);
  buffer_clear (&body->packed);
  body->raw_total = 0;
  body->row_count = 0;
  body->row_start = 0;
  if (body->compressor != NULL
      && compressor_begin (body->compressor, &body->packed) == -1)
    return -1;
  buffer_append (&body->raw, "[", 1);
  return body->raw.failed ? -1 : 0;
}

void
body_expect (struct body *body, uint64_t size)
{
  if (body->compressor == NULL && size <= SIZE_MAX / 8
      && buffer_reserve (&body->raw, (size_t) size) == -1)
    body->raw.failed = 0;
}

static inline int
is_written (const struct layout_column *column, int is_delete,
            const uint8_t *skip, uint32_t i)
{
  return (!is_delete || column->key_ordinal > 0) && (skip == NULL || !skip[i]);
}

/* Makes room for a row once, so that the values need not ask. */
static int
reserve_row (struct body *body, const struct layout *layout,
             const struct ezcdc_row *row)
{
  size_t needed = AROUND;

  for (uint32_t i = 0; i < layout->column_count; i++)
    needed += layout->columns[i].prefix_room
              + value_bound (layout->columns[i].encoding, &row->values[i]);
  return buffer_reserve (&body->raw, needed);
}

static inline char *
write_prefix (char *out, const struct layout_column *column)
{
  /* Whole blocks: what is too much is written over. */
  for (size_t i = 0; i < column->prefix_length; i += PREFIX_BLOCK)
    memcpy (out + i, column->prefix + i, PREFIX_BLOCK);
  return out + column->prefix_length;
}

/* Text for which reserve_row has not asked enough: room again for it and
 * for the columns behind it. */
static int
append_long (struct body *body, const struct layout *layout,
             const struct ezcdc_row *row, uint32_t i)
{
  json_append_text (&body->raw, row->values[i].data, row->values[i].length);
  return reserve_row (body, layout, row);
}

int
body_row (struct body *body, const struct layout *layout,
          const struct ezcdc_row *row, const uint8_t *skip)
{
  struct buffer *json = &body->raw;
  int is_delete = row->operation == EZCDC_DELETE;
  size_t first;
  char *out;

  body->row_start = json->length;
  if (reserve_row (body, layout, row) == -1)
    return -1;
  if (body->row_count > 0)
    json->data[json->length++] = ',';
  first = json->length;
  out = json->data + json->length;
  for (uint32_t i = 0; i < layout->column_count; i++) {
    const struct layout_column *column = &layout->columns[i];
    const struct ezcdc_value *value = &row->values[i];

    if (!is_written (column, is_delete, skip, i))
      continue;
    out = write_prefix (out, column);
    if (column->encoding == ENCODE_TEXT && value->state == EZCDC_VALUE
        && value->length > SHORT) {
      json->length = (size_t) (out - json->data);
      if (append_long (body, layout, row, i) == -1)
        return -1;
      out = json->data + json->length;
    }
    else
      out = write_value (out, column->encoding, value);
  }
  json->length = (size_t) (out - json->data);
  if (is_delete)
    buffer_append (json, ",\"__op\":1}", 10);
  else
    buffer_append (json, "}", 1);
  if (json->failed)
    return -1;
  json->data[first] = '{'; /* where the first prefix has its comma */
  body->row_count++;
  return 0;
}

void
body_undo (struct body *body)
{
  body->raw.length = body->row_start;
  body->row_count--;
}

int
body_keep (struct body *body)
{
  if (body->compressor == NULL || body->raw.length < PIECE)
    return 0;
  if (compressor_add (body->compressor, body->raw.data, body->raw.length,
                      &body->packed)
      == -1)
    return -1;
  body->raw_total += body->raw.length;
  body->raw.length = 0;
  return 0;
}

uint64_t
body_size (const struct body *body)
{
  if (body->compressor == NULL)
    return body->raw.length + 1;
  return body->packed.length
         + compressor_bound (body->compressor, body->raw.length + 1);
}

int
body_end (struct body *body, const char **ret_data, size_t *ret_length)
{
  buffer_append (&body->raw, "]", 1);
  if (body->raw.failed)
    return -1;
  body->raw_total += body->raw.length;
  if (body->compressor == NULL) {
    *ret_data = body->raw.data;
    *ret_length = body->raw.length;
    return 0;
  }
  if (compressor_add (body->compressor, body->raw.data, body->raw.length,
                      &body->packed)
        == -1
      || compressor_end (body->compressor, &body->packed) == -1)
    return -1;
  *ret_data = body->packed.data;
  *ret_length = body->packed.length;
  return 0;
}

static void
relax (struct buffer *buffer)
{
  if (buffer->capacity > KEPT && buffer->length < buffer->capacity / 4)
    buffer_free (buffer);
}

void
body_relax (struct body *body)
{
  relax (&body->raw);
  relax (&body->packed);
  relax (&body->scratch);
}

void
body_free (struct body *body)
{
  if (body == NULL)
    return;
  compressor_free (body->compressor);
  buffer_free (&body->raw);
  buffer_free (&body->packed);
  buffer_free (&body->header);
  buffer_free (&body->scratch);
  free (body);
}
