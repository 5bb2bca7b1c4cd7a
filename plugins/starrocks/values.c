/* SPDX-License-Identifier: Apache-2.0 */
/* Which values StarRocks can store without changing them.  StarRocks rounds
 * decimals and reads dates up to the first odd character without a word, so
 * all of this is looked at before a row leaves. */

#include <string.h>

#include "values.h"

/* The hexadecimal text of a VARBINARY passes through a VARCHAR. */
#define HEX_MAX ((size_t) VARCHAR_MAX)

static int
digits (const char *data, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (data[i] < '0' || data[i] > '9')
      return 0;
  return 1;
}

static const char *
decimal_problem (const struct column_type *type, const char *data,
                 size_t length)
{
  size_t i = length > 0 && data[0] == '-', whole = 0, fraction = 0;
  size_t kept; /* fraction digits up to the last one that is not zero */

  if (i == length || ((data[i] < '0' || data[i] > '9') && data[i] != '.'))
    return "is not a number that DECIMAL can hold (NaN or infinite)";
  while (i < length && data[i] == '0')
    i++;
  while (i < length && data[i] >= '0' && data[i] <= '9') {
    i++;
    whole++;
  }
  kept = 0;
  if (i < length && data[i] == '.')
    for (i++; i < length && data[i] >= '0' && data[i] <= '9'; i++) {
      fraction++;
      if (data[i] != '0')
        kept = fraction;
    }
  if (i != length)
    return "is not in plain decimal digits";
  if (kept > (size_t) type->scale)
    return "has more digits behind the point than the column";
  if (whole > (size_t) (type->precision - type->scale))
    return "has more digits before the point than the column";
  return NULL;
}

static int
is_date (const char *data)
{
  return digits (data, 4) && data[4] == '-' && digits (data + 5, 2)
         && data[7] == '-' && digits (data + 8, 2);
}

static const char date_range[] =
  "is infinite or outside the years 0000 to 9999, the only ones that "
  "StarRocks has";

static const char *
date_problem (const char *data, size_t length)
{
  return length == 10 && is_date (data) ? NULL : date_range;
}

static const char *
datetime_problem (const char *data, size_t length)
{
  if (length < 19 || length > 26 || !is_date (data) || data[10] != ' '
      || !digits (data + 11, 2) || data[13] != ':' || !digits (data + 14, 2)
      || data[16] != ':' || !digits (data + 17, 2))
    return date_range;
  if (length > 19
      && (length == 20 || data[19] != '.' || !digits (data + 20, length - 20)))
    return date_range;
  if (data[11] == '2' && data[12] > '3')
    return "has an hour that StarRocks does not have";
  return NULL;
}

/* A JSON null at the top would become the SQL NULL. */
static const char *
json_problem (const char *data, size_t length)
{
  if (length > 16 * 1024 * 1024)
    return "is longer than the 16 MiB of the JSON type";
  while (length > 0 && strchr (" \t\r\n", *data) != NULL && *data != '\0') {
    data++;
    length--;
  }
  if (length >= 4 && memcmp (data, "null", 4) == 0)
    return "is the JSON null, which the JSON type does not keep apart from "
           "the SQL NULL (json_type = varchar does)";
  return length == 0 ? "is not a JSON document" : NULL;
}

static const char *
integer_problem (const char *data, size_t length)
{
  size_t sign = length > 0 && data[0] == '-';

  return length > sign && digits (data + sign, length - sign)
           ? NULL
           : "is not an integer";
}

static const char *
boolean_problem (const char *data, size_t length)
{
  return (length == 4 && memcmp (data, "true", 4) == 0)
             || (length == 5 && memcmp (data, "false", 5) == 0)
           ? NULL
           : "is not true or false";
}

/* Nothing but what numbers are made of, or one of three words. */
static const char *
float_problem (const char *data, size_t length)
{
  size_t sign = length > 0 && data[0] == '-';

  if ((length - sign == 8 && memcmp (data + sign, "Infinity", 8) == 0)
      || (length == 3 && memcmp (data, "NaN", 3) == 0))
    return NULL;
  if (length == sign)
    return "is not a number";
  for (size_t i = sign; i < length; i++)
    if ((data[i] < '0' || data[i] > '9') && data[i] != '.' && data[i] != 'e'
        && data[i] != 'E' && data[i] != '+' && data[i] != '-')
      return "is not a number";
  return NULL;
}

const char *
value_problem (const struct layout_column *column, const char *data,
               size_t length)
{
  switch (column->type.kind) {
  case KIND_VARCHAR:
    return length <= (size_t) column->type.length
             ? NULL
             : "has more bytes than the column holds";
  case KIND_DECIMAL:
    return decimal_problem (&column->type, data, length);
  case KIND_DATE:
    return date_problem (data, length);
  case KIND_DATETIME:
    return datetime_problem (data, length);
  case KIND_VARBINARY:
    if (length / 2 > (size_t) column->type.length)
      return "has more bytes than the column holds";
    return length <= HEX_MAX ? NULL
                             : "has more than 524288 bytes, which Stream Load "
                               "can't carry into a VARBINARY";
  case KIND_JSON:
    return json_problem (data, length);
  case KIND_BOOLEAN:
    return boolean_problem (data, length);
  case KIND_FLOAT:
  case KIND_DOUBLE:
    return float_problem (data, length);
  default:
    return integer_problem (data, length);
  }
}

static int64_t
fixed_size (enum column_kind kind)
{
  switch (kind) {
  case KIND_BOOLEAN:
  case KIND_TINYINT:
    return 1;
  case KIND_SMALLINT:
    return 2;
  case KIND_INT:
  case KIND_DATE:
    return 4;
  case KIND_LARGEINT:
    return 16;
  default:
    return 8;
  }
}

const char *
key_problem (const struct layout *layout, const struct ezcdc_value *values)
{
  int64_t size = 0;

  for (uint32_t i = 0; i < layout->key_count; i++) {
    const struct layout_column *column = &layout->columns[layout->keys[i]];
    const struct ezcdc_value *value = &values[layout->keys[i]];

    if (value->state != EZCDC_VALUE)
      return "is NULL or missing in a key column";
    if (column->type.kind != KIND_VARCHAR) {
      size += fixed_size (column->type.kind);
      continue;
    }
    size += value->length;
    if (i + 1 == layout->key_count)
      continue;
    /* Not the last: zero bytes are doubled and two end the text. */
    size += 2;
    for (uint32_t j = 0; j < value->length; j++)
      size += value->data[j] == '\0';
  }
  return size <= layout->key_bytes
           ? NULL
           : "has a key of more bytes than key_limit allows";
}
