/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a table back, for "verify". */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canonical.h"
#include "connect.h"
#include "identifiers.h"
#include "layout.h"
#include "mysqlerror.h"
#include "query.h"
#include "starrocks.h"
#include "watch.h"

struct scanning {
  struct starrocks *self;
  const struct ezcdc_table *table;
  const struct layout *layout;
  struct ezcdc_feed *feed;
  struct ezcdc_value *values; /* one a column */
  struct buffer scratch;
};

static void
select_text (struct scanning *scanning, struct buffer *sql)
{
  /* Before 3.3.5 fractions of seconds are stored, but not printed. */
  int version = starrocks_version (scanning->self), old = version < 30305;

  buffer_text (sql, "SELECT /*+ SET_VAR(query_timeout=86400) */ ");
  for (uint32_t i = 0; i < scanning->layout->column_count; i++) {
    const struct layout_column *column = &scanning->layout->columns[i];
    const char *before = "", *behind = "";

    if (column->type.kind == KIND_VARBINARY) {
      before = "hex(";
      behind = ")";
    }
    else if (column->type.kind == KIND_DATETIME && old) {
      before = "date_format(";
      behind = ", '%Y-%m-%d %H:%i:%s.%f')";
    }
    buffer_text (sql, i > 0 ? ", " : "");
    buffer_text (sql, before);
    identifier_append (sql, column->name);
    buffer_text (sql, behind);
  }
  buffer_text (sql, " FROM ");
  identifier_table (sql, scanning->self->settings.database,
                    scanning->table->target);
}

static int
feed_one (struct scanning *scanning, MYSQL_ROW row,
          const unsigned long *lengths)
{
  const struct layout *layout = scanning->layout;
  size_t needed = 0;

  for (uint32_t i = 0; i < layout->column_count; i++)
    needed += canonical_bound (lengths[i]);
  buffer_clear (&scanning->scratch);
  if (buffer_reserve (&scanning->scratch, needed) == -1)
    return host->fail (scanning->self->instance, EZCDC_E_MEMORY,
                       "out of memory");
  for (uint32_t i = 0; i < layout->column_count; i++) {
    struct ezcdc_value *value = &scanning->values[i];

    *value = (struct ezcdc_value){ NULL, 0, EZCDC_NULL };
    if (row[i] != NULL
        && canonical_value (&layout->columns[i], row[i], lengths[i],
                            &scanning->scratch, value)
             == -1)
      return host->fail (scanning->self->instance, EZCDC_E_BUG,
                         "read \"%s\": column \"%s\" holds text that is not "
                         "of its type",
                         scanning->table->target, layout->columns[i].name);
  }
  return host->feed_row (scanning->feed, scanning->table->id, EZCDC_READ,
                         scanning->values, NULL, NULL, 0);
}

/* What went wrong with a row may quote it. */
static int
scan_fail (struct scanning *scanning, struct connection *connection)
{
  struct starrocks *self = scanning->self;
  unsigned number = mysql_errno (connection->mysql);
  struct mysql_verdict verdict;
  char what[320];
  int code;

  if (host->interrupted (self->instance))
    return EZCDC_E_STOPPED;
  snprintf (what, sizeof what, "read the table \"%.255s\"",
            scanning->table->target);
  code = watch_fail (connection->watch, what);
  if (code != EZCDC_OK)
    return code;
  mysql_classify (number, mysql_error (connection->mysql), &verdict);
  return host->fail (self->instance, verdict.code,
                     "read the table \"%s\": error %u%s%s%s; the message, "
                     "which may quote a row, is in the frontend's log",
                     scanning->table->target, number,
                     verdict.broken ? ", the connection was lost" : "",
                     verdict.remedy != NULL ? ": " : "",
                     verdict.remedy != NULL ? verdict.remedy : "");
}

static int
feed_all (struct scanning *scanning, struct connection *connection)
{
  struct starrocks *self = scanning->self;
  struct buffer sql = { 0 };
  MYSQL_RES *result;
  MYSQL_ROW row;
  int code = EZCDC_OK;

  select_text (scanning, &sql);
  if (sql.failed) {
    buffer_free (&sql);
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  }
  result = query_read (connection, &sql);
  buffer_free (&sql);
  if (result == NULL
      || mysql_num_fields (result) != scanning->layout->column_count) {
    if (result != NULL)
      connection_hang_up (self, connection);
    mysql_free_result (result);
    return scan_fail (scanning, connection);
  }
  while (code >= 0 && (row = query_row (connection, result)) != NULL)
    code = feed_one (scanning, row, mysql_fetch_lengths (result));
  if (code >= 0 && mysql_errno (connection->mysql) != 0)
    code = scan_fail (scanning, connection);
  if (code < 0)
    /* Not read to its end: hang up rather than drain it. */
    connection_hang_up (self, connection);
  mysql_free_result (result);
  return code < 0 ? code : EZCDC_OK;
}

int
starrocks_scan (void *context, const struct ezcdc_table *table,
                struct ezcdc_feed *feed)
{
  struct starrocks *self = context;
  struct scanning scanning = { .self = self, .table = table, .feed = feed };
  struct connection *connection;
  struct layout *layout;
  int code = target_bind (self, table, &layout);

  if (code != EZCDC_OK)
    return code;
  scanning.layout = layout;
  scanning.values = calloc (layout->column_count, sizeof *scanning.values);
  if (scanning.values == NULL)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  else
    code = connection_take (self, &connection);
  if (code == EZCDC_OK) {
    code = feed_all (&scanning, connection);
    connection_give (self, connection, code == EZCDC_OK);
  }
  free (scanning.values);
  buffer_free (&scanning.scratch);
  layout_free (layout);
  return code;
}
