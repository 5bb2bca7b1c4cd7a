/* SPDX-License-Identifier: Apache-2.0 */
/* Strict base64 for URLs. */

#include <config.h>

#include <stdint.h>

#include "core/crypto/base64url.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz"
                             "0123456789-_";

void
base64url_encode (struct text *text, const unsigned char *data, size_t length)
{
  uint32_t bits = 0;
  unsigned pending = 0;

  text_reserve (text, length / 3 * 4 + 4);
  for (size_t i = 0; i < length; i++) {
    bits = bits << 8 | data[i];
    for (pending += 8; pending >= 6; pending -= 6)
      text_char (text, digits[bits >> (pending - 6) & 63]);
  }
  if (pending > 0)
    text_char (text, digits[bits << (6 - pending) & 63]);
}

/* The value of a digit; -1 if it is none. */
static int
digit_value (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '-')
    return 62;
  return c == '_' ? 63 : -1;
}

bool
base64url_decode (const char *text, size_t length, unsigned char *bytes,
                  size_t *ret_length)
{
  uint32_t bits = 0;
  unsigned pending = 0;
  size_t made = 0;

  if (length % 4 == 1)
    return false;
  for (size_t i = 0; i < length; i++) {
    int value = digit_value (text[i]);
    if (value < 0)
      return false;
    bits = (bits << 6 | (uint32_t) value) & 0xfffff;
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      bytes[made++] = (unsigned char) (bits >> pending & 0xff);
    }
  }
  /* The bits that are left over belong to no byte and have to be zero. */
  if ((bits & ((1u << pending) - 1)) != 0)
    return false;
  *ret_length = made;
  return true;
}
