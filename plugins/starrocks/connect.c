/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the frontend's MySQL port.
 *
 * Connector/C's own "enforce TLS" connects in the clear to a server that
 * offers none, and sends the password on whatever way the server asks for.
 * So: certificates are verified by the one option that also refuses a server
 * without TLS, only mysql_native_password may be spoken, and where the
 * library can't refuse in time a look at the server's greeting does
 * (greeting.c): the library hands control back whenever it waits, first of all
 * when the connection stands. */

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sys/socket.h>

#include "connect.h"
#include "greeting.h"
#include "mysqlerror.h"
#include "peer.h"
#include "types.h"

/* A folder that never exists, so that no plug-in is ever loaded. */
#define NO_PLUGINS "/nonexistent"
#define STATEMENT_SECONDS 120
/* The library connects on a stack of its own, so that it can wait for us; the
 * handshake of TLS takes place there. */
#define CONNECT_STACK_BYTES ((size_t) 256 * 1024)

static int
mode_of (const struct starrocks *self, const struct ezcdc_tls **ret_tls)
{
  const struct ezcdc_tls *tls = host->tls (self->instance);

  *ret_tls = tls;
  return tls == NULL ? EZCDC_TLS_DISABLE : (int) tls->mode;
}

/* verify-ca has no counterpart in the library: with a CA of its own the chain
 * is verified without the name; without one only full verification works. */
static int
verifies_name (int mode, const struct ezcdc_tls *tls)
{
  return mode == EZCDC_TLS_VERIFY_FULL
         || (mode == EZCDC_TLS_VERIFY_CA && tls->root_cert == NULL);
}

static void
set_tls (MYSQL *mysql, int mode, const struct ezcdc_tls *tls)
{
  my_bool yes = 1, verify = (my_bool) verifies_name (mode, tls);
  int thirteen = tls->minimum_version != NULL
                 && strcmp (tls->minimum_version, "TLSv1.3") == 0;

  mysql_optionsv (mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
  mysql_optionsv (mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  /* As in libpq: a CA that is given counts in every mode but the two that
   * do not ask for TLS. */
  if (mode >= EZCDC_TLS_REQUIRE && tls->root_cert != NULL)
    mysql_optionsv (mysql, MYSQL_OPT_SSL_CA, tls->root_cert);
  if (mode >= EZCDC_TLS_REQUIRE && tls->crl != NULL)
    mysql_optionsv (mysql, MYSQL_OPT_SSL_CRL, tls->crl);
  if (tls->client_cert != NULL)
    mysql_optionsv (mysql, MYSQL_OPT_SSL_CERT, tls->client_cert);
  if (tls->client_key != NULL)
    mysql_optionsv (mysql, MYSQL_OPT_SSL_KEY, tls->client_key);
  mysql_optionsv (mysql, MARIADB_OPT_TLS_VERSION,
                  thirteen ? "TLSv1.3" : "TLSv1.3,TLSv1.2");
}

static MYSQL *
make_handle (const struct starrocks *self, int mode,
             const struct ezcdc_tls *tls)
{
  MYSQL *mysql = mysql_init (NULL);
  unsigned protocol = MYSQL_PROTOCOL_TCP, zero = 0;
  unsigned connect_seconds = (unsigned) self->settings.connect_seconds;
  unsigned seconds = STATEMENT_SECONDS;
  size_t stack_bytes = CONNECT_STACK_BYTES;
  my_bool no = 0;

  if (mysql == NULL)
    return NULL;
  mysql_optionsv (mysql, MYSQL_OPT_NONBLOCK, &stack_bytes);
  mysql_optionsv (mysql, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_optionsv (mysql, MYSQL_OPT_LOCAL_INFILE, &zero);
  mysql_optionsv (mysql, MYSQL_OPT_RECONNECT, &no);
  mysql_optionsv (mysql, MYSQL_PLUGIN_DIR, NO_PLUGINS);
  mysql_optionsv (mysql, MARIADB_OPT_RESTRICTED_AUTH, "mysql_native_password");
  mysql_optionsv (mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_optionsv (mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
  mysql_optionsv (mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
  mysql_optionsv (mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
  mysql_optionsv (mysql, MYSQL_OPT_CONNECT_ATTR_RESET, NULL);
  if (mode != EZCDC_TLS_DISABLE)
    set_tls (mysql, mode, tls);
  return mysql;
}

struct sign_in {
  struct starrocks *self;
  MYSQL *mysql;
  int must_offer_tls; /* the greeting is still to be looked at */
  int code;           /* why we broke it off, or EZCDC_OK */
  MYSQL *connected;   /* NULL: it failed */
};

static int
is_connected (int descriptor)
{
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;

  return getpeername (descriptor, (struct sockaddr *) &peer, &size) == 0;
}

/* Waits for what the library waits for; says what has come of it, or that the
 * time is over, which ends the attempt. */
static int
wait_for_library (struct sign_in *sign, int status)
{
  int descriptor = (int) mysql_get_socket (sign->mysql), ready;
  uint32_t events = ((status & MYSQL_WAIT_READ) != 0 ? 1u : 0)
                    | ((status & MYSQL_WAIT_WRITE) != 0 ? 2u : 0);
  int64_t timeout_ms = (status & MYSQL_WAIT_TIMEOUT) != 0
                         ? mysql_get_timeout_value_ms (sign->mysql)
                         : STATEMENT_SECONDS * 1000;

  ready = host->wait (sign->self->instance, descriptor, events, timeout_ms);
  if (ready > 0 && sign->must_offer_tls && is_connected (descriptor)) {
    sign->must_offer_tls = 0;
    sign->code = greeting_must_offer_tls (sign->self, descriptor);
  }
  if (ready <= 0 || sign->code != EZCDC_OK)
    return MYSQL_WAIT_TIMEOUT;
  return ((ready & 1) != 0 ? MYSQL_WAIT_READ : 0)
         | ((ready & 2) != 0 ? MYSQL_WAIT_WRITE : 0);
}

/* Runs with the password open; see ezcdc_secret_function. */
static int
sign_in (void *context, const char *data, size_t length)
{
  struct sign_in *sign = context;
  const struct settings *settings = &sign->self->settings;
  int status;

  (void) length;
  status = mysql_real_connect_start (&sign->connected, sign->mysql,
                                     settings->host, settings->user, data,
                                     NULL, settings->port, NULL, 0);
  while (status != 0)
    status = mysql_real_connect_cont (&sign->connected, sign->mysql,
                                      wait_for_library (sign, status));
  /* The library keeps a copy for reconnects that will never happen. */
  if (sign->mysql->passwd != NULL)
    explicit_bzero (sign->mysql->passwd, strlen (sign->mysql->passwd));
  return sign->code;
}

static int
connect_fail (struct starrocks *self, MYSQL *mysql)
{
  const struct settings *settings = &self->settings;
  struct mysql_verdict verdict;

  mysql_classify (mysql_errno (mysql), mysql_error (mysql), &verdict);
  /* Whatever this server says before sign-in is not worth stopping for. */
  if (verdict.code == EZCDC_E_OPERATOR)
    verdict.code = EZCDC_E_UNAVAILABLE;
  return host->fail (self->instance, verdict.code,
                     "connect to %s port %u as \"%s\": %s%s%s", settings->host,
                     settings->port, settings->user,
                     verdict.hide_text ? "" : mysql_error (mysql),
                     verdict.remedy == NULL || verdict.hide_text ? "" : ": ",
                     verdict.remedy == NULL ? "" : verdict.remedy);
}

static void
report_tls (struct starrocks *self, MYSQL *mysql, const char *version,
            const char *cipher)
{
  unsigned char *certificate = NULL;
  char peer[ENDPOINT_HOST_MAX + 16];
  int length = version == NULL ? 0 : peer_certificate (mysql, &certificate);

  snprintf (peer, sizeof peer, "%s:%u", self->settings.host,
            self->settings.port);
  if (length <= 0 || !EZCDC_HOST_HAS (host, tls_peer))
    host->tls_negotiated (self->instance, peer, version, cipher);
  else
    host->tls_peer (self->instance, peer, version, cipher, certificate,
                    (size_t) length);
  OPENSSL_free (certificate);
}

/* The library ignores what it does not understand, so look at the result. */
static int
check_tls (struct starrocks *self, MYSQL *mysql, int mode,
           const struct ezcdc_tls *tls)
{
  const char *cipher = mysql_get_ssl_cipher (mysql), *version = NULL;
  const struct settings *settings = &self->settings;

  if (mode == EZCDC_TLS_DISABLE) {
    report_tls (self, mysql, NULL, NULL);
    return EZCDC_OK;
  }
  if (cipher != NULL)
    mariadb_get_infov (mysql, MARIADB_CONNECTION_TLS_VERSION, &version);
  if (cipher == NULL && mode >= EZCDC_TLS_REQUIRE)
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "connect to %s port %u: the connection is not "
                       "encrypted although ssl_mode is %s",
                       settings->host, settings->port, tls->mode_name);
  if (cipher != NULL && tls->minimum_version != NULL
      && strcmp (tls->minimum_version, "TLSv1.3") == 0
      && (version == NULL || strcmp (version, "TLSv1.3") != 0))
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "connect to %s port %u: the server speaks %s, but "
                       "ssl_min_version is TLSv1.3",
                       settings->host, settings->port,
                       version != NULL ? version : "an unknown TLS version");
  report_tls (self, mysql, cipher != NULL ? version : NULL, cipher);
  peer_drop_own_key (mysql);
  return EZCDC_OK;
}

static int
connection_open (struct starrocks *self, MYSQL **ret_mysql)
{
  const struct ezcdc_tls *tls;
  int mode = mode_of (self, &tls), code = EZCDC_OK;
  struct sign_in sign = { .self = self };

  if (host->interrupted (self->instance))
    return EZCDC_E_STOPPED;
  sign.must_offer_tls = mode >= EZCDC_TLS_REQUIRE
                        && !verifies_name (mode, tls);
  sign.mysql = make_handle (self, mode, tls);
  if (sign.mysql == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  if (self->settings.password == NULL)
    code = sign_in (&sign, "", 0);
  else
    code = host->secret_use (self->instance, self->settings.password,
                             "connect", sign_in, &sign);
  if (code == EZCDC_OK && sign.connected == NULL)
    code = connect_fail (self, sign.mysql);
  if (code == EZCDC_OK)
    code = check_tls (self, sign.mysql, mode, tls);
  if (code != EZCDC_OK) {
    mysql_close (sign.mysql);
    return host->interrupted (self->instance) ? EZCDC_E_STOPPED : code;
  }
  *ret_mysql = sign.mysql;
  return EZCDC_OK;
}

static struct connection *
take_idle (struct starrocks *self)
{
  struct connection *connection;

  pthread_mutex_lock (&self->lock);
  for (connection = self->connections; connection != NULL;
       connection = connection->next)
    if (!connection->busy) {
      connection->busy = 1;
      break;
    }
  pthread_mutex_unlock (&self->lock);
  return connection;
}

int
connection_take (struct starrocks *self, struct connection **ret)
{
  struct connection *connection;
  MYSQL *mysql = NULL;
  int code;

  /* An idle connection may have been closed by the server meanwhile. */
  while ((connection = take_idle (self)) != NULL) {
    if (mysql_ping (connection->mysql) == 0) {
      *ret = connection;
      return EZCDC_OK;
    }
    connection_give (self, connection, /* healthy= */ 0);
  }
  code = connection_open (self, &mysql);
  if (code != EZCDC_OK)
    return code;
  connection = calloc (1, sizeof *connection);
  if (connection == NULL) {
    mysql_close (mysql);
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  }
  connection->mysql = mysql;
  connection->busy = 1;
  connection->descriptor = (int) mysql_get_socket (mysql);
  pthread_mutex_lock (&self->lock);
  connection->next = self->connections;
  self->connections = connection;
  pthread_mutex_unlock (&self->lock);
  *ret = connection;
  return EZCDC_OK;
}

static int
another_is_idle (const struct starrocks *self,
                 const struct connection *connection)
{
  const struct connection *other;

  for (other = self->connections; other != NULL; other = other->next)
    if (other != connection && !other->busy)
      return 1;
  return 0;
}

void
connection_give (struct starrocks *self, struct connection *connection,
                 int healthy)
{
  struct connection **link;

  if (connection == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  connection->busy = 0;
  /* Statements are rare once all tables are there: one is enough. */
  if (another_is_idle (self, connection))
    healthy = 0;
  if (!healthy) {
    /* Off the list first: nobody shuts the socket's number down once it
     * may belong to somebody else. */
    for (link = &self->connections; *link != connection; link = &(*link)->next)
      ;
    *link = connection->next;
  }
  pthread_mutex_unlock (&self->lock);
  if (!healthy) {
    mysql_close (connection->mysql);
    free (connection);
  }
}

void
connection_hang_up (struct starrocks *self, struct connection *connection)
{
  pthread_mutex_lock (&self->lock);
  shutdown (connection->descriptor, SHUT_RDWR);
  pthread_mutex_unlock (&self->lock);
}

void
connections_interrupt (struct starrocks *self)
{
  pthread_mutex_lock (&self->lock);
  for (struct connection *connection = self->connections; connection != NULL;
       connection = connection->next)
    if (connection->busy && connection->descriptor >= 0)
      shutdown (connection->descriptor, SHUT_RDWR);
  pthread_mutex_unlock (&self->lock);
}

void
connections_close (struct starrocks *self)
{
  while (self->connections != NULL)
    connection_give (self, self->connections, /* healthy= */ 0);
}

int
query_fail (struct starrocks *self, struct connection *connection,
            const char *what)
{
  struct mysql_verdict verdict;
  const char *text = mysql_error (connection->mysql);

  if (host->interrupted (self->instance))
    return EZCDC_E_STOPPED;
  mysql_classify (mysql_errno (connection->mysql), text, &verdict);
  return host->fail (self->instance, verdict.code, "%s: %s%s%s (error %u)",
                     what, text, verdict.remedy != NULL ? ": " : "",
                     verdict.remedy != NULL ? verdict.remedy : "",
                     mysql_errno (connection->mysql));
}

static int
send_query (struct starrocks *self, struct connection *connection,
            struct buffer *sql, const char *what)
{
  if (sql->failed)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  if (mysql_real_query (connection->mysql, sql->data, sql->length) != 0)
    return query_fail (self, connection, what);
  return EZCDC_OK;
}

int
query_run (struct starrocks *self, struct connection *connection,
           struct buffer *sql, const char *what)
{
  MYSQL_RES *result;
  int code = send_query (self, connection, sql, what);

  if (code != EZCDC_OK)
    return code;
  result = mysql_use_result (connection->mysql);
  if (result != NULL) {
    while (mysql_fetch_row (result) != NULL)
      ;
    mysql_free_result (result);
  }
  if (mysql_errno (connection->mysql) != 0)
    return query_fail (self, connection, what);
  return EZCDC_OK;
}

int
query_store (struct starrocks *self, struct connection *connection,
             struct buffer *sql, const char *what, MYSQL_RES **ret)
{
  MYSQL_RES *result;
  int code = send_query (self, connection, sql, what);

  if (code != EZCDC_OK)
    return code;
  result = mysql_store_result (connection->mysql);
  if (result == NULL) {
    if (mysql_errno (connection->mysql) != 0)
      return query_fail (self, connection, what);
    return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                       "%s: the server answered without a result", what);
  }
  *ret = result;
  return EZCDC_OK;
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
