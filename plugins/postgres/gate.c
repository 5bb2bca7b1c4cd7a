/* SPDX-License-Identifier: Apache-2.0 */
/* Lets libpq see one message at a time until the server has let us in. */

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate.h"

/* libpq's room is at least that large: what was looked at is read in one
 * piece. */
#define RECORD_MAX 8192
#define OPENSSL_RECORD_MAX 16384

#define SSL_REQUEST_BYTES 8
static const unsigned char ssl_request[SSL_REQUEST_BYTES] = { 0,    0,    0,
                                                              8,    0x04, 0xd2,
                                                              0x16, 0x2f };

void
gate_open (struct gate *gate, struct session *session, unsigned methods_clear,
           unsigned methods_tls)
{
  memset (gate, 0, sizeof *gate);
  gate->session = session;
  gate->methods_clear = methods_clear;
  gate->methods_tls = methods_tls;
  gate->network = gate->inner = -1;
}

void
gate_close (struct gate *gate)
{
  if (gate->network >= 0)
    close (gate->network);
  if (gate->inner >= 0)
    close (gate->inner);
  gate->network = gate->inner = -1;
}

int
gate_socket (const struct gate *gate)
{
  return gate->network >= 0 ? gate->network
                            : PQsocket (gate->session->connection);
}

static int
gate_fail (struct gate *gate)
{
  return host->fail (gate->session->instance, EZCDC_E_UNAVAILABLE,
                     "connect to %s: %s", gate->session->peer,
                     strerror (errno));
}

static int
gate_refuse (struct gate *gate, const char *reason)
{
  return host->fail (gate->session->instance, EZCDC_E_CONFIG,
                     "connect to %s: the server %s; it got no answer (let it"
                     " use scram-sha-256, set ssl_mode = verify-full, or see"
                     " require_auth)",
                     gate->session->peer, reason);
}

/* libpq goes on to another address, or tries again with or without TLS, on a
 * new socket. */
static bool
gate_is_replaced (const struct gate *gate)
{
  struct stat status;
  int socket = PQsocket (gate->session->connection);

  return socket < 0 || fstat (socket, &status) != 0
         || status.st_ino != gate->outer;
}

/* Takes libpq's connection away from it and gives it an end of a pair. */
static int
gate_insert (struct gate *gate)
{
  int socket = PQsocket (gate->session->connection), pair[2];
  struct stat status;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)
      != 0)
    return gate_fail (gate);
  gate->inner = pair[0];
  gate->network = fcntl (socket, F_DUPFD_CLOEXEC, 0);
  if (gate->network < 0 || fstat (pair[1], &status) != 0
      || dup3 (pair[1], socket, O_CLOEXEC) < 0) {
    close (pair[1]);
    return gate_fail (gate);
  }
  close (pair[1]);
  gate->outer = status.st_ino;
  gate->phase = GATE_IDLE;
  authentication_begin (&gate->authentication, gate->methods_clear);
  return EZCDC_OK;
}

/* Gives libpq its connection back. It has read all that it was shown. */
static int
gate_remove (struct gate *gate)
{
  int result = dup3 (gate->network, PQsocket (gate->session->connection),
                     O_CLOEXEC);

  if (result < 0)
    return gate_fail (gate);
  gate_close (gate);
  return EZCDC_OK;
}

static int
gate_send (struct gate *gate, int descriptor, const unsigned char *data,
           size_t length)
{
  while (length > 0) {
    ssize_t sent = send (descriptor, data, length, MSG_NOSIGNAL);

    if (sent < 0 && errno == EAGAIN) {
      int ready = host->wait (gate->session->instance, descriptor, 2, 1000);

      if (ready < 0)
        return ready;
    }
    else if (sent < 0 && errno != EINTR)
      return gate_fail (gate);
    else if (sent > 0) {
      data += sent;
      length -= (size_t) sent;
    }
  }
  return EZCDC_OK;
}

/* What libpq says goes out as it is; its first words tell what the server
 * will say. */
static int
gate_pass_out (struct gate *gate)
{
  unsigned char data[4096];
  ssize_t length;
  int code;

  while ((length = recv (gate->inner, data, sizeof data, 0)) > 0) {
    if (gate->phase == GATE_IDLE)
      gate->phase = length == SSL_REQUEST_BYTES
                        && memcmp (data, ssl_request, sizeof ssl_request) == 0
                      ? GATE_TLS_ANSWER
                      : GATE_MESSAGES;
    code = gate_send (gate, gate->network, data, (size_t) length);
    explicit_bzero (data, (size_t) length);
    if (code != EZCDC_OK)
      return code;
  }
  return EZCDC_OK;
}

/* The server's bytes, up to the end of a message; *ret_any is false when there
 * were none. */
static int
gate_pass_in (struct gate *gate, bool *ret_any)
{
  unsigned char data[AUTHENTICATION_REQUEST_MAX];
  size_t wanted = gate->phase == GATE_TLS_ANSWER
                    ? 1
                    : authentication_wants (&gate->authentication);
  const char *reason = NULL;
  ssize_t length;

  if (wanted > sizeof data)
    wanted = sizeof data;
  length = recv (gate->network, data, wanted, 0);
  *ret_any = length >= 0 || (errno != EAGAIN && errno != EINTR);
  if (!*ret_any)
    return EZCDC_OK;
  if (length <= 0) {
    /* libpq finds words for a connection that has ended. */
    shutdown (gate->inner, SHUT_WR);
    return EZCDC_OK;
  }
  if (gate->phase == GATE_MESSAGES)
    reason = authentication_see (&gate->authentication, data, (size_t) length);
  else if (data[0] == 'N')
    gate->phase = GATE_IDLE;
  else if (data[0] != 'S')
    return host->fail (gate->session->instance, EZCDC_E_UNAVAILABLE,
                       "connect to %s: the server answers the question for"
                       " TLS with neither yes nor no",
                       gate->session->peer);
  if (reason != NULL)
    return gate_refuse (gate, reason);
  return gate_send (gate, gate->inner, data, (size_t) length);
}

/* With TLS 1.3 a server looks at our certificate when the handshake is over for
 * us; what it says then is said once, to us. */
static int
gate_fail_tls (struct gate *gate)
{
  unsigned long error = ERR_peek_error ();
  int alert = ERR_GET_REASON (error) - SSL_AD_REASON_OFFSET;
  bool refused = alert > 0 && alert != SSL_AD_INTERNAL_ERROR;
  const char *text = ERR_reason_error_string (error);

  ERR_clear_error ();
  return host->fail (gate->session->instance,
                     refused ? EZCDC_E_CONFIG : EZCDC_E_UNAVAILABLE,
                     "connect to %s: %s%s", gate->session->peer,
                     text != NULL ? text : "the TLS connection has failed",
                     refused ? " (the server refuses our certificate: see"
                               " ssl_client_cert)"
                             : "");
}

/* Over TLS. OpenSSL gives libpq no more than the record that it holds. */
static int
gate_peek (struct gate *gate, SSL *ssl, bool *ret_any)
{
  unsigned char data[OPENSSL_RECORD_MAX];
  const char *reason;
  int length;

  ERR_clear_error ();
  length = SSL_peek (ssl, data, sizeof data);
  if (length <= 0) {
    int error = SSL_get_error (ssl, length);

    if (error == SSL_ERROR_SSL)
      return gate_fail_tls (gate);
    *ret_any = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
    return EZCDC_OK;
  }
  *ret_any = true;
  if (length > RECORD_MAX)
    return gate_refuse (gate, "does not speak PostgreSQL's protocol");
  reason = authentication_see (&gate->authentication, data, (size_t) length);
  return reason == NULL ? EZCDC_OK : gate_refuse (gate, reason);
}

/* What libpq may read now is looked at. */
static int
gate_look (struct gate *gate, bool reading, bool *ret_any)
{
  PGconn *connection = gate->session->connection;
  SSL *ssl = PQsslStruct (connection, "OpenSSL");

  *ret_any = true;
  if (gate->network >= 0)
    return reading ? gate_pass_in (gate, ret_any) : EZCDC_OK;
  switch ((int) PQstatus (connection)) {
  case CONNECTION_MADE:
    /* The first word will be ours: for a connection in the clear, now; over
     * TLS the handshake is done. */
    if (ssl == NULL)
      return gate_insert (gate);
    authentication_begin (&gate->authentication, gate->methods_tls);
    return EZCDC_OK;
  case CONNECTION_AWAITING_RESPONSE:
    if (ssl == NULL)
      return host->fail (gate->session->instance, EZCDC_E_BUG,
                         "connect to %s: libpq is ahead of us",
                         gate->session->peer);
    return gate_peek (gate, ssl, ret_any);
  }
  return EZCDC_OK;
}

int
gate_step (struct gate *gate, PostgresPollingStatusType *status)
{
  PGconn *connection = gate->session->connection;
  bool any;
  int code = gate_look (gate, *status == PGRES_POLLING_READING, &any);

  if (code != EZCDC_OK || !any)
    return code;
  *status = PQconnectPoll (connection);
  if (gate->network < 0)
    return EZCDC_OK;
  code = gate_pass_out (gate);
  if (gate_is_replaced (gate)) {
    gate_close (gate);
    return EZCDC_OK;
  }
  if (code != EZCDC_OK)
    return code;
  if (gate->authentication.done || PQsslStruct (connection, "OpenSSL") != NULL)
    return gate_remove (gate);
  return EZCDC_OK;
}
