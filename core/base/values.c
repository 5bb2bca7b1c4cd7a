/* SPDX-License-Identifier: Apache-2.0 */
/* Reading values as people write them. */

#include <config.h>

#include <ezcdc/connector.h>

#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "core/base/values.h"

struct unit {
  const char *name;
  int64_t factor;
};

/* Reads digits up to the first other character. Returns that place, or NULL
 * if there is no digit or the number does not fit. */
static const char *
read_digits (const char *text, uint64_t *ret_number)
{
  uint64_t number = 0;
  const char *at = text;

  for (; *at >= '0' && *at <= '9'; at++)
    if (__builtin_mul_overflow (number, (uint64_t) 10, &number)
        || __builtin_add_overflow (number, (uint64_t) (*at - '0'), &number))
      return NULL;
  if (at == text)
    return NULL;
  *ret_number = number;
  return at;
}

static bool
read_integer (const char *text, int64_t *ret_value)
{
  bool negative = text[0] == '-';
  uint64_t number;
  const char *end = read_digits (text + negative, &number);

  if (end == NULL || *end != '\0')
    return false;
  if (number > (uint64_t) INT64_MAX + negative)
    return false;
  *ret_value = (int64_t) (negative ? 0 - number : number);
  return true;
}

int
value_integer (const char *text, int64_t minimum, int64_t maximum,
               int64_t *ret_value, struct error *error)
{
  int64_t value;

  if (!read_integer (text, &value))
    return error_set (error, EZCDC_E_CONFIG, "\"%s\" is no whole number",
                      text);
  if (value < minimum || value > maximum)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s is out of range, %" PRId64 " to %" PRId64
                      " are possible",
                      text, minimum, maximum);
  *ret_value = value;
  return 0;
}

/* Digits and one of the units; units end with a NULL name. */
static bool
read_quantity (const char *text, const struct unit *units, int64_t *ret_value)
{
  uint64_t number;
  const char *end = read_digits (text, &number);

  if (end == NULL)
    return false;
  for (; units->name != NULL; units++)
    if (strcmp (end, units->name) == 0) {
      int64_t value;
      if (__builtin_mul_overflow (number, units->factor, &value))
        return false;
      *ret_value = value;
      return true;
    }
  return false;
}

int
value_size (const char *text, int64_t *ret_bytes, struct error *error)
{
  static const struct unit units[] = {
    { "", 1 },
    { "B", 1 },
    { "KiB", INT64_C (1) << 10 },
    { "MiB", INT64_C (1) << 20 },
    { "GiB", INT64_C (1) << 30 },
    { "TiB", INT64_C (1) << 40 },
    { NULL, 0 },
  };

  if (!read_quantity (text, units, ret_bytes))
    return error_set (
      error, EZCDC_E_CONFIG,
      "\"%s\" is no size; write bytes, or a number with KiB, MiB or GiB behind",
      text);
  return 0;
}

int
value_duration (const char *text, int64_t *ret_microseconds,
                struct error *error)
{
  static const struct unit units[] = {
    { "us", 1 },
    { "ms", INT64_C (1000) },
    { "s", INT64_C (1000000) },
    { "min", INT64_C (60000000) },
    { "h", INT64_C (3600000000) },
    { "d", INT64_C (86400000000) },
    { NULL, 0 },
  };

  if (strcmp (text, "0") == 0) {
    *ret_microseconds = 0;
    return 0;
  }
  if (!read_quantity (text, units, ret_microseconds))
    return error_set (
      error, EZCDC_E_CONFIG,
      "\"%s\" is no duration; write a number with ms, s, min, h or d behind",
      text);
  return 0;
}

int
value_boolean (const char *text, bool *ret_value, struct error *error)
{
  static const char *const yes[] = { "yes", "true", "on", NULL };
  static const char *const no[] = { "no", "false", "off", NULL };

  for (size_t i = 0; yes[i] != NULL; i++)
    if (strcasecmp (text, yes[i]) == 0) {
      *ret_value = true;
      return 0;
    }
  for (size_t i = 0; no[i] != NULL; i++)
    if (strcasecmp (text, no[i]) == 0) {
      *ret_value = false;
      return 0;
    }
  return error_set (error, EZCDC_E_CONFIG, "\"%s\" is neither yes nor no",
                    text);
}
