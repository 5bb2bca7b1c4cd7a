/* SPDX-License-Identifier: Apache-2.0 */
/* The root keys. */

#include <config.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/crypto/digest.h"
#include "core/crypto/key_ring.h"
#include "core/crypto/secret.h"

struct key_ring {
  struct secret page; /* KEY_RING_MAX + 1 slots of KEY_SIZE bytes; the last one
                         is where digits are decoded */
  unsigned char ids[KEY_RING_MAX][KEY_ID_SIZE];
  size_t count;
};

struct key_ring *
key_ring_new (struct error *error)
{
  struct key_ring *ring = calloc (1, sizeof *ring);

  if (ring == NULL) {
    error_set (error, EZCDC_E_MEMORY, "out of memory for the key ring");
    return NULL;
  }
  size_t size = (size_t) (KEY_RING_MAX + 1) * KEY_SIZE;
  if (secret_create (&ring->page, size, error) != 0) {
    free (ring);
    return NULL;
  }
  return ring;
}

void
key_ring_free (struct key_ring *ring)
{
  if (ring == NULL)
    return;
  secret_free (&ring->page);
  free (ring);
}

size_t
key_ring_count (const struct key_ring *ring)
{
  return ring->count;
}

const unsigned char *
key_ring_key (const struct key_ring *ring, size_t index)
{
  return ring->page.data + index * KEY_SIZE;
}

const unsigned char *
key_ring_id (const struct key_ring *ring, size_t index)
{
  return ring->ids[index];
}

int
key_ring_find (const struct key_ring *ring,
               const unsigned char id[KEY_ID_SIZE])
{
  int found = -1;

  for (size_t i = 0; i < ring->count; i++)
    if (CRYPTO_memcmp (ring->ids[i], id, KEY_ID_SIZE) == 0)
      found = (int) i;
  return found;
}

void
key_id_text (const unsigned char id[KEY_ID_SIZE],
             char ret_text[KEY_ID_TEXT_SIZE])
{
  digest_hex (id, KEY_ID_SIZE, ret_text);
}

int
key_ring_add (struct key_ring *ring, const unsigned char key[KEY_SIZE],
              struct error *error)
{
  static const char label[] = "ezcdc/v1/kid";
  unsigned char mac[DIGEST_SIZE];

  if (!digest_hmac (key, KEY_SIZE, label, sizeof label - 1, mac))
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a key id");
  if (key_ring_find (ring, mac) >= 0)
    return 0;
  if (ring->count == KEY_RING_MAX)
    return error_set (error, EZCDC_E_CONFIG,
                      "more than %d encryption keys: retire old ones",
                      KEY_RING_MAX);
  memcpy (ring->page.data + ring->count * KEY_SIZE, key, KEY_SIZE);
  memcpy (ring->ids[ring->count], mac, KEY_ID_SIZE);
  ring->count++;
  return 0;
}

struct key_ring *
key_ring_copy (const struct key_ring *ring, struct error *error)
{
  struct key_ring *copy = key_ring_new (error);

  for (size_t i = 0; copy != NULL && i < ring->count; i++)
    if (key_ring_add (copy, key_ring_key (ring, i), error) != 0) {
      key_ring_free (copy);
      copy = NULL;
    }
  return copy;
}

/* ---- Weak keys --------------------------------------------------------- */

/* The first eight bytes of the SHA-256 of keys that stand in documents and
 * examples all over the world. */
static const uint64_t published_keys[] = {
  UINT64_C (0x5df6e0e2761359d3), /* SHA-256 of "" */
  UINT64_C (0x73641c99f7719f57), /* SHA-256 of "password" */
  UINT64_C (0x954d5a49fd70d9b8), /* SHA-256 of "test" */
  UINT64_C (0x3881219d087dd9c6), /* SHA-256 of "secret" */
  UINT64_C (0x51f171d910a91e0e), /* SHA-256 of "ezcdc" */
  UINT64_C (0xf7591748145d61c0), /* SHA-256 of "changeme" */
  UINT64_C (0xff7f73b854845fc0), /* SHA-256 of "123456" */
  UINT64_C (0xdd474e450473186e), /* SHA-256 of "admin" */
  UINT64_C (0x9595c9df90075148), /* SHA-256 of "hello" */
  UINT64_C (0xb93c72b74bc8487d), /* AES-256 in NIST SP 800-38A */
  UINT64_C (0xb2fc17bf5e95289c), /* ChaCha20-Poly1305 in RFC 8439 */
  UINT64_C (0xc49dd01233796e36), /* the first key of NaCl's tests */
  UINT64_C (0x59891c96881dfbcf), /* the first account of Hardhat and Anvil */
};

static bool
is_published (const unsigned char key[KEY_SIZE])
{
  unsigned char digest[SHA256_DIGEST_LENGTH];
  uint64_t head = 0;

  SHA256 (key, KEY_SIZE, digest);
  for (size_t i = 0; i < 8; i++)
    head = head << 8 | digest[i];
  for (size_t i = 0; i < sizeof published_keys / sizeof *published_keys; i++)
    if (published_keys[i] == head)
      return true;
  return false;
}

static bool
repeats_after (const unsigned char key[KEY_SIZE], size_t period)
{
  return memcmp (key, key + period, KEY_SIZE - period) == 0;
}

static bool
counts_by (const unsigned char key[KEY_SIZE], unsigned char step)
{
  for (size_t i = 1; i < KEY_SIZE; i++)
    if (key[i] != (unsigned char) (key[i - 1] + step))
      return false;
  return true;
}

/* A random key has fewer than 16 distinct bytes once in 4e15 times. */
static size_t
distinct_bytes (const unsigned char key[KEY_SIZE])
{
  unsigned char seen[256] = { 0 };
  size_t count = 0;

  for (size_t i = 0; i < KEY_SIZE; i++)
    if (!seen[key[i]]++)
      count++;
  OPENSSL_cleanse (seen, sizeof seen);
  return count;
}

const char *
key_weakness (const unsigned char key[KEY_SIZE])
{
  for (size_t period = 1; period <= KEY_SIZE / 2; period *= 2)
    if (repeats_after (key, period))
      return "it repeats itself";
  if (counts_by (key, 1) || counts_by (key, 255))
    return "it is a sequence";
  if (distinct_bytes (key) < 16)
    return "it has too few different bytes to be random";
  if (is_published (key))
    return "it is an example that everybody knows";
  return NULL;
}

/* ---- From digits ------------------------------------------------------- */

static int
hex_value (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

static bool
decode_hex (const char *digits, unsigned char key[KEY_SIZE])
{
  for (size_t i = 0; i < KEY_SIZE; i++) {
    int high = hex_value (digits[2 * i]);
    int low = hex_value (digits[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    key[i] = (unsigned char) (high << 4 | low);
  }
  return true;
}

static int
add_decoded (struct key_ring *ring, unsigned char key[KEY_SIZE],
             const char *digits, const char *origin, struct error *error)
{
  if (!decode_hex (digits, key))
    return error_set (error, EZCDC_E_CONFIG,
                      "%s: the key has a character that is no hexadecimal "
                      "digit; \"ezcdc key new\" makes a key",
                      origin);
  const char *weakness = key_weakness (key);
  if (weakness != NULL)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s: the key is weak, %s; \"ezcdc key new\" makes a key",
                      origin, weakness);
  return key_ring_add (ring, key, error);
}

int
key_ring_add_digits (struct key_ring *ring, const char *digits, size_t length,
                     const char *origin, struct error *error)
{
  unsigned char *slot = ring->page.data + (size_t) KEY_RING_MAX * KEY_SIZE;

  if (length != 2 * KEY_SIZE)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s: a key is %d hexadecimal digits, not %zu "
                      "characters; \"ezcdc key new\" makes a key",
                      origin, 2 * KEY_SIZE, length);
  int code = add_decoded (ring, slot, digits, origin, error);
  OPENSSL_cleanse (slot, KEY_SIZE);
  return code;
}
