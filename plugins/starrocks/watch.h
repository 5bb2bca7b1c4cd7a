/* SPDX-License-Identifier: Apache-2.0 */
/* Sees to it that no call of Connector/C lasts longer, or reads more, than it
 * may, whatever the server does, and that an interruption ends it.
 *
 * Called in its way that does not block, the library comes to watch_wait for
 * all waits but those of the TLS handshake. These, and what is read in the
 * clear, go through the methods of its transport, which the watch puts itself
 * before; what is read over TLS goes through OpenSSL's BIO. */
#ifndef STARROCKS_WATCH_H
#define STARROCKS_WATCH_H

#include <mysql.h>
#include <stdint.h>

#include <ezcdc/connector.h>

struct watch;

/* What one call may take. */
struct watch_limits {
  int64_t seconds;
  uint64_t bytes; /* that are read; 0: any number */
};

/* Over a handle that is not connected yet; NULL: out of memory. Freed after
 * mysql_close. */
struct watch *watch_new (struct ezcdc_instance *instance, MYSQL *mysql);
void watch_free (struct watch *watch);

/* A call, or several that are one for its user, begins. */
void watch_begin (struct watch *watch, const struct watch_limits *limits);
/* When it is over at the latest, in monotonic time. */
int64_t watch_end (const struct watch *watch);

/* Waits for what a ..._start or ..._cont has returned, and returns what is to
 * be given to the next ..._cont. */
int watch_wait (struct watch *watch, int status);

/* Records why the watch has broken the call off and returns the code;
 * EZCDC_OK if it has not. what is for messages, as in query_run. */
int watch_fail (struct watch *watch, const char *what);

#endif /* STARROCKS_WATCH_H */
