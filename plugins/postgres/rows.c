/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table through COPY, in canonical text. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "query.h"
#include "receive.h"
#include "rows.h"

#define ROWS_WHAT "copy rows"

/* Control goes back to the core about this often. */
#define ROWS_TURN_US 100000
#define ROWS_PER_LOOK 256

static int
rows_set_table (struct rows *rows, struct session *session,
                const struct ezcdc_table *table)
{
  struct ezcdc_value *values;

  values = realloc (rows->values, table->column_count * sizeof *values);
  if (values != NULL)
    rows->values = values;
  if (values == NULL
      || !value_rules_set (&rows->rules, table->columns, table->column_count))
    return host->fail (session->instance, EZCDC_E_MEMORY, "out of memory");
  rows->session = session;
  rows->table = table->id;
  rows->count = table->column_count;
  return EZCDC_OK;
}

static int
rows_start (struct rows *rows, const char *sql)
{
  PGresult *result;
  int code;

  code = session_send (rows->session, ROWS_WHAT, sql, 0, NULL);
  if (code == EZCDC_OK)
    code = session_await (rows->session, ROWS_WHAT, -1, &result);
  if (code != EZCDC_OK)
    return code;
  rows->heard = host->monotonic_time ();
  if (PQresultStatus (result) == PGRES_COPY_OUT)
    rows->running = true;
  else
    code = session_fail (rows->session, result, ROWS_WHAT);
  PQclear (result);
  if (code != EZCDC_OK
      && session_receive (rows->session, ROWS_WHAT, -1, &result) == EZCDC_OK)
    PQclear (result);
  return code;
}

int
rows_begin (struct rows *rows, struct session *session,
            const struct ezcdc_table *table, const char *source)
{
  struct text sql = { .data = NULL };
  uint32_t i;
  int code;

  code = rows_set_table (rows, session, table);
  if (code != EZCDC_OK)
    return code;
  text_add (&sql, "COPY (SELECT ");
  for (i = 0; i < table->column_count; i++) {
    text_add (&sql, i > 0 ? ", " : "");
    text_add_name (&sql, table->columns[i].name);
  }
  text_add (&sql, " FROM ");
  text_add (&sql, source);
  text_add (&sql, ") TO STDOUT");
  if (sql.failed)
    code = host->fail (session->instance, EZCDC_E_MEMORY, "out of memory");
  else
    code = rows_start (rows, sql.data);
  text_free (&sql);
  return code;
}

static int
rows_feed_one (struct rows *rows, struct ezcdc_feed *feed, char *data,
               int length)
{
  struct ezcdc_instance *instance = rows->session->instance;

  if (!copy_row (data, (size_t) length, rows->count, rows->values))
    return host->fail (instance, EZCDC_E_SCHEMA,
                       ROWS_WHAT ": a row does not have %u columns",
                       rows->count);
  if (!value_rules_apply (&rows->rules, rows->values, NULL))
    return host->fail (instance, EZCDC_E_MEMORY, "out of memory");
  return host->feed_row (feed, rows->table, EZCDC_READ, rows->values, NULL,
                         data, (size_t) length);
}

/* A filter may let nothing through for hours, so there is no limit; but whoever
 * waits can see for what. */
static void
rows_note (struct rows *rows, bool heard)
{
  if (heard)
    rows->heard = host->monotonic_time ();
  if (heard && rows->told)
    session_tell (rows->session, ROWS_WHAT, 0);
  else if (!heard
           && host->monotonic_time () - rows->heard
                > SESSION_MOMENT_MS * INT64_C (1000))
    session_tell (rows->session, ROWS_WHAT, rows->heard);
  else
    return;
  rows->told = !heard;
}

int
rows_feed (struct rows *rows, struct ezcdc_feed *feed, int64_t timeout_ms)
{
  int64_t now = host->monotonic_time ();
  int64_t turn = now + ROWS_TURN_US;
  int64_t deadline = now + timeout_ms * 1000;
  unsigned count = 0;
  char *data;
  int length, code;

  for (;;) {
    code = receive_message (rows->session, ROWS_WHAT, deadline, &data,
                            &length);
    if (code == EZCDC_IDLE || code == EZCDC_END || count == 0)
      rows_note (rows, code != EZCDC_IDLE || count > 0);
    if (code == EZCDC_END) {
      rows->running = false;
      code = receive_end (rows->session, ROWS_WHAT);
      return code == EZCDC_OK ? EZCDC_END : code;
    }
    if (code != EZCDC_OK)
      return code;
    code = rows_feed_one (rows, feed, data, length);
    PQfreemem (data);
    if (code != EZCDC_OK)
      return code;
    if (++count % ROWS_PER_LOOK == 0) {
      now = host->monotonic_time ();
      if (now >= turn)
        return EZCDC_OK;
      deadline = now + timeout_ms * 1000;
    }
  }
}

void
rows_clear (struct rows *rows)
{
  value_rules_clear (&rows->rules);
  free (rows->values);
  memset (rows, 0, sizeof *rows);
}

/* By its OID: the name may be another one's by now. */
int
rows_add_filter (struct postgres *self, struct session *session,
                 const struct ezcdc_table *table, struct text *sql)
{
  char oid[24];
  const char *const parameters[] = { self->publication, oid };
  PGresult *result;
  int code;

  if (session->version < 150000)
    return EZCDC_OK;
  snprintf (oid, sizeof oid, "%" PRIu64, table->id);
  code = session_query (
    session, "look for a row filter",
    "SELECT f.rowfilter, f.pubname IS NOT NULL FROM pg_publication p"
    " LEFT JOIN (pg_publication_tables f"
    "  JOIN pg_namespace n ON n.nspname = f.schemaname"
    "  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = f.tablename"
    "  AND c.oid = $2::oid) ON f.pubname = p.pubname"
    " WHERE p.pubname = $1",
    2, parameters, &result);
  if (code != EZCDC_OK)
    return code;
  if (PQntuples (result) == 1 && !field_true (result, 0, 1))
    code = host->fail (session->instance, EZCDC_E_SCHEMA,
                       "copy %s.%s: it is not in publication %s any more",
                       table->schema, table->name, self->publication);
  else if (PQntuples (result) == 1 && !PQgetisnull (result, 0, 0)) {
    text_add (sql, " AND (");
    text_add (sql, PQgetvalue (result, 0, 0));
    text_add (sql, ")");
  }
  PQclear (result);
  return code;
}
