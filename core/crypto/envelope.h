/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed value: how a credential lies in a configuration file.
 *
 *   record key  HKDF-SHA256 (root key, salt, "ezcdc/v1/cred")
 *   header      "EZC1" | algorithm 0x01 | key id (8) | salt (16)
 *   associated  header | u16 length | owner | u16 length | option
 *   plaintext   u32 length | value | zeros up to a multiple of 64
 *   binary      header | iv (12, random) | ciphertext | tag (16)
 *   text        "ezc1:" + base64url without padding, canonical
 *
 * Numbers are big-endian. AES-256-GCM; the tag always has 16 bytes. owner is
 * PIPELINE/SECTION, for example "shop/source", so that a value which was moved
 * does not open. What the header cannot tell is an older value of the same
 * option that was put back: the audit log is the answer to that.
 */

#ifndef EZCDC_CRYPTO_ENVELOPE_H
#define EZCDC_CRYPTO_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/crypto/key_ring.h"
#include "core/crypto/secret.h"

#define ENVELOPE_VALUE_MAX 65536u
#define ENVELOPE_TEXT_MAX 131072u

/* Why a sealed value does not open, in the order in which it is checked.
 * Callers outside say "credential_unreadable" and nothing else; the precise
 * reason is for the local log and the audit record. */
enum envelope_fault {
  ENVELOPE_FINE,
  ENVELOPE_PREFIX,         /* does not begin with "ezc1:" */
  ENVELOPE_TOO_LONG,       /* more than ENVELOPE_TEXT_MAX characters */
  ENVELOPE_ENCODING,       /* not canonical base64url */
  ENVELOPE_TOO_SHORT,      /* cut */
  ENVELOPE_BLOCK,          /* not whole blocks of 64 bytes */
  ENVELOPE_MAGIC,          /* not "EZC1" */
  ENVELOPE_ALGORITHM,      /* an algorithm that is not known here */
  ENVELOPE_KEY,            /* sealed under a key that is not in the ring */
  ENVELOPE_AUTHENTICATION, /* damaged, or sealed for another option */
  ENVELOPE_CONTENT,        /* authentic, but not well-formed */
  ENVELOPE_RESOURCES,      /* out of memory */
};

/* One line for people. */
const char *envelope_fault_text (enum envelope_fault fault);
/* A word for records, for example "authentication". */
const char *envelope_fault_word (enum envelope_fault fault);

/* Whether a text is meant to be a sealed value, of this or another version:
 * "ezc", digits, ":". Such a text is never taken for a plaintext. */
bool envelope_is_sealed (const char *text) __attribute__ ((nonnull));

/* The id of the key that a value is sealed under, without opening it. */
enum envelope_fault envelope_key_id (const char *text,
                                     unsigned char ret_id[KEY_ID_SIZE])
  __attribute__ ((nonnull));

/* Seals length bytes under the ring's primary key and appends the text.
 * Fails with EZCDC_E_CONFIG (value or names too long) or EZCDC_E_MEMORY. */
int envelope_seal (const struct key_ring *ring, const char *owner,
                   const char *option, const void *value, size_t length,
                   struct text *text, struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 6)));

/* The same with given randomness, for known answers only: two values under
 * one salt and iv betray each other. */
int envelope_seal_with (const struct key_ring *ring,
                        const unsigned char salt[16],
                        const unsigned char iv[12], const char *owner,
                        const char *option, const void *value, size_t length,
                        struct text *text, struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4, 5, 8)));

/* A value that has been opened; begins as { 0 }. */
struct opened_value {
  struct secret pages; /* owned: envelope_close wipes and frees it */
  const char *data;    /* in pages; length bytes and a NUL */
  size_t length;
};

#define CLEANUP_OPENED __attribute__ ((cleanup (envelope_close)))

/* Opens a sealed value. On any fault nothing of the plaintext remains
 * anywhere and *ret_value is untouched. */
enum envelope_fault envelope_open (const struct key_ring *ring,
                                   const char *text, const char *owner,
                                   const char *option,
                                   struct opened_value *ret_value)
  __attribute__ ((nonnull, warn_unused_result));

void envelope_close (struct opened_value *value) __attribute__ ((nonnull));

#endif
