/* SPDX-License-Identifier: Apache-2.0 */
/* One record of an audit log, and the epochs that records make. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/actor.h"
#include "core/audit/state.h"
#include "core/audit/writer.h"
#include "core/base/clock.h"
#include "core/base/utf8.h"

#define RESOURCE_MAX 256

/* The time of the next record: never before the last one's. */
static void
next_timestamp (struct audit_log *log, char timestamp[CLOCK_TEXT_SIZE])
{
  clock_rfc3339 (clock_realtime (), timestamp);
  if (log->place.begun && strcmp (timestamp, log->place.timestamp) < 0)
    memcpy (timestamp, log->place.timestamp, CLOCK_TEXT_SIZE);
}

static void
format_body (struct audit_log *log, const struct audit_record *record,
             struct text *text)
{
  struct json json = { .text = text };
  char timestamp[CLOCK_TEXT_SIZE];
  size_t length = strlen (record->resource_id);
  size_t whole = length <= RESOURCE_MAX
                   ? length
                   : utf8_whole_length (record->resource_id, RESOURCE_MAX);
  const char *detail = record->detail != NULL ? record->detail : "{}";

  next_timestamp (log, timestamp);
  json_object_begin (&json);
  json_member_int64 (&json, "v", 1);
  json_member_uint64 (&json, "seq", log->place.next_seq);
  json_member_text (&json, "timestamp", timestamp);
  json_member_text (&json, "action", record->action);
  json_member_text (&json, "user_id", log->user);
  json_key (&json, "resource_id");
  json_bytes (&json, record->resource_id, whole);
  json_member_text (&json, "ip_address", ACTOR_ADDRESS);
  json_member_text (&json, "outcome", record->outcome);
  json_key (&json, "detail");
  json_raw (&json, detail, strlen (detail));
  if (whole < length)
    json_member_bool (&json, "truncated", true);
  json_member_uint64 (&json, "epoch", log->place.epoch);
  json_member_text (&json, "prev", log->place.prev);
}

static int
format_line (struct audit_log *log, const struct audit_record *record,
             struct text *text, struct error *error)
{
  char mac[AUDIT_MAC_TEXT_SIZE];

  format_body (log, record, text);
  if (text->failed
      || !audit_mac (log->keys, (size_t) log->place.key, log->place.epoch,
                     text->data, text->length, mac))
    return error_set (error, EZCDC_E_MEMORY,
                      "out of memory for an audit record");
  text_printf (text, ",\"mac\":\"%s\"}\n", mac);
  if (text->failed)
    return error_set (error, EZCDC_E_MEMORY,
                      "out of memory for an audit record");
  if (text->length > AUDIT_LINE_MAX)
    return error_set (error, EZCDC_E_CONFIG,
                      "an audit record of %zu bytes is too long",
                      text->length);
  return 0;
}

/* A full disk takes a part of a record first. Nothing of it may stay in front
 * of a later one. */
static int
write_line (struct audit_log *log, const struct text *line,
            struct error *error)
{
  ssize_t written;

  do
    written = write (log->descriptor, line->data, line->length);
  while (written < 0 && errno == EINTR);
  if (written >= 0 && (size_t) written < line->length)
    errno = ENOSPC;
  if (written == (ssize_t) line->length && fdatasync (log->descriptor) == 0)
    return 0;
  int code = error_set (error, EZCDC_E_UNAVAILABLE,
                        "write to the audit log %s: %m; nothing that has to "
                        "be audited can be done until that is mended",
                        log->path);
  if (ftruncate (log->descriptor, log->checked) != 0)
    error_prefix (error, "a torn record is left");
  return code;
}

/* Who verifies the log locks the file for a moment to see no half record. */
static int
append_line (struct audit_log *log, const struct text *line,
             struct error *error)
{
  int code = writer_wait_for (log, log->descriptor, error);

  if (code != 0)
    return code;
  code = write_line (log, line, error);
  flock (log->descriptor, LOCK_UN);
  return code;
}

int
writer_append (struct audit_log *log, const struct audit_record *record,
               struct error *error)
{
  CLEANUP_TEXT struct text line = { 0 };
  struct audit_place next = log->place;

  if (!next.begun)
    memset (log->place.prev, '0', AUDIT_MAC_TEXT_SIZE - 1);
  int code = format_line (log, record, &line, error);
  if (code != 0)
    return code;
  /* The verifier's own eyes: what would not verify is not written. */
  if (audit_place_advance (&next, log->keys, line.data, line.length - 1)
      != AUDIT_FINE)
    return error_set (error, EZCDC_E_BUG,
                      "an audit record of action %s is malformed",
                      record->action);
  code = append_line (log, &line, error);
  if (code != 0)
    return code;
  log->place = next;
  log->checked += (off_t) line.length;
  if (log->syslog != NULL)
    audit_syslog_send (log->syslog, line.data, line.length - 1,
                       strcmp (record->outcome, AUDIT_SUCCESS) == 0);
  return 0;
}

int
writer_append_action (struct audit_log *log, const char *action,
                      const char *detail, struct error *error)
{
  const struct audit_record record = {
    .action = action,
    .resource_id = "audit",
    .outcome = AUDIT_SUCCESS,
    .detail = detail,
  };

  return writer_append (log, &record, error);
}

/* A key that was given away is forgotten as it was in the epochs before, here
 * and beside the log. Whoever comes first does it, also for a process that
 * ended between the record and this. */
static int
forget_past (struct audit_log *log, struct error *error)
{
  size_t key = (size_t) log->place.key;
  uint64_t first;

  if (!audit_log_has_given_key (log))
    return 0;
  audit_keys_first (log->keys, key, &first);
  if (first >= log->place.epoch && !log->state_is_behind)
    return 0;
  if (!audit_keys_forget (log->keys, key, log->place.epoch,
                          &log->place.closing))
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a key");
  int code = audit_state_save (log->keys, key, log->ring, log->path, error);
  log->state_is_behind = code != 0;
  return code;
}

int
writer_note_epoch (struct audit_log *log, struct error *error)
{
  if (log->epoch_since == 0 || log->epoch_seq != log->place.epoch_seq) {
    log->epoch_seq = log->place.epoch_seq;
    log->epoch_since = clock_monotonic ();
  }
  return forget_past (log, error);
}

uint64_t
writer_epoch_records (const struct audit_log *log)
{
  return log->place.next_seq - log->place.epoch_seq;
}

int
writer_close_epoch (struct audit_log *log, struct error *error)
{
  char detail[64];

  if (log->place.epoch == AUDIT_EPOCH_MAX)
    return 0;
  snprintf (detail, sizeof detail, "{\"next_epoch\":%" PRIu64 "}",
            log->place.epoch + 1);
  int code = writer_append_action (log, "audit.ratcheted", detail, error);
  return code == 0 ? writer_note_epoch (log, error) : code;
}

int
writer_begin_file (struct audit_log *log, struct error *error)
{
  char detail[64];

  if (!log->place.begun && audit_keys_have_given (log->keys))
    return error_set (error, EZCDC_E_OPERATOR,
                      "the audit log %s is gone, and %s.state says that it "
                      "was begun: put it back, or remove that file to begin "
                      "a new log",
                      log->path, log->path);
  if (!log->place.begun) {
    log->place = (struct audit_place){ .key = 0 };
    memcpy (log->place.key_id, audit_keys_id (log->keys, 0), KEY_ID_TEXT_SIZE);
  }
  if (log->place.key < 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "the audit log %s goes on under the key %s, which is "
                      "not in use here",
                      log->path, log->place.key_id);
  snprintf (detail, sizeof detail, "{\"key_id\":\"%s\"}", log->place.key_id);
  return writer_append_action (log, "audit.opened", detail, error);
}
