/* SPDX-License-Identifier: Apache-2.0 */
/* Positions: an LSN as eight bytes, big-endian, and as X/Y. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "position.h"

#define LSN_BYTES 8
#define TIMELINE_BYTES 4

struct ezcdc_position
position_of_lsn (uint64_t lsn)
{
  struct ezcdc_position position;
  int i;

  memset (&position, 0, sizeof position);
  position.length = LSN_BYTES;
  for (i = 0; i < LSN_BYTES; i++)
    position.bytes[i] = (uint8_t) (lsn >> (8 * (LSN_BYTES - 1 - i)));
  return position;
}

struct ezcdc_position
position_on_timeline (uint64_t lsn, uint32_t timeline)
{
  struct ezcdc_position position = position_of_lsn (lsn);
  int i;

  position.length += TIMELINE_BYTES;
  for (i = 0; i < TIMELINE_BYTES; i++)
    position.bytes[LSN_BYTES + i] =
      (uint8_t) (timeline >> (8 * (TIMELINE_BYTES - 1 - i)));
  return position;
}

uint32_t
position_timeline (const struct ezcdc_position *position)
{
  uint32_t timeline = 0;
  int i;

  if (position->length < LSN_BYTES + TIMELINE_BYTES)
    return 0;
  for (i = 0; i < TIMELINE_BYTES; i++)
    timeline = timeline << 8 | position->bytes[LSN_BYTES + i];
  return timeline;
}

uint64_t
position_lsn (const struct ezcdc_position *position)
{
  uint64_t lsn = 0;
  int i;

  if (position->length < LSN_BYTES)
    return 0;
  for (i = 0; i < LSN_BYTES; i++)
    lsn = lsn << 8 | position->bytes[i];
  return lsn;
}

/* One half of an LSN: one to eight hexadecimal digits. */
static const char *
lsn_half (const char *text, uint32_t *ret_half)
{
  uint32_t half = 0;
  int digits = 0;

  for (;; text++) {
    if (*text >= '0' && *text <= '9')
      half = half << 4 | (uint32_t) (*text - '0');
    else if (*text >= 'A' && *text <= 'F')
      half = half << 4 | (uint32_t) (*text - 'A' + 10);
    else if (*text >= 'a' && *text <= 'f')
      half = half << 4 | (uint32_t) (*text - 'a' + 10);
    else
      break;
    if (++digits > 8)
      return NULL;
  }
  if (digits == 0)
    return NULL;
  *ret_half = half;
  return text;
}

bool
lsn_parse (const char *text, uint64_t *ret_lsn)
{
  uint32_t high, low;

  text = lsn_half (text, &high);
  if (text == NULL || *text != '/')
    return false;
  text = lsn_half (text + 1, &low);
  if (text == NULL || *text != '\0')
    return false;
  *ret_lsn = (uint64_t) high << 32 | low;
  return true;
}

const char *
lsn_text (uint64_t lsn, char ret_text[LSN_TEXT_SIZE])
{
  snprintf (ret_text, LSN_TEXT_SIZE, "%" PRIX32 "/%" PRIX32,
            (uint32_t) (lsn >> 32), (uint32_t) lsn);
  return ret_text;
}

void
position_text (const struct ezcdc_position *position, char *ret_text)
{
  lsn_text (position_lsn (position), ret_text);
}

int64_t
position_distance (const struct ezcdc_position *from,
                   const struct ezcdc_position *to)
{
  uint64_t first = position_lsn (from);
  uint64_t second = position_lsn (to);

  if (second < first)
    return 0;
  if (second - first > INT64_MAX)
    return INT64_MAX;
  return (int64_t) (second - first);
}
