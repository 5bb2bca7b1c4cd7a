/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that chains of audit logs are under. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/audit/chain.h"
#include "core/audit/keys.h"
#include "core/audit/tail.h"
#include "core/crypto/digest.h"
#include "core/crypto/envelope.h"
#include "core/crypto/secret.h"

#define ID_DIGITS (KEY_ID_TEXT_SIZE - 1)
#define KEYS_MAX ((size_t) 4 * KEY_RING_MAX)

/* What a sealed chain key is bound to, besides the id of its root key. */
#define CHAIN_OWNER "audit/chain"

struct chain_key {
  char id[KEY_ID_TEXT_SIZE];
  bool given;     /* it is known without its root key */
  bool seen;      /* in a log: it goes into the next record of keys */
  uint64_t first; /* the earliest epoch whose key is known */
  uint64_t last;  /* the epoch whose key was needed last */
  struct audit_closing closing; /* of the epoch before the first */
};

/* Two slots of DIGEST_SIZE bytes for each key: that of the first epoch and
 * that of the last, so that a log is read with one derivation an epoch. */
struct audit_keys {
  struct secret pages;
  struct chain_key keys[KEYS_MAX];
  size_t count;
};

static unsigned char *
first_slot (const struct audit_keys *keys, size_t index)
{
  return keys->pages.data + 2 * index * DIGEST_SIZE;
}

static unsigned char *
last_slot (const struct audit_keys *keys, size_t index)
{
  return first_slot (keys, index) + DIGEST_SIZE;
}

/* The next key; its key is in the first slot, which is all that is known. */
static void
add_key (struct audit_keys *keys, const char *id, uint64_t epoch)
{
  struct chain_key *key = &keys->keys[keys->count];

  memcpy (key->id, id, KEY_ID_TEXT_SIZE);
  key->first = key->last = epoch;
  memcpy (last_slot (keys, keys->count), first_slot (keys, keys->count),
          DIGEST_SIZE);
  keys->count++;
}

static const unsigned char no_salt[32];

static bool
derive_keys (struct audit_keys *keys, const struct key_ring *ring)
{
  char id[KEY_ID_TEXT_SIZE];

  for (size_t i = 0; i < key_ring_count (ring); i++) {
    if (!digest_hkdf (key_ring_key (ring, i), KEY_SIZE, no_salt,
                      sizeof no_salt, "ezcdc/v1/audit/epoch0",
                      first_slot (keys, i)))
      return false;
    key_id_text (key_ring_id (ring, i), id);
    add_key (keys, id, 0);
  }
  return true;
}

struct audit_keys *
audit_keys_new (const struct key_ring *ring, struct error *error)
{
  struct audit_keys *keys = calloc (1, sizeof *keys);

  if (keys != NULL
      && secret_create (&keys->pages, 2 * KEYS_MAX * DIGEST_SIZE, NULL) == 0
      && derive_keys (keys, ring))
    return keys;
  audit_keys_free (keys);
  error_set (error, EZCDC_E_MEMORY, "out of memory for the audit log's keys");
  return NULL;
}

void
audit_keys_free (struct audit_keys *keys)
{
  if (keys == NULL)
    return;
  secret_free (&keys->pages);
  free (keys);
}

size_t
audit_keys_count (const struct audit_keys *keys)
{
  return keys->count;
}

const char *
audit_keys_id (const struct audit_keys *keys, size_t index)
{
  return keys->keys[index].id;
}

int
audit_keys_find (const struct audit_keys *keys, const char *id)
{
  for (size_t i = 0; i < keys->count; i++)
    if (memcmp (keys->keys[i].id, id, ID_DIGITS) == 0)
      return (int) i;
  return -1;
}

bool
audit_keys_reach (const struct audit_keys *keys, size_t index, uint64_t epoch)
{
  return epoch >= keys->keys[index].first && epoch <= AUDIT_EPOCH_MAX;
}

/* Brings the last slot to an epoch; from the first one, if it is beyond. */
static bool
turn_to (struct audit_keys *keys, size_t index, uint64_t epoch)
{
  struct chain_key *key = &keys->keys[index];
  unsigned char *slot = last_slot (keys, index);

  if (key->last > epoch) {
    memcpy (slot, first_slot (keys, index), DIGEST_SIZE);
    key->last = key->first;
  }
  for (; key->last < epoch; key->last++)
    if (!digest_hkdf (slot, DIGEST_SIZE, no_salt, sizeof no_salt,
                      "ezcdc/v1/audit/ratchet", slot))
      return false;
  return true;
}

bool
audit_mac (struct audit_keys *keys, size_t index, uint64_t epoch,
           const char *data, size_t length, char ret_mac[AUDIT_MAC_TEXT_SIZE])
{
  unsigned char mac[DIGEST_SIZE];

  if (!turn_to (keys, index, epoch)
      || !digest_hmac (last_slot (keys, index), DIGEST_SIZE, data, length,
                       mac))
    return false;
  digest_hex (mac, sizeof mac, ret_mac);
  return true;
}

int
audit_keys_import (struct audit_keys *keys, const char *id, uint64_t epoch,
                   const struct audit_closing *closing,
                   const unsigned char *key, struct error *error)
{
  if (audit_keys_find (keys, id) >= 0)
    return 0;
  if (keys->count == KEYS_MAX || epoch > AUDIT_EPOCH_MAX)
    return error_set (error, EZCDC_E_CONFIG, "too many keys of audit logs");
  memcpy (first_slot (keys, keys->count), key, DIGEST_SIZE);
  keys->keys[keys->count].given = true;
  keys->keys[keys->count].closing = *closing;
  add_key (keys, id, epoch);
  return 0;
}

bool
audit_keys_is_given (const struct audit_keys *keys, int index)
{
  return index >= 0 && keys->keys[index].given;
}

bool
audit_keys_have_given (const struct audit_keys *keys)
{
  for (size_t i = 0; i < keys->count; i++)
    if (keys->keys[i].given)
      return true;
  return false;
}

bool
audit_keys_forget (struct audit_keys *keys, size_t index, uint64_t epoch,
                   const struct audit_closing *closing)
{
  if (!turn_to (keys, index, epoch))
    return false;
  memcpy (first_slot (keys, index), last_slot (keys, index), DIGEST_SIZE);
  keys->keys[index].first = epoch;
  keys->keys[index].closing = *closing;
  return true;
}

const struct audit_closing *
audit_keys_closing (const struct audit_keys *keys, size_t index)
{
  return &keys->keys[index].closing;
}

const unsigned char *
audit_keys_first (const struct audit_keys *keys, size_t index,
                  uint64_t *ret_epoch)
{
  *ret_epoch = keys->keys[index].first;
  return first_slot (keys, index);
}

/* ---- Learning ---------------------------------------------------------- */

/* Takes up one key that a record carries, if it opens. */
static void
learn_key (struct audit_keys *keys, const struct key_ring *ring,
           const char *id, const char *sealed)
{
  CLEANUP_OPENED struct opened_value value = { 0 };
  int known = audit_keys_find (keys, id);

  if (known >= 0) {
    keys->keys[known].seen = true;
    return;
  }
  if (keys->count == KEYS_MAX
      || envelope_open (ring, sealed, CHAIN_OWNER, id, &value) != ENVELOPE_FINE
      || value.length != DIGEST_SIZE)
    return;
  memcpy (first_slot (keys, keys->count), value.data, DIGEST_SIZE);
  keys->keys[keys->count].seen = true;
  add_key (keys, id, 0);
}

/* The string between quotes at *at, which moves behind it; NULL if there is
 * none. It is cut off in place. */
static char *
take_string (char **at)
{
  if (**at != '"')
    return NULL;
  char *begin = *at + 1;
  char *end = strchr (begin, '"');
  if (end == NULL)
    return NULL;
  *end = '\0';
  *at = end + 1;
  return begin;
}

/* Takes up all keys of a line, which is a string of its own. */
static void
learn_line (struct audit_keys *keys, const struct key_ring *ring, char *line)
{
  static const char pattern[] = ",\"chains\":{";
  char *at = strstr (line, pattern);

  if (at == NULL)
    return;
  at += sizeof pattern - 1;
  for (;;) {
    char *id = take_string (&at);
    if (id == NULL || *at++ != ':')
      return;
    char *sealed = take_string (&at);
    if (sealed == NULL)
      return;
    if (strlen (id) == ID_DIGITS)
      learn_key (keys, ring, id, sealed);
    if (*at++ != ',')
      return;
  }
}

static bool
carries_keys (const char *line, size_t length)
{
  struct audit_line parsed;

  /* The pattern first: it is quick, and hardly any line has it. */
  return memmem (line, length, ",\"chains\":{", 11) != NULL
         && audit_line_parse (line, length, &parsed) && parsed.key_id != NULL;
}

/* Looks at the whole lines of a part of the file; returns their length. */
static size_t
learn_lines (struct audit_keys *keys, const struct key_ring *ring, char *data,
             size_t length)
{
  size_t at = 0;
  char *end;

  while ((end = memchr (data + at, '\n', length - at)) != NULL) {
    size_t line = (size_t) (end - (data + at));
    if (carries_keys (data + at, line)) {
      *end = '\0';
      learn_line (keys, ring, data + at);
    }
    at += line + 1;
  }
  return at;
}

int
audit_keys_learn (struct audit_keys *keys, const struct key_ring *ring,
                  int descriptor, const char *path, struct error *error)
{
  off_t offset = 0;

  for (;;) {
    char *data;
    size_t length;
    int code = tail_read (descriptor, path, offset, &data, &length, error);
    if (code != 0)
      return code;
    size_t used = learn_lines (keys, ring, data, length);
    free (data);
    /* The end, or a line that is none. */
    if (used == 0)
      return 0;
    offset += (off_t) used;
  }
}

/* ---- Describing -------------------------------------------------------- */

int
audit_keys_describe (const struct audit_keys *keys,
                     const struct key_ring *ring, size_t index,
                     struct json *json, struct error *error)
{
  char primary[KEY_ID_TEXT_SIZE];
  int code = 0;

  key_id_text (key_ring_id (ring, 0), primary);
  json_key (json, "chains");
  json_object_begin (json);
  for (size_t i = 0; i < keys->count && code == 0; i++) {
    CLEANUP_TEXT struct text sealed = { 0 };
    const struct chain_key *key = &keys->keys[i];
    if ((!key->seen && i != index) || strcmp (key->id, primary) == 0
        || key->given)
      continue;
    code = envelope_seal (ring, CHAIN_OWNER, key->id, first_slot (keys, i),
                          DIGEST_SIZE, &sealed, error);
    json_member_text (json, key->id, text_string (&sealed));
  }
  json_object_end (json);
  return code;
}
