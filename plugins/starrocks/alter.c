/* SPDX-License-Identifier: Apache-2.0 */
/* Runs statements that make a table or let it grow, and waits for them. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ddl.h"
#include "identifiers.h"
#include "mysqlerror.h"
#include "query.h"

/* How long one call waits for a job; the core comes back for the rest. */
#define JOB_WAIT_US INT64_C (30000000)
#define POLL_FIRST_MS 20
#define POLL_LAST_MS 2000

struct job {
  long long id; /* 0: there is none */
  int finished;
  int cancelled;
};

int
ddl_database_exists (struct starrocks *self, struct connection *connection,
                     int *ret_exists)
{
  struct buffer sql = { 0 };
  MYSQL_RES *result;
  int code;

  buffer_text (&sql, "SELECT SCHEMA_NAME FROM information_schema.schemata "
                     "WHERE SCHEMA_NAME = ");
  literal_append (&sql, self->settings.database);
  code = query_store (self, connection, &sql, "look for the database",
                      &result);
  buffer_free (&sql);
  if (code != EZCDC_OK)
    return code;
  *ret_exists = mysql_num_rows (result) > 0;
  mysql_free_result (result);
  return EZCDC_OK;
}

static int
collect_columns (struct starrocks *self, MYSQL_RES *result, int generation,
                 struct target_columns *ret_columns)
{
  struct target_columns columns = { 0 };
  size_t count = (size_t) mysql_num_rows (result);
  MYSQL_ROW row;

  if (count > 0) {
    columns.items = calloc (count, sizeof *columns.items);
    if (columns.items == NULL)
      return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  }
  while (columns.count < count && (row = mysql_fetch_row (result)) != NULL) {
    if (target_column_read ((const char *const *) row, generation,
                            &columns.items[columns.count])
        == -1) {
      target_columns_free (&columns);
      return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                         "read the columns of the table: the server's answer "
                         "is not usable");
    }
    columns.count++;
  }
  *ret_columns = columns;
  return EZCDC_OK;
}

static void
columns_question (const struct starrocks *self, const char *table,
                  int generation, struct buffer *sql)
{
  buffer_printf (sql,
                 "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY, "
                 "COLUMN_DEFAULT%s FROM information_schema.columns "
                 "WHERE TABLE_SCHEMA = ",
                 generation ? ", GENERATION_EXPRESSION" : "");
  literal_append (sql, self->settings.database);
  buffer_text (sql, " AND TABLE_NAME = ");
  literal_append (sql, table);
  buffer_text (sql, " ORDER BY ORDINAL_POSITION");
}

static void
complete_types (struct starrocks *self, const struct ezcdc_table *table,
                struct target_columns *columns)
{
  int version = starrocks_version (self);

  for (uint32_t i = 0; i < table->column_count; i++) {
    const struct target_column *column = target_columns_find (
      columns, table->columns[i].name);
    struct column_type wanted;

    type_wanted (&self->settings, version, &table->columns[i], &wanted);
    if (column != NULL)
      type_complete (&wanted, &columns->items[column - columns->items].type);
  }
}

int
ddl_read_columns (struct starrocks *self, struct connection *connection,
                  const struct ezcdc_table *table,
                  struct target_columns *ret_columns)
{
  static const char what[] = "read the table's columns";
  int generation = starrocks_version (self) >= 30100, code;
  struct buffer sql = { 0 };
  MYSQL_RES *result;

  columns_question (self, table->target, generation, &sql);
  code = query_store (self, connection, &sql, what, &result);
  if (code == EZCDC_E_OPERATOR && generation) {
    /* Not every server's number tells what it knows; one that does not know
     * how a column is generated has none that is. */
    generation = 0;
    buffer_clear (&sql);
    columns_question (self, table->target, generation, &sql);
    code = query_store (self, connection, &sql, what, &result);
  }
  buffer_free (&sql);
  if (code != EZCDC_OK)
    return code;
  code = collect_columns (self, result, generation, ret_columns);
  mysql_free_result (result);
  if (code == EZCDC_OK)
    complete_types (self, table, ret_columns);
  return code;
}

int
ddl_create (struct starrocks *self, struct connection *connection,
            const struct ezcdc_table *table)
{
  struct buffer sql = { 0 }, what = { 0 };
  int exists, code;

  code = ddl_database_exists (self, connection, &exists);
  if (code == EZCDC_OK && !exists) {
    buffer_text (&sql, "CREATE DATABASE IF NOT EXISTS ");
    identifier_append (&sql, self->settings.database);
    code = query_run (self, connection, &sql, "create the database");
  }
  if (code == EZCDC_OK) {
    buffer_clear (&sql);
    ddl_create_text (&self->settings, starrocks_version (self),
                     starrocks_backends (self), table, &sql);
    buffer_printf (&what, "create table \"%s\"", table->target);
    code = query_run (self, connection, &sql, buffer_string (&what));
  }
  if (code == EZCDC_OK)
    host->log (self->instance, EZCDC_LOG_INFO, "created table \"%s\"",
               table->target);
  buffer_free (&sql);
  buffer_free (&what);
  return code;
}

static int
newest_job (struct starrocks *self, struct connection *connection,
            const char *table, struct job *ret_job)
{
  struct buffer sql = { 0 };
  struct job job = { 0 };
  MYSQL_RES *result;
  MYSQL_ROW row;
  int id, state, code;

  buffer_text (&sql, "SHOW ALTER TABLE COLUMN FROM ");
  identifier_append (&sql, self->settings.database);
  buffer_text (&sql, " WHERE TableName = ");
  literal_append (&sql, table);
  buffer_text (&sql, " ORDER BY JobId DESC LIMIT 1");
  code = query_store (self, connection, &sql, "look at schema changes",
                      &result);
  buffer_free (&sql);
  if (code != EZCDC_OK)
    return code;
  id = result_column (result, "JobId");
  state = result_column (result, "State");
  row = mysql_fetch_row (result);
  if (row != NULL && id != -1 && state != -1 && row[id] != NULL
      && row[state] != NULL) {
    job.id = strtoll (row[id], NULL, 10);
    job.finished = strcasecmp (row[state], "FINISHED") == 0;
    job.cancelled = strcasecmp (row[state], "CANCELLED") == 0;
  }
  mysql_free_result (result);
  *ret_job = job;
  return EZCDC_OK;
}

/* Polls until no job newer than after is under way. */
static int
poll_job (struct starrocks *self, struct connection *connection,
          const char *table, long long after, struct job *ret_job)
{
  int64_t end = host->monotonic_time () + JOB_WAIT_US, pause = POLL_FIRST_MS;

  for (;;) {
    int code = newest_job (self, connection, table, ret_job);

    if (code != EZCDC_OK)
      return code;
    if (ret_job->id <= after || ret_job->finished || ret_job->cancelled)
      return EZCDC_OK;
    if (host->monotonic_time () >= end)
      return host->fail (self->instance, EZCDC_E_THROTTLED,
                         "the schema change of table \"%s\" (job %lld) is "
                         "still under way",
                         table, ret_job->id);
    code = host->wait (self->instance, -1, 0, pause);
    if (code < 0)
      return code;
    pause = pause * 2 > POLL_LAST_MS ? POLL_LAST_MS : pause * 2;
  }
}

static int
wait_for_job (struct starrocks *self, struct connection *connection,
              const char *table, long long after, struct job *ret_job)
{
  struct buffer reason = { 0 };
  int code;

  buffer_printf (&reason, "schema change of table \"%s\"", table);
  host_waits (self->instance, buffer_string (&reason));
  buffer_free (&reason);
  code = poll_job (self, connection, table, after, ret_job);
  host_waits (self->instance, NULL);
  return code;
}

int
ddl_alter (struct starrocks *self, struct connection *connection,
           const char *table, struct buffer *clauses, const char *what)
{
  struct buffer sql = { 0 };
  struct job job;
  long long before;
  int code;

  /* Somebody else's job, or ours from before a restart: one at a time. */
  code = wait_for_job (self, connection, table, 0, &job);
  if (code != EZCDC_OK)
    return code;
  before = job.id;
  buffer_text (&sql, "ALTER TABLE ");
  identifier_table (&sql, self->settings.database, table);
  buffer_text (&sql, " ");
  buffer_append (&sql, clauses->data, clauses->length);
  code = query_run (self, connection, &sql, what);
  buffer_free (&sql);
  if (code != EZCDC_OK)
    return code;
  code = wait_for_job (self, connection, table, before, &job);
  if (code != EZCDC_OK)
    return code;
  if (job.id > before && job.cancelled)
    return host->fail (self->instance, EZCDC_E_THROTTLED,
                       "%s: StarRocks cancelled the job %lld (SHOW ALTER "
                       "TABLE COLUMN says why)",
                       what, job.id);
  return EZCDC_OK;
}
