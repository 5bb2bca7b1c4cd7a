/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes of where an audit log stood. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include <ezcdc/connector.h>

#include "core/audit/checkpoint.h"
#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/crypto/digest.h"
#include "core/crypto/secret.h"

#define PUBLIC_KEY_SIZE 32
#define SIGNATURE_SIZE 64
#define SIGNATURE_DIGITS ((size_t) 2 * SIGNATURE_SIZE)
#define MAC_DIGITS (AUDIT_MAC_TEXT_SIZE - 1)

/* So many checkpoints of a minute are two months. */
#define FILE_MAX ((size_t) 64 * 1024 * 1024)

/* ---- Keys -------------------------------------------------------------- */

/* The caller frees it. NULL if memory is out. */
static EVP_PKEY *
private_key (const struct key_ring *ring, size_t index)
{
  static const unsigned char no_salt[32];
  CLEANUP_SECRET struct secret seed = { 0 };

  if (secret_create (&seed, DIGEST_SIZE, NULL) != 0
      || !digest_hkdf (key_ring_key (ring, index), KEY_SIZE, no_salt,
                       sizeof no_salt, "ezcdc/v1/audit/checkpoint", seed.data))
    return NULL;
  return EVP_PKEY_new_raw_private_key (EVP_PKEY_ED25519, NULL, seed.data,
                                       DIGEST_SIZE);
}

int
audit_public_key (const struct key_ring *ring, size_t index,
                  char ret_digits[PUBLIC_KEY_TEXT_SIZE], struct error *error)
{
  unsigned char bytes[PUBLIC_KEY_SIZE];
  size_t length = sizeof bytes;
  EVP_PKEY *key = private_key (ring, index);
  bool done = key != NULL
              && EVP_PKEY_get_raw_public_key (key, bytes, &length) == 1
              && length == sizeof bytes;

  EVP_PKEY_free (key);
  if (!done)
    return error_set (error, EZCDC_E_MEMORY,
                      "OpenSSL cannot make the key of checkpoints");
  digest_hex (bytes, sizeof bytes, ret_digits);
  return 0;
}

/* ---- Signing ----------------------------------------------------------- */

static void
format_body (const struct key_ring *ring, const char *log_path,
             const struct audit_place *place, const char *public_key,
             struct text *line)
{
  struct json json = { .text = line };
  char timestamp[CLOCK_TEXT_SIZE];
  char id[KEY_ID_TEXT_SIZE];

  clock_rfc3339 (clock_realtime (), timestamp);
  key_id_text (key_ring_id (ring, 0), id);
  json_object_begin (&json);
  json_member_int64 (&json, "v", 1);
  json_member_text (&json, "checkpoint", "audit");
  json_member_text (&json, "log", log_path);
  json_member_uint64 (&json, "seq", place->next_seq - 1);
  json_member_text (&json, "mac", place->prev);
  json_member_text (&json, "timestamp", timestamp);
  json_member_text (&json, "key_id", id);
  json_member_text (&json, "public_key", public_key);
}

static bool
sign (EVP_PKEY *key, const struct text *body,
      unsigned char signature[SIGNATURE_SIZE])
{
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  size_t length = SIGNATURE_SIZE;
  bool done = context != NULL && key != NULL
              && EVP_DigestSignInit (context, NULL, NULL, NULL, key) == 1
              && EVP_DigestSign (context, signature, &length,
                                 (const unsigned char *) body->data,
                                 body->length)
                   == 1
              && length == SIGNATURE_SIZE;

  EVP_MD_CTX_free (context);
  return done;
}

int
audit_checkpoint_sign (const struct key_ring *ring, const char *log_path,
                       const struct audit_place *place, struct text *line,
                       struct error *error)
{
  CLEANUP_TEXT struct text body = { 0 };
  char public_key[PUBLIC_KEY_TEXT_SIZE];
  unsigned char signature[SIGNATURE_SIZE];
  char digits[SIGNATURE_DIGITS + 1];
  int code = audit_public_key (ring, 0, public_key, error);

  if (code != 0)
    return code;
  format_body (ring, log_path, place, public_key, &body);
  EVP_PKEY *key = private_key (ring, 0);
  bool done = !body.failed && sign (key, &body, signature);
  EVP_PKEY_free (key);
  if (!done)
    return error_set (error, EZCDC_E_MEMORY,
                      "OpenSSL cannot sign a checkpoint");
  digest_hex (signature, sizeof signature, digits);
  text_append (line, body.data, body.length);
  text_printf (line, ",\"signature\":\"%s\"}\n", digits);
  return line->failed ? error_set (error, EZCDC_E_MEMORY, "out of memory") : 0;
}

/* ---- Reading ----------------------------------------------------------- */

void
audit_checkpoints_free (struct audit_checkpoints *checkpoints)
{
  free (checkpoints->list);
  *checkpoints = (struct audit_checkpoints){ 0 };
}

/* Lower-case digits into size bytes. */
static bool
decode_digits (const char *digits, size_t size, unsigned char *ret_bytes)
{
  static const char alphabet[] = "0123456789abcdef";

  for (size_t i = 0; i < 2 * size; i++) {
    const char *found = digits[i] != '\0' ? strchr (alphabet, digits[i])
                                          : NULL;
    if (found == NULL)
      return false;
    unsigned value = (unsigned) (found - alphabet);
    ret_bytes[i / 2] = (unsigned char) (i % 2 == 0 ? value << 4
                                                   : ret_bytes[i / 2] | value);
  }
  return true;
}

static bool
verify_signature (const char *public_key, const char *body, size_t length,
                  const char *digits)
{
  unsigned char raw[PUBLIC_KEY_SIZE];
  unsigned char signature[SIGNATURE_SIZE];

  if (!decode_digits (public_key, sizeof raw, raw)
      || !decode_digits (digits, sizeof signature, signature))
    return false;
  EVP_PKEY *key = EVP_PKEY_new_raw_public_key (EVP_PKEY_ED25519, NULL, raw,
                                               sizeof raw);
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  bool valid = key != NULL && context != NULL
               && EVP_DigestVerifyInit (context, NULL, NULL, NULL, key) == 1
               && EVP_DigestVerify (context, signature, sizeof signature,
                                    (const unsigned char *) body, length)
                    == 1;
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (key);
  return valid;
}

static bool
is_trusted (const char *public_key, const struct key_ring *ring,
            const char *const *public_keys)
{
  char digits[PUBLIC_KEY_TEXT_SIZE];

  for (; *public_keys != NULL; public_keys++)
    if (strcmp (*public_keys, public_key) == 0)
      return true;
  for (size_t i = 0; i < key_ring_count (ring); i++)
    if (audit_public_key (ring, i, digits, NULL) == 0
        && strcmp (digits, public_key) == 0)
      return true;
  return false;
}

/* Where the signature's member begins; NULL if the line has none at its end. */
static const char *
find_signature (const char *line, size_t length)
{
  static const char name[] = ",\"signature\":\"";
  size_t tail = sizeof name - 1 + SIGNATURE_DIGITS + 2;

  if (length < tail
      || memcmp (line + length - tail, name, sizeof name - 1) != 0)
    return NULL;
  return line + length - tail;
}

static int
refuse_line (const char *path, size_t number, const char *why,
             struct error *error)
{
  return error_set (error, EZCDC_E_OPERATOR, "%s, line %zu: %s", path, number,
                    why);
}

static int
take_checkpoint (struct audit_checkpoints *checkpoints, const json_t *object,
                 const char *line, size_t length, const char *path,
                 size_t number, const struct key_ring *ring,
                 const char *const *public_keys, struct error *error)
{
  const char *signature = find_signature (line, length);
  const char *kind;
  const char *mac;
  const char *public_key;
  json_int_t version;
  json_int_t seq;

  if (signature == NULL
      || json_unpack ((json_t *) object, "{s:I, s:s, s:I, s:s, s:s}", "v",
                      &version, "checkpoint", &kind, "seq", &seq, "mac", &mac,
                      "public_key", &public_key)
           != 0
      || version != 1 || strcmp (kind, "audit") != 0 || seq < 0
      || strlen (mac) != MAC_DIGITS)
    return refuse_line (path, number, "it is not a checkpoint", error);
  if (!is_trusted (public_key, ring, public_keys))
    return error_set (error, EZCDC_E_CONFIG,
                      "%s, line %zu: it is signed by the key %.64s, which "
                      "belongs to none of the encryption keys given; if it "
                      "is the right one, add --public-key",
                      path, number, public_key);
  if (!verify_signature (public_key, line, (size_t) (signature - line),
                         signature + strlen (",\"signature\":\"")))
    return refuse_line (
      path, number, "its signature is wrong: it was changed or forged", error);
  if (!array_reserve (&checkpoints->list, &checkpoints->capacity,
                      checkpoints->count + 1, sizeof *checkpoints->list))
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  struct audit_checkpoint *added = &checkpoints->list[checkpoints->count++];
  added->seq = (uint64_t) seq;
  memcpy (added->mac, mac, AUDIT_MAC_TEXT_SIZE);
  return 0;
}

static int
compare_checkpoints (const void *a, const void *b)
{
  const struct audit_checkpoint *first = a;
  const struct audit_checkpoint *second = b;

  return (first->seq > second->seq) - (first->seq < second->seq);
}

int
audit_checkpoints_read (struct audit_checkpoints *checkpoints,
                        const char *path, const struct key_ring *ring,
                        const char *const *public_keys, struct error *error)
{
  CLEANUP_TEXT struct text text = { 0 };
  int code = file_read (path, FILE_MAX, &text, error);
  size_t number = 0;

  for (size_t at = 0; code == 0 && at < text.length;) {
    const char *line = text.data + at;
    size_t length = strcspn (line, "\n");
    json_t *object = json_loadb (line, length, JSON_REJECT_DUPLICATES, NULL);
    code = take_checkpoint (checkpoints, object, line, length, path, ++number,
                            ring, public_keys, error);
    json_decref (object);
    at += length + 1;
  }
  if (code == 0 && checkpoints->count == 0)
    code = error_set (error, EZCDC_E_CONFIG, "%s holds no checkpoint", path);
  if (code == 0)
    qsort (checkpoints->list, checkpoints->count, sizeof *checkpoints->list,
           compare_checkpoints);
  return code;
}
