/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of an audit log, as others see it. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/actions.h"
#include "core/audit/actor.h"
#include "core/audit/state.h"
#include "core/audit/writer.h"
#include "core/base/clock.h"
#include "core/base/files.h"

#define STEP_TOLERANCE INT64_C (1000000)

static int
start_log (struct audit_log *log, const char *path,
           const struct key_ring *ring, struct error *error)
{
  log->path = strdup (path);
  log->folder = file_folder (path);
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
  return code == 0 ? writer_enter (log, error) : code;
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
  log->lock = -1;
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
  if (log->lock >= 0)
    close (log->lock);
  free (log->path);
  free (log->folder);
  free (log);
}

const char *
audit_log_path (const struct audit_log *log)
{
  return log->path;
}

/* Closes the epoch if it is due. */
static int
keep_epoch_short (struct audit_log *log, struct error *error)
{
  uint64_t records = writer_epoch_records (log);

  if (records < EPOCH_RECORDS
      && (records == 0 || clock_monotonic () - log->epoch_since < EPOCH_TIME))
    return 0;
  return writer_close_epoch (log, error);
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
  int code = writer_append_action (log, "clock.stepped", detail, error);
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
  int code = writer_begin (log, error);
  if (code != 0)
    return code;
  code = keep_epoch_short (log, error);
  if (code == 0)
    code = note_clock (log, error);
  if (code == 0)
    code = writer_append (log, record, error);
  writer_unlock (log);
  return code;
}
