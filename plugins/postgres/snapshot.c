/* SPDX-License-Identifier: Apache-2.0 */
/* One consistent view of all tables. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocker.h"
#include "position.h"
#include "query.h"
#include "snapshot.h"
#include "wal.h"

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

/* The transactions that write and have not ended, {1000,1001}. Each holds a
 * lock on its own number until it is visible to others. */
#define SNAPSHOT_OPEN                                                         \
  " FROM pg_locks WHERE locktype = 'transactionid'"                           \
  " AND mode = 'ExclusiveLock' AND granted"

static int
snapshot_count_open (struct session *session, const char *transactions,
                     int64_t *ret_count)
{
  const char *const parameters[] = { transactions };
  PGresult *result;
  int code;

  code = session_query (session, "look at open transactions",
                        "SELECT count(*)" SNAPSHOT_OPEN
                        " AND transactionid::text = ANY ($1::text[])",
                        1, parameters, &result);
  if (code != EZCDC_OK)
    return code;
  *ret_count = field_number (result, 0, 0);
  PQclear (result);
  return EZCDC_OK;
}

/* A transaction whose commit the slot is past may still be invisible to
 * others: its commit is in the log first, and with synchronous replication it
 * may stay so for long. The stream does not bring it, so the view must show
 * it: it is taken when everything that was open once the slot existed has
 * ended. */
static int
snapshot_wait_for_transactions (struct postgres *self, struct session *session)
{
  int64_t count, report = host->monotonic_time () + SNAPSHOT_REPORT_US;
  PGresult *result;
  int code;

  code = session_query (session, "look at open transactions",
                        "SELECT COALESCE(array_agg(transactionid::text),"
                        " '{}')" SNAPSHOT_OPEN,
                        0, NULL, &result);
  if (code != EZCDC_OK)
    return code;
  for (;;) {
    code = snapshot_count_open (session, PQgetvalue (result, 0, 0), &count);
    if (code != EZCDC_OK || count == 0)
      break;
    if (host->monotonic_time () >= report) {
      blocker_tell (self, "taking the snapshot");
      report = host->monotonic_time () + SNAPSHOT_REPORT_US;
    }
    code = host->wait (self->instance, -1, 0, SNAPSHOT_LOOK_MS);
    if (code < 0)
      break;
  }
  blocker_gone (self);
  PQclear (result);
  return code < 0 ? code : EZCDC_OK;
}

static int
snapshot_now (struct snapshot_holder *holder, uint64_t *ret_position,
              uint32_t *ret_timeline)
{
  int code = snapshot_begin (holder->session, NULL, holder->name);

  /* Only now, so that all that the view shows is before it. */
  if (code == EZCDC_OK)
    code = wal_end (holder->session, ret_position);
  return code == EZCDC_OK ? wal_timeline (holder->session, ret_timeline)
                          : code;
}

static int
snapshot_take (struct postgres *self, uint32_t kind,
               struct snapshot_holder *holder, uint64_t *ret_position,
               uint32_t *ret_timeline)
{
  int code;

  switch (kind) {
  case EZCDC_SNAPSHOT_INITIAL:
    return snapshot_initial (self, holder, ret_position);
  case EZCDC_SNAPSHOT_LATER:
    code = snapshot_wait_for_transactions (self, holder->session);
    return code == EZCDC_OK ? snapshot_now (holder, ret_position, ret_timeline)
                            : code;
  case EZCDC_SNAPSHOT_VIEW:
    return snapshot_now (holder, ret_position, ret_timeline);
  }
  return host->fail (self->instance, EZCDC_E_UNSUPPORTED,
                     "snapshots of kind %u are not known", kind);
}

int
postgres_snapshot_open (void *opaque, uint32_t kind, void **ret_snapshot,
                        struct ezcdc_position *ret_position)
{
  struct postgres *self = opaque;
  struct snapshot *snapshot = calloc (1, sizeof *snapshot);
  uint64_t position = 0;
  uint32_t timeline = 0; /* of the slot's view: nothing is before it */
  int code;

  if (snapshot == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  snapshot->self = self;
  pthread_mutex_init (&snapshot->lock, NULL);
  code = session_open (self, false, &snapshot->first.session);
  if (code == EZCDC_OK)
    code = snapshot_take (self, kind, &snapshot->first, &position, &timeline);
  if (code != EZCDC_OK) {
    postgres_snapshot_close (snapshot);
    return code;
  }
  snapshot_add (snapshot, &snapshot->first);
  *ret_position = timeline == 0 ? position_of_lsn (position)
                                : position_on_timeline (position, timeline);
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
