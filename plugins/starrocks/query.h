/* SPDX-License-Identifier: Apache-2.0 */
/* Statements on the frontend's MySQL port, and their answers. */
#ifndef STARROCKS_QUERY_H
#define STARROCKS_QUERY_H

#include <mysql.h>

#include "buffer.h"
#include "connect.h"

/* Runs one statement.  what is for messages: "create table t".  A result is
 * read and dropped. */
int query_run (struct starrocks *self, struct connection *connection,
               struct buffer *sql, const char *what);

/* The same for a question to the catalog, with its result whole in memory;
 * mysql_free_result by the caller. */
int query_store (struct starrocks *self, struct connection *connection,
                 struct buffer *sql, const char *what, MYSQL_RES **ret);
/* The same; NULL: it failed, and nothing is recorded. */
MYSQL_RES *query_ask (struct connection *connection, const char *sql,
                      size_t length);

/* Begins to read a table; each row may take as long, and be as large, as it
 * likes, if only it comes. NULL: it failed, and nothing is recorded. */
MYSQL_RES *query_read (struct connection *connection,
                       const struct buffer *sql);
/* The next row, until the next call; NULL: the end, or mysql_errno tells. */
MYSQL_ROW query_row (struct connection *connection, MYSQL_RES *result);

/* Records the connection's last error and returns its code. */
int query_fail (struct starrocks *self, struct connection *connection,
                const char *what);

/* The index of a column of a result by its name, -1 if there is none. */
int result_column (MYSQL_RES *result, const char *name);

#endif /* STARROCKS_QUERY_H */
