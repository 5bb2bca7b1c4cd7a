/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP service that sinks send their loads with.
 *
 * A client belongs to one instance. It decides what a library must not
 * decide: where a redirect may lead, whether a body or a credential may
 * travel in the clear, and for how long the credential is readable. Any
 * number of threads may use it; each request takes a session (a libcurl handle
 * with its kept-alive connections) from a pool and puts it back.
 */

#ifndef EZCDC_HTTP_HTTP_H
#define EZCDC_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <ezcdc/connector.h>

struct error;
struct tls_parameters;

struct http_client_settings {
  const char *section; /* "source" or "sink"; for messages, copied */
  /* Lent, longer than the client. NULL: as with ssl_mode = verify-full. */
  const struct tls_parameters *tls;
  bool plaintext_allowed;   /* load_plaintext = allow */
  int interrupt_descriptor; /* an eventfd of the instance that is readable
                               once it was interrupted; lent; -1: none */
};

/* What a client asks of its surroundings, from any of its threads. context
 * is handed to each function; all live until http_client_free. */
struct http_services {
  /* Opens a sealed value for the length of one call of function. */
  int (*open_sealed) (void *context, const struct ezcdc_sealed *sealed,
                      const char *reason, ezcdc_secret_function function,
                      void *function_context, struct error *error);
  /* Writes an audit record. resource is a host and port, detail a JSON
   * object. */
  int (*audit) (void *context, const char *action, const char *resource,
                const char *outcome, const char *detail, struct error *error);
  /* One line for the log, at EZCDC_LOG_WARNING. */
  void (*warn) (void *context, const char *message);
  /* As in struct ezcdc_host; once for each new connection. */
  void (*tls_peer) (void *context, const char *peer, const char *version,
                    const char *cipher, const void *certificate,
                    size_t length);
  void *context;
};

struct http_client;

/* Once in the process that sends requests, before its first thread. */
int http_start (struct error *error) __attribute__ ((nonnull));

int http_client_new (const struct http_client_settings *settings,
                     const struct http_services *services,
                     struct http_client **ret_client, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* No request may be under way. Wipes the credential. NULL is fine. */
void http_client_free (struct http_client *client);

/* Sends one request; see struct ezcdc_http_request. EZCDC_OK if an answer
 * came, whatever its status; else
 *   EZCDC_E_CONFIG       the server's certificate was refused, a redirect was
 *                        refused, plain http where TLS is demanded (a sink
 *                        that announces hosts may announce them again and
 *                        send once more before it gives up)
 *   EZCDC_E_CREDENTIAL   the sealed password did not open
 *   EZCDC_E_UNAVAILABLE  no connection, no answer, too many redirects
 *   EZCDC_E_STOPPED      the instance was interrupted
 *   EZCDC_E_BUG          the request is not one that may be sent
 *   EZCDC_E_MEMORY
 * response->status, length, body_sent and truncated are set in every case:
 * also after a failure body_sent says whether any of the body may have left
 * this process. */
int http_client_perform (struct http_client *client,
                         const struct ezcdc_http_request *request,
                         struct ezcdc_http_response *response,
                         struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* Allows redirects to host:port (a name or an address, [] around an IPv6
 * address or not), until the client is freed. */
int http_client_allow (struct http_client *client, const char *host,
                       uint32_t port, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* Replaces the credential that was sent last, as password and as header, in a
 * string by asterisks: for what is told about answers, as a server may say back
 * what it was told. */
void http_client_scrub (struct http_client *client, char *text)
  __attribute__ ((nonnull));

#endif
