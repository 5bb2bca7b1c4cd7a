/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the frontend's MySQL port. */
#ifndef STARROCKS_CONNECT_H
#define STARROCKS_CONNECT_H

#include <mysql.h>

#include "buffer.h"
#include "starrocks.h"

struct connection {
  struct connection *next;
  MYSQL *mysql;   /* owned */
  int descriptor; /* of the socket; under self->lock */
  int busy;       /* under self->lock */
};

/* An idle connection or a new one, for one thread until connection_give. */
int connection_take (struct starrocks *self, struct connection **ret);
/* healthy 0: it is closed. */
void connection_give (struct starrocks *self, struct connection *connection,
                      int healthy);
/* Cuts the line, so that what is still on its way need not be read; then
 * only connection_give is allowed. */
void connection_hang_up (struct starrocks *self,
                         struct connection *connection);
/* Makes every statement that is under way fail. From any thread. */
void connections_interrupt (struct starrocks *self);
void connections_close (struct starrocks *self);

/* Runs one statement.  what is for messages: "create table t".  A result is
 * read and dropped. */
int query_run (struct starrocks *self, struct connection *connection,
               struct buffer *sql, const char *what);
/* The same, with its result whole in memory; mysql_free_result by the
 * caller. */
int query_store (struct starrocks *self, struct connection *connection,
                 struct buffer *sql, const char *what, MYSQL_RES **ret);
/* Records the connection's last error and returns its code. */
int query_fail (struct starrocks *self, struct connection *connection,
                const char *what);
/* The index of a column of a result by its name, -1 if there is none. */
int result_column (MYSQL_RES *result, const char *name);

#endif /* STARROCKS_CONNECT_H */
