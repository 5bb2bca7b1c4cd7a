/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening of values. */

#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/crypto/base64url.h"
#include "core/crypto/digest.h"
#include "core/crypto/envelope.h"

#define PREFIX "ezc1:"
#define PREFIX_LENGTH (sizeof PREFIX - 1)
#define MAGIC_LENGTH 4
#define ALGORITHM 0x01
#define SALT_LENGTH 16
#define IV_LENGTH 12
#define TAG_LENGTH 16
#define HEADER_LENGTH (MAGIC_LENGTH + 1 + KEY_ID_SIZE + SALT_LENGTH)
#define OVERHEAD (HEADER_LENGTH + IV_LENGTH + TAG_LENGTH)
#define BLOCK 64
#define NAME_LENGTH_MAX 255

static const unsigned char magic[MAGIC_LENGTH] = { 'E', 'Z', 'C', '1' };

/* ---- Faults in words --------------------------------------------------- */

struct fault_words {
  const char *word;
  const char *text;
};

static struct fault_words
fault_words (enum envelope_fault fault)
{
  switch (fault) {
  case ENVELOPE_FINE:
    return (struct fault_words){ "none", "it opens" };
  case ENVELOPE_PREFIX:
    return (struct fault_words){ "prefix", "it does not begin with " PREFIX };
  case ENVELOPE_TOO_LONG:
    return (struct fault_words){ "too_long", "it is too long" };
  case ENVELOPE_ENCODING:
    return (struct fault_words){ "encoding", "it is not canonical base64url" };
  case ENVELOPE_TOO_SHORT:
    return (struct fault_words){ "too_short", "it was cut" };
  case ENVELOPE_BLOCK:
    return (struct fault_words){ "block", "a part of it is missing or added" };
  case ENVELOPE_MAGIC:
    return (struct fault_words){ "magic", "it is no sealed value inside" };
  case ENVELOPE_ALGORITHM:
    return (struct fault_words){
      "algorithm", "it uses an algorithm that this version does not know"
    };
  case ENVELOPE_KEY:
    return (struct fault_words){ "key", "it is sealed under another key" };
  case ENVELOPE_AUTHENTICATION:
    return (struct fault_words){
      "authentication",
      "it was damaged, or sealed for another pipeline, section or option"
    };
  case ENVELOPE_CONTENT:
    return (struct fault_words){ "content", "its content is malformed" };
  case ENVELOPE_RESOURCES:
    return (struct fault_words){ "resources", "out of memory" };
  }
  return (struct fault_words){ "unknown", "unknown fault" };
}

const char *
envelope_fault_text (enum envelope_fault fault)
{
  return fault_words (fault).text;
}

const char *
envelope_fault_word (enum envelope_fault fault)
{
  return fault_words (fault).word;
}

bool
envelope_is_sealed (const char *text)
{
  size_t digits;

  if (strncmp (text, "ezc", 3) != 0)
    return false;
  digits = strspn (text + 3, "0123456789");
  return digits > 0 && text[3 + digits] == ':';
}

/* ---- What both directions share ---------------------------------------- */

/* The associated data: the header and what the value is bound to. */
struct binding {
  unsigned char bytes[HEADER_LENGTH + 2 * (2 + NAME_LENGTH_MAX)];
  size_t length;
};

static void
bind_bytes (struct binding *binding, const void *bytes, size_t length)
{
  memcpy (binding->bytes + binding->length, bytes, length);
  binding->length += length;
}

static void
bind_name (struct binding *binding, const char *name)
{
  size_t length = strlen (name);
  unsigned char prefix[2] = { (unsigned char) (length >> 8),
                              (unsigned char) (length & 0xff) };

  bind_bytes (binding, prefix, sizeof prefix);
  bind_bytes (binding, name, length);
}

/* False if a name is longer than any that the program accepts. */
static bool
make_binding (const unsigned char *header, const char *owner,
              const char *option, struct binding *ret_binding)
{
  ret_binding->length = 0;
  if (strlen (owner) > NAME_LENGTH_MAX || strlen (option) > NAME_LENGTH_MAX)
    return false;
  bind_bytes (ret_binding, header, HEADER_LENGTH);
  bind_name (ret_binding, owner);
  bind_name (ret_binding, option);
  return true;
}

static bool
run_cipher (EVP_CIPHER_CTX *cipher, int encrypt, const unsigned char *key,
            const unsigned char *iv, const struct binding *binding,
            const unsigned char *input, size_t length, unsigned char *output,
            unsigned char *tag)
{
  int written;

  if (EVP_CipherInit_ex (cipher, EVP_aes_256_gcm (), NULL, key, iv, encrypt)
      != 1)
    return false;
  /* The length of the tag is ours, never the input's: OpenSSL would be
   * content with one byte. */
  if (!encrypt
      && EVP_CIPHER_CTX_ctrl (cipher, EVP_CTRL_GCM_SET_TAG, TAG_LENGTH, tag)
           != 1)
    return false;
  if (EVP_CipherUpdate (cipher, NULL, &written, binding->bytes,
                        (int) binding->length)
        != 1
      || EVP_CipherUpdate (cipher, output, &written, input, (int) length) != 1
      || EVP_CipherFinal_ex (cipher, output + length, &written) != 1)
    return false;
  return !encrypt
         || EVP_CIPHER_CTX_ctrl (cipher, EVP_CTRL_GCM_GET_TAG, TAG_LENGTH, tag)
              == 1;
}

/* AES-256-GCM under the record key that belongs to root and the header's
 * salt. The cipher's context holds the key in the ordinary heap, so it lives
 * no longer than this. */
static bool
crypt_record (int encrypt, const unsigned char *root,
              const struct binding *binding, const unsigned char *iv,
              const unsigned char *input, size_t length, unsigned char *output,
              unsigned char *tag)
{
  const unsigned char *salt = binding->bytes + HEADER_LENGTH - SALT_LENGTH;
  CLEANUP_SECRET struct secret key = { 0 };

  if (secret_create (&key, DIGEST_SIZE, NULL) != 0
      || !digest_hkdf (root, KEY_SIZE, salt, SALT_LENGTH, "ezcdc/v1/cred",
                       key.data))
    return false;
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new ();
  if (cipher == NULL)
    return false;
  bool done = run_cipher (cipher, encrypt, key.data, iv, binding, input,
                          length, output, tag);
  EVP_CIPHER_CTX_free (cipher);
  return done;
}

/* ---- Sealing ----------------------------------------------------------- */

static size_t
padded_length (size_t length)
{
  return (4 + length + BLOCK - 1) / BLOCK * BLOCK;
}

static int
seal_record (const struct key_ring *ring, const struct binding *binding,
             const unsigned char *iv, const void *value, size_t length,
             struct text *text, struct error *error)
{
  size_t padded = padded_length (length);
  CLEANUP_SECRET struct secret plain = { 0 };
  CLEANUP_FREE unsigned char *binary = malloc (OVERHEAD + padded);

  if (binary == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory to seal a value");
  int code = secret_create (&plain, padded, error);
  if (code != 0)
    return code;
  for (int i = 0; i < 4; i++)
    plain.data[i] = (unsigned char) (length >> (24 - 8 * i) & 0xff);
  if (length > 0)
    memcpy (plain.data + 4, value, length);

  memcpy (binary, binding->bytes, HEADER_LENGTH);
  memcpy (binary + HEADER_LENGTH, iv, IV_LENGTH);
  unsigned char *cipher = binary + HEADER_LENGTH + IV_LENGTH;
  if (!crypt_record (1, key_ring_key (ring, 0), binding, iv, plain.data,
                     padded, cipher, cipher + padded))
    return error_set (error, EZCDC_E_MEMORY, "OpenSSL cannot seal a value");
  text_append_string (text, PREFIX);
  base64url_encode (text, binary, OVERHEAD + padded);
  if (text->failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory to seal a value");
  return 0;
}

int
envelope_seal_with (const struct key_ring *ring, const unsigned char salt[16],
                    const unsigned char iv[12], const char *owner,
                    const char *option, const void *value, size_t length,
                    struct text *text, struct error *error)
{
  unsigned char header[HEADER_LENGTH];
  struct binding binding;

  if (length > ENVELOPE_VALUE_MAX)
    return error_set (error, EZCDC_E_CONFIG,
                      "a value of %zu bytes is too long to be sealed, the "
                      "limit is %u",
                      length, ENVELOPE_VALUE_MAX);
  memcpy (header, magic, MAGIC_LENGTH);
  header[MAGIC_LENGTH] = ALGORITHM;
  memcpy (header + MAGIC_LENGTH + 1, key_ring_id (ring, 0), KEY_ID_SIZE);
  memcpy (header + HEADER_LENGTH - SALT_LENGTH, salt, SALT_LENGTH);
  if (!make_binding (header, owner, option, &binding))
    return error_set (error, EZCDC_E_CONFIG,
                      "the name of the pipeline or the option is too long");
  return seal_record (ring, &binding, iv, value, length, text, error);
}

int
envelope_seal (const struct key_ring *ring, const char *owner,
               const char *option, const void *value, size_t length,
               struct text *text, struct error *error)
{
  unsigned char salt[SALT_LENGTH];
  unsigned char iv[IV_LENGTH];

  if (RAND_bytes (salt, sizeof salt) != 1 || RAND_bytes (iv, sizeof iv) != 1)
    return error_set (error, EZCDC_E_MEMORY,
                      "OpenSSL has no random bytes to seal a value");
  return envelope_seal_with (ring, salt, iv, owner, option, value, length,
                             text, error);
}

/* ---- Opening ----------------------------------------------------------- */

/* The parts of a sealed value; all point into bytes. */
struct parts {
  unsigned char *bytes; /* owned, freed by the caller */
  size_t length;
  const unsigned char *key_id;
  const unsigned char *iv;
  const unsigned char *cipher;
  size_t cipher_length;
  unsigned char *tag;
};

/* Everything that can be checked without a key, cheapest first. The caller
 * frees ret_parts->bytes in any case. */
static enum envelope_fault
take_apart (const char *text, struct parts *ret_parts)
{
  if (strncmp (text, PREFIX, PREFIX_LENGTH) != 0)
    return ENVELOPE_PREFIX;
  size_t length = strnlen (text, ENVELOPE_TEXT_MAX + 1);
  if (length > ENVELOPE_TEXT_MAX)
    return ENVELOPE_TOO_LONG;
  text += PREFIX_LENGTH;
  length -= PREFIX_LENGTH;
  ret_parts->bytes = malloc (base64url_decoded_length (length) + 1);
  if (ret_parts->bytes == NULL)
    return ENVELOPE_RESOURCES;
  if (!base64url_decode (text, length, ret_parts->bytes, &ret_parts->length))
    return ENVELOPE_ENCODING;
  if (ret_parts->length < OVERHEAD + BLOCK)
    return ENVELOPE_TOO_SHORT;
  if ((ret_parts->length - OVERHEAD) % BLOCK != 0)
    return ENVELOPE_BLOCK;
  if (memcmp (ret_parts->bytes, magic, MAGIC_LENGTH) != 0)
    return ENVELOPE_MAGIC;
  if (ret_parts->bytes[MAGIC_LENGTH] != ALGORITHM)
    return ENVELOPE_ALGORITHM;
  ret_parts->key_id = ret_parts->bytes + MAGIC_LENGTH + 1;
  ret_parts->iv = ret_parts->bytes + HEADER_LENGTH;
  ret_parts->cipher = ret_parts->iv + IV_LENGTH;
  ret_parts->cipher_length = ret_parts->length - OVERHEAD;
  ret_parts->tag = ret_parts->bytes + ret_parts->length - TAG_LENGTH;
  return ENVELOPE_FINE;
}

enum envelope_fault
envelope_key_id (const char *text, unsigned char ret_id[KEY_ID_SIZE])
{
  struct parts parts = { 0 };
  enum envelope_fault fault = take_apart (text, &parts);

  if (fault == ENVELOPE_FINE)
    memcpy (ret_id, parts.key_id, KEY_ID_SIZE);
  free (parts.bytes);
  return fault;
}

/* Whether the plaintext is a length, so many bytes, and zeros. */
static bool
is_well_formed (const unsigned char *plain, size_t padded, size_t *ret_length)
{
  size_t length = (size_t) plain[0] << 24 | (size_t) plain[1] << 16
                  | (size_t) plain[2] << 8 | (size_t) plain[3];
  unsigned char rest = 0;

  if (length > padded - 4)
    return false;
  for (size_t i = 4 + length; i < padded; i++)
    rest |= plain[i];
  if (rest != 0 || padded_length (length) != padded)
    return false;
  *ret_length = length;
  return true;
}

static enum envelope_fault
open_parts (const struct key_ring *ring, const struct parts *parts,
            const char *owner, const char *option,
            struct opened_value *ret_value)
{
  int index = key_ring_find (ring, parts->key_id);
  struct binding binding;
  CLEANUP_SECRET struct secret pages = { 0 };
  size_t length;

  if (index < 0)
    return ENVELOPE_KEY;
  if (!make_binding (parts->bytes, owner, option, &binding))
    return ENVELOPE_AUTHENTICATION;
  /* GCM hands out the plaintext before it knows that the tag is right; the
   * pages are wiped whenever this does not end well. One byte more, for the
   * NUL. */
  if (secret_create (&pages, parts->cipher_length + 1, NULL) != 0)
    return ENVELOPE_RESOURCES;
  if (!crypt_record (0, key_ring_key (ring, (size_t) index), &binding,
                     parts->iv, parts->cipher, parts->cipher_length,
                     pages.data, parts->tag))
    return ENVELOPE_AUTHENTICATION;
  if (!is_well_formed (pages.data, parts->cipher_length, &length))
    return ENVELOPE_CONTENT;
  *ret_value = (struct opened_value){
    .pages = pages,
    .data = (const char *) pages.data + 4,
    .length = length,
  };
  pages = (struct secret){ 0 };
  return ENVELOPE_FINE;
}

enum envelope_fault
envelope_open (const struct key_ring *ring, const char *text,
               const char *owner, const char *option,
               struct opened_value *ret_value)
{
  struct parts parts = { 0 };
  enum envelope_fault fault = take_apart (text, &parts);

  if (fault == ENVELOPE_FINE)
    fault = open_parts (ring, &parts, owner, option, ret_value);
  free (parts.bytes);
  return fault;
}

void
envelope_close (struct opened_value *value)
{
  secret_free (&value->pages);
  *value = (struct opened_value){ 0 };
}
