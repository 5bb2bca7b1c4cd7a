/* SPDX-License-Identifier: Apache-2.0 */
/* One libcurl handle with its kept-alive connections, and one exchange of a
 * request and an answer over it. Knows nothing of redirects and policy. */

#ifndef EZCDC_HTTP_SESSION_H
#define EZCDC_HTTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <ezcdc/connector.h>

struct error;
struct http_target;
struct http_session;

#define HTTP_LOCATION_MAX 8192

/* What an exchange is made of. Everything is lent for the call; tls for as long
 * as the session lives. */
struct http_exchange {
  const struct http_target *target;
  const struct ezcdc_http_request *request;
  /* "Authorization: ..." or NULL. */
  char *authorization;
  const struct ezcdc_tls *tls; /* NULL: verified against the system's CAs */
  uint64_t timeout_ms;         /* what is left of it; 0: none */
  int interrupt_descriptor;    /* or -1 */
  /* Called before anything is sent over a new connection. */
  void (*connected) (void *context, const char *peer, const char *version,
                     const char *cipher, const void *certificate,
                     size_t length);
  void *context;
  struct ezcdc_http_response *response;
  /* Set if the answer is 307 or 308: Location, "" if it had none. The body of
   * such an answer is not in the response. */
  char location[HTTP_LOCATION_MAX + 1];
};

int http_session_new (struct http_session **ret_session, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* EZCDC_OK if an answer came; results as http_client_perform's. body_sent of
 * the response is set to 1 when the body is begun, and never to 0. */
int http_session_exchange (struct http_session *session,
                           struct http_exchange *exchange, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* Closes the connections. NULL is fine. */
void http_session_free (struct http_session *session);

#endif
