/* SPDX-License-Identifier: Apache-2.0 */
/* What an audit log needs from time to time. */

#include <config.h>

#include <ezcdc/connector.h>

#include "core/audit/beside.h"
#include "core/audit/checkpoint.h"
#include "core/audit/writer.h"
#include "core/base/clock.h"
#include "core/base/memory.h"

/* The most that can be lost of a log whose checkpoints are shipped away. */
#define CHECKPOINT_TIME (60 * INT64_C (1000000))

int
audit_log_ratchet (struct audit_log *log, struct error *error)
{
  int code = writer_begin (log, error);

  if (code != 0)
    return code;
  /* A log that has just been begun needs no second epoch. */
  if (log->place.next_seq > 1 && writer_epoch_records (log) > 0)
    code = writer_close_epoch (log, error);
  writer_unlock (log);
  return code;
}

int
audit_log_checkpoint (struct audit_log *log, struct text *line,
                      struct error *error)
{
  int code = writer_begin (log, error);

  if (code != 0)
    return code;
  writer_unlock (log);
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
  int code = writer_begin (log, error);
  if (code != 0)
    return code;
  code = audit_checkpoint_sign (log->ring, log->path, &log->place, &line,
                                error);
  if (code == 0)
    code = beside_replace (path, &line, error);
  writer_unlock (log);
  return code;
}

static bool
epoch_is_old (const struct audit_log *log, int64_t now)
{
  return writer_epoch_records (log) > 0
         && now - log->epoch_since >= EPOCH_TIME;
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
audit_log_finish (struct audit_log *log, struct error *error)
{
  return log->place.next_seq == log->checkpoint_seq
           ? 0
           : replace_checkpoint (log, error);
}

int
audit_log_due (const struct audit_log *log)
{
  int64_t due = INT64_MAX;
  int64_t now = clock_monotonic ();

  if (writer_epoch_records (log) > 0)
    due = log->epoch_since + EPOCH_TIME;
  if (log->place.next_seq != log->checkpoint_seq
      && log->checkpoint_since + CHECKPOINT_TIME < due)
    due = log->checkpoint_since + CHECKPOINT_TIME;
  if (due == INT64_MAX)
    return -1;
  return due <= now ? 0 : (int) ((due - now) / 1000 + 1);
}
