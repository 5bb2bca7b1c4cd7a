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

/* Whether none of eight bytes is below 0x20, a quote or a backslash. */
static int
eight_are_plain (const char *data)
{
  const uint64_t ones = UINT64_C (0x0101010101010101), high = ones * 0x80;
  uint64_t word, quote, backslash;

  memcpy (&word, data, sizeof word);
  quote = word ^ (ones * '"');
  backslash = word ^ (ones * '\\');
  return ((((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote)
           | ((backslash - ones) & ~backslash))
          & high)
         == 0;
}

/* How many bytes can be copied as they are. */
static size_t
plain_run (const char *data, size_t length)
{
  size_t i = 0;

  while (i + 8 <= length && eight_are_plain (data + i))
    i += 8;
  for (; i < length; i++) {
    unsigned char c = (unsigned char) data[i];

    if (c < 0x20 || c == '"' || c == '\\')
      break;
  }
  return i;
}

static void
append_escape (struct buffer *json, unsigned char c)
{
  static const char digits[] = "0123456789abcdef";
  char escape[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };
  size_t length = 2;

  switch (c) {
  case '"':
  case '\\':
    escape[1] = (char) c;
    break;
  case '\n':
    escape[1] = 'n';
    break;
  case '\r':
    escape[1] = 'r';
    break;
  case '\t':
    escape[1] = 't';
    break;
  default:
    length = 6;
  }
  buffer_append (json, escape, length);
}

void
json_append_text (struct buffer *json, const char *text, size_t length)
{
  if (buffer_reserve (json, length + 2) == -1)
    return;
  json->data[json->length++] = '"';
  while (length > 0) {
    size_t run = plain_run (text, length);

    buffer_append (json, text, run);
    if (run == length)
      break;
    append_escape (json, (unsigned char) text[run]);
    text += run + 1;
    length -= run + 1;
  }
  buffer_append (json, "\"", 1);
}

/* StarRocks adds up the digits of a float in a way that loses the last bits,
 * except behind an exponent, where it calls strtod. */
static void
append_float (struct buffer *json, const char *data, size_t length)
{
  int plain = length > 0;

  for (size_t i = 0; i < length; i++)
    if ((data[i] < '0' || data[i] > '9') && data[i] != '-' && data[i] != '.')
      plain = 0; /* an exponent, NaN, Infinity */
  if (buffer_reserve (json, length + 4) == -1)
    return;
  json->data[json->length++] = '"';
  memcpy (json->data + json->length, data, length);
  json->length += length;
  if (plain) {
    json->data[json->length++] = 'e';
    json->data[json->length++] = '0';
  }
  json->data[json->length++] = '"';
}

void
json_append_value (struct buffer *json, enum encoding encoding,
                   const struct ezcdc_value *value)
{
  size_t length = value->length;
  char *out;

  if (value->state != EZCDC_VALUE) {
    buffer_append (json, "null", 4);
    return;
  }
  switch (encoding) {
  case ENCODE_PLAIN:
    buffer_append (json, value->data, length);
    return;
  case ENCODE_FLOAT:
    append_float (json, value->data, length);
    return;
  case ENCODE_ASCII:
    if (buffer_reserve (json, length + 2) == -1)
      return;
    out = json->data + json->length;
    out[0] = '"';
    if (length > 0)
      memcpy (out + 1, value->data, length);
    out[length + 1] = '"';
    json->length += length + 2;
    return;
  case ENCODE_TEXT:
    json_append_text (json, value->data, length);
    return;
  }
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

int
body_row (struct body *body, const struct layout *layout,
          const struct ezcdc_row *row, const uint8_t *skip)
{
  struct buffer *json = &body->raw;
  int is_delete = row->operation == EZCDC_DELETE;
  size_t first;

  body->row_start = json->length;
  if (body->row_count > 0)
    buffer_append (json, ",", 1);
  first = json->length;
  for (uint32_t i = 0; i < layout->column_count; i++) {
    const struct layout_column *column = &layout->columns[i];

    if ((is_delete && column->key_ordinal == 0) || (skip != NULL && skip[i]))
      continue;
    buffer_append (json, column->prefix, column->prefix_length);
    json_append_value (json, column->encoding, &row->values[i]);
  }
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
