/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client of an instance: policy, redirects, and the pool of
 * sessions.
 *
 *   request -> check -> [plain http allowed?] -> session -> exchange
 *                              ^                               |
 *                              '--- redirect, allowed? <-------'
 */

#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/http/client.h"
#include "core/http/credential.h"
#include "core/http/http.h"
#include "core/http/request.h"
#include "core/http/session.h"
#include "core/http/target.h"
#include "core/tls/tls.h"

#define REDIRECTS_MAX 4

/* One request under way, over all its redirects. */
struct sending {
  struct http_client *client;
  const struct ezcdc_http_request *request;
  struct http_target origin;
  struct http_target target;
  struct http_session *session;
  uint64_t generation;
  struct http_credential *credential; /* or NULL */
  bool credential_is_new;
  bool credential_was_renewed;
  int64_t deadline; /* monotonic milliseconds; 0: none */
  struct http_exchange exchange;
};

static int64_t
monotonic_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- sessions */

static uint64_t
generation_of (const struct http_client *client)
{
  return client->tls == NULL ? 0 : tls_parameters_generation (client->tls);
}

/* The one that was used last: its connections are the freshest. One that has
 * read certificates before a reload is closed. */
static int
take_session (struct sending *sending, struct error *error)
{
  struct http_client *client = sending->client;
  uint64_t generation = generation_of (client);
  struct idle_session idle = { 0 };

  sending->generation = generation;
  do {
    http_session_free (idle.session);
    idle.session = NULL;
    pthread_mutex_lock (&client->lock);
    if (client->idle_count > 0)
      idle = client->idle[--client->idle_count];
    pthread_mutex_unlock (&client->lock);
  } while (idle.session != NULL && idle.generation != generation);
  if (idle.session != NULL) {
    sending->session = idle.session;
    return EZCDC_OK;
  }
  return http_session_new (&sending->session, error);
}

static void
give_session_back (struct sending *sending)
{
  struct http_client *client = sending->client;

  if (sending->session == NULL)
    return;
  pthread_mutex_lock (&client->lock);
  if (client->idle_count < IDLE_SESSIONS_MAX) {
    client->idle[client->idle_count++] = (struct idle_session){
      sending->session, sending->generation
    };
    sending->session = NULL;
  }
  pthread_mutex_unlock (&client->lock);
  http_session_free (sending->session);
  sending->session = NULL;
}

/* -------------------------------------------------------------- credential */

static void
release_credential (struct sending *sending)
{
  pthread_mutex_lock (&sending->client->lock);
  http_credential_release (sending->credential);
  pthread_mutex_unlock (&sending->client->lock);
  sending->credential = NULL;
}

/* With the lock. */
static int
renew_credential (struct sending *sending, struct error *error)
{
  struct http_client *client = sending->client;
  struct http_credential *credential;
  int result = http_credential_open (client->services, sending->request->user,
                                     sending->request->password, &credential,
                                     error);

  if (result != EZCDC_OK)
    return result;
  http_credential_release (client->credential);
  client->credential = credential;
  sending->credential_is_new = true;
  return EZCDC_OK;
}

/* refused: a credential that the server did not take; it is opened again
 * unless another thread has done that already. */
static int
take_credential (struct sending *sending,
                 const struct http_credential *refused, struct error *error)
{
  struct http_client *client = sending->client;
  int result = EZCDC_OK;

  if (sending->request->user == NULL)
    return EZCDC_OK;
  pthread_mutex_lock (&client->lock);
  if (!http_credential_matches (client->credential, sending->request->user,
                                sending->request->password)
      || client->credential == refused)
    result = renew_credential (sending, error);
  if (result == EZCDC_OK) {
    sending->credential = client->credential;
    sending->credential->users++;
  }
  pthread_mutex_unlock (&client->lock);
  return result;
}

/* A password that was rotated shows as a 401: the one that was kept is opened
 * again, once. Whether to send again is in *ret_again. */
static int
renew_refused_credential (struct sending *sending, bool *ret_again,
                          struct error *error)
{
  struct http_credential *refused = sending->credential;
  int result;

  *ret_again = false;
  if (sending->exchange.response->status != 401 || refused == NULL
      || sending->credential_is_new || sending->credential_was_renewed)
    return EZCDC_OK;
  sending->credential_was_renewed = true;
  sending->credential = NULL;
  result = take_credential (sending, refused, error);
  pthread_mutex_lock (&sending->client->lock);
  http_credential_release (refused);
  pthread_mutex_unlock (&sending->client->lock);
  *ret_again = result == EZCDC_OK;
  return result;
}

/* ------------------------------------------------------------------- policy */

/* Whether the configuration lets rows and password cross a network in the
 * clear. */
bool
http_client_may_be_plain (const struct http_client *client)
{
  return client->plaintext_allowed
         || (client->tls != NULL
             && tls_parameters_view (client->tls)->mode == EZCDC_TLS_DISABLE);
}

/* Once for a client: the log and the audit trail say that TLS is not used.
 * With ssl_enabled = no they have said so already. */
static int
report_plaintext (struct http_client *client, const struct http_target *target,
                  struct error *error)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };
  char place[HTTP_HOST_MAX + 16];
  bool first;
  int result;

  if (client->tls != NULL
      && tls_parameters_view (client->tls)->mode == EZCDC_TLS_DISABLE)
    return EZCDC_OK;
  pthread_mutex_lock (&client->lock);
  first = !client->plaintext_reported;
  client->plaintext_reported = true;
  pthread_mutex_unlock (&client->lock);
  if (!first)
    return EZCDC_OK;
  snprintf (place, sizeof place, "%s:%u", target->place.host,
            target->place.port);
  json_object_begin (&json);
  json_member_text (&json, "option",
                    client->plaintext_allowed ? "load_plaintext" : "load_url");
  json_member_text (&json, "value",
                    client->plaintext_allowed ? "allow" : "http");
  json_member_bool (&json, "loopback", target->loopback);
  json_object_end (&json);
  if (text.failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  result = client->services->audit (client->services->context, "tls.weakened",
                                    place, "success", text.data, error);
  if (result < 0) {
    pthread_mutex_lock (&client->lock);
    client->plaintext_reported = false;
    pthread_mutex_unlock (&client->lock);
    return result;
  }
  text_clear (&text);
  text_printf (&text,
               "%s: load_url: rows and the password go to http://%s in the "
               "clear",
               client->section, place);
  client->services->warn (client->services->context, text_string (&text));
  return EZCDC_OK;
}

/* Before anything is sent to the target. */
static int
check_plaintext (struct http_client *client, const struct http_target *target,
                 struct error *error)
{
  if (target->https)
    return EZCDC_OK;
  if (!target->loopback && !http_client_may_be_plain (client))
    return error_set (error, EZCDC_E_CONFIG,
                      "%s: rows and the password would cross the network in "
                      "the clear. Use https://, or, on a private network, "
                      "write %s.load_plaintext = allow",
                      target->description, client->section);
  return report_plaintext (client, target, error);
}

/* ------------------------------------------------------------------ sending */

static void
report_connection (void *context, const char *peer, const char *version,
                   const char *cipher, const void *certificate, size_t length)
{
  const struct http_services *services = context;

  services->tls_peer (services->context, peer, version, cipher, certificate,
                      length);
}

/* One exchange with the current target, or two if the credential was
 * rotated. */
static int
exchange_with_target (struct sending *sending, struct error *error)
{
  struct http_exchange *exchange = &sending->exchange;
  bool again = false;
  int result = check_plaintext (sending->client, &sending->target, error);

  if (result != EZCDC_OK)
    return result;
  do {
    if (sending->deadline != 0) {
      int64_t left = sending->deadline - monotonic_ms ();

      if (left <= 0)
        return error_set (error, EZCDC_E_UNAVAILABLE,
                          "%s %s: no answer in time", sending->request->method,
                          sending->target.description);
      exchange->timeout_ms = (uint64_t) left;
    }
    exchange->target = &sending->target;
    exchange->authorization = sending->credential == NULL
                                ? NULL
                                : (char *) sending->credential->secret.data;
    result = http_session_exchange (sending->session, exchange, error);
    if (result == EZCDC_OK)
      result = renew_refused_credential (sending, &again, error);
  } while (result == EZCDC_OK && again);
  return result;
}

static int
send_to_the_end (struct sending *sending, struct error *error)
{
  for (int redirects = 0;; redirects++) {
    uint32_t status;
    int result = exchange_with_target (sending, error);

    if (result != EZCDC_OK)
      return result;
    status = sending->exchange.response->status;
    if (status != 307 && status != 308)
      return EZCDC_OK;
    if (redirects == REDIRECTS_MAX)
      return error_set (error, EZCDC_E_UNAVAILABLE,
                        "%s: more than %d redirects",
                        sending->origin.description, REDIRECTS_MAX);
    result = http_client_follow (sending->client, &sending->origin,
                                 &sending->target, sending->exchange.location,
                                 error);
    if (result != EZCDC_OK)
      return result;
  }
}

static int
begin (struct sending *sending, struct error *error)
{
  const struct ezcdc_http_request *request = sending->request;
  int result = http_target_parse (request->url, &sending->origin, error);

  if (result == EZCDC_OK)
    result = http_target_parse (request->url, &sending->target, error);
  if (result == EZCDC_OK)
    result = check_plaintext (sending->client, &sending->target, error);
  if (result == EZCDC_OK)
    result = take_credential (sending, NULL, error);
  if (result == EZCDC_OK)
    result = take_session (sending, error);
  return result;
}

/* All but body_sent, which stays true once it is. */
static void
reset_response (struct ezcdc_http_response *response)
{
  response->status = 0;
  response->length = 0;
  response->truncated = 0;
  if (response->capacity > 0)
    response->body[0] = '\0';
}

int
http_client_perform (struct http_client *client,
                     const struct ezcdc_http_request *request,
                     struct ezcdc_http_response *response, struct error *error)
{
  struct sending sending = {
    .client = client,
    .request = request,
    .exchange = {
      .request = request,
      .tls = client->tls == NULL ? NULL : tls_parameters_view (client->tls),
      .interrupt_descriptor = client->interrupt_descriptor,
      .connected = report_connection,
      .context = (void *) client->services,
      .response = response,
    },
  };
  int result;

  reset_response (response);
  response->body_sent = 0;
  result = http_request_check (request, error);
  if (result != EZCDC_OK)
    return result;
  if (request->timeout_ms != 0)
    sending.deadline = monotonic_ms () + (int64_t) request->timeout_ms;
  result = begin (&sending, error);
  if (result == EZCDC_OK)
    result = send_to_the_end (&sending, error);
  if (result != EZCDC_OK)
    reset_response (response);
  give_session_back (&sending);
  release_credential (&sending);
  http_target_clear (&sending.origin);
  http_target_clear (&sending.target);
  return result;
}

/* ----------------------------------------------------------- life and lists */

int
http_start (struct error *error)
{
  CURLcode code = curl_global_init (CURL_GLOBAL_ALL);

  if (code != CURLE_OK)
    return error_set (error, EZCDC_E_UNAVAILABLE, "start libcurl: %s",
                      curl_easy_strerror (code));
  return EZCDC_OK;
}

int
http_client_new (const struct http_client_settings *settings,
                 const struct http_services *services,
                 struct http_client **ret_client, struct error *error)
{
  struct http_client *client = calloc (1, sizeof *client);

  if (client != NULL)
    client->section = strdup (settings->section);
  if (client == NULL || client->section == NULL) {
    free (client);
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  }
  client->services = services;
  client->tls = settings->tls;
  client->plaintext_allowed = settings->plaintext_allowed;
  client->interrupt_descriptor = settings->interrupt_descriptor;
  pthread_mutex_init (&client->lock, NULL);
  *ret_client = client;
  return EZCDC_OK;
}

void
http_client_scrub (struct http_client *client, char *text)
{
  pthread_mutex_lock (&client->lock);
  if (client->credential != NULL)
    http_credential_scrub (client->credential, text);
  pthread_mutex_unlock (&client->lock);
}

void
http_client_free (struct http_client *client)
{
  if (client == NULL)
    return;
  for (size_t i = 0; i < client->idle_count; i++)
    http_session_free (client->idle[i].session);
  http_credential_release (client->credential);
  pthread_mutex_destroy (&client->lock);
  free (client->places);
  free (client->section);
  free (client);
}
