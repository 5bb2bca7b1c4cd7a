/* SPDX-License-Identifier: Apache-2.0 */
/* How much of its log the server keeps for the slot, and how much it is still
 * willing to keep. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "blocker.h"
#include "query.h"
#include "retention.h"

/* So much more than the pipeline needs may be kept without a word. */
#define RETENTION_SURPLUS (64 * INT64_C (1048576))

struct kept {
  int64_t bytes;   /* of the log, kept for the slot */
  int64_t left;    /* until the server gives the slot up; -1: never */
  int64_t surplus; /* what of it is there for older transactions */
};

static bool
retention_read (struct postgres *self, struct session *session,
                struct kept *ret_kept)
{
  static const char format[] =
    "SELECT pg_wal_lsn_diff(e.lsn, s.restart_lsn)::bigint, %s,"
    " pg_wal_lsn_diff(s.confirmed_flush_lsn, s.restart_lsn)::bigint"
    " FROM pg_replication_slots s, (SELECT CASE WHEN pg_is_in_recovery()"
    "  THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn) e"
    " WHERE s.slot_name = $1 AND s.restart_lsn IS NOT NULL";
  const char *const parameters[] = { self->slot };
  char sql[sizeof format + 200];
  PGresult *result;
  bool found;

  /* 13 brought max_slot_wal_keep_size. */
  snprintf (sql, sizeof sql, format,
            session->version >= 130000
              ? "CASE WHEN s.wal_status = 'lost' THEN 0"
                " WHEN s.safe_wal_size IS NULL THEN -1"
                " ELSE greatest(s.safe_wal_size, 0) END"
              : "-1");
  if (session_query (session, "look how much log is kept", sql, 1, parameters,
                     &result)
      != EZCDC_OK)
    return false;
  found = PQntuples (result) == 1;
  if (found) {
    ret_kept->bytes = field_number (result, 0, 0);
    ret_kept->left = field_number (result, 0, 1);
    ret_kept->surplus = field_number (result, 0, 2);
  }
  PQclear (result);
  return found;
}

/* Warns when half of what the server allows is used up, and again whenever
 * half of the rest is. */
static void
retention_warn (struct postgres *self, const struct kept *kept)
{
  struct retention *seen = &self->retention;
  bool scarce = kept->left >= 0 && kept->left < kept->bytes;
  bool warn;

  pthread_mutex_lock (&self->lock);
  warn = scarce && (seen->warned == 0 || kept->left < seen->warned / 2);
  if (warn)
    seen->warned = kept->left + 1;
  else if (!scarce)
    seen->warned = 0;
  pthread_mutex_unlock (&self->lock);
  if (warn)
    host->log (self->instance, EZCDC_LOG_WARNING,
               "the server keeps %" PRId64 " MiB of its log for slot %s and"
               " gives it up after %" PRId64 " MiB more: the tables would have"
               " to be copied anew; raise max_slot_wal_keep_size, or see why"
               " the pipeline is behind",
               kept->bytes >> 20, self->slot, kept->left >> 20);
}

/* The log goes back to where the oldest transaction began that was open when
 * the server last took notes: one that is seen twice is worth telling. */
static void
retention_tell_holder (struct postgres *self, struct session *session,
                       const struct kept *kept)
{
  struct retention *seen = &self->retention;
  struct blocker blocker = { .transaction = "" };
  char reason[sizeof blocker.text + 100];
  bool holds, was_held;

  if (kept->surplus >= RETENTION_SURPLUS)
    blocker_find (session, &blocker);
  pthread_mutex_lock (&self->lock);
  holds = blocker.transaction[0] != '\0'
          && strcmp (blocker.transaction, seen->oldest) == 0;
  memcpy (seen->oldest, blocker.transaction, sizeof seen->oldest);
  was_held = seen->held;
  seen->held = holds;
  pthread_mutex_unlock (&self->lock);
  if (!EZCDC_HOST_HAS (host, waiting) || (!holds && !was_held))
    return;
  snprintf (reason, sizeof reason,
            "to let go of %" PRId64 " MiB of log that the pipeline no longer"
            " needs the server is %s",
            kept->surplus >> 20, blocker.text);
  if (holds && !was_held)
    host->log (self->instance, EZCDC_LOG_WARNING, "%s", reason);
  host->waiting (self->instance, holds ? reason : NULL);
}

static bool
retention_is_due (struct postgres *self, int64_t interval)
{
  int64_t now = host->monotonic_time ();
  bool due;

  pthread_mutex_lock (&self->lock);
  due = self->retention.looked == 0
        || now - self->retention.looked >= interval;
  if (due)
    self->retention.looked = now;
  pthread_mutex_unlock (&self->lock);
  return due;
}

static void
retention_tell (struct postgres *self, struct session *session)
{
  struct kept kept;

  if (!retention_read (self, session, &kept))
    return;
  retention_warn (self, &kept);
  retention_tell_holder (self, session, &kept);
}

void
retention_look (struct postgres *self, struct session *session,
                int64_t interval)
{
  if (retention_is_due (self, interval))
    retention_tell (self, session);
}

void
retention_look_aside (struct postgres *self, int64_t interval)
{
  struct session *session;

  if (!retention_is_due (self, interval)
      || session_take (self, &session) != EZCDC_OK)
    return;
  retention_tell (self, session);
  session_give (self, session);
}
