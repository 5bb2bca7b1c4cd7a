/* SPDX-License-Identifier: Apache-2.0 */
/* Ties TLS parameters to an instance. */

#include <config.h>

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"
#include "core/plugin/options.h"
#include "core/tls/instance_tls.h"
#include "core/tls/tls.h"

struct instance_tls {
  struct tls_services services; /* its context is the instance */
  struct tls_parameters *parameters;
};

static int
open_sealed (void *context, const char *option, const char *reason,
             ezcdc_secret_function function, void *function_context,
             struct error *error)
{
  struct ezcdc_instance *instance = context;
  const struct instance_services *services = instance->services;

  if (services == NULL || services->secret_use == NULL)
    return error_set (error, EZCDC_E_UNSUPPORTED,
                      "nothing here can open a sealed value");
  return services->secret_use (services->context, instance, option, reason,
                               function, function_context, error);
}

static int
open_file (void *context, const char *option, int *ret_descriptor,
           struct error *error)
{
  struct ezcdc_instance *instance = context;
  const struct instance_services *services = instance->services;

  return services->open_file (services->context, instance, option,
                              ret_descriptor, error);
}

static int
make_file (void *context, int *ret_descriptor, struct error *error)
{
  struct ezcdc_instance *instance = context;
  const struct instance_services *services = instance->services;

  return services->make_file (services->context, ret_descriptor, error);
}

static int
audit (void *context, const char *action, const char *outcome,
       const char *detail, struct error *error)
{
  const struct ezcdc_instance *instance = context;
  const struct instance_services *services = instance->services;

  if (services == NULL || services->audit == NULL)
    return EZCDC_OK;
  return services->audit (services->context, action, instance->section,
                          outcome, detail, error);
}

static void
warn (void *context, const char *message)
{
  (void) context;
  log_message (LEVEL_WARNING, "%s", message);
}

static struct tls_pem
read_pem (const struct option_set *set, const char *name)
{
  struct tls_pem pem = { 0 };

  pem.kind = option_set_pem (set, name, &pem.text);
  return pem;
}

static bool
opens_files (const struct ezcdc_instance *instance)
{
  return instance->services != NULL && instance->services->open_file != NULL;
}

static bool
makes_files (const struct ezcdc_instance *instance)
{
  return instance->services != NULL && instance->services->make_file != NULL;
}

int
instance_tls_open (struct ezcdc_instance *instance, struct error *error)
{
  const struct option_set *set = instance->options;
  struct instance_tls *state;
  int result;

  if ((instance->connector->descriptor.capabilities & EZCDC_USES_TLS) == 0)
    return EZCDC_OK;
  state = calloc (1, sizeof *state);
  if (state == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  state->services = (struct tls_services){
    .open_sealed = open_sealed,
    .open_file = opens_files (instance) ? open_file : NULL,
    .make_file = makes_files (instance) ? make_file : NULL,
    .audit = audit,
    .warn = warn,
    .context = instance,
  };
  result = tls_parameters_load (
    &(struct tls_settings){
      .section = instance->section,
      .mode = option_set_string (set, "ssl_mode"),
      .enabled = option_set_boolean (set, "ssl_enabled"),
      .root_cert = read_pem (set, "ssl_root_cert"),
      .client_cert = read_pem (set, "ssl_client_cert"),
      .client_key = read_pem (set, "ssl_client_key"),
      .crl = read_pem (set, "ssl_crl"),
      .minimum_version = option_set_string (set, "ssl_min_version"),
      .expiry_days = option_set_integer (set, "ssl_expiry_days"),
    },
    &state->services, &state->parameters, error);
  if (result != EZCDC_OK) {
    free (state);
    return result;
  }
  instance->tls_state = state;
  instance->tls = tls_parameters_view (state->parameters);
  return EZCDC_OK;
}

static int
audit_rejection (struct ezcdc_instance *instance, const struct error *reason)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  struct error error = { 0 };

  json_object_begin (&json);
  json_member_text (&json, "reason", reason->text);
  json_object_end (&json);
  if (detail.failed)
    return EZCDC_E_MEMORY;
  return audit (instance, "tls.reload_rejected", "failure", detail.data,
                &error);
}

int
instance_tls_reload (struct ezcdc_instance *instance, struct error *error)
{
  struct instance_tls *state = instance->tls_state;
  int result;

  if (state == NULL)
    return EZCDC_OK;
  result = tls_parameters_reload (state->parameters, error);
  if (result == EZCDC_OK)
    return audit (instance, "tls.reloaded", "success", "{}", error);
  /* Nothing was changed, so nothing depends on this record. */
  (void) audit_rejection (instance, error);
  return result;
}

void
instance_tls_close (struct ezcdc_instance *instance)
{
  struct instance_tls *state = instance->tls_state;

  if (state == NULL)
    return;
  instance->tls = NULL;
  instance->tls_state = NULL;
  tls_parameters_free (state->parameters);
  free (state);
}

const struct tls_parameters *
instance_tls_parameters (const struct ezcdc_instance *instance)
{
  const struct instance_tls *state = instance->tls_state;

  return state == NULL ? NULL : state->parameters;
}
