/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the state: its database, and statements on it. */
#ifndef EZCDC_STATE_STATEMENT_H
#define EZCDC_STATE_STATEMENT_H

#include <pthread.h>

#include <sqlite3.h>

#include "core/state/state.h"

struct state {
  sqlite3 *database;
  char *path;
  pthread_mutex_t lock; /* recursive: from state_begin to state_commit */
};

/* Sets error to EZCDC_E_OPERATOR with SQLite's message, and returns that. */
int state_fail (struct state *state, const char *what, struct error *error);

/* In the next two, format says what follows and is bound in this order: i
 * int64_t, r double, t text, p position.  Text and positions are copied. */

/* Runs a statement without rows; the number of changed rows, or below 0. */
int state_run (struct state *state, struct error *error, const char *sql,
               const char *format, ...);

/* Called for a row; not 0 ends the reading and is returned. */
typedef int (*state_row_function) (void *context, sqlite3_stmt *row);
/* Reads the rows of a statement: how many there were, what function returned if
 * that was not 0, or below 0 with error set.  what: "read the tables". */
int state_read (struct state *state, struct error *error, const char *what,
                state_row_function function, void *context, const char *sql,
                const char *format, ...);

void state_column_position (sqlite3_stmt *statement, int column,
                            struct ezcdc_position *ret_position);
/* Cut to size. */
void state_column_text (sqlite3_stmt *statement, int column, char *ret_text,
                        size_t size);

#endif
