/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, their columns, and the chunks of their copies. */
#include <config.h>

#include <string.h>

#include "core/state/statement.h"

#define STATE_TABLE_COLUMNS                                                   \
  "id, name, target, phase, rows, rows_total, changes, repair_before"

static void
read_table (sqlite3_stmt *row, struct state_table *ret_table)
{
  ret_table->known = true;
  ret_table->id = (uint64_t) sqlite3_column_int64 (row, 0);
  ret_table->name = (const char *) sqlite3_column_text (row, 1);
  ret_table->target = (const char *) sqlite3_column_text (row, 2);
  ret_table->phase = (uint32_t) sqlite3_column_int (row, 3);
  ret_table->rows = sqlite3_column_int64 (row, 4);
  ret_table->rows_total = sqlite3_column_int64 (row, 5);
  ret_table->changes = sqlite3_column_int64 (row, 6);
  state_column_position (row, 7, &ret_table->repair_before);
}

/* Without the strings, which end with the row. */
static int
table_row (void *context, sqlite3_stmt *row)
{
  struct state_table *table = context;

  read_table (row, table);
  table->name = NULL;
  table->target = NULL;
  return 0;
}

int
state_get_table (struct state *state, uint64_t id,
                 struct state_table *ret_table, struct error *error)
{
  struct state_table table = { 0 };
  int result = state_read (state, error, "read a table", table_row, &table,
                           "SELECT " STATE_TABLE_COLUMNS
                           " FROM tables WHERE id = ?",
                           "i", (int64_t) id);

  if (result < 0)
    return result;
  *ret_table = table;
  return 0;
}

int
state_set_table (struct state *state, const struct state_table *table,
                 struct error *error)
{
  int result = state_run (state, error,
                          "INSERT OR REPLACE INTO tables (" STATE_TABLE_COLUMNS
                          ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                          "ittiiiip", (int64_t) table->id, table->name,
                          table->target, (int64_t) table->phase, table->rows,
                          table->rows_total, table->changes,
                          &table->repair_before);

  return result < 0 ? result : 0;
}

int
state_set_counters (struct state *state, const struct state_table *table,
                    struct error *error)
{
  int result = state_run (
    state, error,
    "INSERT INTO tables (" STATE_TABLE_COLUMNS
    ") VALUES (?, ?, ?, ?, ?, ?, ?, x'') ON CONFLICT (id) DO UPDATE SET"
    " target = excluded.target, rows = excluded.rows,"
    " rows_total = excluded.rows_total, changes = excluded.changes",
    "ittiiii", (int64_t) table->id, table->name, table->target,
    (int64_t) table->phase, table->rows, table->rows_total, table->changes);

  return result < 0 ? result : 0;
}

struct each_table {
  state_table_function function;
  void *context;
};

static int
each_table_row (void *context, sqlite3_stmt *row)
{
  const struct each_table *each = context;
  struct state_table table = { 0 };

  read_table (row, &table);
  return each->function (each->context, &table);
}

int
state_each_table (struct state *state, state_table_function function,
                  void *context, struct error *error)
{
  struct each_table each = { function, context };
  int result = state_read (
    state, error, "read the tables", each_table_row, &each,
    "SELECT " STATE_TABLE_COLUMNS " FROM tables ORDER BY name", "");

  return result < 0 ? result : 0;
}

static int
add_column (struct state *state, uint64_t table_id, uint32_t place,
            const struct ezcdc_column *column, struct error *error)
{
  int result = state_run (
    state, error, "INSERT INTO columns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "iittiiiii", (int64_t) table_id, (int64_t) place, column->name,
    column->type_name, (int64_t) column->type, (int64_t) column->precision,
    (int64_t) column->scale, column->length, (int64_t) column->flags);

  return result < 0 ? result : 0;
}

int
state_set_columns (struct state *state, const struct ezcdc_table *table,
                   struct error *error)
{
  int result;

  if (state_begin (state, error) < 0)
    return error->code;
  result = state_run (state, error,
                      "INSERT OR IGNORE INTO dropped_columns"
                      " SELECT table_id, name FROM columns WHERE table_id = ?",
                      "i", (int64_t) table->id);
  if (result >= 0)
    result = state_run (state, error, "DELETE FROM columns WHERE table_id = ?",
                        "i", (int64_t) table->id);
  for (uint32_t i = 0; i < table->column_count && result >= 0; i++)
    result = add_column (state, table->id, i, &table->columns[i], error);
  if (result >= 0)
    result = state_run (state, error,
                        "DELETE FROM dropped_columns WHERE table_id = ?"
                        " AND name IN (SELECT name FROM columns"
                        " WHERE columns.table_id = dropped_columns.table_id)",
                        "i", (int64_t) table->id);
  if (result < 0) {
    state_rollback (state);
    return result;
  }
  return state_commit (state, error);
}

static int
any_row (void *context, sqlite3_stmt *row)
{
  (void) row;
  *(bool *) context = true;
  return 0;
}

int
state_has_dropped (struct state *state, uint64_t table_id, const char *column,
                   bool *ret_dropped, struct error *error)
{
  bool dropped = false;
  int result = state_read (
    state, error, "read the dropped columns", any_row, &dropped,
    "SELECT 1 FROM dropped_columns WHERE table_id = ? AND name = ?", "it",
    (int64_t) table_id, column);

  if (result < 0)
    return result;
  *ret_dropped = dropped;
  return 0;
}

struct each_column {
  state_column_function function;
  void *context;
};

static int
column_row (void *context, sqlite3_stmt *row)
{
  const struct each_column *each = context;
  struct ezcdc_column column = { .name = NULL };

  column.name = (const char *) sqlite3_column_text (row, 0);
  column.type_name = (const char *) sqlite3_column_text (row, 1);
  column.type = (uint32_t) sqlite3_column_int64 (row, 2);
  column.precision = sqlite3_column_int (row, 3);
  column.scale = sqlite3_column_int (row, 4);
  column.length = sqlite3_column_int64 (row, 5);
  column.flags = (uint32_t) sqlite3_column_int64 (row, 6);
  return each->function (each->context, &column);
}

int
state_each_column (struct state *state, uint64_t table_id,
                   state_column_function function, void *context,
                   struct error *error)
{
  struct each_column each = { function, context };
  int result = state_read (
    state, error, "read the columns", column_row, &each,
    "SELECT name, type_name, type, precision, scale, length, flags"
    " FROM columns WHERE table_id = ? ORDER BY place",
    "i", (int64_t) table_id);

  return result < 0 ? result : 0;
}

int
state_set_copied (struct state *state, uint64_t table_id,
                  const struct ezcdc_position *position, struct error *error)
{
  int result = state_run (state, error,
                          "INSERT OR REPLACE INTO copies VALUES (?, ?)", "ip",
                          (int64_t) table_id, position);

  return result < 0 ? result : 0;
}

static int
position_row (void *context, sqlite3_stmt *row)
{
  state_column_position (row, 0, context);
  return 0;
}

int
state_get_copied (struct state *state, uint64_t table_id,
                  struct ezcdc_position *ret_position, struct error *error)
{
  struct ezcdc_position position = { 0 };
  int result = state_read (
    state, error, "read the position of a copy", position_row, &position,
    "SELECT position FROM copies WHERE table_id = ?", "i", (int64_t) table_id);

  if (result < 0)
    return result;
  *ret_position = position;
  return 0;
}

int
state_set_copied_all (struct state *state, bool copied, struct error *error)
{
  int result = state_run (state, error,
                          copied
                            ? "INSERT OR REPLACE INTO copied_all VALUES (1)"
                            : "DELETE FROM copied_all",
                          "");

  return result < 0 ? result : 0;
}

int
state_get_copied_all (struct state *state, bool *ret_copied,
                      struct error *error)
{
  bool copied = false;
  int result = state_read (state, error, "read whether all was copied",
                           any_row, &copied, "SELECT 1 FROM copied_all", "");

  if (result < 0)
    return result;
  *ret_copied = copied;
  return 0;
}

int
state_set_mark (struct state *state, uint64_t table_id, enum state_mark mark,
                bool set, struct error *error)
{
  int result = state_run (
    state, error,
    set ? "INSERT OR IGNORE INTO marks VALUES (?, ?)"
        : "DELETE FROM marks WHERE table_id = ? AND mark = ?",
    "ii", (int64_t) table_id, (int64_t) mark);

  return result < 0 ? result : 0;
}

int
state_has_mark (struct state *state, uint64_t table_id, enum state_mark mark,
                bool *ret_has, struct error *error)
{
  bool has = false;
  int result = state_read (
    state, error, "read the marks of a table", any_row, &has,
    "SELECT 1 FROM marks WHERE table_id = ? AND mark = ?", "ii",
    (int64_t) table_id, (int64_t) mark);

  if (result < 0)
    return result;
  *ret_has = has;
  return 0;
}

int
state_set_viewed (struct state *state, uint64_t table_id,
                  const struct ezcdc_position *position, struct error *error)
{
  int result = state_run (state, error,
                          "INSERT OR REPLACE INTO views VALUES (?, ?)", "ip",
                          (int64_t) table_id, position);

  return result < 0 ? result : 0;
}

int
state_get_viewed (struct state *state, uint64_t table_id,
                  struct ezcdc_position *ret_position, struct error *error)
{
  struct ezcdc_position position = { 0 };
  int result = state_read (
    state, error, "read the position of a view", position_row, &position,
    "SELECT position FROM views WHERE table_id = ?", "i", (int64_t) table_id);

  if (result < 0)
    return result;
  *ret_position = position;
  return 0;
}

int
state_set_followed (struct state *state, uint64_t table_id, uint64_t edition,
                    const char *target, struct error *error)
{
  int result = state_run (
    state, error, "INSERT OR REPLACE INTO followed VALUES (?, ?, ?)", "iit",
    (int64_t) table_id, (int64_t) edition, target);

  return result < 0 ? result : 0;
}

struct followed {
  uint64_t edition;
  struct text *target;
};

static int
followed_row (void *context, sqlite3_stmt *row)
{
  struct followed *followed = context;

  followed->edition = (uint64_t) sqlite3_column_int64 (row, 0);
  text_printf (followed->target, "%s",
               (const char *) sqlite3_column_text (row, 1));
  return 0;
}

int
state_get_followed (struct state *state, uint64_t table_id,
                    uint64_t *ret_edition, struct text *ret_target,
                    struct error *error)
{
  struct followed followed = { .target = ret_target };
  int result = state_read (
    state, error, "read as what a table was followed", followed_row, &followed,
    "SELECT edition, target FROM followed WHERE table_id = ?", "i",
    (int64_t) table_id);

  if (result < 0)
    return result;
  if (ret_target->failed)
    return error_set (error, EZCDC_E_MEMORY,
                      "read as what a table was followed: out of memory");
  *ret_edition = followed.edition;
  return 0;
}

int
state_forget_table (struct state *state, uint64_t table_id,
                    struct error *error)
{
  static const char *const statements[] = {
    "DELETE FROM chunks WHERE table_id = ?",
    "DELETE FROM columns WHERE table_id = ?",
    "DELETE FROM dropped_columns WHERE table_id = ?",
    "DELETE FROM copies WHERE table_id = ?",
    "DELETE FROM views WHERE table_id = ?",
    "DELETE FROM marks WHERE table_id = ?",
    "DELETE FROM followed WHERE table_id = ?",
    "DELETE FROM tables WHERE id = ?",
  };

  if (state_begin (state, error) < 0)
    return error->code;
  for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
    if (state_run (state, error, statements[i], "i", (int64_t) table_id) < 0) {
      state_rollback (state);
      return error->code;
    }
  return state_commit (state, error);
}

int
state_add_chunk (struct state *state, uint64_t table_id,
                 const struct state_chunk *chunk, struct error *error)
{
  int result = state_run (
    state, error, "INSERT OR REPLACE INTO chunks VALUES (?,?,?,?,?)", "iitii",
    (int64_t) table_id, chunk->sequence, chunk->chunk, chunk->estimated_rows,
    (int64_t) chunk->done);

  return result < 0 ? result : 0;
}

int
state_finish_chunk (struct state *state, uint64_t table_id, int64_t sequence,
                    struct error *error)
{
  int result = state_run (state, error,
                          "UPDATE chunks SET done = 1"
                          " WHERE table_id = ? AND sequence = ?",
                          "ii", (int64_t) table_id, sequence);

  return result < 0 ? result : 0;
}

int
state_clear_chunks (struct state *state, uint64_t table_id,
                    struct error *error)
{
  int result = state_run (state, error,
                          "DELETE FROM chunks WHERE table_id = ?", "i",
                          (int64_t) table_id);

  return result < 0 ? result : 0;
}

struct each_chunk {
  state_chunk_function function;
  void *context;
};

static int
chunk_row (void *context, sqlite3_stmt *row)
{
  const struct each_chunk *each = context;
  struct state_chunk chunk = {
    .chunk = (const char *) sqlite3_column_text (row, 0),
    .sequence = sqlite3_column_int64 (row, 1),
    .estimated_rows = sqlite3_column_int64 (row, 2),
    .done = sqlite3_column_int (row, 3) != 0,
  };

  return each->function (each->context, &chunk);
}

int
state_each_chunk (struct state *state, uint64_t table_id,
                  state_chunk_function function, void *context,
                  struct error *error)
{
  struct each_chunk each = { function, context };
  int result = state_read (state, error, "read the chunks", chunk_row, &each,
                           "SELECT chunk, sequence, estimated_rows, done"
                           " FROM chunks WHERE table_id = ? ORDER BY sequence",
                           "i", (int64_t) table_id);

  return result < 0 ? result : 0;
}
