/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: a connection to the server with its settings pinned. */

#ifndef POSTGRES_SESSION_H
#define POSTGRES_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include <ezcdc/connector.h>

#include "postgres.h"

struct session {
  struct ezcdc_instance *instance;
  const char *peer; /* "database at host:port", for messages */
  PGconn *connection;
  void *ssl;         /* OpenSSL's SSL, or NULL in the clear */
  int version;       /* of the server, 150020 */
  bool replication;  /* takes replication commands */
  int64_t answer_ms; /* how long an answer about the catalog may take */
  uint64_t asked_at; /* bytes that had arrived when the statement was sent */
  bool lazy;         /* wakes up for many bytes at once, see session_lazy */
  bool fresh;        /* the last consumed bytes held a message */
  bool late;         /* the last wait was in vain */
  int64_t announced; /* bytes that were there at the last look, less those
                      * of the messages since */
  int overhead;      /* bytes on the wire of a short message beside itself */
  int64_t window_start; /* of measuring how much arrives */
  int64_t window_bytes;
  char peer_text[256];
  char failure[6]; /* SQLSTATE of the last error that the server told, or "" */
};

/* What the protocol adds to a message of a copy, and TLS 1.3 to a record
 * (header, content type, tag). */
#define SESSION_MESSAGE_BYTES 5
#define SESSION_RECORD_BYTES 22

/* Connects. A session for replication takes replication commands and plain
 * statements without parameters. Waits are interruptible. */
int session_open (struct postgres *self, bool replication,
                  struct session **ret_session);
/* Takes NULL. */
void session_close (struct session *session);

/* Whether the database is SQL_ASCII: names and values need not be UTF-8. */
bool session_texts_are_bytes (const struct session *session);

/* Waits as host->wait does, but knows that TLS may hold bytes that the
 * socket no longer shows. */
int session_wait (struct session *session, uint32_t events,
                  int64_t timeout_ms);

/* How much the server may say until a session stands, and in answer to a
 * statement about the catalog. libpq keeps all of it in memory. Rows of tables
 * come another way, and have no limit but PostgreSQL's. */
#define SESSION_GREETING_MAX (UINT64_C (1) << 20)
#define SESSION_ANSWER_MAX (UINT64_C (256) << 20)

/* How many bytes have arrived over a socket; 0 if the kernel does not say. */
uint64_t session_received (int socket);

/* How many bytes the kernel holds. */
int session_announced (const struct session *session);

/* True while TLS holds bytes that can be consumed without waiting. */
bool session_has_bytes (const struct session *session);

/* How many bytes the kernel gathers before it wakes us up: many while a
 * backlog flows, because each wake-up is paid by the sending server, or one.
 * With many, never wait longer than SESSION_LAZY_MS. */
#define SESSION_LAZY_MS 5
void session_lazy (struct session *session, bool lazy);

/* The server's reason why the connection or the last statement failed:
 * records it and returns the code that goes with it. what says what was
 * tried; result may be NULL. */
int session_fail (struct session *session, const PGresult *result,
                  const char *what);

/* The five characters of SQLSTATE, or "". */
const char *session_state (const PGresult *result);

#endif /* POSTGRES_SESSION_H */
