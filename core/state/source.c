/* SPDX-License-Identifier: Apache-2.0 */
/* The source, the runs, and the loads that were announced. */
#include <config.h>

#include <string.h>

#include "core/state/statement.h"

static int
source_row (void *context, sqlite3_stmt *row)
{
  struct state_source *source = context;

  source->known = true;
  state_column_text (row, 0, source->identity, sizeof source->identity);
  state_column_position (row, 1, &source->position);
  return 0;
}

int
state_get_source (struct state *state, struct state_source *ret_source,
                  struct error *error)
{
  struct state_source source = { 0 };
  int result = state_read (state, error, "read the source's position",
                           source_row, &source,
                           "SELECT identity, position FROM source", "");

  if (result < 0)
    return result;
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
state_set_ahead (struct state *state, const struct ezcdc_position *position,
                 struct error *error)
{
  int result = state_run (
    state, error, "INSERT OR REPLACE INTO ahead VALUES (1, ?)", "p", position);

  return result < 0 ? result : 0;
}

static int
ahead_row (void *context, sqlite3_stmt *row)
{
  state_column_position (row, 0, context);
  return 0;
}

int
state_get_ahead (struct state *state, struct ezcdc_position *ret_position,
                 struct error *error)
{
  struct ezcdc_position position = { 0 };
  int result = state_read (state, error, "read how far the sink is", ahead_row,
                           &position, "SELECT position FROM ahead", "");

  if (result < 0)
    return result;
  *ret_position = position;
  return 0;
}

static int
number_row (void *context, sqlite3_stmt *row)
{
  *(int64_t *) context = sqlite3_column_int64 (row, 0);
  return 0;
}

int
state_next_run (struct state *state, int64_t *ret_number, struct error *error)
{
  int result = state_read (state, error, "count the run", number_row,
                           ret_number,
                           "INSERT INTO runs VALUES (1, 1)"
                           " ON CONFLICT (only_row)"
                           " DO UPDATE SET number = number + 1"
                           " RETURNING number",
                           "");

  return result < 0 ? result : 0;
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

struct each_load {
  state_load_function function;
  void *context;
};

static int
load_row (void *context, sqlite3_stmt *row)
{
  const struct each_load *each = context;

  return each->function (each->context,
                         (const char *) sqlite3_column_text (row, 0));
}

int
state_each_load (struct state *state, const char *target,
                 state_load_function function, void *context,
                 struct error *error)
{
  struct each_load each = { function, context };
  int result = state_read (state, error, "read the loads", load_row, &each,
                           "SELECT load FROM loads WHERE target = ?", "t",
                           target);

  return result < 0 ? result : 0;
}
