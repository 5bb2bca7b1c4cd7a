/* SPDX-License-Identifier: Apache-2.0 */
/* Statements on the frontend's MySQL port, and their answers. */

#include <strings.h>

#include "mysqlerror.h"
#include "query.h"
#include "watch.h"

/* A question to the catalog; a statement, which may make hundreds of tablets;
 * a row of a table that is read back. */
static const struct watch_limits question = { 30, 64 * 1024 * 1024 };
static const struct watch_limits statement = { 120, 64 * 1024 * 1024 };
static const struct watch_limits one_row = { 120, 0 };

int
query_fail (struct starrocks *self, struct connection *connection,
            const char *what)
{
  struct mysql_verdict verdict;
  const char *text = mysql_error (connection->mysql);
  int code;

  if (host->interrupted (self->instance))
    return EZCDC_E_STOPPED;
  code = watch_fail (connection->watch, what);
  if (code != EZCDC_OK)
    return code;
  mysql_classify (mysql_errno (connection->mysql), text, &verdict);
  return host->fail (self->instance, verdict.code, "%s: %s%s%s (error %u)",
                     what, text, verdict.remedy != NULL ? ": " : "",
                     verdict.remedy != NULL ? verdict.remedy : "",
                     mysql_errno (connection->mysql));
}

/* 0, or -1 and mysql_errno tells. */
static int
send_query (struct connection *connection, const char *sql, size_t length,
            const struct watch_limits *limits)
{
  MYSQL *mysql = connection->mysql;
  int failed, status;

  watch_begin (connection->watch, limits);
  status = mysql_real_query_start (&failed, mysql, sql, length);
  while (status != 0)
    status = mysql_real_query_cont (&failed, mysql,
                                    watch_wait (connection->watch, status));
  return failed ? -1 : 0;
}

static MYSQL_ROW
fetch_row (struct connection *connection, MYSQL_RES *result)
{
  MYSQL_ROW row;
  int status = mysql_fetch_row_start (&row, result);

  while (status != 0)
    status = mysql_fetch_row_cont (&row, result,
                                   watch_wait (connection->watch, status));
  return row;
}

int
query_run (struct starrocks *self, struct connection *connection,
           struct buffer *sql, const char *what)
{
  MYSQL_RES *result;

  if (sql->failed)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  if (send_query (connection, sql->data, sql->length, &statement) == -1)
    return query_fail (self, connection, what);
  result = mysql_use_result (connection->mysql);
  if (result != NULL) {
    while (fetch_row (connection, result) != NULL)
      ;
    mysql_free_result (result);
  }
  if (mysql_errno (connection->mysql) != 0)
    return query_fail (self, connection, what);
  return EZCDC_OK;
}

MYSQL_RES *
query_ask (struct connection *connection, const char *sql, size_t length)
{
  MYSQL_RES *result;
  int status;

  if (send_query (connection, sql, length, &question) == -1)
    return NULL;
  status = mysql_store_result_start (&result, connection->mysql);
  while (status != 0)
    status = mysql_store_result_cont (&result, connection->mysql,
                                      watch_wait (connection->watch, status));
  return result;
}

int
query_store (struct starrocks *self, struct connection *connection,
             struct buffer *sql, const char *what, MYSQL_RES **ret)
{
  MYSQL_RES *result;

  if (sql->failed)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  result = query_ask (connection, sql->data, sql->length);
  if (result == NULL) {
    if (mysql_errno (connection->mysql) != 0)
      return query_fail (self, connection, what);
    return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                       "%s: the server answered without a result", what);
  }
  *ret = result;
  return EZCDC_OK;
}

MYSQL_RES *
query_read (struct connection *connection, const struct buffer *sql)
{
  if (send_query (connection, sql->data, sql->length, &one_row) == -1)
    return NULL;
  return mysql_use_result (connection->mysql);
}

MYSQL_ROW
query_row (struct connection *connection, MYSQL_RES *result)
{
  watch_begin (connection->watch, &one_row);
  return fetch_row (connection, result);
}

int
result_column (MYSQL_RES *result, const char *name)
{
  unsigned count = mysql_num_fields (result);
  MYSQL_FIELD *fields = mysql_fetch_fields (result);

  for (unsigned i = 0; i < count; i++)
    if (strcasecmp (fields[i].name, name) == 0)
      return (int) i;
  return -1;
}
