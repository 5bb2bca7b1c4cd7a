/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the end of an audit log, and follows it. */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/predecessor.h"
#include "core/audit/tail.h"
#include "core/audit/writer.h"
#include "core/base/memory.h"

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

/* As tail_find does of a file that was not open before. */
static int
refuse_end (const struct audit_log *log, struct error *error)
{
  return error_set (error, EZCDC_E_OPERATOR,
                    "audit log %s: its end is not an audit record; move the "
                    "file away",
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
    /* Nobody else is writing, so a line without an end was torn. What was not
     * read would be cut off with it. */
    if (used == 0 && log->checked + (off_t) length < status.st_size)
      return refuse_end (log, error);
    if (used == 0 && length > 0)
      return writer_recover (log, data, length, error);
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
    code = writer_recover (log, tail.torn, tail.torn_length, error);
  else if (fault != AUDIT_FINE && tail.before != NULL
           && audit_place_enter (&log->place, log->keys, tail.before,
                                 tail.before_length)
                == AUDIT_FINE
           && log->place.key >= 0) {
    /* The last line alone is damaged: a write that the power cut short. */
    log->checked = tail.end_of_before;
    code = writer_recover (log, tail.last, tail.whole_length, error);
  }
  else if (fault != AUDIT_FINE)
    code = log->place.begun ? refuse_record (log, AUDIT_KEY, error)
                            : refuse_record (log, fault, error);
  tail_free (&tail);
  return code;
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

/* Puts the writer to the end of the file that is open. A new one goes on from
 * the end of the chain, which need not be the file that this process had: that
 * one's successor may have been moved away, too. */
static int
settle (struct audit_log *log, struct error *error)
{
  struct stat status;
  int code = 0;

  if (fstat (log->descriptor, &status) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "audit log %s: %m",
                      log->path);
  log->checked = 0;
  if (!has_record (log))
    code = audit_predecessor_find (log->path, log->keys, log->ring,
                                   &log->place, error);
  if (code != 0)
    return code;
  return status.st_size > 0 ? enter_log (log, error)
                            : writer_begin_file (log, error);
}

/* The file was moved away: goes on in a new one at the old path. What others
 * wrote into the old one has been read. */
static int
follow_path (struct audit_log *log, struct error *error)
{
  int descriptor;
  int code = writer_open_file (log, &descriptor, error);

  if (code != 0)
    return code;
  close (log->descriptor);
  log->descriptor = descriptor;
  return settle (log, error);
}

int
writer_begin (struct audit_log *log, struct error *error)
{
  int code = writer_lock (log, error);

  if (code != 0)
    return code;
  code = catch_up (log, error);
  while (code == 0 && !writer_has_current_file (log))
    code = follow_path (log, error);
  /* An earlier try to go on in this file found the disk full. */
  if (code == 0 && log->checked == 0)
    code = writer_begin_file (log, error);
  if (code == 0 && log->place.key < 0)
    code = refuse_record (log, AUDIT_KEY, error);
  if (code == 0)
    code = writer_note_epoch (log, error);
  if (code != 0)
    writer_unlock (log);
  return code;
}

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

/* Opens what path names. If the keys do not do, the log may carry one that
 * does. */
static int
enter_file (struct audit_log *log, struct error *error)
{
  int code = writer_open_file (log, &log->descriptor, error);

  if (code == 0 && !knows_key (log))
    code = audit_keys_learn (log->keys, log->ring, log->descriptor, log->path,
                             error);
  if (code == 0)
    code = settle (log, error);
  return code == 0 ? writer_note_epoch (log, error) : code;
}

int
writer_enter (struct audit_log *log, struct error *error)
{
  int code = writer_lock (log, error);

  if (code != 0)
    return code;
  code = enter_file (log, error);
  writer_unlock (log);
  return code;
}
