/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline must remember, in SQLite. */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "core/state/state.h"

#define STATE_BUSY_MILLISECONDS 10000

struct state {
  sqlite3 *database;
  char *path;
  pthread_mutex_t lock; /* recursive: from state_begin to state_commit */
};

static const char state_schema[] =
  "CREATE TABLE IF NOT EXISTS source ("
  " only_row INTEGER PRIMARY KEY CHECK (only_row = 1),"
  " identity TEXT NOT NULL, position BLOB NOT NULL);"
  "CREATE TABLE IF NOT EXISTS tables ("
  " id INTEGER PRIMARY KEY, name TEXT NOT NULL, target TEXT NOT NULL,"
  " phase INTEGER NOT NULL, rows INTEGER NOT NULL,"
  " rows_total INTEGER NOT NULL, changes INTEGER NOT NULL,"
  " repair_before BLOB NOT NULL);"
  "CREATE TABLE IF NOT EXISTS chunks ("
  " table_id INTEGER NOT NULL, sequence INTEGER NOT NULL,"
  " chunk TEXT NOT NULL, estimated_rows INTEGER NOT NULL,"
  " done INTEGER NOT NULL DEFAULT 0,"
  " PRIMARY KEY (table_id, sequence)) WITHOUT ROWID;"
  "CREATE TABLE IF NOT EXISTS columns ("
  " table_id INTEGER NOT NULL, place INTEGER NOT NULL,"
  " name TEXT NOT NULL, type_name TEXT NOT NULL, type INTEGER NOT NULL,"
  " precision INTEGER NOT NULL, scale INTEGER NOT NULL,"
  " length INTEGER NOT NULL, flags INTEGER NOT NULL,"
  " PRIMARY KEY (table_id, place)) WITHOUT ROWID;"
  "CREATE TABLE IF NOT EXISTS copies ("
  " table_id INTEGER PRIMARY KEY, position BLOB NOT NULL);"
  "CREATE TABLE IF NOT EXISTS runs ("
  " only_row INTEGER PRIMARY KEY CHECK (only_row = 1),"
  " number INTEGER NOT NULL);"
  "CREATE TABLE IF NOT EXISTS loads ("
  " target TEXT NOT NULL, load TEXT NOT NULL,"
  " PRIMARY KEY (target, load)) WITHOUT ROWID;"
  "CREATE TABLE IF NOT EXISTS dead_letters ("
  " table_name TEXT NOT NULL, position TEXT NOT NULL,"
  " ordinal INTEGER NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL,"
  " PRIMARY KEY (table_name, position, ordinal, key)) WITHOUT ROWID;"
  "CREATE TABLE IF NOT EXISTS status ("
  " only_row INTEGER PRIMARY KEY CHECK (only_row = 1),"
  " state TEXT, phase TEXT, reason TEXT, position TEXT, confirmed TEXT,"
  " lag_bytes INTEGER, lag_seconds REAL, updated INTEGER,"
  " started INTEGER, pid INTEGER, counters TEXT, connections TEXT);"
  "PRAGMA user_version = 1;";

static int
state_fail (struct state *state, const char *what, struct error *error)
{
  return error_set (error, EZCDC_E_OPERATOR,
                    "%s in %s: %s; check the disk and the folder's owner",
                    what, state->path, sqlite3_errmsg (state->database));
}

static int
state_execute (struct state *state, const char *sql, const char *what,
               struct error *error)
{
  if (sqlite3_exec (state->database, sql, NULL, NULL, NULL) != SQLITE_OK)
    return state_fail (state, what, error);
  return 0;
}

static int
state_setup (struct state *state, bool read_only, struct error *error)
{
  sqlite3_busy_timeout (state->database, STATE_BUSY_MILLISECONDS);
  sqlite3_db_config (state->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (state->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  if (read_only)
    return 0;
  if (state_execute (state,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY;",
                     "set up the state", error)
      < 0)
    return error->code;
  return state_execute (state, state_schema, "create the tables of the state",
                        error);
}

int
state_open (const char *folder, bool read_only, struct state **ret_state,
            struct error *error)
{
  int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX
              | SQLITE_OPEN_READWRITE;
  struct state *state = calloc (1, sizeof *state);
  pthread_mutexattr_t attributes;
  mode_t mask;
  int result;

  if (state == NULL)
    return error_set (error, EZCDC_E_MEMORY, "open the state: out of memory");
  if (asprintf (&state->path, "%s/state.db", folder) < 0) {
    free (state);
    return error_set (error, EZCDC_E_MEMORY, "open the state: out of memory");
  }
  pthread_mutexattr_init (&attributes);
  pthread_mutexattr_settype (&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init (&state->lock, &attributes);
  pthread_mutexattr_destroy (&attributes);

  if (!read_only)
    flags |= SQLITE_OPEN_CREATE;
  mask = umask (0077);
  result = sqlite3_open_v2 (state->path, &state->database, flags, NULL);
  umask (mask);
  if (result != SQLITE_OK)
    result = error_set (error, EZCDC_E_OPERATOR, "open %s: %s", state->path,
                        state->database == NULL
                          ? "out of memory"
                          : sqlite3_errmsg (state->database));
  else
    result = state_setup (state, read_only, error);
  if (result < 0) {
    state_close (state);
    return result;
  }
  *ret_state = state;
  return 0;
}

void
state_close (struct state *state)
{
  if (state == NULL)
    return;
  sqlite3_close_v2 (state->database);
  pthread_mutex_destroy (&state->lock);
  free (state->path);
  free (state);
}

/* ---- statements -------------------------------------------------------- */

/* Binds by a format: i int64_t, r double, t text, p position. */
static int
state_bind (sqlite3_stmt *statement, const char *format, va_list arguments)
{
  int result = SQLITE_OK;

  for (int i = 0; format[i] != '\0' && result == SQLITE_OK; i++) {
    const struct ezcdc_position *position;

    switch (format[i]) {
    case 'i':
      result = sqlite3_bind_int64 (statement, i + 1,
                                   va_arg (arguments, int64_t));
      break;
    case 'r':
      result = sqlite3_bind_double (statement, i + 1,
                                    va_arg (arguments, double));
      break;
    case 't':
      result = sqlite3_bind_text (statement, i + 1,
                                  va_arg (arguments, const char *), -1,
                                  SQLITE_TRANSIENT);
      break;
    case 'p':
      position = va_arg (arguments, const struct ezcdc_position *);
      /* A pointer that is never NULL: an empty blob, not SQL NULL. */
      result = sqlite3_bind_blob (statement, i + 1, position->bytes,
                                  (int) position->length, SQLITE_TRANSIENT);
      break;
    default:
      result = SQLITE_MISUSE;
    }
  }
  return result;
}

/* A statement with its values; NULL with error set. */
static sqlite3_stmt *
state_prepare (struct state *state, struct error *error, const char *sql,
               const char *format, va_list arguments)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (state->database, sql, -1, &statement, NULL)
        != SQLITE_OK
      || state_bind (statement, format, arguments) != SQLITE_OK) {
    state_fail (state, "prepare a statement", error);
    sqlite3_finalize (statement);
    return NULL;
  }
  return statement;
}

static sqlite3_stmt *
state_query (struct state *state, struct error *error, const char *sql,
             const char *format, ...)
{
  sqlite3_stmt *statement;
  va_list arguments;

  va_start (arguments, format);
  statement = state_prepare (state, error, sql, format, arguments);
  va_end (arguments);
  return statement;
}

/* Runs a statement without rows; the number of changed rows, or below 0. */
static int
state_run (struct state *state, struct error *error, const char *sql,
           const char *format, ...)
{
  sqlite3_stmt *statement;
  va_list arguments;
  int result;

  pthread_mutex_lock (&state->lock);
  va_start (arguments, format);
  statement = state_prepare (state, error, sql, format, arguments);
  va_end (arguments);
  if (statement == NULL)
    result = error->code;
  else if (sqlite3_step (statement) != SQLITE_DONE)
    result = state_fail (state, "write", error);
  else
    result = sqlite3_changes (state->database);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  return result;
}

static void
column_position (sqlite3_stmt *statement, int column,
                 struct ezcdc_position *ret_position)
{
  struct ezcdc_position position = { 0 };
  const void *bytes = sqlite3_column_blob (statement, column);
  int length = sqlite3_column_bytes (statement, column);

  if (bytes != NULL && length > 0 && length <= EZCDC_POSITION_MAX) {
    position.length = (uint32_t) length;
    memcpy (position.bytes, bytes, (size_t) length);
  }
  *ret_position = position;
}

static void
column_text (sqlite3_stmt *statement, int column, char *ret_text, size_t size)
{
  const unsigned char *text = sqlite3_column_text (statement, column);

  snprintf (ret_text, size, "%s", text == NULL ? "" : (const char *) text);
}

int
state_begin (struct state *state, struct error *error)
{
  pthread_mutex_lock (&state->lock);
  if (state_execute (state, "BEGIN IMMEDIATE", "begin", error) < 0) {
    pthread_mutex_unlock (&state->lock);
    return error->code;
  }
  return 0;
}

int
state_commit (struct state *state, struct error *error)
{
  int result = state_execute (state, "COMMIT", "commit", error);

  if (result < 0)
    sqlite3_exec (state->database, "ROLLBACK", NULL, NULL, NULL);
  pthread_mutex_unlock (&state->lock);
  return result;
}

/* ---- the source -------------------------------------------------------- */

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
    column_text (statement, 0, source.identity, sizeof source.identity);
    column_position (statement, 1, &source.position);
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

/* ---- runs and loads ---------------------------------------------------- */

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

/* ---- tables and chunks ------------------------------------------------- */

#define STATE_TABLE_COLUMNS                                                   \
  "id, name, target, phase, rows, rows_total, changes, repair_before"

static void
column_table (sqlite3_stmt *statement, struct state_table *ret_table)
{
  ret_table->known = true;
  ret_table->id = (uint64_t) sqlite3_column_int64 (statement, 0);
  ret_table->name = (const char *) sqlite3_column_text (statement, 1);
  ret_table->target = (const char *) sqlite3_column_text (statement, 2);
  ret_table->phase = (uint32_t) sqlite3_column_int (statement, 3);
  ret_table->rows = sqlite3_column_int64 (statement, 4);
  ret_table->rows_total = sqlite3_column_int64 (statement, 5);
  ret_table->changes = sqlite3_column_int64 (statement, 6);
  column_position (statement, 7, &ret_table->repair_before);
}

int
state_get_table (struct state *state, uint64_t id,
                 struct state_table *ret_table, struct error *error)
{
  struct state_table table = { 0 };
  sqlite3_stmt *statement;
  int result;

  pthread_mutex_lock (&state->lock);
  statement = state_query (
    state, error, "SELECT " STATE_TABLE_COLUMNS " FROM tables WHERE id = ?",
    "i", (int64_t) id);
  result = statement == NULL ? SQLITE_ERROR : sqlite3_step (statement);
  if (result == SQLITE_ROW)
    column_table (statement, &table);
  else if (result != SQLITE_DONE && statement != NULL)
    state_fail (state, "read a table", error);
  table.name = NULL;
  table.target = NULL;
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return error->code;
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

int
state_each_table (struct state *state, state_table_function function,
                  void *context, struct error *error)
{
  struct state_table table;
  sqlite3_stmt *statement;
  int result = 0, step;

  pthread_mutex_lock (&state->lock);
  statement = state_query (
    state, error, "SELECT " STATE_TABLE_COLUMNS " FROM tables ORDER BY name",
    "");
  if (statement == NULL) {
    pthread_mutex_unlock (&state->lock);
    return error->code;
  }
  while ((step = sqlite3_step (statement)) == SQLITE_ROW && result == 0) {
    column_table (statement, &table);
    result = function (context, &table);
  }
  if (result == 0 && step != SQLITE_DONE)
    result = state_fail (state, "read the tables", error);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  return result;
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
  struct error ignored = { 0 };
  int result;

  if (state_begin (state, error) < 0)
    return error->code;
  result = state_run (state, error, "DELETE FROM columns WHERE table_id = ?",
                      "i", (int64_t) table->id);
  for (uint32_t i = 0; i < table->column_count && result >= 0; i++)
    result = add_column (state, table->id, i, &table->columns[i], error);
  if (result < 0) {
    state_commit (state, &ignored);
    return result;
  }
  return state_commit (state, error);
}

int
state_each_column (struct state *state, uint64_t table_id,
                   state_column_function function, void *context,
                   struct error *error)
{
  struct ezcdc_column column = { .name = NULL };
  sqlite3_stmt *statement;
  int result = 0, step;

  pthread_mutex_lock (&state->lock);
  statement = state_query (
    state, error,
    "SELECT name, type_name, type, precision, scale, length, flags"
    " FROM columns WHERE table_id = ? ORDER BY place",
    "i", (int64_t) table_id);
  if (statement == NULL) {
    pthread_mutex_unlock (&state->lock);
    return error->code;
  }
  while ((step = sqlite3_step (statement)) == SQLITE_ROW && result == 0) {
    column.name = (const char *) sqlite3_column_text (statement, 0);
    column.type_name = (const char *) sqlite3_column_text (statement, 1);
    column.type = (uint32_t) sqlite3_column_int64 (statement, 2);
    column.precision = sqlite3_column_int (statement, 3);
    column.scale = sqlite3_column_int (statement, 4);
    column.length = sqlite3_column_int64 (statement, 5);
    column.flags = (uint32_t) sqlite3_column_int64 (statement, 6);
    result = function (context, &column);
  }
  if (result == 0 && step != SQLITE_DONE)
    result = state_fail (state, "read the columns", error);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  return result;
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

int
state_get_copied (struct state *state, uint64_t table_id,
                  struct ezcdc_position *ret_position, struct error *error)
{
  struct ezcdc_position position = { 0 };
  sqlite3_stmt *statement;
  int result;

  pthread_mutex_lock (&state->lock);
  statement = state_query (state, error,
                           "SELECT position FROM copies WHERE table_id = ?",
                           "i", (int64_t) table_id);
  result = statement == NULL ? SQLITE_ERROR : sqlite3_step (statement);
  if (result == SQLITE_ROW)
    column_position (statement, 0, &position);
  else if (result != SQLITE_DONE && statement != NULL)
    state_fail (state, "read the position of a copy", error);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return error->code;
  *ret_position = position;
  return 0;
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

int
state_each_chunk (struct state *state, uint64_t table_id,
                  state_chunk_function function, void *context,
                  struct error *error)
{
  struct state_chunk chunk;
  sqlite3_stmt *statement;
  int result = 0, step;

  pthread_mutex_lock (&state->lock);
  statement = state_query (state, error,
                           "SELECT chunk, sequence, estimated_rows, done"
                           " FROM chunks WHERE table_id = ? ORDER BY sequence",
                           "i", (int64_t) table_id);
  if (statement == NULL) {
    pthread_mutex_unlock (&state->lock);
    return error->code;
  }
  while ((step = sqlite3_step (statement)) == SQLITE_ROW && result == 0) {
    chunk.chunk = (const char *) sqlite3_column_text (statement, 0);
    chunk.sequence = sqlite3_column_int64 (statement, 1);
    chunk.estimated_rows = sqlite3_column_int64 (statement, 2);
    chunk.done = sqlite3_column_int (statement, 3) != 0;
    result = function (context, &chunk);
  }
  if (result == 0 && step != SQLITE_DONE)
    result = state_fail (state, "read the chunks", error);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  return result;
}

/* ---- dead letters ------------------------------------------------------ */

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

/* ---- status ------------------------------------------------------------ */

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
    column_text (statement, 0, ret_status->state, sizeof ret_status->state);
    column_text (statement, 1, ret_status->phase, sizeof ret_status->phase);
    column_text (statement, 2, ret_status->reason, sizeof ret_status->reason);
    column_text (statement, 3, ret_status->position,
                 sizeof ret_status->position);
    column_text (statement, 4, ret_status->confirmed,
                 sizeof ret_status->confirmed);
    ret_status->lag_bytes = sqlite3_column_int64 (statement, 5);
    ret_status->lag_seconds = sqlite3_column_double (statement, 6);
    ret_status->updated = sqlite3_column_int64 (statement, 7);
    ret_status->started = sqlite3_column_int64 (statement, 8);
    ret_status->pid = sqlite3_column_int64 (statement, 9);
    column_text (statement, 10, ret_status->counters,
                 sizeof ret_status->counters);
    column_text (statement, 11, ret_status->connections,
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
