/* SPDX-License-Identifier: Apache-2.0 */
/* Positions as the core sees them. */
#include <config.h>

#include <string.h>

#include "core/pipeline/position.h"

int
position_compare (const struct ezcdc_position *one,
                  const struct ezcdc_position *other)
{
  uint32_t length = one->length < other->length ? one->length : other->length;
  int order = memcmp (one->bytes, other->bytes, length);

  if (order != 0)
    return order;
  return (one->length > other->length) - (one->length < other->length);
}

bool
position_copy (struct ezcdc_position *to, const struct ezcdc_position *from)
{
  struct ezcdc_position copy = { 0 };

  if (from->length > EZCDC_POSITION_MAX)
    return false;
  copy.length = from->length;
  memcpy (copy.bytes, from->bytes, from->length);
  *to = copy;
  return true;
}

void
position_hex (const struct ezcdc_position *position,
              char ret_hex[POSITION_HEX_SIZE])
{
  static const char digits[] = "0123456789abcdef";
  size_t i;

  for (i = 0; i < position->length; i++) {
    ret_hex[2 * i] = digits[position->bytes[i] >> 4];
    ret_hex[2 * i + 1] = digits[position->bytes[i] & 15];
  }
  ret_hex[2 * i] = '\0';
}
