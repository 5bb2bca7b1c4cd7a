/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline must remember, in SQLite. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/state/statement.h"

#define STATE_BUSY_MILLISECONDS 10000
/* Of a value or a row, for who only reads. */
#define STATE_LENGTH_MAX 65536

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
  "CREATE TABLE IF NOT EXISTS dropped_columns ("
  " table_id INTEGER NOT NULL, name TEXT NOT NULL,"
  " PRIMARY KEY (table_id, name)) WITHOUT ROWID;"
  "CREATE TABLE IF NOT EXISTS copies ("
  " table_id INTEGER PRIMARY KEY, position BLOB NOT NULL);"
  "CREATE TABLE IF NOT EXISTS copied_all ("
  " only_row INTEGER PRIMARY KEY CHECK (only_row = 1));"
  "CREATE TABLE IF NOT EXISTS views ("
  " table_id INTEGER PRIMARY KEY, position BLOB NOT NULL);"
  "CREATE TABLE IF NOT EXISTS followed ("
  " table_id INTEGER PRIMARY KEY, edition INTEGER NOT NULL,"
  " target TEXT NOT NULL);"
  "CREATE TABLE IF NOT EXISTS ahead ("
  " only_row INTEGER PRIMARY KEY CHECK (only_row = 1),"
  " position BLOB NOT NULL);"
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
  "CREATE TABLE IF NOT EXISTS marks ("
  " table_id INTEGER NOT NULL, mark INTEGER NOT NULL,"
  " PRIMARY KEY (table_id, mark)) WITHOUT ROWID;"
  "CREATE TABLE IF NOT EXISTS status ("
  " only_row INTEGER PRIMARY KEY CHECK (only_row = 1),"
  " state TEXT, phase TEXT, reason TEXT, position TEXT, confirmed TEXT,"
  " lag_bytes INTEGER, lag_seconds REAL, updated INTEGER,"
  " started INTEGER, pid INTEGER, counters TEXT, connections TEXT);"
  "PRAGMA user_version = 1;";

int
state_fail (struct state *state, const char *what, struct error *error)
{
  if (sqlite3_extended_errcode (state->database) == SQLITE_READONLY_ROLLBACK)
    return error_set (error, EZCDC_E_OPERATOR,
                      "%s in %s: a change of it was broken off and lies in "
                      "%s-journal; the next run takes it back",
                      what, state->path, state->path);
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

/* The folder may be somebody else's, who decides what is in the file: no
 * code of his, as views have. */
static void
state_distrust (sqlite3 *database)
{
  sqlite3_db_config (database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config (database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  sqlite3_db_config (database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
}

static int
state_setup (struct state *state, bool read_only, struct error *error)
{
  sqlite3_busy_timeout (state->database, STATE_BUSY_MILLISECONDS);
  state_distrust (state->database);
  if (read_only) {
    sqlite3_limit (state->database, SQLITE_LIMIT_LENGTH, STATE_LENGTH_MAX);
    return 0;
  }
  if (state_execute (state,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY;",
                     "set up the state", error)
      < 0)
    return error->code;
  return state_execute (state, state_schema, "create the tables of the state",
                        error);
}

/* SQLite waits for what is a named pipe in the place of one of its files, in a
 * folder that may be another user's. Opened so, it cannot be read. */
static int
open_without_waiting (const char *path, int flags, int mode)
{
  return open (path, flags | O_NONBLOCK | O_NOCTTY, mode);
}

static void
open_files_without_waiting (void)
{
  sqlite3_vfs *vfs = sqlite3_vfs_find (NULL);

  if (vfs != NULL && vfs->iVersion >= 3 && vfs->xSetSystemCall != NULL)
    vfs->xSetSystemCall (vfs, "open",
                         (sqlite3_syscall_ptr) open_without_waiting);
}

/* Who only reads changes nothing whatever lies beside the file: a journal that
 * was not taken back may name other files, which SQLite would remove. */
static int
state_open_file (struct state *state, bool read_only, struct error *error)
{
  int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
  mode_t mask;
  int result;

  flags |= read_only ? SQLITE_OPEN_READONLY
                     : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  open_files_without_waiting ();
  mask = umask (0077);
  result = sqlite3_open_v2 (state->path, &state->database, flags, NULL);
  umask (mask);
  if (result != SQLITE_OK)
    return error_set (error, EZCDC_E_OPERATOR, "open %s: %s", state->path,
                      state->database == NULL
                        ? "out of memory"
                        : sqlite3_errmsg (state->database));
  return 0;
}

int
state_open (const char *folder, bool read_only, struct state **ret_state,
            struct error *error)
{
  struct state *state = calloc (1, sizeof *state);
  pthread_mutexattr_t attributes;
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

  result = state_open_file (state, read_only, error);
  if (result == 0)
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

int
state_read (struct state *state, struct error *error, const char *what,
            state_row_function function, void *context, const char *sql,
            const char *format, ...)
{
  sqlite3_stmt *statement;
  va_list arguments;
  int result = 0, rows = 0, step = SQLITE_DONE;

  pthread_mutex_lock (&state->lock);
  va_start (arguments, format);
  statement = state_prepare (state, error, sql, format, arguments);
  va_end (arguments);
  if (statement == NULL)
    result = error->code;
  while (result == 0 && (step = sqlite3_step (statement)) == SQLITE_ROW) {
    result = function (context, statement);
    rows++;
  }
  if (result == 0 && step != SQLITE_DONE)
    result = state_fail (state, what, error);
  sqlite3_finalize (statement);
  pthread_mutex_unlock (&state->lock);
  return result != 0 ? result : rows;
}

int
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

void
state_column_position (sqlite3_stmt *statement, int column,
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

void
state_column_text (sqlite3_stmt *statement, int column, char *ret_text,
                   size_t size)
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

void
state_rollback (struct state *state)
{
  sqlite3_exec (state->database, "ROLLBACK", NULL, NULL, NULL);
  pthread_mutex_unlock (&state->lock);
}
