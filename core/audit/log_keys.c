/* SPDX-License-Identifier: Apache-2.0 */
/* An audit log goes over to other keys. */

#include <config.h>

#include <ezcdc/connector.h>

#include "core/audit/state.h"
#include "core/audit/writer.h"

/* The detail of a record about a change of keys. key_id comes first: that is
 * where the chain looks for it. */
static int
describe_keys (const struct audit_log *log, const struct key_ring *ring,
               const char *key_id, const char *other_name,
               const char *other_id, struct text *detail, struct error *error)
{
  struct json json = { .text = detail };

  json_object_begin (&json);
  json_member_text (&json, "key_id", key_id);
  json_member_text (&json, other_name, other_id);
  int code = audit_keys_describe (log->keys, ring, (size_t) log->place.key,
                                  &json, error);
  json_object_end (&json);
  if (code == 0 && detail->failed)
    code = error_set (error, EZCDC_E_MEMORY,
                      "out of memory for an audit record");
  return code;
}

/* The chain goes over to the primary key. Only when that was asked for:
 * otherwise two processes with different primary keys would do nothing
 * else. */
static int
go_to_primary (struct audit_log *log, const struct key_ring *ring,
               struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };

  /* A chain whose key was given away stays under it. */
  if (audit_log_has_given_key (log))
    return audit_state_save (log->keys, (size_t) log->place.key, ring,
                             log->path, error);
  int code = describe_keys (log, ring, audit_keys_id (log->keys, 0),
                            "previous_key_id", log->place.key_id, &detail,
                            error);

  return code == 0
           ? writer_append_action (log, "audit.rekeyed", detail.data, error)
           : code;
}

/* The chain stays as it is, but the primary key can go on with it. */
static int
bridge_to_primary (struct audit_log *log, const struct key_ring *ring,
                   struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };

  if (audit_log_has_given_key (log))
    return 0;
  int code = describe_keys (log, ring, log->place.key_id, "next_key_id",
                            audit_keys_id (log->keys, 0), &detail, error);

  return code == 0
           ? writer_append_action (log, "audit.bridged", detail.data, error)
           : code;
}

/* Keys for the log from a ring, with those that the log carries. */
static struct audit_keys *
keys_for (const struct audit_log *log, const struct key_ring *ring,
          struct error *error)
{
  struct audit_keys *keys = audit_keys_new (ring, error);

  if (keys != NULL
      && (audit_state_load (keys, ring, log->path, error) != 0
          || audit_keys_learn (keys, ring, log->descriptor, log->path, error)
               != 0)) {
    audit_keys_free (keys);
    return NULL;
  }
  return keys;
}

static void
exchange_keys (struct audit_log *log, struct audit_keys **keys,
               struct key_ring **ring)
{
  struct audit_keys *former_keys = log->keys;
  struct key_ring *former_ring = log->ring;

  log->keys = *keys;
  log->ring = *ring;
  *keys = former_keys;
  *ring = former_ring;
  log->place.key = audit_keys_find (log->keys, log->place.key_id);
}

/* Changes the keys and, if the chain is not under the primary one, appends a
 * record about that. On failure all is as before. */
static int
change_keys (struct audit_log *log, const struct key_ring *ring,
             int (*append) (struct audit_log *, const struct key_ring *,
                            struct error *),
             struct error *error)
{
  struct audit_keys *keys = keys_for (log, ring, error);
  struct key_ring *copy = keys != NULL ? key_ring_copy (ring, error) : NULL;

  if (copy == NULL) {
    audit_keys_free (keys);
    return error->code;
  }
  exchange_keys (log, &keys, &copy);
  int code = writer_begin (log, error);
  if (code == 0) {
    if (log->place.key != 0)
      code = append (log, ring, error);
    writer_unlock (log);
  }
  if (code != 0)
    exchange_keys (log, &keys, &copy);
  audit_keys_free (keys);
  key_ring_free (copy);
  return code;
}

int
audit_log_rekey (struct audit_log *log, const struct key_ring *ring,
                 struct error *error)
{
  return change_keys (log, ring, go_to_primary, error);
}

int
audit_log_bridge (struct audit_log *log, const struct key_ring *ring,
                  struct error *error)
{
  return change_keys (log, ring, bridge_to_primary, error);
}

/* Takes up a chain key that is to be given away, and keeps what the next
 * records need of it beside the log. It replaces one that the chain never
 * went over to, because the process ended between this and the record. */
static int
take_up_key (struct audit_log *log, const struct audit_keys *given,
             struct error *error)
{
  uint64_t epoch;
  const unsigned char *key = audit_keys_first (given, 0, &epoch);
  int code = audit_keys_import (log->keys, audit_keys_id (given, 0), epoch,
                                audit_keys_closing (given, 0), key, error);

  if (code != 0)
    return code;
  return audit_state_save (log->keys, audit_keys_count (log->keys) - 1,
                           log->ring, log->path, error);
}

bool
audit_log_has_given_key (const struct audit_log *log)
{
  return audit_keys_is_given (log->keys, log->place.key);
}

int
audit_log_give_key (struct audit_log *log, const struct key_ring *verification,
                    struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  int code = writer_begin (log, error);

  if (code != 0)
    return code;
  struct audit_keys *given = audit_keys_new (verification, error);
  if (given == NULL)
    code = EZCDC_E_MEMORY;
  else if (audit_log_has_given_key (log))
    code = error_set (error, EZCDC_E_BUG, "the audit log %s has such a key",
                      log->path);
  if (code == 0)
    code = describe_keys (log, log->ring, audit_keys_id (given, 0),
                          "previous_key_id", log->place.key_id, &detail,
                          error);
  if (code == 0)
    code = take_up_key (log, given, error);
  if (code == 0)
    code = writer_append_action (log, "audit.rekeyed", text_string (&detail),
                                 error);
  audit_keys_free (given);
  writer_unlock (log);
  return code;
}
