/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters, and what "ezcdc status" shows. */
#include <config.h>

#include <string.h>

#include "core/state/statement.h"

int
state_add_dead_letter (struct state *state, const char *table,
                       const char *position, uint64_t ordinal, const char *key,
                       const char *reason, bool *ret_new, struct error *error)
{
  int result = state_run (
    state, error, "INSERT OR IGNORE INTO dead_letters VALUES (?,?,?,?,?)",
    "ttitt", table, position, (int64_t) ordinal, key, reason);

  if (result < 0)
    return result;
  *ret_new = result > 0;
  return 0;
}

int
state_count_dead_letters (struct state *state, int64_t *ret_count,
                          struct error *error)
{
  sqlite3_stmt *statement;
  int result = 0;

  pthread_mutex_lock (&state->lock);
  statement = state_query (state, error, "SELECT count(*) FROM dead_letters",
                           "");
  if (statement == NULL)
    result = error->code;
  else if (sqlite3_step (statement) != SQLITE_ROW)
    result = state_fail (state, "count the dead letters", error);
  else
    *ret_count = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  return result;
}

int
state_set_status (struct state *state, const struct state_status *status,
                  struct error *error)
{
  int result = state_run (
    state, error,
    "INSERT OR REPLACE INTO status VALUES (1,?,?,?,?,?,?,?,?,?,?,?,?)",
    "tttttiriiitt", status->state, status->phase, status->reason,
    status->position, status->confirmed, status->lag_bytes,
    status->lag_seconds, status->updated, status->started, status->pid,
    status->counters, status->connections);

  return result < 0 ? result : 0;
}

int
state_get_status (struct state *state, struct state_status *ret_status,
                  bool *ret_known, struct error *error)
{
  sqlite3_stmt *statement;
  int result;

  pthread_mutex_lock (&state->lock);
  statement = state_query (
    state, error,
    "SELECT state, phase, reason, position, confirmed, lag_bytes,"
    " lag_seconds, updated, started, pid, counters, connections FROM status",
    "");
  result = statement == NULL ? SQLITE_ERROR : sqlite3_step (statement);
  if (result == SQLITE_ROW) {
    state_column_text (statement, 0, ret_status->state,
                       sizeof ret_status->state);
    state_column_text (statement, 1, ret_status->phase,
                       sizeof ret_status->phase);
    state_column_text (statement, 2, ret_status->reason,
                       sizeof ret_status->reason);
    state_column_text (statement, 3, ret_status->position,
                       sizeof ret_status->position);
    state_column_text (statement, 4, ret_status->confirmed,
                       sizeof ret_status->confirmed);
    ret_status->lag_bytes = sqlite3_column_int64 (statement, 5);
    ret_status->lag_seconds = sqlite3_column_double (statement, 6);
    ret_status->updated = sqlite3_column_int64 (statement, 7);
    ret_status->started = sqlite3_column_int64 (statement, 8);
    ret_status->pid = sqlite3_column_int64 (statement, 9);
    state_column_text (statement, 10, ret_status->counters,
                       sizeof ret_status->counters);
    state_column_text (statement, 11, ret_status->connections,
                       sizeof ret_status->connections);
  }
  else if (result != SQLITE_DONE && statement != NULL)
    state_fail (state, "read the status", error);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return error->code;
  *ret_known = result == SQLITE_ROW;
  return 0;
}
