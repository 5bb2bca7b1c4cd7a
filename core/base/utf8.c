/* SPDX-License-Identifier: Apache-2.0 */
/* Characters in UTF-8, after table 3-7 of the Unicode standard. */

#include <config.h>

#include "core/base/utf8.h"

static bool
continues (unsigned char byte)
{
  return (byte & 0xc0) == 0x80;
}

/* The number of bytes that the first byte announces; 0 if it cannot be one. */
static size_t
announced_length (unsigned char first)
{
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first <= 0xdf)
    return 2;
  if (first >= 0xe0 && first <= 0xef)
    return 3;
  if (first >= 0xf0 && first <= 0xf4)
    return 4;
  return 0;
}

size_t
utf8_character (const char *data, size_t length)
{
  const unsigned char *bytes = (const unsigned char *) data;

  if (length == 0)
    return 0;
  size_t size = announced_length (bytes[0]);
  if (size == 0 || size > length)
    return 0;
  for (size_t i = 1; i < size; i++)
    if (!continues (bytes[i]))
      return 0;

  /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
  if ((bytes[0] == 0xe0 && bytes[1] < 0xa0)
      || (bytes[0] == 0xed && bytes[1] > 0x9f)
      || (bytes[0] == 0xf0 && bytes[1] < 0x90)
      || (bytes[0] == 0xf4 && bytes[1] > 0x8f))
    return 0;
  return size;
}

uint32_t
utf8_code_point (const char *data, size_t size)
{
  const unsigned char *bytes = (const unsigned char *) data;
  uint32_t point = size == 1 ? bytes[0] : bytes[0] & (0x7fU >> size);

  for (size_t i = 1; i < size; i++)
    point = point << 6 | (bytes[i] & 0x3fU);
  return point;
}

size_t
utf8_plain_character (const char *data, size_t length)
{
  static const struct {
    uint32_t first, last;
  } misleading[] = {
    { 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x61c, 0x61c },
    { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
  };
  size_t size = utf8_character (data, length);
  uint32_t point;

  if (size == 0)
    return 0;
  point = utf8_code_point (data, size);
  for (size_t i = 0; i < sizeof misleading / sizeof misleading[0]; i++)
    if (point >= misleading[i].first && point <= misleading[i].last)
      return 0;
  return size;
}

bool
utf8_is_line (const char *data, size_t length)
{
  for (size_t at = 0; at < length;) {
    size_t size = utf8_plain_character (data + at, length - at);
    if (size == 0)
      return false;
    at += size;
  }
  return true;
}

bool
utf8_valid (const char *data, size_t length)
{
  for (size_t at = 0; at < length;) {
    size_t size = utf8_character (data + at, length - at);
    if (size == 0)
      return false;
    at += size;
  }
  return true;
}

size_t
utf8_whole_length (const char *data, size_t length)
{
  const unsigned char *bytes = (const unsigned char *) data;

  /* Look for the first byte of the last character, at most 3 bytes back. */
  for (size_t back = 1; back <= 4 && back <= length; back++) {
    unsigned char byte = bytes[length - back];
    if (!continues (byte))
      return announced_length (byte) > back ? length - back : length;
  }
  return length;
}
