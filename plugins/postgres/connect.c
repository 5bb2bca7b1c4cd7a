/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting: what libpq is told, the password, and what was agreed on. */

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "connect.h"
#include "gate.h"
#include "query.h"

/* A path that cannot exist, so that libpq does not go looking in the home
 * directory for a file of its own. */
#define NOWHERE "/dev/null/none"

#define CONNECT_KEYWORDS_MAX 32

struct connect_parameters {
  const char *keywords[CONNECT_KEYWORDS_MAX + 1];
  const char *values[CONNECT_KEYWORDS_MAX + 1];
  int count;
};

static void
connect_set (struct connect_parameters *parameters, const char *keyword,
             const char *value)
{
  if (parameters->count < CONNECT_KEYWORDS_MAX) {
    parameters->keywords[parameters->count] = keyword;
    parameters->values[parameters->count] = value;
    parameters->count++;
  }
}

/* Everything that bears on security is passed, so that nothing of the
 * environment, a service file or a default decides it. */
static void
connect_set_tls (struct postgres *self, const struct ezcdc_tls *tls,
                 struct connect_parameters *parameters)
{
  bool verified = tls->mode >= EZCDC_TLS_REQUIRE;
  const char *binding = self->channel_binding;

  /* Under allow and prefer libpq would fall back to plain text when the
   * verification fails: a certificate would promise too much. */
  connect_set (parameters, "sslmode", tls->mode_name);
  connect_set (parameters, "sslrootcert",
               verified && tls->root_cert ? tls->root_cert : NOWHERE);
  connect_set (parameters, "sslcert",
               tls->client_cert ? tls->client_cert : NOWHERE);
  connect_set (parameters, "sslkey",
               tls->client_key ? tls->client_key : NOWHERE);
  connect_set (parameters, "sslcrl", tls->crl ? tls->crl : NOWHERE);
  connect_set (parameters, "sslcompression", "0");
  connect_set (parameters, "ssl_min_protocol_version", tls->minimum_version);
  if (PQlibVersion () >= 140000)
    connect_set (parameters, "sslsni", "1");
  if (strcmp (binding, "auto") == 0) {
    if (tls->mode == EZCDC_TLS_DISABLE)
      binding = "disable";
    else
      /* Without a password there is nothing that could be bound. */
      binding = verified && self->password != NULL ? "require" : "prefer";
  }
  connect_set (parameters, "channel_binding", binding);
}

static void
connect_set_all (struct postgres *self, bool replication,
                 struct connect_parameters *parameters)
{
  connect_set (parameters, "host", self->server);
  connect_set (parameters, "port", self->port);
  connect_set (parameters, "dbname", self->database);
  connect_set (parameters, "user", self->user);
  connect_set_tls (self, host->tls (self->instance), parameters);
  connect_set (parameters, "gssencmode", "disable");
  connect_set (parameters, "passfile", NOWHERE);
  connect_set (parameters, "application_name", self->application);
  connect_set (parameters, "client_encoding", "UTF8");
  connect_set (parameters, "keepalives", "1");
  connect_set (parameters, "keepalives_idle", "30");
  connect_set (parameters, "keepalives_interval", "10");
  connect_set (parameters, "keepalives_count", "3");
  connect_set (parameters, "tcp_user_timeout", "60000");
  if (replication)
    connect_set (parameters, "replication", "database");
}

/* Functions of users and of extensions say what they like, about rows, too. */
static void
connect_notice (void *context, const PGresult *result)
{
  struct session *session = context;
  char place[PLACE_SIZE];

  host->log (session->instance, EZCDC_LOG_DEBUG,
             "%s: the server has a notice: SQLSTATE %s%s", session->peer,
             session_state (result), result_place (result, place));
}

/* Finds the SQLSTATE in "FATAL:  28P01: password authentication failed". */
static void
connect_state (const char *message, char ret_state[6])
{
  const char *at = message;

  ret_state[0] = '\0';
  while ((at = strstr (at, ":  ")) != NULL) {
    at += 3;
    if (strspn (at, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5
        && at[5] == ':') {
      memcpy (ret_state, at, 5);
      ret_state[5] = '\0';
      return;
    }
  }
}

/* Problems that libpq finds before the server has spoken have no SQLSTATE.
 * These are of TLS and do not go away by themselves. */
static bool
connect_is_tls_problem (const char *line)
{
  static const char *const signs[] = {
    "certificate verify failed",
    "does not match host name",
    "server does not support SSL",
    "root certificate",
    "could not read certificate",
    "could not load",
    "private key",
    "hannel binding",
    "could not get server",
    "host name must be specified",
    "unsupported protocol",
    "protocol version",
    "could not find digest",
    "invalid ssl",
    "no protocols available",
    "handshake failure",
    "alert certificate",
    "unknown ca",
  };
  size_t i;

  for (i = 0; i < sizeof signs / sizeof *signs; i++)
    if (strstr (line, signs[i]) != NULL)
      return true;
  return false;
}

/* A role, a database and the server each have a limit of their own. The
 * message may be in any language: the place in the server's code tells. */
static const char *
connect_full_remedy (const char *message)
{
  if (strstr (message, "InitializeSessionUserId") != NULL)
    return " (ALTER ROLE ... CONNECTION LIMIT, or end others of this role)";
  if (strstr (message, "CheckMyDatabase") != NULL)
    return " (ALTER DATABASE ... CONNECTION LIMIT, or end others in this"
           " database)";
  return " (raise max_connections or max_wal_senders, or end others)";
}

/* A stream that is open while nobody is let in holds up the shutdown. */
static void
connect_note_refusal (struct postgres *self)
{
  pthread_mutex_lock (&self->lock);
  self->refused = host->monotonic_time ();
  pthread_mutex_unlock (&self->lock);
}

static int
connect_fail (struct postgres *self, struct session *session,
              const struct gate *gate)
{
  const char *message = PQerrorMessage (session->connection);
  char line[512], state[6];
  const char *remedy = "";
  int code;

  first_line (message, line, sizeof line);
  connect_state (message, state);
  if (gate->authentication.told)
    snprintf (line, sizeof line,
              "%s%s%sthe server was told the password; its message, which may"
              " quote it, is in its log",
              *state != '\0' ? "SQLSTATE " : "", state,
              *state != '\0' ? "; " : "");
  /* Triggers run at a login, too. */
  else if (*state != '\0'
           && (state_may_quote (state) || strstr (message, "\nCONTEXT:  ")))
    snprintf (line, sizeof line,
              "SQLSTATE %s; the message, which may quote a row, is in the"
              " server's log",
              state);
  code = state_code (state);
  if (strcmp (state, "57P03") == 0)
    connect_note_refusal (self);
  if (strncmp (state, "28", 2) == 0) {
    /* 28P01 is the password; 28000 the role, its rights or pg_hba.conf. */
    code = strcmp (state, "28P01") == 0 ? EZCDC_E_CREDENTIAL
                                        : EZCDC_E_OPERATOR;
    if (code == EZCDC_E_OPERATOR)
      remedy = " (pg_hba.conf must let this role in, also for replication"
               " to this database)";
  }
  else if (strcmp (state, "3D000") == 0)
    code = EZCDC_E_CONFIG;
  else if (strcmp (state, "53300") == 0)
    remedy = connect_full_remedy (message);
  else if (state[0] == '\0') {
    code = EZCDC_E_UNAVAILABLE;
    if (connect_is_tls_problem (line)) {
      code = EZCDC_E_CONFIG;
      if (strstr (line, "hannel binding") != NULL)
        remedy = " (the server must be PostgreSQL 12 or later and know the"
                 " password as scram-sha-256, or set channel_binding ="
                 " prefer)";
      else
        remedy = " (see ssl_mode and ssl_root_cert)";
    }
  }
  return host->fail (session->instance, code, "connect to %s: %s%s",
                     session->peer, line, remedy);
}

/* Verified means: somebody in between would have been found out. */
static void
connect_open_gate (struct postgres *self, struct session *session,
                   struct gate *gate)
{
  const struct ezcdc_tls *tls = host->tls (self->instance);
  bool verified = tls->mode >= EZCDC_TLS_VERIFY_CA
                  || (tls->mode == EZCDC_TLS_REQUIRE && tls->root_cert);
  unsigned clear = self->methods & ~AUTHENTICATION_PASSWORD;

  if (self->methods != 0)
    gate_open (gate, session, clear, verified ? self->methods : clear);
  else if (self->password == NULL)
    /* There is nothing that libpq could give away. */
    gate_open (gate, session, AUTHENTICATION_ANY, AUTHENTICATION_ANY);
  else
    gate_open (gate, session, AUTHENTICATION_SCRAM,
               verified ? AUTHENTICATION_ANY : AUTHENTICATION_SCRAM);
}

static int
connect_poll (struct postgres *self, struct session *session,
              struct gate *gate)
{
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  int64_t deadline = host->monotonic_time () + self->connect_timeout_ms * 1000;
  int64_t left;
  int ready, code = EZCDC_OK;

  if (PQstatus (session->connection) == CONNECTION_BAD)
    return connect_fail (self, session, gate);
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED)
      return connect_fail (self, session, gate);
    left = deadline - host->monotonic_time ();
    if (left <= 0)
      return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                         "connect to %s: no answer within %d s", session->peer,
                         (int) (self->connect_timeout_ms / 1000));
    ready = host->wait (self->instance, gate_socket (gate),
                        status == PGRES_POLLING_READING ? 1 : 2,
                        left / 1000 + 1);
    if (ready < 0)
      return ready;
    if (ready > 0)
      code = gate_step (gate, &status);
    if (code == EZCDC_OK
        && session_received (gate_socket (gate)) > SESSION_GREETING_MAX)
      code = host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                         "connect to %s: the server says too much",
                         session->peer);
    if (code != EZCDC_OK)
      return code;
  }
  return EZCDC_OK;
}

static void
connect_report_tls (struct postgres *self, struct session *session,
                    const char *version, const char *cipher)
{
  X509 *shown = session->ssl == NULL
                  ? NULL
                  : SSL_get0_peer_certificate (session->ssl);
  unsigned char *certificate = NULL;
  int length = shown == NULL ? 0 : i2d_X509 (shown, &certificate);

  if (length <= 0 || !EZCDC_HOST_HAS (host, tls_peer))
    host->tls_negotiated (self->instance, session->peer, version, cipher);
  else
    host->tls_peer (self->instance, session->peer, version, cipher,
                    certificate, (size_t) length);
  OPENSSL_free (certificate);
}

/* What was agreed on must not be less than what was asked for. */
static int
connect_check_tls (struct postgres *self, struct session *session)
{
  const struct ezcdc_tls *tls = host->tls (self->instance);
  const char *version = NULL, *cipher = NULL;

  if (PQsslInUse (session->connection)) {
    version = PQsslAttribute (session->connection, "protocol");
    cipher = PQsslAttribute (session->connection, "cipher");
    if (version == NULL || strcmp (version, tls->minimum_version) < 0)
      return host->fail (self->instance, EZCDC_E_CONFIG,
                         "connect to %s: %s is below ssl_min_version = %s",
                         session->peer, version ? version : "no TLS",
                         tls->minimum_version);
    session->ssl = PQsslStruct (session->connection, "OpenSSL");
    /* Our certificate has been shown: its private key is not needed again.
     * Each change comes as a TLS record of its own; with read-ahead one
     * system call brings many. */
    if (session->ssl != NULL) {
      SSL_certs_clear (session->ssl);
      SSL_set_read_ahead (session->ssl, 1);
      session->overhead += SESSION_RECORD_BYTES;
    }
  }
  else if (tls->mode >= EZCDC_TLS_REQUIRE)
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "connect to %s: the connection is not encrypted"
                       " although ssl_mode = %s",
                       session->peer, tls->mode_name);
  connect_report_tls (self, session, version, cipher);
  return EZCDC_OK;
}

static void
connect_wipe_password (PGconn *connection)
{
  char *password = PQpass (connection);

  if (password != NULL && *password != '\0')
    explicit_bzero (password, strlen (password));
}

/* A connection that is being made. */
struct connect_attempt {
  struct postgres *self;
  struct session *session;
};

/* From the first byte to the last while the secret is open: libpq copies it
 * when it begins, and again when it answers the server. The host wipes what is
 * left of the copies when this returns. */
static int
connect_sign_in (void *context, const char *data, size_t length)
{
  struct connect_attempt *attempt = context;
  struct postgres *self = attempt->self;
  struct session *session = attempt->session;
  struct connect_parameters parameters = { .count = 0 };
  struct gate gate;
  int code;

  (void) length;
  connect_set_all (self, session->replication, &parameters);
  if (data != NULL)
    connect_set (&parameters, "password", data);
  session->connection = PQconnectStartParams (
    parameters.keywords, parameters.values, 0 /* a name is a name */);
  if (session->connection == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY,
                       "connect to %s: out of memory", session->peer);
  PQsetNoticeReceiver (session->connection, connect_notice, session);
  /* Verbose messages carry the SQLSTATE, which libpq has no call for. */
  PQsetErrorVerbosity (session->connection, PQERRORS_VERBOSE);
  connect_open_gate (self, session, &gate);
  code = connect_poll (self, session, &gate);
  gate_close (&gate);
  connect_wipe_password (session->connection);
  /* From now on PQerrorMessage has libpq's own words and, of the server's, the
   * SQLSTATE; results still have all fields. */
  PQsetErrorVerbosity (session->connection, PQERRORS_SQLSTATE);
  return code;
}

int
session_connect (struct postgres *self, struct session *session)
{
  struct connect_attempt attempt = { self, session };
  const struct ezcdc_tls *tls = host->tls (self->instance);
  int code;

  if (tls->mode >= EZCDC_TLS_VERIFY_CA && tls->root_cert == NULL)
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "connect to %s: ssl_mode = %s needs ssl_root_cert",
                       session->peer, tls->mode_name);
  if (self->password == NULL)
    code = connect_sign_in (&attempt, NULL, 0);
  else
    code = host->secret_use (self->instance, self->password, "connect",
                             connect_sign_in, &attempt);
  return code == EZCDC_OK ? connect_check_tls (self, session) : code;
}
