/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the frontend's MySQL port. */
#ifndef STARROCKS_CONNECT_H
#define STARROCKS_CONNECT_H

#include <mysql.h>

#include "starrocks.h"

struct watch;

struct connection {
  struct connection *next;
  MYSQL *mysql;        /* owned; all calls that wait are in its way that does
                          not block */
  struct watch *watch; /* owned; over these calls */
  int descriptor;      /* of the socket; under self->lock */
  int busy;            /* under self->lock */
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

#endif /* STARROCKS_CONNECT_H */
