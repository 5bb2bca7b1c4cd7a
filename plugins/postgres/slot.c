/* SPDX-License-Identifier: Apache-2.0 */
/* The replication slot: keeps the log until we say that it is no longer
 * needed. It is never dropped by us. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocker.h"
#include "position.h"
#include "publication.h"
#include "query.h"
#include "slot.h"

/* How often a wait for other transactions is reported. */
#define SLOT_REPORT_MS 5000

static void
slot_judge (struct postgres *self, const PGresult *result, struct slot *slot)
{
  const char *type = PQgetvalue (result, 0, 0);
  const char *plugin = PQgetvalue (result, 0, 1);
  const char *database = PQgetvalue (result, 0, 2);
  const char *reason = PQgetvalue (result, 0, 6);
  size_t size = sizeof slot->problem;

  if (strcmp (type, "logical") != 0 || strcmp (plugin, "pgoutput") != 0)
    snprintf (slot->problem, size,
              "it is %s%s%s, not logical pgoutput; choose another name with"
              " slot =",
              type, *plugin != '\0' ? " " : "", plugin);
  else if (strcmp (database, self->database) != 0)
    snprintf (
      slot->problem, size,
      "it belongs to database %s; choose another name with slot =", database);
  else if (field_true (result, 0, 5))
    snprintf (slot->problem, size,
              "it is temporary and would vanish with its session");
  else if (field_true (result, 0, 7))
    snprintf (slot->problem, size,
              "it was made with two_phase, and shows transactions before they"
              " are committed; choose another name with slot =, or drop it");
  else if (strcmp (reason, "") != 0)
    snprintf (
      slot->problem, size,
      "the server has given it up (%s), changes are missing" SLOT_WAYS_OUT,
      reason, self->slot);
}

int
slot_read (struct postgres *self, struct session *session,
           struct slot *ret_slot)
{
  const char *const parameters[] = { self->slot };
  const char *confirmed;
  struct slot slot;
  PGresult *result;
  char sql[512];
  int code;

  snprintf (sql, sizeof sql,
            "SELECT slot_type, plugin, database, active_pid,"
            " confirmed_flush_lsn, temporary, COALESCE(%s, ''), %s"
            " FROM pg_replication_slots WHERE slot_name = $1",
            session->version >= 170000
              ? "invalidation_reason,"
                " CASE wal_status WHEN 'lost' THEN 'lost' END"
            : session->version >= 160000
              ? "CASE WHEN conflicting THEN 'conflict with recovery'"
                " WHEN wal_status = 'lost' THEN 'lost' END"
            : session->version >= 130000
              ? "CASE wal_status WHEN 'lost' THEN 'lost' END"
              : "NULL",
            session->version >= 140000 ? "two_phase" : "false");
  code = session_query (session, "look at the slot", sql, 1, parameters,
                        &result);
  if (code != EZCDC_OK)
    return code;
  memset (&slot, 0, sizeof slot);
  if (PQntuples (result) == 1) {
    slot.exists = true;
    slot.active_pid = (int) field_number (result, 0, 3);
    confirmed = field_text (result, 0, 4);
    if (confirmed == NULL || !lsn_parse (confirmed, &slot.confirmed))
      slot.confirmed = 0;
    slot_judge (self, result, &slot);
  }
  PQclear (result);
  *ret_slot = slot;
  return EZCDC_OK;
}

bool
slot_has_position (const struct postgres *self, const struct slot *slot,
                   uint64_t after, char ret_problem[SLOT_PROBLEM_SIZE])
{
  char first[LSN_TEXT_SIZE], second[LSN_TEXT_SIZE];

  if (!slot->exists)
    snprintf (ret_problem, SLOT_PROBLEM_SIZE,
              "slot %s is gone, and with it the changes after %s;"
              " take a new snapshot: remove this pipeline's state"
              " and start again",
              self->slot, lsn_text (after, first));
  else if (*slot->problem != '\0')
    snprintf (ret_problem, SLOT_PROBLEM_SIZE, "slot %s: %s", self->slot,
              slot->problem);
  else if (slot->confirmed > after)
    snprintf (ret_problem, SLOT_PROBLEM_SIZE,
              "slot %s is at %s already, the target only at %s: the"
              " changes between are gone (somebody else has read or"
              " advanced the slot)" SLOT_WAYS_OUT,
              self->slot, lsn_text (slot->confirmed, first),
              lsn_text (after, second), self->slot);
  else
    return true;
  return false;
}

int
slot_check_position (struct postgres *self, const struct slot *slot,
                     uint64_t after)
{
  char problem[SLOT_PROBLEM_SIZE];

  if (!slot_has_position (self, slot, after, problem))
    return host->fail (self->instance, EZCDC_E_OPERATOR, "%s", problem);
  if (slot->confirmed == 0)
    return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                       "slot %s is still being created, by process %d",
                       self->slot, slot->active_pid);
  return EZCDC_OK;
}

/* Creates the slot; with it comes a snapshot of the moment from which on it
 * keeps changes. */
static int
slot_create (struct postgres *self, struct session *session)
{
  struct exported exported = { .session = session };
  char sql[256];
  PGresult *result = NULL, *rest = NULL;
  int code;

  /* Should we be stopped while it waits, the server shall notice. The second
   * statement starts the clock, which replication commands do not. */
  if (session->version >= 140000)
    (void) session_command (
      session, "set up the session",
      "SET client_connection_check_interval = 2000; SELECT 1");
  snprintf (sql, sizeof sql,
            "CREATE_REPLICATION_SLOT \"%s\" LOGICAL pgoutput EXPORT_SNAPSHOT",
            self->slot);
  code = session_send (session, "create the slot", sql, 0, NULL);
  while (code == EZCDC_OK) {
    code = session_receive (session, "create the slot", SLOT_REPORT_MS,
                            &result);
    if (code != EZCDC_IDLE)
      break;
    blocker_tell (self, "creating the slot");
    code = EZCDC_OK;
  }
  blocker_gone (self);
  if (code == EZCDC_OK && PQresultStatus (result) != PGRES_TUPLES_OK)
    code = session_fail (session, result, "create the slot");
  else if (code == EZCDC_OK
           && (PQnfields (result) < 3
               || !lsn_parse (PQgetvalue (result, 0, 1), &exported.position)))
    code = host->fail (self->instance, EZCDC_E_BUG,
                       "create the slot: an answer that makes no sense");
  if (code == EZCDC_OK) {
    snprintf (exported.name, sizeof exported.name, "%s",
              PQgetvalue (result, 0, 2));
    code = session_receive (session, "create the slot", -1, &rest);
    PQclear (rest);
  }
  PQclear (result);
  if (code == EZCDC_OK) {
    pthread_mutex_lock (&self->lock);
    self->exported = exported;
    pthread_mutex_unlock (&self->lock);
  }
  return code;
}

/* The server must be one that we know, and still have all that we have read:
 * after a restore or a failover it may be younger. */
static int
slot_check_server (struct postgres *self, struct session *session,
                   uint64_t after)
{
  char text[LSN_TEXT_SIZE], other[LSN_TEXT_SIZE], level[32];
  uint64_t end;
  int code;

  code = session_text (session, "look at wal_level", "SHOW wal_level", level,
                       sizeof level);
  if (code != EZCDC_OK)
    return code;
  if (strcmp (level, "logical") != 0)
    return host->fail (self->instance, EZCDC_E_OPERATOR,
                       "%s: wal_level is %s; set wal_level = logical and"
                       " restart the server",
                       session->peer, level);
  code = session_text (session, "look at the log's end",
                       "SELECT CASE WHEN pg_is_in_recovery()"
                       " THEN pg_last_wal_replay_lsn()"
                       " ELSE pg_current_wal_flush_lsn() END",
                       text, sizeof text);
  if (code != EZCDC_OK)
    return code;
  if (lsn_parse (text, &end) && end < after)
    return host->fail (self->instance, EZCDC_E_OPERATOR,
                       "%s: the server's log ends at %s, but changes up to %s"
                       " were read before: it was restored, or is another"
                       " server" SLOT_WAYS_OUT,
                       session->peer, text, lsn_text (after, other),
                       self->slot);
  return EZCDC_OK;
}

static int
slot_identify (struct postgres *self, struct session *session,
               char ret_identity[120])
{
  PGresult *result;
  char oid[16], sql[] = "SELECT oid FROM pg_database"
                        " WHERE datname = current_database()";
  int code;

  code = session_text (session, "identify the database", sql, oid, sizeof oid);
  if (code != EZCDC_OK)
    return code;
  code = session_query (session, "identify the server", "IDENTIFY_SYSTEM", 0,
                        NULL, &result);
  if (code != EZCDC_OK)
    return code;
  snprintf (ret_identity, 120, "postgres %.20s/%s/%s",
            PQgetvalue (result, 0, 0), oid, self->slot);
  PQclear (result);
  return EZCDC_OK;
}

/* The publication must be older than the slot: the server looks it up as it
 * was when a change was made. */
static int
slot_prepare_publication (struct postgres *self, struct session *session,
                          const struct slot *slot)
{
  struct publication publication;
  int code;

  code = publication_read (self, session, &publication);
  if (code != EZCDC_OK)
    return code;
  if (slot->exists && !publication.exists)
    return host->fail (
      self->instance, EZCDC_E_OPERATOR,
      "publication %s is missing, but slot %s exists: it"
      " would not find the publication for older changes" SLOT_WAYS_OUT,
      self->publication, self->slot, self->slot);
  return publication_prepare (self, session);
}

/* With a session for statements and one for replication. Takes the second
 * one over if it is to hold the new slot's snapshot. */
static int
slot_prepare (struct postgres *self, struct session *session,
              struct session **replication,
              const struct ezcdc_position *stored,
              struct ezcdc_prepared *prepared)
{
  uint64_t after = stored ? position_lsn (stored) : 0;
  struct slot slot;
  int code;

  code = slot_identify (self, *replication, prepared->identity);
  if (code == EZCDC_OK)
    code = slot_check_server (self, session, after);
  if (code == EZCDC_OK)
    code = slot_read (self, session, &slot);
  if (code == EZCDC_OK && (stored != NULL || slot.exists))
    code = slot_check_position (self, &slot, stored ? after : slot.confirmed);
  if (code == EZCDC_OK)
    code = slot_prepare_publication (self, session, &slot);
  if (code != EZCDC_OK)
    return code;
  if (slot.exists) {
    prepared->start = position_of_lsn (stored ? after : slot.confirmed);
    return EZCDC_OK;
  }
  code = slot_create (self, *replication);
  if (code != EZCDC_OK)
    return code;
  *replication = NULL;
  prepared->created = 1;
  prepared->start = position_of_lsn (self->exported.position);
  host->log (self->instance, EZCDC_LOG_INFO, "created slot %s", self->slot);
  return EZCDC_OK;
}

int
postgres_prepare (void *opaque, const struct ezcdc_position *stored,
                  struct ezcdc_prepared *ret_prepared)
{
  struct postgres *self = opaque;
  struct ezcdc_prepared prepared = { .size = ret_prepared->size };
  struct session *session, *replication, *old;
  int code;

  pthread_mutex_lock (&self->lock);
  old = self->exported.session;
  self->exported.session = NULL;
  pthread_mutex_unlock (&self->lock);
  session_close (old);
  if (ret_prepared->size < sizeof prepared)
    return host->fail (self->instance, EZCDC_E_BUG,
                       "prepare: the host's structure is too small");
  code = session_open (self, true, &replication);
  if (code != EZCDC_OK)
    return code;
  code = session_take (self, &session);
  if (code == EZCDC_OK) {
    code = slot_prepare (self, session, &replication, stored, &prepared);
    session_give (self, session);
  }
  session_close (replication);
  if (code == EZCDC_OK)
    *ret_prepared = prepared;
  return code;
}
