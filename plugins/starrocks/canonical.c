/* SPDX-License-Identifier: Apache-2.0 */
/* From the text that StarRocks prints back to the canonical one. */

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "canonical.h"

#define NUMBER_SIZE 64

size_t
canonical_bound (size_t length)
{
  return length + NUMBER_SIZE;
}

static void
set (struct ezcdc_value *value, const char *data, size_t length)
{
  value->data = data;
  value->length = (uint32_t) length;
  value->state = EZCDC_VALUE;
}

static void
set_in (struct buffer *out, struct ezcdc_value *value, const char *data,
        size_t length)
{
  char *to = out->data + out->length;

  memcpy (to, data, length);
  out->length += length;
  set (value, to, length);
}

static int
canonical_boolean (const char *data, size_t length, struct ezcdc_value *ret)
{
  if (length != 1 || (data[0] != '0' && data[0] != '1'))
    return -1;
  if (data[0] == '1')
    set (ret, "true", 4);
  else
    set (ret, "false", 5);
  return 0;
}

/* Drops the zeros at the end of the fraction. */
static size_t
without_zeros (const char *data, size_t length)
{
  if (memchr (data, '.', length) == NULL)
    return length;
  while (data[length - 1] == '0')
    length--;
  return data[length - 1] == '.' ? length - 1 : length;
}

/* A wider column prints more zeros than the source has digits. */
static size_t
with_scale (const struct layout_column *column, const char *data,
            size_t length)
{
  const char *point = memchr (data, '.', length);
  size_t scale, fraction;

  if (point == NULL || column->logical_scale < 0)
    return length;
  scale = (size_t) column->logical_scale;
  fraction = length - (size_t) (point - data) - 1;
  while (fraction > scale && data[length - 1] == '0') {
    fraction--;
    length--;
  }
  return fraction == 0 ? length - 1 : length;
}

static void
canonical_hex (const char *data, size_t length, struct buffer *out,
               struct ezcdc_value *ret)
{
  char *to = out->data + out->length;

  for (size_t i = 0; i < length; i++)
    to[i] = data[i] >= 'A' && data[i] <= 'F' ? (char) (data[i] - 'A' + 'a')
                                             : data[i];
  out->length += length;
  set (ret, to, length);
}

/* The fewest digits that read back as the number, as "d.ddde+xx". */
static void
shortest (double number, int single, char *ret_text)
{
  int most = single ? 9 : 17, sure = single ? FLT_DIG : DBL_DIG;
  double normal = single ? (double) FLT_MIN : DBL_MIN;
  int digits = fabs (number) < normal ? 1 : sure;

  for (; digits <= most; digits++) {
    snprintf (ret_text, NUMBER_SIZE, "%.*e", digits - 1, number);
    if (single ? strtof (ret_text, NULL) == (float) number
               : strtod (ret_text, NULL) == number)
      return;
  }
}

/* Rewrites "d.ddde+xx" without zeros at the end, and without an exponent
 * where the number is neither large nor small: the form that PostgreSQL
 * prints. */
static size_t
rewrite (const char *scientific, int single, char *to)
{
  char digits[24];
  size_t count = 0, length = 0;
  const char *p = scientific;
  long exponent;

  if (*p == '-')
    to[length++] = *p++;
  for (; *p != 'e' && *p != '\0'; p++)
    if (*p != '.' && count < sizeof digits)
      digits[count++] = *p;
  exponent = *p == 'e' ? strtol (p + 1, NULL, 10) : 0;
  while (count > 1 && digits[count - 1] == '0')
    count--;
  if (exponent < -4 || exponent >= (single ? 6 : 15)) {
    to[length++] = digits[0];
    if (count > 1) {
      to[length++] = '.';
      memcpy (to + length, digits + 1, count - 1);
      length += count - 1;
    }
    return length
           + (size_t) snprintf (to + length, 8, "e%c%02ld",
                                exponent < 0 ? '-' : '+', labs (exponent));
  }
  if (exponent < 0) {
    to[length++] = '0';
    to[length++] = '.';
    for (long i = exponent + 1; i < 0; i++)
      to[length++] = '0';
  }
  for (size_t i = 0; i < count; i++) {
    if (exponent >= 0 && i == (size_t) exponent + 1)
      to[length++] = '.';
    to[length++] = digits[i];
  }
  for (size_t i = count; exponent >= 0 && i <= (size_t) exponent; i++)
    to[length++] = '0';
  return length;
}

static int
canonical_float (int single, const char *data, size_t length,
                 struct buffer *out, struct ezcdc_value *ret)
{
  char text[400], scientific[NUMBER_SIZE], plain[NUMBER_SIZE];
  char *end;
  double number;

  if (length == 0 || length >= sizeof text)
    return -1;
  memcpy (text, data, length);
  text[length] = '\0';
  number = single ? (double) strtof (text, &end) : strtod (text, &end);
  if (*end != '\0')
    return -1;
  if (isnan (number))
    set (ret, "NaN", 3);
  else if (isinf (number))
    set (ret, number < 0 ? "-Infinity" : "Infinity", number < 0 ? 9 : 8);
  else {
    shortest (number, single, scientific);
    set_in (out, ret, plain, rewrite (scientific, single, plain));
  }
  return 0;
}

int
canonical_value (const struct layout_column *column, const char *data,
                 size_t length, struct buffer *out,
                 struct ezcdc_value *ret_value)
{
  switch (column->type.kind) {
  case KIND_BOOLEAN:
    return canonical_boolean (data, length, ret_value);
  case KIND_FLOAT:
  case KIND_DOUBLE:
    return canonical_float (column->logical == EZCDC_TYPE_FLOAT32, data,
                            length, out, ret_value);
  case KIND_DATETIME:
    set (ret_value, data, without_zeros (data, length));
    return 0;
  case KIND_DECIMAL:
    set (ret_value, data, with_scale (column, data, length));
    return 0;
  case KIND_VARBINARY:
    canonical_hex (data, length, out, ret_value);
    return 0;
  default:
    set (ret_value, data, length);
    return 0;
  }
}
