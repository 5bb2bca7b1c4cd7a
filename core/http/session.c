/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange over one libcurl handle. */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "core/base/error.h"
#include "core/http/session.h"
#include "core/http/target.h"
#include "core/tls/client_key.h"

/* How long a server may take to say that it wants the body. */
#define EXPECT_TIMEOUT_MS 30000L
#define CONNECT_TIMEOUT_MS 15000L
/* What a server may send us at most. */
#define HEADER_LINES_MAX 100
#define HEADER_BYTES_MAX 65536
#define UNWANTED_BYTES_MAX (16 * 1024 * 1024)
/* Fewer and larger pieces than libcurl's default of 64 KiB. */
#define UPLOAD_BUFFER_BYTES (512L * 1024)

struct http_session {
  CURLM *multi;
  CURL *easy;
  char message[CURL_ERROR_SIZE];
};

/* An exchange under way. */
struct progress {
  struct http_exchange *exchange;
  struct http_session *session;
  uint64_t body_read; /* of the request, by libcurl */
  unsigned header_lines;
  size_t header_bytes;
  uint64_t unwanted_bytes; /* of the answer, beyond the buffer */
  uint64_t answer_bytes;
  int64_t answer_length; /* as announced; -1: it was not */
  uint32_t status;       /* of the headers that are arriving */
  bool answered;         /* the headers of the final answer are complete */
  bool too_large;
  bool stopped;
};

/* -------------------------------------------------- what libcurl calls back */

static size_t
read_body (char *buffer, size_t size, size_t count, void *context)
{
  struct progress *progress = context;
  const struct ezcdc_http_request *request = progress->exchange->request;
  uint64_t left = request->body_length - progress->body_read;
  size_t length = size * count;

  if (length > left)
    length = (size_t) left;
  if (length == 0)
    return 0;
  memcpy (buffer, request->body + progress->body_read, length);
  progress->body_read += length;
  progress->exchange->response->body_sent = 1;
  return length;
}

/* A kept-alive connection may turn out to be closed after some of the body
 * was read: libcurl begins again on a new one. */
static int
seek_body (void *context, curl_off_t offset, int origin)
{
  struct progress *progress = context;

  if (origin != SEEK_SET || offset < 0
      || (uint64_t) offset > progress->exchange->request->body_length)
    return CURL_SEEKFUNC_FAIL;
  progress->body_read = (uint64_t) offset;
  return CURL_SEEKFUNC_OK;
}

static bool
is_redirect (uint32_t status)
{
  return status == 307 || status == 308;
}

static size_t
take_answer (char *data, size_t size, size_t count, void *context)
{
  struct progress *progress = context;
  struct ezcdc_http_response *response = progress->exchange->response;
  size_t length = size * count;
  size_t room = 0;

  progress->answer_bytes += length;
  if (!is_redirect (progress->status) && response->capacity > 0)
    room = (size_t) (response->capacity - 1 - response->length);
  if (room > length)
    room = length;
  if (room > 0) {
    memcpy (response->body + response->length, data, room);
    response->length += room;
  }
  if (room < length) {
    if (!is_redirect (progress->status))
      response->truncated = 1;
    progress->unwanted_bytes += length - room;
    if (progress->unwanted_bytes > UNWANTED_BYTES_MAX) {
      progress->too_large = true;
      return 0;
    }
  }
  return length;
}

/* The value of a header if the line is that header, without the blanks
 * around it. */
static const char *
header_value (const char *line, size_t length, const char *name,
              size_t *ret_length)
{
  size_t name_length = strlen (name);

  if (length <= name_length || line[name_length] != ':'
      || strncasecmp (line, name, name_length) != 0)
    return NULL;
  line += name_length + 1;
  length -= name_length + 1;
  while (length > 0 && (line[0] == ' ' || line[0] == '\t')) {
    line++;
    length--;
  }
  while (length > 0 && strchr (" \t\r\n", line[length - 1]) != NULL)
    length--;
  *ret_length = length;
  return line;
}

/* A status line begins new headers, of an interim or of the final answer. */
static void
begin_headers (struct progress *progress, const char *line, size_t length)
{
  char copy[16];
  const char *status;
  size_t used = length < sizeof copy - 1 ? length : sizeof copy - 1;

  memcpy (copy, line, used);
  copy[used] = '\0';
  status = strchr (copy, ' ');
  progress->status = status == NULL
                       ? 0
                       : (uint32_t) strtoul (status + 1, NULL, 10);
  progress->answer_length = -1;
}

/* An answer that comes before the body has gone leaves open whether the
 * server waits for it on this connection: it is not used again. (libcurl would
 * use it.) */
static void
end_headers (struct progress *progress)
{
  progress->answered = progress->status >= 200;
  if (progress->answered
      && progress->body_read < progress->exchange->request->body_length)
    curl_easy_setopt (progress->session->easy, CURLOPT_FORBID_REUSE, 1L);
}

static void
take_location (struct progress *progress, const char *value, size_t length)
{
  char *location = progress->exchange->location;

  if (location[0] != '\0' || length > HTTP_LOCATION_MAX
      || memchr (value, '\0', length) != NULL)
    return;
  memcpy (location, value, length);
  location[length] = '\0';
}

static size_t
take_header (char *line, size_t size, size_t count, void *context)
{
  struct progress *progress = context;
  size_t length = size * count;
  const char *value;
  size_t value_length;

  progress->header_bytes += length;
  if (++progress->header_lines > HEADER_LINES_MAX
      || progress->header_bytes > HEADER_BYTES_MAX) {
    progress->too_large = true;
    return 0;
  }
  if (length >= 5 && memcmp (line, "HTTP/", 5) == 0)
    begin_headers (progress, line, length);
  else if (length <= 2 && (line[0] == '\r' || line[0] == '\n'))
    end_headers (progress);
  else if ((value = header_value (line, length, "location", &value_length))
             != NULL
           && is_redirect (progress->status))
    take_location (progress, value, value_length);
  else if ((value = header_value (line, length, "content-length",
                                  &value_length))
           != NULL)
    progress->answer_length = strtoll (value, NULL, 10);
  return length;
}

/* Before the first byte of the request, so that what was negotiated is known
 * before a credential travels. */
static int
connected (void *context, char *remote, char *local, int remote_port,
           int local_port)
{
  struct progress *progress = context;
  struct http_exchange *exchange = progress->exchange;
  struct curl_tlssessioninfo *tls = NULL;
  long connections = 0;
  char peer[HTTP_HOST_MAX + 16];
  unsigned char *certificate = NULL;
  X509 *shown;
  const SSL *ssl;
  int length;

  (void) remote;
  (void) local;
  (void) remote_port;
  (void) local_port;
  curl_easy_getinfo (progress->session->easy, CURLINFO_NUM_CONNECTS,
                     &connections);
  if (connections == 0 || exchange->connected == NULL)
    return CURL_PREREQFUNC_OK;
  snprintf (peer, sizeof peer, "%s:%u", exchange->target->place.host,
            exchange->target->place.port);
  if (!exchange->target->https) {
    exchange->connected (exchange->context, peer, NULL, NULL, NULL, 0);
    return CURL_PREREQFUNC_OK;
  }
  curl_easy_getinfo (progress->session->easy, CURLINFO_TLS_SSL_PTR, &tls);
  if (tls == NULL || tls->backend != CURLSSLBACKEND_OPENSSL
      || tls->internals == NULL)
    return CURL_PREREQFUNC_ABORT;
  ssl = tls->internals;
  shown = SSL_get0_peer_certificate (ssl);
  length = shown == NULL ? 0 : i2d_X509 (shown, &certificate);
  exchange->connected (exchange->context, peer, SSL_get_version (ssl),
                       SSL_get_cipher_name (ssl), certificate,
                       length > 0 ? (size_t) length : 0);
  OPENSSL_free (certificate);
  return CURL_PREREQFUNC_OK;
}

/* ----------------------------------------------------------------- options */

/* libcurl takes options as variable arguments; a failure is out of memory or
 * a libcurl that was built without what configure asked for. */
#define SET(option_, value_)                                                  \
  do {                                                                        \
    CURLcode set_code = curl_easy_setopt (easy, option_, value_);             \
    if (set_code != CURLE_OK)                                                 \
      return set_code;                                                        \
  } while (0)

static CURLcode
set_defences (CURL *easy, const struct http_exchange *exchange)
{
  SET (CURLOPT_PROTOCOLS_STR, exchange->target->https ? "https" : "http");
  SET (CURLOPT_FOLLOWLOCATION, 0L);
  SET (CURLOPT_UNRESTRICTED_AUTH, 0L);
  SET (CURLOPT_PROXY, "");
  SET (CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
  SET (CURLOPT_NOSIGNAL, 1L);
  SET (CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  SET (CURLOPT_PATH_AS_IS, 1L);
  return CURLE_OK;
}

/* Before the handshake of a new connection. */
static CURLcode
prepare_tls (CURL *easy, void *context, void *tls)
{
  (void) easy;
  client_key_prepare (context, tls);
  return CURLE_OK;
}

static CURLcode
set_tls (CURL *easy, const struct ezcdc_tls *tls)
{
  /* PostgreSQL's meaning: a CA beside "require" is used. */
  bool verify = tls == NULL || tls->mode >= EZCDC_TLS_VERIFY_CA
                || (tls->mode == EZCDC_TLS_REQUIRE && tls->root_cert != NULL);
  bool full = tls == NULL || tls->mode == EZCDC_TLS_VERIFY_FULL;
  bool newest = tls != NULL && strcmp (tls->minimum_version, "TLSv1.3") == 0;

  SET (CURLOPT_SSLVERSION, newest ? (long) CURL_SSLVERSION_TLSv1_3
                                  : (long) CURL_SSLVERSION_TLSv1_2);
  SET (CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  SET (CURLOPT_SSL_VERIFYHOST, full ? 2L : 0L);
  if (tls == NULL)
    return CURLE_OK;
  /* Without the second one the system's CAs would be trusted as well. */
  SET (CURLOPT_CAINFO, tls->root_cert);
  SET (CURLOPT_CAPATH, NULL);
  if (verify)
    SET (CURLOPT_CRLFILE, tls->crl);
  /* Not by CURLOPT_SSLKEY: libcurl would keep the key as long as the
   * connection lives. */
  if (tls->client_cert != NULL) {
    SET (CURLOPT_SSL_CTX_FUNCTION, prepare_tls);
    SET (CURLOPT_SSL_CTX_DATA, (void *) tls);
  }
  return CURLE_OK;
}

static CURLcode
set_times (CURL *easy, const struct http_exchange *exchange)
{
  uint64_t timeout = exchange->timeout_ms;

  if (timeout > INT32_MAX)
    timeout = INT32_MAX;
  SET (CURLOPT_TIMEOUT_MS, (long) timeout);
  SET (CURLOPT_CONNECTTIMEOUT_MS, timeout != 0 && timeout < CONNECT_TIMEOUT_MS
                                    ? (long) timeout
                                    : CONNECT_TIMEOUT_MS);
  SET (CURLOPT_EXPECT_100_TIMEOUT_MS, EXPECT_TIMEOUT_MS);
  SET (CURLOPT_TCP_KEEPALIVE, 1L);
  SET (CURLOPT_TCP_KEEPIDLE, 30L);
  SET (CURLOPT_TCP_KEEPINTVL, 10L);
  return CURLE_OK;
}

static CURLcode
set_method (CURL *easy, const struct ezcdc_http_request *request)
{
  if (strcmp (request->method, "GET") == 0) {
    SET (CURLOPT_HTTPGET, 1L);
    return CURLE_OK;
  }
  if (strcmp (request->method, "HEAD") == 0) {
    SET (CURLOPT_NOBODY, 1L);
    return CURLE_OK;
  }
  SET (CURLOPT_UPLOAD, 1L);
  SET (CURLOPT_CUSTOMREQUEST, request->method);
  SET (CURLOPT_INFILESIZE_LARGE, (curl_off_t) request->body_length);
  if (request->body_length > CURL_MAX_WRITE_SIZE)
    SET (CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_BYTES);
  return CURLE_OK;
}

static CURLcode
set_callbacks (CURL *easy, struct progress *progress)
{
  SET (CURLOPT_READFUNCTION, read_body);
  SET (CURLOPT_READDATA, progress);
  SET (CURLOPT_SEEKFUNCTION, seek_body);
  SET (CURLOPT_SEEKDATA, progress);
  SET (CURLOPT_WRITEFUNCTION, take_answer);
  SET (CURLOPT_WRITEDATA, progress);
  SET (CURLOPT_HEADERFUNCTION, take_header);
  SET (CURLOPT_HEADERDATA, progress);
  SET (CURLOPT_PREREQFUNCTION, connected);
  SET (CURLOPT_PREREQDATA, progress);
  SET (CURLOPT_ERRORBUFFER, progress->session->message);
  return CURLE_OK;
}

static CURLcode
set_all (CURL *easy, struct progress *progress, struct curl_slist *headers)
{
  struct http_exchange *exchange = progress->exchange;
  CURLcode code;

  curl_easy_reset (easy);
  code = set_defences (easy, exchange);
  if (code == CURLE_OK)
    code = set_tls (easy, exchange->tls);
  if (code == CURLE_OK)
    code = set_times (easy, exchange);
  if (code == CURLE_OK)
    code = set_method (easy, exchange->request);
  if (code == CURLE_OK)
    code = set_callbacks (easy, progress);
  if (code != CURLE_OK)
    return code;
  SET (CURLOPT_URL, exchange->target->url);
  SET (CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
  SET (CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
  SET (CURLOPT_HTTPHEADER, headers);
  return CURLE_OK;
}

/* ----------------------------------------------------------------- headers */

static int
append_header (struct curl_slist **list, const char *name, const char *value,
               struct error *error)
{
  struct curl_slist *longer = NULL;
  char *line = NULL;

  /* "Name;" is libcurl's way to say "Name:" with an empty value. */
  if (asprintf (&line, value[0] == '\0' ? "%s;" : "%s: %s", name, value)
      >= 0) {
    longer = curl_slist_append (*list, line);
    free (line);
  }
  if (longer == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  *list = longer;
  return EZCDC_OK;
}

/* The list is the caller's, also after a failure. */
static int
make_headers (const struct ezcdc_http_request *request,
              struct curl_slist **ret_list, struct error *error)
{
  struct curl_slist *longer;
  int result = EZCDC_OK;

  for (uint64_t i = 0; i < request->header_count && result == EZCDC_OK; i++)
    result = append_header (ret_list, request->headers[i].name,
                            request->headers[i].value, error);
  if (result != EZCDC_OK)
    return result;
  /* libcurl decides by itself if nothing is said; "Expect:" says no. */
  longer = curl_slist_append (*ret_list,
                              (request->flags & EZCDC_HTTP_EXPECT) != 0
                                ? "Expect: 100-continue"
                                : "Expect:");
  if (longer == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  *ret_list = longer;
  return EZCDC_OK;
}

/* ------------------------------------------------------------------- errors */

static int
explain (const struct progress *progress, CURLcode code, int result,
         struct error *error)
{
  const struct http_exchange *exchange = progress->exchange;
  const char *detail = progress->session->message;

  if (detail[0] == '\0')
    detail = curl_easy_strerror (code);
  return error_set (error, result, "%s %s: %s", exchange->request->method,
                    exchange->target->description, detail);
}

/* The server, or whoever stands in between, is not who it should be. */
static int
explain_verification (const struct progress *progress, CURLcode code,
                      struct error *error)
{
  explain (progress, code, EZCDC_E_CONFIG, error);
  return error_set (error, EZCDC_E_CONFIG,
                    "%s; nothing was sent. Check ssl_root_cert, the "
                    "server's certificate and the host name in the URL",
                    error->text);
}

/* A handshake that both sides cannot agree on will not work later either. */
static bool
is_disagreement (const char *message)
{
  static const char *const words[] = {
    "wrong version number", "unsupported protocol", "protocol version",
    "no shared cipher",     "handshake failure",    "certificate required",
    "bad certificate",      "unknown ca",
  };

  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcasestr (message, words[i]) != NULL)
      return true;
  return false;
}

static int
explain_failure (const struct progress *progress, CURLcode code,
                 struct error *error)
{
  switch ((int) code) {
  case CURLE_OUT_OF_MEMORY:
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_ISSUER_ERROR:
    return explain_verification (progress, code, error);
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_CLIENTCERT:
  case CURLE_SSL_CIPHER:
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL:
    return explain (progress, code, EZCDC_E_CONFIG, error);
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_RECV_ERROR:
    return explain (progress, code,
                    is_disagreement (progress->session->message)
                      ? EZCDC_E_CONFIG
                      : EZCDC_E_UNAVAILABLE,
                    error);
  case CURLE_BAD_FUNCTION_ARGUMENT:
  case CURLE_UNKNOWN_OPTION:
  case CURLE_NOT_BUILT_IN:
    return explain (progress, code, EZCDC_E_BUG, error);
  }
  return explain (progress, code, EZCDC_E_UNAVAILABLE, error);
}

/* ---------------------------------------------------------------- transfer */

static bool
is_interrupted (int descriptor)
{
  struct pollfd event = { .fd = descriptor, .events = POLLIN };

  return descriptor >= 0 && poll (&event, 1, 0) > 0;
}

/* All of the answer is here, whatever became of the request's body. */
static bool
is_answer_complete (const struct progress *progress)
{
  return progress->answered && progress->answer_length >= 0
         && progress->answer_bytes >= (uint64_t) progress->answer_length;
}

/* A server that answers early does not want the rest of the body; whether it
 * goes on reading is its business, ours is the answer. */
static bool
is_answered_early (const struct progress *progress)
{
  return is_answer_complete (progress)
         && progress->body_read < progress->exchange->request->body_length;
}

static CURLcode
transfer_result (struct http_session *session)
{
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read (session->multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE)
      return message->data.result;
  return CURLE_FAILED_INIT;
}

/* Until the transfer is over, one way or the other. */
static CURLcode
drive (struct progress *progress)
{
  struct http_session *session = progress->session;
  int descriptor = progress->exchange->interrupt_descriptor;
  struct curl_waitfd interrupt = { .fd = descriptor,
                                   .events = CURL_WAIT_POLLIN };
  int running = 1;

  while (curl_multi_perform (session->multi, &running) == CURLM_OK
         && running > 0) {
    if (is_answered_early (progress))
      return CURLE_OK;
    interrupt.revents = 0;
    if (curl_multi_poll (session->multi, &interrupt, descriptor >= 0 ? 1 : 0,
                         1000, NULL)
        != CURLM_OK)
      return CURLE_OUT_OF_MEMORY;
    if (interrupt.revents != 0) {
      progress->stopped = true;
      return CURLE_ABORTED_BY_CALLBACK;
    }
  }
  return running > 0 ? CURLE_OUT_OF_MEMORY : transfer_result (session);
}

static CURLcode
transfer (struct progress *progress)
{
  struct http_session *session = progress->session;
  CURLcode code;

  if (curl_multi_add_handle (session->multi, session->easy) != CURLM_OK)
    return CURLE_OUT_OF_MEMORY;
  code = drive (progress);
#if LIBCURL_VERSION_NUM >= 0x075700
  /* Do not wait for a name server. */
  if (progress->stopped)
    curl_easy_setopt (session->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
  curl_multi_remove_handle (session->multi, session->easy);
  return code;
}

static int
conclude (struct progress *progress, CURLcode code, struct error *error)
{
  struct http_exchange *exchange = progress->exchange;
  struct ezcdc_http_response *response = exchange->response;

  if (progress->stopped)
    return error_set (error, EZCDC_E_STOPPED, "%s %s: interrupted",
                      exchange->request->method,
                      exchange->target->description);
  if (progress->too_large)
    return error_set (
      error, EZCDC_E_UNAVAILABLE, "%s %s: the answer is larger than it can be",
      exchange->request->method, exchange->target->description);
  if (code != CURLE_OK && !is_answer_complete (progress))
    return explain_failure (progress, code, error);
  response->status = progress->status;
  return EZCDC_OK;
}

static void
reset_response (struct ezcdc_http_response *response)
{
  response->status = 0;
  response->length = 0;
  response->truncated = 0;
}

int
http_session_exchange (struct http_session *session,
                       struct http_exchange *exchange, struct error *error)
{
  struct progress progress = {
    .exchange = exchange,
    .session = session,
    .answer_length = -1,
  };
  struct curl_slist *list = NULL;
  struct curl_slist authorization = { .data = exchange->authorization };
  CURLcode code = CURLE_OK;
  int result;

  session->message[0] = '\0';
  exchange->location[0] = '\0';
  reset_response (exchange->response);
  progress.stopped = is_interrupted (exchange->interrupt_descriptor);
  result = make_headers (exchange->request, &list, error);
  if (result == EZCDC_OK) {
    /* In front, in the pages where it lies; libcurl only reads the list. */
    authorization.next = list;
    if (!progress.stopped)
      code = set_all (session->easy, &progress,
                      exchange->authorization != NULL ? &authorization : list);
    if (code == CURLE_OK && !progress.stopped)
      code = transfer (&progress);
    result = conclude (&progress, code, error);
    if (exchange->response->capacity > 0)
      exchange->response->body[exchange->response->length] = '\0';
  }
  /* Nothing of this call stays in the handle. */
  curl_easy_reset (session->easy);
  curl_slist_free_all (list);
  return result;
}

int
http_session_new (struct http_session **ret_session, struct error *error)
{
  struct http_session *session = calloc (1, sizeof *session);

  if (session != NULL) {
    session->multi = curl_multi_init ();
    session->easy = curl_easy_init ();
  }
  if (session == NULL || session->multi == NULL || session->easy == NULL) {
    http_session_free (session);
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  }
  *ret_session = session;
  return EZCDC_OK;
}

void
http_session_free (struct http_session *session)
{
  if (session == NULL)
    return;
  curl_easy_cleanup (session->easy);
  curl_multi_cleanup (session->multi);
  free (session);
}
