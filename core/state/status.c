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

static int
count_row (void *context, sqlite3_stmt *row)
{
  *(int64_t *) context = sqlite3_column_int64 (row, 0);
  return 0;
}

int
state_count_dead_letters (struct state *state, int64_t *ret_count,
                          struct error *error)
{
  int result = state_read (state, error, "count the dead letters", count_row,
                           ret_count, "SELECT count(*) FROM dead_letters", "");

  return result < 0 ? result : 0;
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

static int
status_row (void *context, sqlite3_stmt *row)
{
  struct state_status *status = context;

  state_column_text (row, 0, status->state, sizeof status->state);
  state_column_text (row, 1, status->phase, sizeof status->phase);
  state_column_text (row, 2, status->reason, sizeof status->reason);
  state_column_text (row, 3, status->position, sizeof status->position);
  state_column_text (row, 4, status->confirmed, sizeof status->confirmed);
  status->lag_bytes = sqlite3_column_int64 (row, 5);
  status->lag_seconds = sqlite3_column_double (row, 6);
  status->updated = sqlite3_column_int64 (row, 7);
  status->started = sqlite3_column_int64 (row, 8);
  status->pid = sqlite3_column_int64 (row, 9);
  state_column_text (row, 10, status->counters, sizeof status->counters);
  state_column_text (row, 11, status->connections, sizeof status->connections);
  return 0;
}

int
state_get_status (struct state *state, struct state_status *ret_status,
                  bool *ret_known, struct error *error)
{
  int result = state_read (
    state, error, "read the status", status_row, ret_status,
    "SELECT state, phase, reason, position, confirmed, lag_bytes,"
    " lag_seconds, updated, started, pid, counters, connections FROM status",
    "");

  if (result < 0)
    return result;
  *ret_known = result > 0;
  return 0;
}
