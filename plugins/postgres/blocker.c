/* SPDX-License-Identifier: Apache-2.0 */
/* The transaction that others wait for. */

#include <stdio.h>
#include <string.h>

#include "blocker.h"
#include "query.h"

void
blocker_gone (struct postgres *self)
{
  if (EZCDC_HOST_HAS (host, waiting))
    host->waiting (self->instance, NULL);
}

bool
blocker_find (struct session *session, struct blocker *ret_blocker)
{
  PGresult *result;
  bool found;

  if (session_query (
        session, "look for the oldest transaction",
        "SELECT COALESCE('process ' || l.pid, 'prepared transaction '"
        "  || p.gid), COALESCE(a.usename, p.owner), l.transactionid,"
        " COALESCE(to_char(COALESCE(a.xact_start, p.prepared),"
        "  'YYYY-MM-DD HH24:MI:SS'), 'unknown')"
        " FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
        " LEFT JOIN pg_prepared_xacts p ON p.transaction = l.transactionid"
        " WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock'"
        " AND l.granted ORDER BY age(l.transactionid) DESC LIMIT 1",
        0, NULL, &result)
      != EZCDC_OK)
    return false;
  found = PQntuples (result) == 1;
  if (found) {
    snprintf (ret_blocker->transaction, sizeof ret_blocker->transaction, "%s",
              PQgetvalue (result, 0, 2));
    snprintf (ret_blocker->text, sizeof ret_blocker->text,
              "waiting for open transactions to end; the oldest is %s"
              " of user %s (transaction %s, since %s UTC)",
              PQgetvalue (result, 0, 0), PQgetvalue (result, 0, 1),
              PQgetvalue (result, 0, 2), PQgetvalue (result, 0, 3));
  }
  PQclear (result);
  return found;
}

void
blocker_tell (struct postgres *self, const char *what)
{
  struct session *session;
  struct blocker blocker;
  char reason[sizeof blocker.text + 100];

  if (session_take (self, &session) != EZCDC_OK)
    return;
  if (blocker_find (session, &blocker)) {
    snprintf (reason, sizeof reason, "%s: %s", what, blocker.text);
    host->log (self->instance, EZCDC_LOG_INFO, "%s", reason);
    if (EZCDC_HOST_HAS (host, waiting))
      host->waiting (self->instance, reason);
  }
  session_give (self, session);
}
