/* SPDX-License-Identifier: Apache-2.0 */
/* What ssl_mode says, and what it gives away. */

#include <config.h>

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/tls/parts.h"

static const char *const mode_names[] = {
  [EZCDC_TLS_DISABLE] = "disable",     [EZCDC_TLS_ALLOW] = "allow",
  [EZCDC_TLS_PREFER] = "prefer",       [EZCDC_TLS_REQUIRE] = "require",
  [EZCDC_TLS_VERIFY_CA] = "verify-ca", [EZCDC_TLS_VERIFY_FULL] = "verify-full",
};

/* What each mode gives away, for the warning. */
static const char *const mode_weaknesses[] = {
  [EZCDC_TLS_DISABLE] = "rows and credentials cross the network in the clear",
  [EZCDC_TLS_ALLOW] = "whoever stands in between can switch TLS off",
  [EZCDC_TLS_PREFER] = "whoever stands in between can switch TLS off",
  [EZCDC_TLS_REQUIRE] = "whoever stands in between can pose as the server",
  [EZCDC_TLS_VERIFY_CA] =
    "every host with a certificate of the CA can pose as the server",
};

int
tls_mode_parse (const struct tls_settings *settings, uint32_t *ret_mode,
                struct error *error)
{
  for (uint32_t i = 0; i < sizeof mode_names / sizeof mode_names[0]; i++)
    if (strcmp (settings->mode, mode_names[i]) == 0) {
      *ret_mode = settings->enabled ? i : EZCDC_TLS_DISABLE;
      return EZCDC_OK;
    }
  return error_set (error, EZCDC_E_CONFIG,
                    "%s.ssl_mode: \"%s\" is none of disable, allow, prefer, "
                    "require, verify-ca, verify-full",
                    settings->section, settings->mode);
}

const char *
tls_mode_name (uint32_t mode)
{
  return mode_names[mode];
}

int
tls_mode_report (const struct tls_parameters *parameters, bool enabled,
                 struct error *error)
{
  const struct tls_services *services = parameters->services;
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  char message[300];
  int result;

  if (parameters->view.mode == EZCDC_TLS_VERIFY_FULL)
    return EZCDC_OK;
  json_object_begin (&json);
  json_member_text (&json, "option", enabled ? "ssl_mode" : "ssl_enabled");
  json_member_text (&json, "value",
                    enabled ? parameters->view.mode_name : "no");
  json_object_end (&json);
  if (detail.failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  result = services->audit (services->context, "tls.weakened", "success",
                            detail.data, error);
  if (result < 0)
    return result;
  snprintf (message, sizeof message,
            "%s.%s = %s: %s; use ssl_mode = "
            "verify-full where you can",
            parameters->section, enabled ? "ssl_mode" : "ssl_enabled",
            enabled ? parameters->view.mode_name : "no",
            mode_weaknesses[parameters->view.mode]);
  services->warn (services->context, message);
  return EZCDC_OK;
}
