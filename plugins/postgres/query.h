/* SPDX-License-Identifier: Apache-2.0 */
/* Statements on a session, their results, and what errors mean. */

#ifndef POSTGRES_QUERY_H
#define POSTGRES_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "session.h"

/* Sends a statement; with parameters ($1 ...) it must be a single one. what
 * says for messages what is being done: "read the catalog". */
int session_send (struct session *session, const char *what, const char *sql,
                  int count, const char *const *parameters);

/* The next result of what was sent, NULL after the last one; EZCDC_IDLE if
 * none came within timeout_ms (-1: no limit). An error of the server is a
 * result too. */
int session_receive (struct session *session, const char *what,
                     int64_t timeout_ms, PGresult **ret_result);

/* How long it takes until an answer counts as awaited. */
#define SESSION_MOMENT_MS 12000

/* Says in the status that there has been no answer since then, or, with 0, that
 * the wait is over. */
void session_tell (struct session *session, const char *what, int64_t since);
/* The same as session_receive, but says so when it waits for longer than a
 * moment, and fails at the limit; -1: there is none. */
int session_await (struct session *session, const char *what, int64_t limit_ms,
                   PGresult **ret_result);

/* Sends and receives; fails if the server reports an error. The caller clears
 * the result. */
int session_query (struct session *session, const char *what, const char *sql,
                   int count, const char *const *parameters,
                   PGresult **ret_result);
/* The same without a result. */
int session_command (struct session *session, const char *what,
                     const char *sql);
/* The same for one row with one column; NULL is EZCDC_E_BUG. */
int session_text (struct session *session, const char *what, const char *sql,
                  char *ret_text, size_t size);

/* What the core shall do about an error with this SQLSTATE. */
int state_code (const char *state);

/* Whether what comes with this SQLSTATE may quote a row. */
bool state_may_quote (const char *state);

/* Where in its program the server had something to say: " in FUNCTION (FILE)",
 * or "". Returns ret_place. */
#define PLACE_SIZE 144
const char *result_place (const PGresult *result, char ret_place[PLACE_SIZE]);

/* Copies the first line without control characters; returns ret_line. */
const char *first_line (const char *message, char *ret_line, size_t size);

/* A field of a result as a number; 0 for NULL. */
int64_t field_number (const PGresult *result, int row, int column);
/* "t" */
int field_true (const PGresult *result, int row, int column);
/* NULL for NULL. */
const char *field_text (const PGresult *result, int row, int column);

#endif /* POSTGRES_QUERY_H */
