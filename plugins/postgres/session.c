/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: a connection to the server with its settings pinned. */

#include <linux/tcp.h> /* glibc's is older than the kernel's */
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "connect.h"
#include "query.h"
#include "session.h"

/* How many bytes a lazy session waits for. */
#define SESSION_LAZY_BYTES (64 * 1024)

/* PostgreSQL 12. */
#define SESSION_OLDEST 120000

/* In such a database texts are what their writers took them for. The server
 * would check them, and end a stream at the first one that is not UTF-8: we
 * get the bytes, and one row is refused. All other encodings it converts. */
bool
session_texts_are_bytes (const struct session *session)
{
  const char *encoding = PQparameterStatus (session->connection,
                                            "server_encoding");

  return encoding != NULL && strcmp (encoding, "SQL_ASCII") == 0;
}

/* Whoever waits longer for a lock says so, and tries again. */
#define LOCK_MS "10000"

/* The role's or the database's own settings must not change a value's text
 * or cut a long copy short, and the rows of a chunk come in one order. */
static int
session_pin_settings (struct session *session)
{
  static const char settings[] =
    "SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres';"
    " SET timezone = 'UTC'; SET bytea_output = 'hex';"
    " SET extra_float_digits = 3; SET lc_monetary = 'C';"
    " SET xmloption = 'content'; SET standard_conforming_strings = on;"
    " SET search_path = pg_catalog; SET row_security = off;"
    " SET synchronize_seqscans = off; SET jit = off;"
    " SET max_parallel_workers_per_gather = 0;"
    " SET default_transaction_read_only = off;"
    " SET statement_timeout = 0;"
    " SET lock_timeout = 0;"
    " SET idle_in_transaction_session_timeout = 0";
  char text[sizeof settings + 180];

  snprintf (text, sizeof text, "%s%s%s%s%s", settings,
            /* The slot is made by waiting for open transactions, which counts
             * as waiting for a lock. */
            session->replication ? "" : "; SET lock_timeout = " LOCK_MS,
            session_texts_are_bytes (session)
              ? "; SET client_encoding = SQL_ASCII"
              : "",
            session->version >= 140000 ? "; SET idle_session_timeout = 0" : "",
            session->version >= 170000 ? "; SET transaction_timeout = 0" : "");
  return session_command (session, "set up the session", text);
}

/* Older ones fail at one of our statements or another. */
static int
session_check_version (const struct session *session)
{
  const char *version = PQparameterStatus (session->connection,
                                           "server_version");

  if (session->version >= SESSION_OLDEST)
    return EZCDC_OK;
  return host->fail (session->instance, EZCDC_E_OPERATOR,
                     "connect to %s: PostgreSQL %s is too old: 12 to 18 are"
                     " supported",
                     session->peer, version ? version : "of no version");
}

int
session_open (struct postgres *self, bool replication,
              struct session **ret_session)
{
  struct session *session = calloc (1, sizeof *session);
  int code;

  if (session == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  session->instance = self->instance;
  session->replication = replication;
  session->overhead = SESSION_MESSAGE_BYTES;
  snprintf (session->peer_text, sizeof session->peer_text, "%s at %s:%s",
            self->database, self->server, self->port);
  session->peer = session->peer_text;
  code = session_connect (self, session);
  if (code == EZCDC_OK) {
    session->version = PQserverVersion (session->connection);
    code = session_check_version (session);
  }
  if (code == EZCDC_OK) {
    PQsetnonblocking (session->connection, 1);
    /* This one belongs to connecting. */
    session->answer_ms = self->connect_timeout_ms;
    code = session_pin_settings (session);
    session->answer_ms = self->answer_timeout_ms;
  }
  if (code != EZCDC_OK) {
    session_close (session);
    return code;
  }
  *ret_session = session;
  return EZCDC_OK;
}

void
session_close (struct session *session)
{
  if (session == NULL)
    return;
  PQfinish (session->connection);
  free (session);
}

int
session_take (struct postgres *self, struct session **ret_session)
{
  struct session *session;

  pthread_mutex_lock (&self->lock);
  session = self->idle;
  self->idle = NULL;
  pthread_mutex_unlock (&self->lock);
  /* The server may have closed it meanwhile; the news is in the socket. */
  if (session != NULL && PQconsumeInput (session->connection)
      && PQstatus (session->connection) == CONNECTION_OK
      && PQtransactionStatus (session->connection) == PQTRANS_IDLE) {
    *ret_session = session;
    return EZCDC_OK;
  }
  session_close (session);
  return session_open (self, false, ret_session);
}

void
session_give (struct postgres *self, struct session *session)
{
  struct session *surplus = session;

  if (session == NULL)
    return;
  if (PQstatus (session->connection) == CONNECTION_OK
      && PQtransactionStatus (session->connection) == PQTRANS_IDLE) {
    pthread_mutex_lock (&self->lock);
    if (self->idle == NULL) {
      self->idle = session;
      surplus = NULL;
    }
    pthread_mutex_unlock (&self->lock);
  }
  session_close (surplus);
}

bool
session_has_bytes (const struct session *session)
{
  /* After a read that found only part of a record OpenSSL wants more: then
   * the rest is still to come through the socket. */
  return session->ssl != NULL && SSL_has_pending (session->ssl)
         && !SSL_want_read (session->ssl);
}

int
session_announced (const struct session *session)
{
  int bytes;

  if (ioctl (PQsocket (session->connection), FIONREAD, &bytes) < 0)
    return 0;
  return bytes;
}

int
session_wait (struct session *session, uint32_t events, int64_t timeout_ms)
{
  if ((events & 1) && session_has_bytes (session))
    return 1;
  return host->wait (session->instance, PQsocket (session->connection), events,
                     timeout_ms);
}

void
session_lazy (struct session *session, bool lazy)
{
  int bytes = lazy ? SESSION_LAZY_BYTES : 1;

  if (session->lazy == lazy)
    return;
  session->lazy = lazy;
  /* Only speed depends on it. */
  (void) setsockopt (PQsocket (session->connection), SOL_SOCKET, SO_RCVLOWAT,
                     &bytes, sizeof bytes);
}

uint64_t
session_received (int socket)
{
  struct tcp_info info = { .tcpi_bytes_received = 0 };
  socklen_t size = sizeof info;

  if (getsockopt (socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return 0;
  return info.tcpi_bytes_received;
}
