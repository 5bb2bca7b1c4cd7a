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

struct audit_keys {
  struct secret pages; /* KEYS_MAX keys of DIGEST_SIZE bytes */
  char ids[KEYS_MAX][KEY_ID_TEXT_SIZE];
  bool seen[KEYS_MAX]; /* in a log: it goes into the next record of keys */
  size_t count;
};

static unsigned char *
key_at (const struct audit_keys *keys, size_t index)
{
  return keys->pages.data + index * DIGEST_SIZE;
}

static bool
derive_keys (struct audit_keys *keys, const struct key_ring *ring)
{
  static const unsigned char salt[32];

  for (size_t i = 0; i < key_ring_count (ring); i++) {
    if (!digest_hkdf (key_ring_key (ring, i), KEY_SIZE, salt, sizeof salt,
                      "ezcdc/v1/audit/epoch0", key_at (keys, i)))
      return false;
    key_id_text (key_ring_id (ring, i), keys->ids[i]);
    keys->count++;
  }
  return true;
}

struct audit_keys *
audit_keys_new (const struct key_ring *ring, struct error *error)
{
  struct audit_keys *keys = calloc (1, sizeof *keys);

  if (keys != NULL
      && secret_create (&keys->pages, KEYS_MAX * DIGEST_SIZE, NULL) == 0
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
  return keys->ids[index];
}

int
audit_keys_find (const struct audit_keys *keys, const char *id)
{
  for (size_t i = 0; i < keys->count; i++)
    if (memcmp (keys->ids[i], id, ID_DIGITS) == 0)
      return (int) i;
  return -1;
}

bool
audit_mac (const struct audit_keys *keys, size_t index, const char *data,
           size_t length, char ret_mac[AUDIT_MAC_TEXT_SIZE])
{
  unsigned char mac[DIGEST_SIZE];

  if (!digest_hmac (key_at (keys, index), DIGEST_SIZE, data, length, mac))
    return false;
  digest_hex (mac, sizeof mac, ret_mac);
  return true;
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
    keys->seen[known] = true;
    return;
  }
  if (keys->count == KEYS_MAX
      || envelope_open (ring, sealed, CHAIN_OWNER, id, &value) != ENVELOPE_FINE
      || value.length != DIGEST_SIZE)
    return;
  memcpy (key_at (keys, keys->count), value.data, DIGEST_SIZE);
  memcpy (keys->ids[keys->count], id, KEY_ID_TEXT_SIZE);
  keys->seen[keys->count++] = true;
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
    if ((!keys->seen[i] && i != index) || strcmp (keys->ids[i], primary) == 0)
      continue;
    code = envelope_seal (ring, CHAIN_OWNER, keys->ids[i], key_at (keys, i),
                          DIGEST_SIZE, &sealed, error);
    json_member_text (json, keys->ids[i], text_string (&sealed));
  }
  json_object_end (json);
  return code;
}
