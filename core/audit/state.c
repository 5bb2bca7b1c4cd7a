/* SPDX-License-Identifier: Apache-2.0 */
/* What stands beside an audit log whose verification key was given away. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <ezcdc/connector.h>

#include "core/audit/beside.h"
#include "core/audit/state.h"
#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/crypto/digest.h"
#include "core/crypto/envelope.h"

#define STATE_OWNER "audit/state"
#define STATE_MAX 4096

/* What the key is sealed for. */
static void
state_option (const char *id, uint64_t epoch,
              const struct audit_closing *closing, struct text *text)
{
  text_printf (text, "%s/%" PRIu64 "/%" PRIu64 "/%s", id, epoch, closing->seq,
               closing->mac);
}

/* ---- Loading ----------------------------------------------------------- */

static int
refuse_state (const char *path, const char *why, struct error *error)
{
  return error_set (error, EZCDC_E_CONFIG,
                    "%s, the state of the audit log: %s; it is sealed under "
                    "the encryption key, and without it nobody can go on "
                    "with the log",
                    path, why);
}

static int
import_key (struct audit_keys *keys, const struct key_ring *ring,
            const char *path, const char *id, uint64_t epoch,
            const struct audit_closing *closing, const char *sealed,
            struct error *error)
{
  CLEANUP_TEXT struct text option = { 0 };
  CLEANUP_OPENED struct opened_value value = { 0 };

  state_option (id, epoch, closing, &option);
  enum envelope_fault fault = envelope_open (ring, sealed, STATE_OWNER,
                                             text_string (&option), &value);
  if (fault != ENVELOPE_FINE)
    return refuse_state (path, envelope_fault_text (fault), error);
  if (value.length != DIGEST_SIZE)
    return refuse_state (path, "its key has a wrong length", error);
  return audit_keys_import (keys, id, epoch, closing,
                            (const unsigned char *) value.data, error);
}

static int
import_state (struct audit_keys *keys, const struct key_ring *ring,
              const char *path, const struct text *text, struct error *error)
{
  struct audit_closing closing = { 0 };
  const char *id;
  const char *mac;
  const char *sealed;
  json_int_t epoch;
  json_int_t seq;
  json_t *state = json_loadb (text_string (text), text->length,
                              JSON_REJECT_DUPLICATES, NULL);
  int code;

  if (json_unpack (state, "{s:s, s:I, s:I, s:s, s:s}", "key_id", &id, "epoch",
                   &epoch, "seq", &seq, "mac", &mac, "key", &sealed)
        != 0
      || strlen (id) != KEY_ID_TEXT_SIZE - 1 || epoch < 0 || seq < 0
      || strlen (mac) != AUDIT_MAC_TEXT_SIZE - 1)
    code = refuse_state (path, "it is malformed", error);
  else {
    closing.seq = (uint64_t) seq;
    memcpy (closing.mac, mac, AUDIT_MAC_TEXT_SIZE);
    code = import_key (keys, ring, path, id, (uint64_t) epoch, &closing,
                       sealed, error);
  }
  json_decref (state);
  return code;
}

int
audit_state_load (struct audit_keys *keys, const struct key_ring *ring,
                  const char *log_path, struct error *error)
{
  CLEANUP_FREE char *path = beside_path (log_path, ".state", error);
  CLEANUP_TEXT struct text text = { 0 };

  if (path == NULL)
    return EZCDC_E_MEMORY;
  if (access (path, F_OK) != 0 && errno == ENOENT)
    return 0;
  int code = file_read_own (path, STATE_MAX, &text, error);
  return code == 0 ? import_state (keys, ring, path, &text, error) : code;
}

/* ---- Saving ------------------------------------------------------------ */

static int
describe_state (const struct audit_keys *keys, size_t index,
                const struct key_ring *ring, struct text *text,
                struct error *error)
{
  CLEANUP_TEXT struct text option = { 0 };
  CLEANUP_TEXT struct text sealed = { 0 };
  struct json json = { .text = text };
  const char *id = audit_keys_id (keys, index);
  uint64_t epoch;
  const unsigned char *key = audit_keys_first (keys, index, &epoch);
  struct audit_closing closing = *audit_keys_closing (keys, index);

  if (closing.seq == 0)
    memset (closing.mac, '0', AUDIT_MAC_TEXT_SIZE - 1);
  state_option (id, epoch, &closing, &option);
  int code = envelope_seal (ring, STATE_OWNER, text_string (&option), key,
                            DIGEST_SIZE, &sealed, error);
  if (code != 0)
    return code;
  json_object_begin (&json);
  json_member_text (&json, "key_id", id);
  json_member_uint64 (&json, "epoch", epoch);
  json_member_uint64 (&json, "seq", closing.seq);
  json_member_text (&json, "mac", closing.mac);
  json_member_text (&json, "key", text_string (&sealed));
  json_object_end (&json);
  text_char (text, '\n');
  return text->failed ? error_set (error, EZCDC_E_MEMORY, "out of memory") : 0;
}

int
audit_state_save (const struct audit_keys *keys, size_t index,
                  const struct key_ring *ring, const char *log_path,
                  struct error *error)
{
  CLEANUP_FREE char *path = beside_path (log_path, ".state", error);
  CLEANUP_TEXT struct text text = { 0 };

  if (path == NULL)
    return EZCDC_E_MEMORY;
  int code = describe_state (keys, index, ring, &text, error);
  return code == 0 ? beside_replace (path, &text, error) : code;
}
