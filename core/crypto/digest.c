/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC and HKDF with SHA-256. */

#include <config.h>

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/crypto/digest.h"

bool
digest_hmac (const unsigned char *key, size_t key_length, const void *data,
             size_t length, unsigned char ret_mac[DIGEST_SIZE])
{
  return HMAC (EVP_sha256 (), key, (int) key_length, data, length, ret_mac,
               NULL)
         != NULL;
}

/* One block of output is all that is ever needed, so that "expand" is a
 * single HMAC. */
bool
digest_hkdf (const unsigned char *key, size_t key_length,
             const unsigned char *salt, size_t salt_length, const char *info,
             unsigned char ret_key[DIGEST_SIZE])
{
  unsigned char extracted[DIGEST_SIZE];
  unsigned char block[200];
  size_t info_length = strlen (info);

  if (info_length >= sizeof block)
    return false;
  memcpy (block, info, info_length);
  block[info_length] = 1;
  bool done = digest_hmac (salt, salt_length, key, key_length, extracted)
              && digest_hmac (extracted, sizeof extracted, block,
                              info_length + 1, ret_key);
  OPENSSL_cleanse (extracted, sizeof extracted);
  return done;
}

void
digest_hex (const unsigned char *bytes, size_t length, char *ret_text)
{
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < length; i++) {
    ret_text[2 * i] = digits[bytes[i] >> 4];
    ret_text[2 * i + 1] = digits[bytes[i] & 15];
  }
  ret_text[2 * length] = '\0';
}
