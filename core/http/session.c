/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange over one libcurl handle. */

#include <config.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "core/base/error.h"
#include "core/http/failure.h"
#include "core/http/progress.h"
#include "core/http/session.h"
#include "core/http/target.h"
#include "core/tls/client_key.h"

/* How long a server may take to say that it wants the body. */
#define EXPECT_TIMEOUT_MS 30000L
#define CONNECT_TIMEOUT_MS 15000L
/* Fewer and larger pieces than libcurl's default of 64 KiB. */
#define UPLOAD_BUFFER_BYTES (512L * 1024)

/* ----------------------------------------------------------------- options */

static CURLcode
set_defences (CURL *easy, const struct http_exchange *exchange)
{
  CURL_SET (CURLOPT_PROTOCOLS_STR, exchange->target->https ? "https" : "http");
  CURL_SET (CURLOPT_FOLLOWLOCATION, 0L);
  CURL_SET (CURLOPT_UNRESTRICTED_AUTH, 0L);
  CURL_SET (CURLOPT_PROXY, "");
  CURL_SET (CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
  CURL_SET (CURLOPT_NOSIGNAL, 1L);
  CURL_SET (CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  CURL_SET (CURLOPT_PATH_AS_IS, 1L);
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

  CURL_SET (CURLOPT_SSLVERSION, newest ? (long) CURL_SSLVERSION_TLSv1_3
                                       : (long) CURL_SSLVERSION_TLSv1_2);
  CURL_SET (CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  CURL_SET (CURLOPT_SSL_VERIFYHOST, full ? 2L : 0L);
  if (tls == NULL)
    return CURLE_OK;
  /* Without the second one the system's CAs would be trusted as well. */
  CURL_SET (CURLOPT_CAINFO, tls->root_cert);
  CURL_SET (CURLOPT_CAPATH, NULL);
  if (verify)
    CURL_SET (CURLOPT_CRLFILE, tls->crl);
  /* Not by CURLOPT_SSLKEY: libcurl would keep the key as long as the
   * connection lives. */
  if (tls->client_cert != NULL) {
    CURL_SET (CURLOPT_SSL_CTX_FUNCTION, prepare_tls);
    CURL_SET (CURLOPT_SSL_CTX_DATA, (void *) tls);
  }
  return CURLE_OK;
}

static CURLcode
set_times (CURL *easy, const struct http_exchange *exchange)
{
  uint64_t timeout = exchange->timeout_ms;

  if (timeout > INT32_MAX)
    timeout = INT32_MAX;
  CURL_SET (CURLOPT_TIMEOUT_MS, (long) timeout);
  CURL_SET (CURLOPT_CONNECTTIMEOUT_MS,
            timeout != 0 && timeout < CONNECT_TIMEOUT_MS ? (long) timeout
                                                         : CONNECT_TIMEOUT_MS);
  CURL_SET (CURLOPT_EXPECT_100_TIMEOUT_MS, EXPECT_TIMEOUT_MS);
  CURL_SET (CURLOPT_TCP_KEEPALIVE, 1L);
  CURL_SET (CURLOPT_TCP_KEEPIDLE, 30L);
  CURL_SET (CURLOPT_TCP_KEEPINTVL, 10L);
  return CURLE_OK;
}

static CURLcode
set_method (CURL *easy, const struct ezcdc_http_request *request)
{
  if (strcmp (request->method, "GET") == 0) {
    CURL_SET (CURLOPT_HTTPGET, 1L);
    return CURLE_OK;
  }
  if (strcmp (request->method, "HEAD") == 0) {
    CURL_SET (CURLOPT_NOBODY, 1L);
    return CURLE_OK;
  }
  CURL_SET (CURLOPT_UPLOAD, 1L);
  CURL_SET (CURLOPT_CUSTOMREQUEST, request->method);
  CURL_SET (CURLOPT_INFILESIZE_LARGE, (curl_off_t) request->body_length);
  if (request->body_length > CURL_MAX_WRITE_SIZE)
    CURL_SET (CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_BYTES);
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
    code = progress_attach (easy, progress);
  if (code != CURLE_OK)
    return code;
  CURL_SET (CURLOPT_URL, exchange->target->url);
  CURL_SET (CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
  CURL_SET (CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
  CURL_SET (CURLOPT_HTTPHEADER, headers);
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

/* libcurl calls a line of the header, or behind the last chunk, that is longer
 * than its own limit a lack of memory. Once the request is on its way, no piece
 * of memory that it asks for is large enough to be refused. */
static bool
is_line_too_long (const struct progress *progress, CURLcode code)
{
  struct http_session *session = progress->session;
  long sent = 0;

  if (code == CURLE_RECV_ERROR)
    return strncmp (session->message, "Out of memory", 13) == 0;
  return code == CURLE_OUT_OF_MEMORY
         && curl_easy_getinfo (session->easy, CURLINFO_REQUEST_SIZE, &sent)
              == CURLE_OK
         && sent > 0;
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
  if (progress->too_large || is_line_too_long (progress, code))
    return error_set (
      error, EZCDC_E_UNAVAILABLE, "%s %s: the answer is larger than it can be",
      exchange->request->method, exchange->target->description);
  if (code != CURLE_OK && !is_answer_complete (progress))
    return failure_explain (progress, code, error);
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
