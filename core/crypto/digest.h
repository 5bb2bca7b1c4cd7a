/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC and HKDF with SHA-256. */

#ifndef EZCDC_CRYPTO_DIGEST_H
#define EZCDC_CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SIZE 32

/* HMAC-SHA256; false only if OpenSSL is out of memory. Nothing of the key is
 * left behind: the contexts live for this call. */
bool digest_hmac (const unsigned char *key, size_t key_length,
                  const void *data, size_t length,
                  unsigned char ret_mac[DIGEST_SIZE])
  __attribute__ ((nonnull (1, 5), warn_unused_result));

/* HKDF-SHA256 (RFC 5869) with an output of 32 bytes. info is shorter than
 * 200 bytes. */
bool digest_hkdf (const unsigned char *key, size_t key_length,
                  const unsigned char *salt, size_t salt_length,
                  const char *info, unsigned char ret_key[DIGEST_SIZE])
  __attribute__ ((nonnull, warn_unused_result));

/* Writes 2 * length lower-case hexadecimal digits and a NUL. */
void digest_hex (const unsigned char *bytes, size_t length, char *ret_text)
  __attribute__ ((nonnull));

#endif
