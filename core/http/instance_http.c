/* SPDX-License-Identifier: Apache-2.0 */
/* Ties an HTTP client to an instance. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/http/http.h"
#include "core/http/instance_http.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"
#include "core/plugin/options.h"
#include "core/tls/instance_tls.h"

struct instance_http {
  struct http_services services; /* its context is the instance */
  struct http_client *client;
};

static int
open_sealed (void *context, const struct ezcdc_sealed *sealed,
             const char *reason, ezcdc_secret_function function,
             void *function_context, struct error *error)
{
  struct ezcdc_instance *instance = context;
  const struct instance_services *services = instance->services;

  if (services == NULL || services->secret_use == NULL)
    return error_set (error, EZCDC_E_UNSUPPORTED,
                      "nothing here can open a sealed value");
  if (sealed->set != instance->options)
    return error_set (error, EZCDC_E_BUG,
                      "a sealed value of another instance");
  return services->secret_use (services->context, instance, sealed->option,
                               reason, function, function_context, error);
}

static int
audit (void *context, const char *action, const char *resource,
       const char *outcome, const char *detail, struct error *error)
{
  const struct ezcdc_instance *instance = context;
  const struct instance_services *services = instance->services;

  if (services == NULL || services->audit == NULL)
    return EZCDC_OK;
  return services->audit (services->context, action, resource, outcome, detail,
                          error);
}

static void
warn (void *context, const char *message)
{
  (void) context;
  log_message (LEVEL_WARNING, "%s", message);
}

static void
tls_peer (void *context, const char *peer, const char *version,
          const char *cipher, const void *certificate, size_t length)
{
  struct ezcdc_instance *instance = context;
  const struct instance_services *services = instance->services;

  if (services != NULL && services->tls_peer != NULL)
    services->tls_peer (services->context, instance, peer, version, cipher,
                        certificate, length);
}

int
instance_http_open (struct ezcdc_instance *instance, struct error *error)
{
  const char *plaintext = option_set_string (instance->options,
                                             "load_plaintext");
  struct instance_http *state;
  int result;

  if ((instance->connector->descriptor.capabilities & EZCDC_USES_HTTP) == 0)
    return EZCDC_OK;
  state = calloc (1, sizeof *state);
  if (state == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  state->services = (struct http_services){
    .open_sealed = open_sealed,
    .audit = audit,
    .warn = warn,
    .tls_peer = tls_peer,
    .context = instance,
  };
  result = http_client_new (
    &(struct http_client_settings){
      .section = instance->section,
      .tls = instance_tls_parameters (instance),
      .plaintext_allowed = plaintext != NULL
                           && strcmp (plaintext, "allow") == 0,
      .interrupt_descriptor = instance->interrupt_event,
    },
    &state->services, &state->client, error);
  if (result != EZCDC_OK) {
    free (state);
    return result;
  }
  instance->http_state = state;
  return EZCDC_OK;
}

void
instance_http_close (struct ezcdc_instance *instance)
{
  struct instance_http *state = instance->http_state;

  if (state == NULL)
    return;
  instance->http_state = NULL;
  http_client_free (state->client);
  free (state);
}

int
instance_http_perform (void *context, struct ezcdc_instance *instance,
                       const struct ezcdc_http_request *request,
                       struct ezcdc_http_response *response,
                       struct error *error)
{
  struct instance_http *state = instance->http_state;

  (void) context;
  if (state == NULL)
    return error_set (error, EZCDC_E_UNSUPPORTED,
                      "the connector has not declared EZCDC_USES_HTTP");
  return http_client_perform (state->client, request, response, error);
}

int
instance_http_allow (void *context, struct ezcdc_instance *instance,
                     const char *host, uint32_t port, struct error *error)
{
  struct instance_http *state = instance->http_state;

  (void) context;
  if (state == NULL)
    return error_set (error, EZCDC_E_UNSUPPORTED,
                      "the connector has not declared EZCDC_USES_HTTP");
  return http_client_allow (state->client, host, port, error);
}

void
instance_http_scrub (void *context, struct ezcdc_instance *instance,
                     char *text)
{
  struct instance_http *state = instance->http_state;

  (void) context;
  if (state != NULL)
    http_client_scrub (state->client, text);
}
