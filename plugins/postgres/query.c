/* SPDX-License-Identifier: Apache-2.0 */
/* Statements on a session, their results, and what errors mean. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"

/* How long one wait is at most, so that nothing hangs on a lost wake-up. */
#define QUERY_WAIT_MS 1000

const char *
first_line (const char *message, char *ret_line, size_t size)
{
  size_t i;

  if (message == NULL || *message == '\0')
    message = "no reason given";
  for (i = 0; i + 1 < size && message[i] != '\0' && message[i] != '\n'; i++) {
    unsigned char c = (unsigned char) message[i];

    ret_line[i] = c < 0x20 || c == 0x7f ? ' ' : message[i];
  }
  ret_line[i] = '\0';
  return ret_line;
}

const char *
session_state (const PGresult *result)
{
  const char *state = result ? PQresultErrorField (result, PG_DIAG_SQLSTATE)
                             : NULL;

  return state ? state : "";
}

int
state_code (const char *state)
{
  static const struct {
    const char *state; /* or how it begins */
    int code;
  } codes[] = {
    { "28P01", EZCDC_E_CREDENTIAL },
    { "42501", EZCDC_E_OPERATOR },    /* privilege */
    { "42704", EZCDC_E_OPERATOR },    /* slot or publication is missing */
    { "42710", EZCDC_E_OPERATOR },    /* exists already */
    { "42P01", EZCDC_E_SCHEMA },      /* no such table */
    { "42703", EZCDC_E_SCHEMA },      /* no such column */
    { "55006", EZCDC_E_UNAVAILABLE }, /* slot is active */
    { "55000", EZCDC_E_OPERATOR },    /* wal_level, slot is lost */
    { "53300", EZCDC_E_UNAVAILABLE }, /* connections */
    { "53400", EZCDC_E_OPERATOR },    /* slots */
    { "0A", EZCDC_E_OPERATOR },       /* not supported */
    { "22", EZCDC_E_OPERATOR },       /* data */
    { "42", EZCDC_E_OPERATOR },       /* statement */
  };
  size_t i;

  for (i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strncmp (state, codes[i].state, strlen (codes[i].state)) == 0)
      return codes[i].code;
  return EZCDC_E_UNAVAILABLE;
}

bool
state_may_quote (const char *state)
{
  /* Data, constraints, functions, checks of views: all other classes. The two
   * states are a statement of ours that is quoted, and whatever an extension
   * calls internal. */
  static const char *const silent[] = { "42601", "XX000" };
  static const char *const open[] = { "08", "0A", "25", "26", "28", "3D",
                                      "3F", "40", "42", "53", "54", "55",
                                      "57", "58", "F0", "XX" };
  size_t i;

  for (i = 0; i < sizeof silent / sizeof *silent; i++)
    if (strcmp (state, silent[i]) == 0)
      return true;
  for (i = 0; i < sizeof open / sizeof *open; i++)
    if (strncmp (state, open[i], 2) == 0)
      return false;
  return true;
}

/* A function of the user's can choose any state, but has a context. So has
 * all that the stream's output plugin says, where there are no such
 * functions. */
static bool
result_may_quote (const struct session *session, const PGresult *result)
{
  return state_may_quote (session_state (result))
         || (!session->replication
             && PQresultErrorField (result, PG_DIAG_CONTEXT) != NULL);
}

const char *
result_place (const PGresult *result, char ret_place[PLACE_SIZE])
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
  const char *function = PQresultErrorField (result, PG_DIAG_SOURCE_FUNCTION);
  const char *file = PQresultErrorField (result, PG_DIAG_SOURCE_FILE);

  *ret_place = '\0';
  if (function != NULL && file != NULL
      && function[strspn (function, plain)] == '\0'
      && file[strspn (file, plain)] == '\0')
    snprintf (ret_place, PLACE_SIZE, " in %.63s (%.63s)", function, file);
  return ret_place;
}

int
session_fail (struct session *session, const PGresult *result,
              const char *what)
{
  const char *state = session_state (result);
  const char *message = NULL, *hint = NULL;
  char line[512], hint_line[256], place[PLACE_SIZE];

  snprintf (session->failure, sizeof session->failure, "%s", state);
  if (PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY) != NULL
      && result_may_quote (session, result))
    return host->fail (session->instance, state_code (state),
                       "%s (%s): SQLSTATE %s%s; the message, which may quote a"
                       " row, is in the server's log",
                       what, session->peer, state,
                       result_place (result, place));
  if (*state != '\0') {
    message = PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY);
    hint = PQresultErrorField (result, PG_DIAG_MESSAGE_HINT);
  }
  if (strcmp (state, "55P03") == 0)
    hint = "another session holds a lock on it: pg_locks shows which";
  if (message == NULL)
    message = PQerrorMessage (session->connection);
  first_line (message, line, sizeof line);
  if (*state != '\0')
    return host->fail (
      session->instance, state_code (state), "%s (%s): %s%s%s (SQLSTATE %s)",
      what, session->peer, line, hint ? "; " : "",
      hint ? first_line (hint, hint_line, sizeof hint_line) : "", state);
  return host->fail (session->instance, EZCDC_E_UNAVAILABLE, "%s (%s): %s",
                     what, session->peer, line);
}

/* Pushes out what is queued; reads meanwhile, or both sides could wait. */
static int
session_flush (struct session *session, const char *what)
{
  int rest, ready;

  while ((rest = PQflush (session->connection)) == 1) {
    ready = session_wait (session, 1 | 2, QUERY_WAIT_MS);
    if (ready < 0)
      return ready;
    if ((ready & 1) && !PQconsumeInput (session->connection))
      return session_fail (session, NULL, what);
  }
  return rest == 0 ? EZCDC_OK : session_fail (session, NULL, what);
}

int
session_send (struct session *session, const char *what, const char *sql,
              int count, const char *const *parameters)
{
  int sent;

  session->asked_at = session_received (PQsocket (session->connection));
  if (count == 0)
    sent = PQsendQuery (session->connection, sql);
  else
    sent = PQsendQueryParams (session->connection, sql, count, NULL,
                              parameters, NULL, NULL, 0);
  return sent ? session_flush (session, what)
              : session_fail (session, NULL, what);
}

int
session_receive (struct session *session, const char *what, int64_t timeout_ms,
                 PGresult **ret_result)
{
  int64_t deadline = host->monotonic_time () + timeout_ms * 1000;
  int64_t wait_ms = QUERY_WAIT_MS;
  int ready;

  session_lazy (session, false);
  while (PQisBusy (session->connection)) {
    if (timeout_ms >= 0) {
      wait_ms = (deadline - host->monotonic_time ()) / 1000;
      if (wait_ms <= 0)
        return EZCDC_IDLE;
    }
    ready = session_wait (session, 1, wait_ms);
    if (ready < 0)
      return ready;
    if (ready > 0 && !PQconsumeInput (session->connection))
      return session_fail (session, NULL, what);
    if (ready > 0
        && session_received (PQsocket (session->connection))
               - session->asked_at
             > SESSION_ANSWER_MAX)
      return host->fail (session->instance, EZCDC_E_UNAVAILABLE,
                         "%s (%s): the answer has more than %d MiB", what,
                         session->peer, (int) (SESSION_ANSWER_MAX >> 20));
  }
  *ret_result = PQgetResult (session->connection);
  return EZCDC_OK;
}

void
session_tell (struct session *session, const char *what, int64_t since)
{
  char reason[160];

  if (!EZCDC_HOST_HAS (host, waiting))
    return;
  snprintf (reason, sizeof reason, "%s: no answer from the server for %d s",
            what, (int) ((host->monotonic_time () - since) / 1000000));
  host->waiting (session->instance, since == 0 ? NULL : reason);
}

int
session_await (struct session *session, const char *what, int64_t limit_ms,
               PGresult **ret_result)
{
  int64_t since = host->monotonic_time ();
  int64_t moment = SESSION_MOMENT_MS;
  int code = EZCDC_IDLE;
  bool told = false;

  for (int64_t left = limit_ms; code == EZCDC_IDLE && left != 0;) {
    if (left > 0 && left < moment)
      moment = left;
    code = session_receive (session, what, moment, ret_result);
    if (left > 0)
      left -= moment;
    if (code == EZCDC_IDLE && left != 0) {
      session_tell (session, what, since);
      told = true;
    }
  }
  if (told)
    session_tell (session, what, 0);
  if (code == EZCDC_IDLE)
    return host->fail (session->instance, EZCDC_E_UNAVAILABLE,
                       "%s (%s): no answer within %d s", what, session->peer,
                       (int) (limit_ms / 1000));
  return code;
}

int
session_query (struct session *session, const char *what, const char *sql,
               int count, const char *const *parameters, PGresult **ret_result)
{
  PGresult *last = NULL, *next;
  ExecStatusType status;
  int code;

  code = session_send (session, what, sql, count, parameters);
  while (code == EZCDC_OK) {
    code = session_await (session, what, session->answer_ms, &next);
    if (code != EZCDC_OK || next == NULL)
      break;
    /* Of several statements the first error counts, else the last one. */
    if (last != NULL && PQresultStatus (last) == PGRES_FATAL_ERROR)
      PQclear (next);
    else {
      PQclear (last);
      last = next;
    }
  }
  status = PQresultStatus (last);
  if (code == EZCDC_OK && status != PGRES_TUPLES_OK
      && status != PGRES_COMMAND_OK)
    code = session_fail (session, last, what);
  if (code != EZCDC_OK) {
    PQclear (last);
    return code;
  }
  *ret_result = last;
  return EZCDC_OK;
}

int
session_command (struct session *session, const char *what, const char *sql)
{
  PGresult *result;
  int code = session_query (session, what, sql, 0, NULL, &result);

  if (code == EZCDC_OK)
    PQclear (result);
  return code;
}

int
session_text (struct session *session, const char *what, const char *sql,
              char *ret_text, size_t size)
{
  PGresult *result;
  int code = session_query (session, what, sql, 0, NULL, &result);

  if (code != EZCDC_OK)
    return code;
  if (PQntuples (result) == 1 && PQnfields (result) >= 1
      && !PQgetisnull (result, 0, 0)
      && (size_t) PQgetlength (result, 0, 0) < size)
    snprintf (ret_text, size, "%s", PQgetvalue (result, 0, 0));
  else
    code = host->fail (session->instance, EZCDC_E_BUG,
                       "%s (%s): the server gave no usable answer", what,
                       session->peer);
  PQclear (result);
  return code;
}

int64_t
field_number (const PGresult *result, int row, int column)
{
  return strtoll (PQgetvalue (result, row, column), NULL, 10);
}

int
field_true (const PGresult *result, int row, int column)
{
  return *PQgetvalue (result, row, column) == 't';
}

const char *
field_text (const PGresult *result, int row, int column)
{
  return PQgetisnull (result, row, column) ? NULL
                                           : PQgetvalue (result, row, column);
}
