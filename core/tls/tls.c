/* SPDX-License-Identifier: Apache-2.0 */
/* TLS parameters: made from the options of a section, and what is behind their
 * paths exchanged when it is loaded anew.
 *
 *   option -> slot: read -> check -> sealed memfd -> /proc/self/fd/N
 */

#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/tls/parts.h"

/* libpq 15 has no "sslrootcert=system" and a connector must not guess, so the
 * distribution's bundle of trusted CAs is named by its path. */
static const char *
find_system_bundle (void)
{
  static const char *const paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",     /* Debian, Arch, Gentoo */
    "/etc/pki/tls/certs/ca-bundle.crt",       /* Fedora, RHEL */
    "/var/lib/ca-certificates/ca-bundle.pem", /* SUSE */
    "/etc/ssl/cert.pem",                      /* Alpine */
  };

  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    if (access (paths[i], R_OK) == 0)
      return paths[i];
  return NULL;
}

/* A descriptor's number stays what it is, so that its path does; the file
 * behind it is exchanged in one step. */
static int
exchange_descriptors (struct tls_parameters *parameters,
                      struct tls_loading *loading, struct error *error)
{
  for (int i = 0; i < SLOT_COUNT; i++) {
    struct slot *slot = &parameters->slots[i];
    int loaded = loading->descriptors[i];

    if (loaded < 0)
      continue;
    if (slot->descriptor < 0) {
      slot->descriptor = TAKE_DESCRIPTOR (loading->descriptors[i]);
      snprintf (slot->path, sizeof slot->path, "/proc/self/fd/%d",
                slot->descriptor);
    }
    else if (dup3 (loaded, slot->descriptor, O_CLOEXEC) < 0)
      return error_set (error, EZCDC_E_UNAVAILABLE,
                        "%s.%s: exchange the file in memory: %m",
                        parameters->section, tls_slot_facts[i].option);
  }
  return EZCDC_OK;
}

static const char *
slot_path (const struct tls_parameters *parameters, int slot)
{
  if (parameters->slots[slot].descriptor < 0)
    return NULL;
  return parameters->slots[slot].path;
}

static int
copy_string (const char *from, char **ret_copy, struct error *error)
{
  char *copy = strdup (from);

  if (copy == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  *ret_copy = copy;
  return EZCDC_OK;
}

static int
copy_settings (struct tls_parameters *parameters,
               const struct tls_settings *settings, struct error *error)
{
  const struct tls_pem *texts[SLOT_COUNT] = {
    [SLOT_ROOT_CERT] = &settings->root_cert,
    [SLOT_CLIENT_KEY] = &settings->client_key,
    [SLOT_CLIENT_CERT] = &settings->client_cert,
    [SLOT_CRL] = &settings->crl,
  };
  struct ezcdc_tls *view = &parameters->view;
  int result = copy_string (settings->section, &parameters->section, error);

  if (result == EZCDC_OK)
    result = tls_mode_parse (settings, &view->mode, error);
  if (result != EZCDC_OK)
    return result;
  view->size = sizeof *view;
  view->mode_name = tls_mode_name (view->mode);
  view->minimum_version = strcmp (settings->minimum_version, "TLSv1.3") == 0
                            ? "TLSv1.3"
                            : "TLSv1.2";
  if (view->mode == EZCDC_TLS_DISABLE)
    return EZCDC_OK;
  for (int i = 0; i < SLOT_COUNT && result == EZCDC_OK; i++) {
    parameters->slots[i].kind = texts[i]->kind;
    if (texts[i]->text != NULL)
      result = copy_string (texts[i]->text, &parameters->slots[i].text, error);
  }
  return result;
}

static int
choose_system_bundle (struct tls_parameters *parameters, struct error *error)
{
  if (parameters->view.mode < EZCDC_TLS_VERIFY_CA
      || parameters->slots[SLOT_ROOT_CERT].kind != OPTION_PEM_NONE)
    return EZCDC_OK;
  parameters->system_bundle = find_system_bundle ();
  if (parameters->system_bundle == NULL)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s.ssl_root_cert: not set, and this system has no "
                      "bundle of trusted CAs: install ca-certificates, or "
                      "name the CA's certificate",
                      parameters->section);
  return EZCDC_OK;
}

static int
load (struct tls_parameters *parameters, struct error *error)
{
  struct tls_loading loading = { .parameters = parameters };
  int result = tls_loading_run (&loading, error);

  if (result == EZCDC_OK)
    result = exchange_descriptors (parameters, &loading, error);
  tls_loading_clear (&loading);
  return result;
}

int
tls_parameters_load (const struct tls_settings *settings,
                     const struct tls_services *services,
                     struct tls_parameters **ret_parameters,
                     struct error *error)
{
  struct tls_parameters *parameters = calloc (1, sizeof *parameters);
  int result;

  if (parameters == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  parameters->services = services;
  parameters->expiry_days = settings->expiry_days;
  for (int i = 0; i < SLOT_COUNT; i++)
    parameters->slots[i].descriptor = -1;
  result = copy_settings (parameters, settings, error);
  if (result == EZCDC_OK)
    result = choose_system_bundle (parameters, error);
  if (result == EZCDC_OK)
    result = load (parameters, error);
  if (result == EZCDC_OK)
    result = tls_mode_report (parameters, settings->enabled, error);
  if (result != EZCDC_OK) {
    tls_parameters_free (parameters);
    return result;
  }
  parameters->view.root_cert = slot_path (parameters, SLOT_ROOT_CERT);
  if (parameters->view.root_cert == NULL)
    parameters->view.root_cert = parameters->system_bundle;
  parameters->view.client_cert = slot_path (parameters, SLOT_CLIENT_CERT);
  parameters->view.client_key = slot_path (parameters, SLOT_CLIENT_KEY);
  parameters->view.crl = slot_path (parameters, SLOT_CRL);
  *ret_parameters = parameters;
  return EZCDC_OK;
}

int
tls_parameters_reload (struct tls_parameters *parameters, struct error *error)
{
  int result = load (parameters, error);

  if (result == EZCDC_OK)
    parameters->generation++;
  return result;
}

const struct ezcdc_tls *
tls_parameters_view (const struct tls_parameters *parameters)
{
  return &parameters->view;
}

uint64_t
tls_parameters_generation (const struct tls_parameters *parameters)
{
  return parameters->generation;
}

void
tls_parameters_free (struct tls_parameters *parameters)
{
  if (parameters == NULL)
    return;
  for (int i = 0; i < SLOT_COUNT; i++) {
    if (parameters->slots[i].descriptor >= 0)
      close (parameters->slots[i].descriptor);
    free (parameters->slots[i].text);
  }
  free (parameters->section);
  free (parameters);
}
