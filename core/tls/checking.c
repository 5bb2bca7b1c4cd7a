/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the text of an option is what it should be, for how long, and goes
 * with the others. */

#include <config.h>

#include <stdio.h>

#include "core/base/json.h"
#include "core/tls/certificate.h"
#include "core/tls/parts.h"

static void
warn (void *context, const char *message)
{
  const struct tls_loading *loading = context;
  const struct tls_services *services = loading->parameters->services;
  char line[400];

  snprintf (line, sizeof line, "%s.%s: %s", loading->parameters->section,
            loading->option, message);
  services->warn (services->context, line);
}

/* The authorities that a revocation list is checked against. */
static int
need_authorities (struct tls_loading *loading, struct error *error)
{
  const char *bundle = loading->parameters->system_bundle;
  CLEANUP_TEXT struct text text = { 0 };
  int result;

  if (loading->authorities != NULL)
    return EZCDC_OK;
  if (bundle == NULL)
    return error_set (error, EZCDC_E_CONFIG,
                      "a revocation list needs ssl_root_cert beside it");
  result = tls_bundle_read (bundle, &text, error);
  if (result != EZCDC_OK)
    return result;
  return pem_certificates (text_string (&text), text.length, 0,
                           &loading->authorities, error);
}

/* A record of what will fail one day. Nothing depends on it. */
static void
audit_expiry (struct tls_loading *loading,
              const struct certificate *certificate)
{
  const struct tls_services *services = loading->parameters->services;
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  struct error error = { 0 };

  json_object_begin (&json);
  json_member_text (&json, "option", loading->option);
  json_member_text (&json, "fingerprint", certificate->fingerprint);
  json_member_text (&json, "expires", certificate->expires_text);
  json_object_end (&json);
  if (!detail.failed)
    (void) services->audit (services->context, "tls.expiring", "success",
                            detail.data, &error);
}

static void
report_validity (struct tls_loading *loading,
                 const STACK_OF (X509) * certificates)
{
  pem_warn_of_validity (certificates, loading->parameters->expiry_days, warn,
                        loading);
  for (int i = 0; i < sk_X509_num (certificates); i++) {
    struct certificate certificate;

    if (certificate_of (sk_X509_value (certificates, i), &certificate)
        && certificate_expires_within (&certificate,
                                       loading->parameters->expiry_days))
      audit_expiry (loading, &certificate);
  }
}

int
tls_slot_check (struct tls_loading *loading, int slot, const struct text *text,
                struct error *error)
{
  const char *data = text_string (text);
  int result = EZCDC_E_BUG;

  switch (slot) {
  case SLOT_ROOT_CERT:
    result = pem_certificates (data, text->length, 1, &loading->authorities,
                               error);
    if (result == EZCDC_OK)
      report_validity (loading, loading->authorities);
    return result;
  case SLOT_CLIENT_KEY:
    return pem_private_key (data, text->length, &loading->client_key, error);
  case SLOT_CLIENT_CERT:
    if (loading->client_key == NULL)
      return error_set (error, EZCDC_E_CONFIG,
                        "ssl_client_key is missing beside it");
    result = pem_client_certificates (data, text->length, loading->client_key,
                                      &loading->client_certificates, error);
    if (result == EZCDC_OK)
      report_validity (loading, loading->client_certificates);
    return result;
  case SLOT_CRL:
    result = need_authorities (loading, error);
    if (result == EZCDC_OK)
      result = pem_check_revocation_lists (
        data, text->length, loading->authorities, warn, loading, error);
    return result;
  }
  return error_set (error, EZCDC_E_BUG, "unknown slot");
}
