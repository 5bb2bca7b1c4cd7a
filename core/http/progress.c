/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl calls back during an exchange. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/ssl.h>

#include "core/http/progress.h"
#include "core/http/target.h"

/* What a server may send us at most. */
#define HEADER_LINES_MAX 100
#define HEADER_BYTES_MAX 65536
#define UNWANTED_BYTES_MAX (16 * 1024 * 1024)

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

CURLcode
progress_attach (CURL *easy, struct progress *progress)
{
  CURL_SET (CURLOPT_READFUNCTION, read_body);
  CURL_SET (CURLOPT_READDATA, progress);
  CURL_SET (CURLOPT_SEEKFUNCTION, seek_body);
  CURL_SET (CURLOPT_SEEKDATA, progress);
  CURL_SET (CURLOPT_WRITEFUNCTION, take_answer);
  CURL_SET (CURLOPT_WRITEDATA, progress);
  CURL_SET (CURLOPT_HEADERFUNCTION, take_header);
  CURL_SET (CURLOPT_HEADERDATA, progress);
  CURL_SET (CURLOPT_PREREQFUNCTION, connected);
  CURL_SET (CURLOPT_PREREQDATA, progress);
  CURL_SET (CURLOPT_ERRORBUFFER, progress->session->message);
  return CURLE_OK;
}
