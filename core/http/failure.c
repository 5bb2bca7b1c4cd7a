/* SPDX-License-Identifier: Apache-2.0 */
/* Why an exchange has failed, from what libcurl says. */

#include <config.h>

#include <stdbool.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/http/failure.h"
#include "core/http/target.h"

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

int
failure_explain (const struct progress *progress, CURLcode code,
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
