/* SPDX-License-Identifier: Apache-2.0 */
/* The source, the runs, and the loads that were announced. */
#include <config.h>

#include <string.h>

#include "core/state/statement.h"

int
state_get_source (struct state *state, struct state_source *ret_source,
                  struct error *error)
{
  struct state_source source = { 0 };
  sqlite3_stmt *statement;
  int result;

  pthread_mutex_lock (&state->lock);
  statement = state_query (state, error,
                           "SELECT identity, position FROM source", "");
  result = statement == NULL ? SQLITE_ERROR : sqlite3_step (statement);
  if (result == SQLITE_ROW) {
    source.known = true;
    state_column_text (statement, 0, source.identity, sizeof source.identity);
    state_column_position (statement, 1, &source.position);
  }
  else if (result != SQLITE_DONE && statement != NULL)
    state_fail (state, "read the source's position", error);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return error->code;
  *ret_source = source;
  return 0;
}

int
state_set_source (struct state *state, const char *identity,
                  const struct ezcdc_position *position, struct error *error)
{
  int result = state_run (state, error,
                          "INSERT OR REPLACE INTO source VALUES (1, ?, ?)",
                          "tp", identity, position);

  return result < 0 ? result : 0;
}

int
state_set_position (struct state *state, const struct ezcdc_position *position,
                    struct error *error)
{
  int result = state_run (state, error, "UPDATE source SET position = ?", "p",
                          position);

  return result < 0 ? result : 0;
}

int
state_next_run (struct state *state, int64_t *ret_number, struct error *error)
{
  sqlite3_stmt *statement;
  int result = 0;

  pthread_mutex_lock (&state->lock);
  statement = state_query (
    state, error,
    "INSERT INTO runs VALUES (1, 1) ON CONFLICT (only_row)"
    " DO UPDATE SET number = number + 1 RETURNING number",
    "");
  if (statement == NULL)
    result = error->code;
  else if (sqlite3_step (statement) != SQLITE_ROW)
    result = state_fail (state, "count the run", error);
  else {
    *ret_number = sqlite3_column_int64 (statement, 0);
    /* The row is written when the statement has ended. */
    if (sqlite3_step (statement) != SQLITE_DONE)
      result = state_fail (state, "count the run", error);
  }
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  return result;
}

int
state_announce_load (struct state *state, const char *target, const char *load,
                     struct error *error)
{
  int result = state_run (state, error,
                          "INSERT OR IGNORE INTO loads VALUES (?, ?)", "tt",
                          target, load);

  return result < 0 ? result : 0;
}

int
state_forget_loads (struct state *state, const char *target,
                    struct error *error)
{
  int result = state_run (state, error, "DELETE FROM loads WHERE target = ?",
                          "t", target);

  return result < 0 ? result : 0;
}

int
state_each_load (struct state *state, const char *target,
                 state_load_function function, void *context,
                 struct error *error)
{
  sqlite3_stmt *statement;
  int result = 0, step;

  pthread_mutex_lock (&state->lock);
  statement = state_query (
    state, error, "SELECT load FROM loads WHERE target = ?", "t", target);
  if (statement == NULL) {
    pthread_mutex_unlock (&state->lock);
    return error->code;
  }
  while ((step = sqlite3_step (statement)) == SQLITE_ROW && result == 0)
    result = function (context,
                       (const char *) sqlite3_column_text (statement, 0));
  if (result == 0 && step != SQLITE_DONE)
    result = state_fail (state, "read the loads", error);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  return result;
}
