/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the frontend's MySQL port.
 *
 * Connector/C's own "enforce TLS" connects in the clear to a server that
 * offers none, and sends the password on whatever way the server asks for.
 * So: certificates are verified by the one option that also refuses a server
 * without TLS, only mysql_native_password may be spoken, and where the
 * library can't refuse in time a look at the server's greeting does
 * (greeting.c), while the connection is held back (hold.c). */

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sys/socket.h>

#include "connect.h"
#include "greeting.h"
#include "hold.h"
#include "mysqlerror.h"
#include "peer.h"
#include "watch.h"

/* A folder that never exists, so that no plug-in is ever loaded. */
#define NO_PLUGINS "/nonexistent"
/* Only for what the library does by itself: a watch ends all else. */
#define BACKSTOP_SECONDS 120
/* What a server may say until we are in, or when it is asked whether it is
 * still there. */
#define SIGN_IN_BYTES (1024 * 1024)
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
  unsigned seconds = BACKSTOP_SECONDS;
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
  struct connection *connection;
  struct hold hold;   /* of the connection, once it stands */
  int held;           /* it has been */
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

/* The connection stands: the library gets it when it waits for the greeting,
 * with the watch in place, and not before we have seen that. */
static int
hold_back (struct sign_in *sign, int descriptor)
{
  sign->held = 1;
  if (hold_begin (&sign->hold, descriptor) == -1)
    return host->fail (sign->self->instance, EZCDC_E_MEMORY,
                       "hold a connection: %s", strerror (errno));
  return EZCDC_OK;
}

static int
let_go (struct sign_in *sign, int descriptor)
{
  if (hold_end (&sign->hold, descriptor) == -1)
    return host->fail (sign->self->instance, EZCDC_E_MEMORY,
                       "take up a connection: %s", strerror (errno));
  if (!sign->must_offer_tls)
    return EZCDC_OK;
  return greeting_must_offer_tls (sign->self, descriptor,
                                  watch_end (sign->connection->watch));
}

/* Waits for what the library waits for; says what has come of it, or that the
 * time is over, which ends the attempt. */
static int
wait_for_library (struct sign_in *sign, int status)
{
  int descriptor = (int) mysql_get_socket (sign->connection->mysql), ready;

  if (sign->hold.network != -1)
    sign->code = let_go (sign, descriptor);
  if (sign->code != EZCDC_OK)
    return MYSQL_WAIT_TIMEOUT;
  ready = watch_wait (sign->connection->watch, status);
  if (ready != MYSQL_WAIT_TIMEOUT && !sign->held && is_connected (descriptor))
    sign->code = hold_back (sign, descriptor);
  return sign->code == EZCDC_OK ? ready : MYSQL_WAIT_TIMEOUT;
}

/* Runs with the password open; see ezcdc_secret_function. */
static int
sign_in (void *context, const char *data, size_t length)
{
  struct sign_in *sign = context;
  const struct settings *settings = &sign->self->settings;
  MYSQL *mysql = sign->connection->mysql;
  int status;

  (void) length;
  status = mysql_real_connect_start (&sign->connected, mysql, settings->host,
                                     settings->user, data, NULL,
                                     settings->port, NULL, 0);
  while (status != 0)
    status = mysql_real_connect_cont (&sign->connected, mysql,
                                      wait_for_library (sign, status));
  hold_drop (&sign->hold);
  /* The library keeps a copy for reconnects that will never happen. */
  if (mysql->passwd != NULL)
    explicit_bzero (mysql->passwd, strlen (mysql->passwd));
  return sign->code;
}

static int
connect_fail (struct starrocks *self, struct connection *connection)
{
  const struct settings *settings = &self->settings;
  MYSQL *mysql = connection->mysql;
  struct mysql_verdict verdict;
  char what[ENDPOINT_HOST_MAX + 32];
  int code;

  snprintf (what, sizeof what, "connect to %.255s port %u", settings->host,
            settings->port);
  code = watch_fail (connection->watch, what);
  if (code != EZCDC_OK)
    return code;
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

/* Signs in; the connection's handle and watch are there. */
static int
connection_sign_in (struct starrocks *self, struct connection *connection,
                    int mode, const struct ezcdc_tls *tls)
{
  const struct watch_limits limits = { self->settings.connect_seconds,
                                       SIGN_IN_BYTES };
  struct sign_in sign = { .self = self,
                          .connection = connection,
                          .hold = { .network = -1 } };
  int code;

  sign.must_offer_tls = mode >= EZCDC_TLS_REQUIRE
                        && !verifies_name (mode, tls);
  watch_begin (connection->watch, &limits);
  if (self->settings.password == NULL)
    code = sign_in (&sign, "", 0);
  else
    code = host->secret_use (self->instance, self->settings.password,
                             "connect", sign_in, &sign);
  if (code == EZCDC_OK && sign.connected == NULL)
    code = connect_fail (self, connection);
  if (code == EZCDC_OK)
    code = check_tls (self, connection->mysql, mode, tls);
  return code;
}

static void
connection_free (struct connection *connection)
{
  mysql_close (connection->mysql);
  watch_free (connection->watch);
  free (connection);
}

static int
connection_open (struct starrocks *self, struct connection **ret)
{
  struct connection *connection;
  const struct ezcdc_tls *tls;
  int mode = mode_of (self, &tls), code;

  if (host->interrupted (self->instance))
    return EZCDC_E_STOPPED;
  connection = calloc (1, sizeof *connection);
  if (connection == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  connection->mysql = make_handle (self, mode, tls);
  connection->watch = watch_new (self->instance, connection->mysql);
  if (connection->mysql == NULL || connection->watch == NULL)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  else
    code = connection_sign_in (self, connection, mode, tls);
  if (code != EZCDC_OK) {
    connection_free (connection);
    return host->interrupted (self->instance) ? EZCDC_E_STOPPED : code;
  }
  connection->descriptor = (int) mysql_get_socket (connection->mysql);
  *ret = connection;
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

/* Whether the server still answers. */
static int
connection_lives (struct starrocks *self, struct connection *connection)
{
  const struct watch_limits limits = { self->settings.connect_seconds,
                                       SIGN_IN_BYTES };
  int failed, status;

  watch_begin (connection->watch, &limits);
  status = mysql_ping_start (&failed, connection->mysql);
  while (status != 0)
    status = mysql_ping_cont (&failed, connection->mysql,
                              watch_wait (connection->watch, status));
  return !failed;
}

int
connection_take (struct starrocks *self, struct connection **ret)
{
  struct connection *connection;
  int code;

  /* An idle connection may have been closed by the server meanwhile. */
  while ((connection = take_idle (self)) != NULL) {
    if (connection_lives (self, connection)) {
      *ret = connection;
      return EZCDC_OK;
    }
    connection_give (self, connection, /* healthy= */ 0);
  }
  code = connection_open (self, &connection);
  if (code != EZCDC_OK)
    return code;
  pthread_mutex_lock (&self->lock);
  connection->busy = 1;
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
  if (!healthy)
    connection_free (connection);
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
