/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 for URLs without padding, in its one canonical form: every other
 * spelling of the same bytes is refused, so that a text cannot be changed
 * without changing what it says. */

#ifndef EZCDC_CRYPTO_BASE64URL_H
#define EZCDC_CRYPTO_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/text.h"

/* Appends the encoding of length bytes. */
void base64url_encode (struct text *text, const unsigned char *data,
                       size_t length) __attribute__ ((nonnull (1)));

/* Decodes length characters into bytes, which has room for
 * base64url_decoded_length (length). False if it is not canonical. */
bool base64url_decode (const char *text, size_t length, unsigned char *bytes,
                       size_t *ret_length) __attribute__ ((nonnull));

static inline size_t
base64url_decoded_length (size_t length)
{
  return length / 4 * 3 + length % 4 * 3 / 4;
}

#endif
