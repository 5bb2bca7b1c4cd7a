/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of an audit log. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/sha.h>

#include <ezcdc/connector.h>

#include "core/audit/actions.h"
#include "core/audit/actor.h"
#include "core/audit/beside.h"
#include "core/audit/chain.h"
#include "core/audit/checkpoint.h"
#include "core/audit/log.h"
#include "core/audit/predecessor.h"
#include "core/audit/state.h"
#include "core/audit/syslog.h"
#include "core/audit/tail.h"
#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/base/utf8.h"
#include "core/crypto/digest.h"

#define RESOURCE_MAX 256
#define LOCK_PATIENCE (10 * INT64_C (1000000))
#define STEP_TOLERANCE INT64_C (1000000)

/* An epoch of the chain ends after so many records or so long. */
#define EPOCH_RECORDS 1000
#define EPOCH_TIME (3600 * INT64_C (1000000))
/* The most that can be lost of a log whose checkpoints are shipped away. */
#define CHECKPOINT_TIME (60 * INT64_C (1000000))

struct audit_log {
  char *path;                  /* owned */
  char *folder;                /* owned; where path lies */
  int descriptor;              /* owned; -1 before it is opened */
  struct key_ring *ring;       /* owned */
  struct audit_keys *keys;     /* owned; key 0 is the primary */
  struct audit_syslog *syslog; /* owned; NULL: no copies */
  struct audit_place place;    /* behind the last line that was checked */
  off_t checked;               /* bytes of the file up to there */
  uint64_t epoch_seq;          /* of place, when epoch_since was noted */
  int64_t epoch_since;         /* when this process first saw the epoch */
  uint64_t checkpoint_seq;     /* next_seq at the last checkpoint */
  int64_t checkpoint_since;    /* when it was made; 0: never */
  bool state_is_behind;        /* LOG.state could not be written */
  bool clock_behind; /* the clock was found set back, and it is noted */
  char user[128];
};

/* ---- The file ---------------------------------------------------------- */

static int
refuse_log (const struct audit_log *log, const char *why, struct error *error)
{
  return error_set (error, EZCDC_E_CONFIG,
                    "audit log %s: %s; it has to be a regular file that only "
                    "its owner can write",
                    log->path, why);
}

/* What may not be appended to, above all by root. */
static int
check_file (const struct audit_log *log, int descriptor, struct error *error)
{
  struct stat status;

  if (fstat (descriptor, &status) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "audit log %s: %m",
                      log->path);
  if (!S_ISREG (status.st_mode))
    return refuse_log (log, "it is not a regular file", error);
  if (status.st_nlink > 1)
    return refuse_log (log, "it has more than one name", error);
  if ((status.st_mode & 022) != 0)
    return refuse_log (log, "others may write it", error);
  return 0;
}

static int
open_file (const struct audit_log *log, int *ret_descriptor,
           struct error *error)
{
  int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  CLEANUP_CLOSE int descriptor = open (log->path, flags);
  int code = 0;

  if (descriptor < 0 && errno == ENOENT) {
    descriptor = open (log->path, flags | O_CREAT | O_EXCL, 0600);
    if (descriptor >= 0)
      code = beside_adopt (log->folder, descriptor, log->path, error);
    if (descriptor >= 0 && code == 0)
      code = folder_sync (log->folder, error);
    /* Another process was faster: its file will do. */
    if (descriptor < 0 && errno == EEXIST)
      descriptor = open (log->path, flags);
  }
  if (code != 0)
    return code;
  if (descriptor < 0 && errno == ELOOP)
    return refuse_log (log, "it is a symbolic link", error);
  if (descriptor < 0)
    return error_set (error, EZCDC_E_CONFIG, "open the audit log %s: %m",
                      log->path);
  code = check_file (log, descriptor, error);
  if (code == 0)
    *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
  return code;
}

/* Sleeps a little; false after the deadline. */
static bool
may_try_again (int64_t deadline)
{
  const struct timespec nap = { .tv_nsec = 2000000 };

  nanosleep (&nap, NULL);
  return clock_monotonic () < deadline;
}

static int
refuse_locked (const struct audit_log *log, struct error *error)
{
  return error_set (error, EZCDC_E_UNAVAILABLE,
                    "the audit log %s has been locked by another process for "
                    "more than 10 s",
                    log->path);
}

/* Whoever has the lock keeps it for the length of one write, so waiting long
 * means that somebody else's process is stuck. */
static int
lock_file (const struct audit_log *log, int descriptor, struct error *error)
{
  int64_t deadline = clock_monotonic () + LOCK_PATIENCE;

  while (flock (descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return error_set (error, EZCDC_E_UNAVAILABLE,
                        "lock the audit log %s: %m", log->path);
    if (!may_try_again (deadline))
      return refuse_locked (log, error);
  }
  return 0;
}

static void
unlock_file (const struct audit_log *log)
{
  flock (log->descriptor, LOCK_UN);
}

/* Whether path still names the file that is open. */
static bool
is_same_file (const struct audit_log *log)
{
  struct stat named;
  struct stat opened;

  return stat (log->path, &named) == 0 && fstat (log->descriptor, &opened) == 0
         && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* ---- One record -------------------------------------------------------- */

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
append_line (struct audit_log *log, const struct text *line,
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

/* Appends a record; the file is locked and the place is its end. */
static int
append_record (struct audit_log *log, const struct audit_record *record,
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

static int
append_action (struct audit_log *log, const char *action, const char *detail,
               struct error *error)
{
  const struct audit_record record = {
    .action = action,
    .resource_id = "audit",
    .outcome = AUDIT_SUCCESS,
    .detail = detail,
  };

  return append_record (log, &record, error);
}

/* ---- Epochs ------------------------------------------------------------ */

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

/* Notes since when the epoch lasts. */
static int
note_epoch (struct audit_log *log, struct error *error)
{
  if (log->epoch_since == 0 || log->epoch_seq != log->place.epoch_seq) {
    log->epoch_seq = log->place.epoch_seq;
    log->epoch_since = clock_monotonic ();
  }
  return forget_past (log, error);
}

static uint64_t
epoch_records (const struct audit_log *log)
{
  return log->place.next_seq - log->place.epoch_seq;
}

static int
close_epoch (struct audit_log *log, struct error *error)
{
  char detail[64];

  if (log->place.epoch == AUDIT_EPOCH_MAX)
    return 0;
  snprintf (detail, sizeof detail, "{\"next_epoch\":%" PRIu64 "}",
            log->place.epoch + 1);
  int code = append_action (log, "audit.ratcheted", detail, error);
  return code == 0 ? note_epoch (log, error) : code;
}

/* Closes the epoch if it is due. */
static int
keep_epoch_short (struct audit_log *log, struct error *error)
{
  uint64_t records = epoch_records (log);

  if (records < EPOCH_RECORDS
      && (records == 0 || clock_monotonic () - log->epoch_since < EPOCH_TIME))
    return 0;
  return close_epoch (log, error);
}

/* ---- Beginning, recovery, change of keys ------------------------------- */

/* The first record of a file; a new chain or the next part of one. */
static int
begin_file (struct audit_log *log, struct error *error)
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
  return append_action (log, "audit.opened", detail, error);
}

static bool
fill_file (int descriptor, const char *data, size_t length)
{
  ssize_t written = write (descriptor, data, length);

  if (written >= 0 && (size_t) written < length)
    errno = ENOSPC;
  return written == (ssize_t) length && fsync (descriptor) == 0;
}

/* Writes bytes to a new file that no other name leads to, all or nothing. */
static int
write_new_file (const struct audit_log *log, const char *path,
                const char *data, size_t length, struct error *error)
{
  CLEANUP_CLOSE int descriptor = open (
    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int code = 0;

  if (descriptor < 0 || !fill_file (descriptor, data, length))
    code = error_set (error, EZCDC_E_UNAVAILABLE,
                      "put the torn end of the audit log aside to %s: %m",
                      path);
  else
    code = beside_adopt (log->folder, descriptor, path, error);
  if (code != 0 && descriptor >= 0)
    unlink (path);
  return code;
}

static void
describe_torn (const char *path, const char *torn, size_t length,
               struct text *detail)
{
  unsigned char digest[SHA256_DIGEST_LENGTH];
  char digits[2 * SHA256_DIGEST_LENGTH + 1];
  struct json json = { .text = detail };

  SHA256 ((const unsigned char *) torn, length, digest);
  digest_hex (digest, sizeof digest, digits);
  json_object_begin (&json);
  json_member_text (&json, "file", path);
  json_member_uint64 (&json, "bytes", length);
  json_member_text (&json, "sha256", digits);
  json_object_end (&json);
}

/* Moves what lies behind the last good record to a file of its own. */
static int
put_aside (struct audit_log *log, const char *torn, size_t length,
           struct text *detail, struct error *error)
{
  CLEANUP_TEXT struct text path = { 0 };

  text_printf (&path, "%s.torn-%" PRId64, log->path, clock_realtime ());
  if (path.failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  int code = write_new_file (log, path.data, torn, length, error);
  if (code == 0)
    code = folder_sync (log->folder, error);
  if (code != 0)
    return code;
  if (ftruncate (log->descriptor, log->checked) != 0
      || fsync (log->descriptor) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "cut the torn end off the audit log %s: %m", log->path);
  describe_torn (path.data, torn, length, detail);
  return detail->failed
           ? error_set (error, EZCDC_E_MEMORY, "out of memory for a record")
           : 0;
}

static int
recover (struct audit_log *log, const char *torn, size_t length,
         struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  int code = put_aside (log, torn, length, &detail, error);

  if (code == 0 && log->checked == 0)
    code = begin_file (log, error);
  if (code == 0)
    code = append_action (log, "audit.recovered", detail.data, error);
  return code;
}

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

  return code == 0 ? append_action (log, "audit.rekeyed", detail.data, error)
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

  return code == 0 ? append_action (log, "audit.bridged", detail.data, error)
                   : code;
}

/* ---- Catching up ------------------------------------------------------- */

static int
refuse_record (const struct audit_log *log, enum audit_fault fault,
               struct error *error)
{
  if (log->place.begun && fault == AUDIT_KEY)
    return error_set (error, EZCDC_E_CONFIG,
                      "the audit log %s goes on under the key %s, which is "
                      "not in use here: give it as an old key and reload; a "
                      "verification key stands in %s.state",
                      log->path, log->place.key_id, log->path);
  if (!log->place.begun)
    return error_set (error,
                      fault == AUDIT_KEY ? EZCDC_E_CONFIG : EZCDC_E_OPERATOR,
                      "audit log %s: its last record: %s; see \"ezcdc audit "
                      "verify\"; a log under a key that is lost, or whose "
                      ".state is, has to be moved away",
                      log->path, audit_fault_text (fault));
  return error_set (error, EZCDC_E_OPERATOR,
                    "audit log %s: the record with seq %" PRIu64
                    " is not in order: %s; see \"ezcdc audit verify\", then "
                    "move the file away if it is to be kept as it is",
                    log->path, log->place.next_seq, audit_fault_text (fault));
}

/* Reads what other processes have appended since. */
static int
check_lines (struct audit_log *log, const char *data, size_t length,
             size_t *ret_used, struct error *error)
{
  size_t at = 0;
  const char *end;

  while ((end = memchr (data + at, '\n', length - at)) != NULL) {
    size_t line = (size_t) (end - (data + at));
    enum audit_fault fault = audit_place_advance (&log->place, log->keys,
                                                  data + at, line);
    if (fault != AUDIT_FINE)
      return refuse_record (log, fault, error);
    at += line + 1;
    log->checked += (off_t) line + 1;
  }
  *ret_used = at;
  return 0;
}

static int
refuse_cut (const struct audit_log *log, struct error *error)
{
  return error_set (error, EZCDC_E_OPERATOR,
                    "audit log %s: records were cut off its end while it was "
                    "in use",
                    log->path);
}

static int
catch_up (struct audit_log *log, struct error *error)
{
  CLEANUP_FREE char *data = NULL;
  size_t length;
  size_t used = 0;
  struct stat status;

  if (fstat (log->descriptor, &status) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "audit log %s: %m",
                      log->path);
  if (status.st_size == log->checked)
    return 0;
  if (status.st_size < log->checked)
    return refuse_cut (log, error);
  while (log->checked < status.st_size) {
    free (TAKE_POINTER (data));
    int code = tail_read (log->descriptor, log->path, log->checked, &data,
                          &length, error);
    if (code == 0)
      code = check_lines (log, data, length, &used, error);
    if (code != 0)
      return code;
    /* Nobody else is writing, so a line without an end was torn. */
    if (used == 0 && length > 0)
      return recover (log, data, length, error);
    if (length == 0)
      return refuse_cut (log, error);
  }
  return 0;
}

/* Finds the place in a log that exists: from its last record, or, if that one
 * is damaged, from the one before it. If it has none, the place stays what the
 * file goes on from. */
static int
enter_log (struct audit_log *log, struct error *error)
{
  struct tail tail = { 0 };
  int code = tail_find (log->descriptor, log->path, &tail, error);

  if (code != 0)
    return code;
  enum audit_fault fault = AUDIT_FINE;
  log->checked = tail.end_of_last;
  if (tail.last != NULL) {
    log->place = (struct audit_place){ 0 };
    fault = audit_place_enter (&log->place, log->keys, tail.last,
                               tail.last_length);
  }
  if (fault == AUDIT_FINE && tail.torn_length > 0)
    code = recover (log, tail.torn, tail.torn_length, error);
  else if (fault != AUDIT_FINE && tail.before != NULL
           && audit_place_enter (&log->place, log->keys, tail.before,
                                 tail.before_length)
                == AUDIT_FINE
           && log->place.key >= 0) {
    /* The last line alone is damaged: a write that the power cut short. */
    log->checked = tail.end_of_before;
    code = recover (log, tail.last, tail.whole_length, error);
  }
  else if (fault != AUDIT_FINE)
    code = log->place.begun ? refuse_record (log, AUDIT_KEY, error)
                            : refuse_record (log, fault, error);
  tail_free (&tail);
  return code;
}

/* Puts the writer to the end of the file that is open and locked. */
static int
settle (struct audit_log *log, struct error *error)
{
  struct stat status;

  if (fstat (log->descriptor, &status) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "audit log %s: %m",
                      log->path);
  log->checked = 0;
  return status.st_size > 0 ? enter_log (log, error) : begin_file (log, error);
}

/* The file was moved away: goes on in a new one at the old path. What others
 * wrote into the old one before it was moved has been read. Its lock is kept
 * until the new one is locked: nobody who comes from there may be faster,
 * because the new one may be moved away, too, before anything is in it. */
static int
follow_path (struct audit_log *log, struct error *error)
{
  int descriptor;
  int code = open_file (log, &descriptor, error);

  if (code != 0)
    return code;
  code = lock_file (log, descriptor, error);
  if (code != 0) {
    close (descriptor);
    return code;
  }
  close (log->descriptor);
  log->descriptor = descriptor;
  return settle (log, error);
}

/* Locks the file and goes to its end; on failure it is not locked. */
static int
begin_write (struct audit_log *log, struct error *error)
{
  int code = lock_file (log, log->descriptor, error);

  if (code != 0)
    return code;
  code = catch_up (log, error);
  while (code == 0 && !is_same_file (log))
    code = follow_path (log, error);
  /* An earlier try to go on in this file found the disk full. */
  if (code == 0 && log->checked == 0)
    code = begin_file (log, error);
  if (code == 0 && log->place.key < 0)
    code = refuse_record (log, AUDIT_KEY, error);
  if (code == 0)
    code = note_epoch (log, error);
  if (code != 0)
    unlock_file (log);
  return code;
}

/* ---- From outside ------------------------------------------------------ */

/* Whether the last record is under a key that is at hand. */
static bool
knows_key (const struct audit_log *log)
{
  struct tail tail = { 0 };
  struct audit_place place = { 0 };
  bool known = tail_find (log->descriptor, log->path, &tail, NULL) == 0
               && (tail.last == NULL
                   || (audit_place_enter (&place, log->keys, tail.last,
                                          tail.last_length)
                         == AUDIT_FINE
                       && place.key >= 0));

  tail_free (&tail);
  return known;
}

static bool
has_record (const struct audit_log *log)
{
  struct tail tail = { 0 };
  bool found = tail_find (log->descriptor, log->path, &tail, NULL) != 0
               || tail.last != NULL;

  tail_free (&tail);
  return found;
}

/* Enters the file that is open and locked. If the keys do not do, the log may
 * carry one that does. *ret_again: not now, see audit_predecessor_find. */
static int
enter_file (struct audit_log *log, bool *ret_again, struct error *error)
{
  int code = 0;

  if (!knows_key (log))
    code = audit_keys_learn (log->keys, log->ring, log->descriptor, log->path,
                             error);
  if (code == 0 && !has_record (log))
    code = audit_predecessor_find (log->path, log->keys, log->ring,
                                   &log->place, ret_again, error);
  if (code == 0 && !*ret_again)
    code = settle (log, error);
  if (code == 0 && !*ret_again)
    code = note_epoch (log, error);
  return code;
}

/* Opens what the path names and goes to its end. */
static int
try_to_enter (struct audit_log *log, bool *ret_again, struct error *error)
{
  int code = open_file (log, &log->descriptor, error);

  if (code == 0)
    code = lock_file (log, log->descriptor, error);
  if (code != 0)
    return code;
  /* It may have been moved away meanwhile. */
  if (is_same_file (log))
    code = enter_file (log, ret_again, error);
  else
    *ret_again = true;
  unlock_file (log);
  return code;
}

static int
enter_path (struct audit_log *log, struct error *error)
{
  int64_t deadline = clock_monotonic () + LOCK_PATIENCE;

  for (;;) {
    bool again = false;
    int code = try_to_enter (log, &again, error);
    if (!again)
      return code;
    close (TAKE_DESCRIPTOR (log->descriptor));
    log->place = (struct audit_place){ 0 };
    if (!may_try_again (deadline))
      return refuse_locked (log, error);
  }
}

static int
start_log (struct audit_log *log, const char *path,
           const struct key_ring *ring, struct error *error)
{
  log->path = strdup (path);
  log->folder = beside_folder (path);
  if (log->path == NULL || log->folder == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  actor_name (log->user, sizeof log->user);
  log->ring = key_ring_copy (ring, error);
  if (log->ring == NULL)
    return EZCDC_E_MEMORY;
  log->keys = audit_keys_new (ring, error);
  if (log->keys == NULL)
    return EZCDC_E_MEMORY;
  int code = audit_state_load (log->keys, ring, log->path, error);
  return code == 0 ? enter_path (log, error) : code;
}

struct audit_log *
audit_log_open_copied (const char *path, const char *syslog_path,
                       const struct key_ring *ring, struct error *error)
{
  struct audit_log *log = calloc (1, sizeof *log);

  if (log == NULL) {
    error_set (error, EZCDC_E_MEMORY, "out of memory for the audit log");
    return NULL;
  }
  log->descriptor = -1;
  if (syslog_path != NULL)
    log->syslog = audit_syslog_new (syslog_path, error);
  if ((syslog_path == NULL || log->syslog != NULL)
      && start_log (log, path, ring, error) == 0)
    return log;
  audit_log_free (log);
  return NULL;
}

struct audit_log *
audit_log_open (const char *path, const struct key_ring *ring,
                struct error *error)
{
  return audit_log_open_copied (path, NULL, ring, error);
}

void
audit_log_free (struct audit_log *log)
{
  if (log == NULL)
    return;
  audit_keys_free (log->keys);
  audit_syslog_free (log->syslog);
  key_ring_free (log->ring);
  if (log->descriptor >= 0)
    close (log->descriptor);
  free (log->path);
  free (log->folder);
  free (log);
}

const char *
audit_log_path (const struct audit_log *log)
{
  return log->path;
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
  int code = begin_write (log, error);
  if (code == 0) {
    if (log->place.key != 0)
      code = append (log, ring, error);
    unlock_file (log);
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
  int code = begin_write (log, error);

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
    code = append_action (log, "audit.rekeyed", text_string (&detail), error);
  audit_keys_free (given);
  unlock_file (log);
  return code;
}

int
audit_log_ratchet (struct audit_log *log, struct error *error)
{
  int code = begin_write (log, error);

  if (code != 0)
    return code;
  /* A log that has just been begun needs no second epoch. */
  if (log->place.next_seq > 1 && epoch_records (log) > 0)
    code = close_epoch (log, error);
  unlock_file (log);
  return code;
}

/* ---- From time to time ------------------------------------------------- */

int
audit_log_checkpoint (struct audit_log *log, struct text *line,
                      struct error *error)
{
  int code = begin_write (log, error);

  if (code != 0)
    return code;
  unlock_file (log);
  return audit_checkpoint_sign (log->ring, log->path, &log->place, line,
                                error);
}

static int
replace_checkpoint (struct audit_log *log, struct error *error)
{
  CLEANUP_TEXT struct text line = { 0 };
  CLEANUP_FREE char *path = beside_path (log->path, ".checkpoint", error);

  if (path == NULL)
    return EZCDC_E_MEMORY;
  int code = audit_log_checkpoint (log, &line, error);
  return code == 0 ? beside_replace (path, &line, error) : code;
}

static bool
epoch_is_old (const struct audit_log *log, int64_t now)
{
  return epoch_records (log) > 0 && now - log->epoch_since >= EPOCH_TIME;
}

static bool
checkpoint_is_old (const struct audit_log *log, int64_t now)
{
  return log->place.next_seq != log->checkpoint_seq
         && now - log->checkpoint_since >= CHECKPOINT_TIME;
}

int
audit_log_maintain (struct audit_log *log, struct error *error)
{
  int64_t now = clock_monotonic ();
  int code = 0;

  if (epoch_is_old (log, now)) {
    /* If it fails, the next try is a while later as well. */
    log->epoch_since = now - EPOCH_TIME + CHECKPOINT_TIME;
    code = audit_log_ratchet (log, error);
  }
  if (code != 0 || !checkpoint_is_old (log, now))
    return code;
  log->checkpoint_since = now;
  code = replace_checkpoint (log, error);
  log->checkpoint_seq = log->place.next_seq;
  return code;
}

int
audit_log_due (const struct audit_log *log)
{
  int64_t due = INT64_MAX;
  int64_t now = clock_monotonic ();

  if (epoch_records (log) > 0)
    due = log->epoch_since + EPOCH_TIME;
  if (log->place.next_seq != log->checkpoint_seq
      && log->checkpoint_since + CHECKPOINT_TIME < due)
    due = log->checkpoint_since + CHECKPOINT_TIME;
  if (due == INT64_MAX)
    return -1;
  return due <= now ? 0 : (int) ((due - now) / 1000 + 1);
}

/* Notes once that the clock was set back. */
static int
note_clock (struct audit_log *log, struct error *error)
{
  char now[CLOCK_TEXT_SIZE];

  clock_rfc3339 (clock_realtime () + STEP_TOLERANCE, now);
  bool behind = strcmp (now, log->place.timestamp) < 0;
  if (!behind || log->clock_behind) {
    log->clock_behind = behind;
    return 0;
  }
  char detail[96];
  clock_rfc3339 (clock_realtime (), now);
  snprintf (detail, sizeof detail, "{\"clock\":\"%s\"}", now);
  int code = append_action (log, "clock.stepped", detail, error);
  log->clock_behind = code == 0;
  return code;
}

int
audit_log_write (struct audit_log *log, const struct audit_record *record,
                 struct error *error)
{
  if (audit_action_find (record->action) == NULL)
    return error_set (error, EZCDC_E_BUG,
                      "\"%s\" is no action of the audit log", record->action);
  int code = begin_write (log, error);
  if (code != 0)
    return code;
  code = keep_epoch_short (log, error);
  if (code == 0)
    code = note_clock (log, error);
  if (code == 0)
    code = append_record (log, record, error);
  unlock_file (log);
  return code;
}
