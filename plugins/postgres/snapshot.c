/* SPDX-License-Identifier: Apache-2.0 */
/* One consistent view of all tables. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "position.h"
#include "query.h"
#include "slot.h"
#include "snapshot.h"

/* How often we look whether old transactions have ended, and say so. */
#define SNAPSHOT_LOOK_MS 200
#define SNAPSHOT_REPORT_US 5000000

#define SNAPSHOT_BEGIN "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

/* Begins the transaction, with the view of that name or a new one, and
 * exports it. */
static int
snapshot_begin (struct session *session, const char *name,
                char ret_name[POSTGRES_NAME_SIZE])
{
  char sql[sizeof SNAPSHOT_BEGIN + 100];
  int code;

  /* Names of snapshots are digits and minus signs. */
  if (name != NULL)
    snprintf (sql, sizeof sql, "%s; SET TRANSACTION SNAPSHOT '%.63s'",
              SNAPSHOT_BEGIN, name);
  else
    snprintf (sql, sizeof sql, "%s", SNAPSHOT_BEGIN);
  code = session_command (session, "begin the snapshot", sql);
  if (code == EZCDC_OK)
    code = session_text (session, "export the snapshot",
                         "SELECT pg_export_snapshot()", ret_name,
                         POSTGRES_NAME_SIZE);
  return code;
}

static void
snapshot_add (struct snapshot *snapshot, struct snapshot_holder *holder)
{
  pthread_mutex_lock (&snapshot->lock);
  holder->next = snapshot->holders;
  snapshot->holders = holder;
  pthread_mutex_unlock (&snapshot->lock);
}

/* The name of the number-th holder; false behind the last one. */
static bool
snapshot_name (struct snapshot *snapshot, unsigned number,
               char ret_name[POSTGRES_NAME_SIZE])
{
  struct snapshot_holder *holder;

  pthread_mutex_lock (&snapshot->lock);
  holder = snapshot->holders;
  while (holder != NULL && number-- > 0)
    holder = holder->next;
  if (holder != NULL)
    memcpy (ret_name, holder->name, POSTGRES_NAME_SIZE);
  pthread_mutex_unlock (&snapshot->lock);
  return holder != NULL;
}

int
snapshot_join (struct snapshot *snapshot, struct snapshot_holder *holder)
{
  struct postgres *self = snapshot->self;
  char name[POSTGRES_NAME_SIZE];
  unsigned number;
  int code;

  code = session_open (self, false, &holder->session);
  if (code != EZCDC_OK)
    return code;
  for (number = 0; snapshot_name (snapshot, number, name); number++) {
    code = snapshot_begin (holder->session, name, holder->name);
    if (code == EZCDC_OK) {
      snapshot_add (snapshot, holder);
      return EZCDC_OK;
    }
    /* Whoever exported it may be gone, the next one may not. */
    if (code == EZCDC_E_STOPPED
        || session_command (holder->session, "roll back", "ROLLBACK")
               != EZCDC_OK)
      break;
  }
  session_close (holder->session);
  holder->session = NULL;
  if (code == EZCDC_E_STOPPED)
    return code;
  return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                     "the snapshot is lost: no session that held it is left;"
                     " a new one has to be taken");
}

void
snapshot_leave (struct snapshot *snapshot, struct snapshot_holder *holder)
{
  struct snapshot_holder **link;

  pthread_mutex_lock (&snapshot->lock);
  for (link = &snapshot->holders; *link != NULL; link = &(*link)->next)
    if (*link == holder) {
      *link = holder->next;
      break;
    }
  pthread_mutex_unlock (&snapshot->lock);
  session_close (holder->session);
  holder->session = NULL;
}

/* The view at the slot's consistent point. */
static int
snapshot_initial (struct postgres *self, struct snapshot_holder *holder,
                  uint64_t *ret_position)
{
  struct exported exported;
  int code;

  pthread_mutex_lock (&self->lock);
  exported = self->exported;
  self->exported.session = NULL;
  pthread_mutex_unlock (&self->lock);
  if (exported.session == NULL)
    return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                       "the snapshot that came with slot %s is gone; a later"
                       " one has to be taken",
                       self->slot);
  code = snapshot_begin (holder->session, exported.name, holder->name);
  session_close (exported.session);
  if (code == EZCDC_OK)
    *ret_position = exported.position;
  else if (code == EZCDC_E_OPERATOR)
    /* Its session has ended: nothing that a person would have to mend. */
    code = EZCDC_E_UNAVAILABLE;
  return code;
}

static int
snapshot_transaction (struct session *session, const char *sql,
                      int64_t *ret_transaction)
{
  char text[32];
  int code = session_text (session, "look at open transactions", sql, text,
                           sizeof text);

  if (code == EZCDC_OK)
    *ret_transaction = strtoll (text, NULL, 10);
  return code;
}

/* A transaction whose commit the slot has decoded may still be invisible to
 * others, because it becomes visible only after its commit is in the log.
 * The stream begins at the slot, so a view that is taken after everything
 * that was open when the slot existed has ended misses nothing. */
static int
snapshot_wait_for_transactions (struct postgres *self,
                                struct session *session)
{
  int64_t newest, oldest, report;
  int code;

  code = snapshot_transaction (
      session, "SELECT txid_snapshot_xmax(txid_current_snapshot())", &newest);
  report = host->monotonic_time () + SNAPSHOT_REPORT_US;
  while (code == EZCDC_OK) {
    code = snapshot_transaction (
        session, "SELECT txid_snapshot_xmin(txid_current_snapshot())",
        &oldest);
    if (code != EZCDC_OK || oldest >= newest)
      break;
    if (host->monotonic_time () >= report) {
      slot_log_blocker (self, "taking the snapshot");
      report = host->monotonic_time () + SNAPSHOT_REPORT_US;
    }
    code = host->wait (self->instance, -1, 0, SNAPSHOT_LOOK_MS);
  }
  return code;
}

static int
snapshot_later (struct postgres *self, struct snapshot_holder *holder,
                uint64_t *ret_position)
{
  char text[LSN_TEXT_SIZE];
  int code;

  code = snapshot_wait_for_transactions (self, holder->session);
  if (code == EZCDC_OK)
    code = snapshot_begin (holder->session, NULL, holder->name);
  /* Only now, so that all that the view shows is before it. */
  if (code == EZCDC_OK)
    code = session_text (holder->session, "look at the log's end",
                         "SELECT pg_current_wal_insert_lsn()", text,
                         sizeof text);
  if (code == EZCDC_OK && !lsn_parse (text, ret_position))
    code = host->fail (self->instance, EZCDC_E_BUG, "%s is no LSN", text);
  return code;
}

int
postgres_snapshot_open (void *opaque, uint32_t kind, void **ret_snapshot,
                        struct ezcdc_position *ret_position)
{
  struct postgres *self = opaque;
  struct snapshot *snapshot = calloc (1, sizeof *snapshot);
  uint64_t position = 0;
  int code;

  if (snapshot == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  snapshot->self = self;
  pthread_mutex_init (&snapshot->lock, NULL);
  code = session_open (self, false, &snapshot->first.session);
  if (code == EZCDC_OK && kind == EZCDC_SNAPSHOT_INITIAL)
    code = snapshot_initial (self, &snapshot->first, &position);
  else if (code == EZCDC_OK)
    code = snapshot_later (self, &snapshot->first, &position);
  if (code != EZCDC_OK) {
    postgres_snapshot_close (snapshot);
    return code;
  }
  snapshot_add (snapshot, &snapshot->first);
  *ret_position = position_of_lsn (position);
  *ret_snapshot = snapshot;
  return EZCDC_OK;
}

void
postgres_snapshot_close (void *opaque)
{
  struct snapshot *snapshot = opaque;

  if (snapshot == NULL)
    return;
  snapshot_leave (snapshot, &snapshot->first);
  pthread_mutex_destroy (&snapshot->lock);
  free (snapshot);
}
