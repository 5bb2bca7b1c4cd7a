/* SPDX-License-Identifier: Apache-2.0 */
/* Reads rows again by key. */

#include <stdio.h>
#include <string.h>

#include "fetch.h"
#include "query.h"
#include "rows.h"

/* A value of the key as a typed literal. */
static void
fetch_add_value (struct text *sql, const struct ezcdc_column *column,
                 const struct ezcdc_value *value)
{
  struct text bytes = { .data = NULL };

  text_add (sql, "CAST(");
  if (value->state != EZCDC_VALUE)
    text_add (sql, "NULL");
  else if (column->type == EZCDC_TYPE_BYTES) {
    text_add (&bytes, "\\x");
    text_add_bytes (&bytes, value->data, value->length);
    if (bytes.failed)
      sql->failed = true;
    else
      text_add_literal (sql, bytes.data, bytes.length);
    text_free (&bytes);
  }
  else
    text_add_literal (sql, value->data, value->length);
  text_format (sql, " AS %s)", column->type_name);
}

static void
fetch_add_key (struct text *sql, const struct ezcdc_table *table,
               const struct ezcdc_value *values)
{
  const char *between = "(";
  uint32_t i;

  for (i = 0; i < table->column_count; i++) {
    if (!(table->columns[i].flags & EZCDC_COLUMN_KEY))
      continue;
    text_add (sql, between);
    if (values != NULL)
      fetch_add_value (sql, &table->columns[i], &values[i]);
    else
      text_add_name (sql, table->columns[i].name);
    between = ", ";
  }
  text_add (sql, ")");
}

static bool
fetch_has_column (const PGresult *columns, const char *name)
{
  int row;

  for (row = 0; row < PQntuples (columns); row++)
    if (strcmp (PQgetvalue (columns, row, 2), name) == 0)
      return true;
  return false;
}

/* Writes the table, with NULL for columns that have been dropped or renamed
 * since.  EZCDC_END if the table or its key is gone: none of the rows is to be
 * found then. */
static int
fetch_add_table (const PGresult *columns, const struct ezcdc_table *table,
                 struct text *sql)
{
  uint32_t i;

  if (PQntuples (columns) == 0)
    return EZCDC_END;
  text_add (sql, "(SELECT *");
  for (i = 0; i < table->column_count; i++) {
    if (fetch_has_column (columns, table->columns[i].name))
      continue;
    if (table->columns[i].flags & EZCDC_COLUMN_KEY)
      return EZCDC_END;
    text_add (sql, ", NULL AS ");
    text_add_name (sql, table->columns[i].name);
  }
  text_format (sql, " FROM %s%s) t",
               *PQgetvalue (columns, 0, 1) == 'p' ? "" : "ONLY ",
               PQgetvalue (columns, 0, 0));
  return EZCDC_OK;
}

/* Writes "TABLE WHERE (KEY) IN (VALUES ...)"; EZCDC_END as above. */
static int
fetch_source (struct postgres *self, struct session *session,
              const struct ezcdc_table *table, const struct ezcdc_value *keys,
              uint64_t count, struct text *sql)
{
  char statement[256];
  PGresult *result;
  uint64_t i;
  int code;

  snprintf (statement, sizeof statement,
            "SELECT c.oid::regclass, c.relkind, a.attname FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
            " AND NOT a.attisdropped WHERE c.oid = %llu",
            (unsigned long long) table->id);
  code = session_query (session, "look at the table", statement, 0, NULL,
                        &result);
  if (code != EZCDC_OK)
    return code;
  code = fetch_add_table (result, table, sql);
  PQclear (result);
  if (code != EZCDC_OK)
    return code;
  text_add (sql, " WHERE ");
  fetch_add_key (sql, table, NULL);
  text_add (sql, " IN (VALUES ");
  for (i = 0; i < count; i++) {
    text_add (sql, i > 0 ? ", " : "");
    fetch_add_key (sql, table, keys + i * table->column_count);
  }
  text_add (sql, ")");
  return rows_add_filter (self, session, table, sql);
}

static int
fetch_rows (struct postgres *self, struct session *session,
            const struct ezcdc_table *table, const struct ezcdc_value *keys,
            uint64_t count, struct ezcdc_feed *feed)
{
  struct text sql = { .data = NULL };
  struct rows rows = { .session = NULL };
  int code;

  code = fetch_source (self, session, table, keys, count, &sql);
  if (code == EZCDC_OK && sql.failed)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  if (code == EZCDC_OK)
    code = rows_begin (&rows, session, table, sql.data);
  while (code >= 0 && code != EZCDC_END)
    code = rows_feed (&rows, feed, 1000);
  rows_clear (&rows);
  text_free (&sql);
  return code == EZCDC_END ? EZCDC_OK : code;
}

int
postgres_fetch (void *opaque, const struct ezcdc_table *table,
                const struct ezcdc_value *keys, uint64_t count,
                struct ezcdc_feed *feed)
{
  struct postgres *self = opaque;
  struct session *session;
  int code;

  if (count == 0 || table->key_count == 0)
    return EZCDC_OK;
  code = session_take (self, &session);
  if (code != EZCDC_OK)
    return code;
  code = fetch_rows (self, session, table, keys, count, feed);
  session_give (self, session);
  return code;
}
