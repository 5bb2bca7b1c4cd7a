/* SPDX-License-Identifier: Apache-2.0 */
/* TLS parameters: reads what the options name, checks it, and keeps it behind
 * paths.
 *
 *   option -> slot: read -> check -> sealed memfd -> /proc/self/fd/N
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/memory.h"
#include "core/base/print.h"
#include "core/base/text.h"
#include "core/tls/certificate.h"
#include "core/tls/memfd.h"
#include "core/tls/pem.h"
#include "core/tls/tls.h"

/* The texts behind the options, in the order in which they are checked. */
enum {
  SLOT_ROOT_CERT,
  SLOT_CLIENT_KEY,
  SLOT_CLIENT_CERT,
  SLOT_CRL,
  SLOT_COUNT,
};

static const struct {
  const char *option;
  size_t limit; /* bytes of a text */
} slot_facts[SLOT_COUNT] = {
  [SLOT_ROOT_CERT] = { "ssl_root_cert", 768 * 1024 },
  [SLOT_CLIENT_KEY] = { "ssl_client_key", 64 * 1024 },
  [SLOT_CLIENT_CERT] = { "ssl_client_cert", 256 * 1024 },
  [SLOT_CRL] = { "ssl_crl", 8 * 1024 * 1024 },
};

struct slot {
  enum option_pem kind;
  char *text;     /* owned; the path or the PEM text of the option */
  int descriptor; /* memfd, -1 if there is none */
  char path[32];  /* of the memfd */
};

struct tls_parameters {
  struct ezcdc_tls view; /* points into this structure and to constants */
  const struct tls_services *services;
  char *section; /* owned */
  struct slot slots[SLOT_COUNT];
  const char *system_bundle; /* constant; NULL if it is not used */
  int64_t expiry_days;
  _Atomic uint64_t generation;
};

/* One pass of reading and checking, before any of it is put to use. */
struct loading {
  const struct tls_parameters *parameters;
  const char *option; /* that is being checked, for warnings */
  STACK_OF (X509) * authorities;
  STACK_OF (X509) * client_certificates;
  EVP_PKEY *client_key;
  int descriptors[SLOT_COUNT]; /* -1: no text */
};

/* ------------------------------------------------------------------ modes */

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

static int
parse_mode (const struct tls_settings *settings, uint32_t *ret_mode,
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

static int
report_weakness (const struct tls_parameters *parameters, bool enabled,
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

/* ---------------------------------------------------------- system bundle */

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

/* ---------------------------------------------------------------- reading */

/* A key that others can read is no key; the same rule as libpq's. */
static int
check_key_mode (const char *path, const struct stat *status,
                struct error *error)
{
  mode_t forbidden = status->st_uid == 0 ? S_IRWXO | S_IWGRP | S_IXGRP
                                         : S_IRWXG | S_IRWXO;

  if (status->st_uid != 0 && status->st_uid != geteuid ())
    return error_set (error, EZCDC_E_CONFIG,
                      "%s belongs to neither root nor the user of this "
                      "process",
                      path);
  if ((status->st_mode & forbidden) != 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s can be read by others: chmod 0600 %s", path, path);
  return EZCDC_OK;
}

static int
open_file (const char *path, int *ret_descriptor, struct error *error)
{
  *ret_descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (*ret_descriptor < 0)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m",
                      print_given (path));
  return EZCDC_OK;
}

static int
open_slot (const struct tls_parameters *parameters, int slot,
           int *ret_descriptor, struct error *error)
{
  const struct tls_services *services = parameters->services;

  if (services->open_file == NULL)
    return open_file (parameters->slots[slot].text, ret_descriptor, error);
  return services->open_file (services->context, slot_facts[slot].option,
                              ret_descriptor, error);
}

/* The whole file into text, which is grown once: it may be a key. */
static int
read_file (int descriptor, const char *path, int slot, struct text *text,
           struct error *error)
{
  size_t limit = slot_facts[slot].limit;
  struct stat status;
  size_t length = 0;
  ssize_t got;

  if (fstat (descriptor, &status) < 0)
    return error_set (error, EZCDC_E_CONFIG, "look at %s: %m", path);
  if (!S_ISREG (status.st_mode))
    return error_set (error, EZCDC_E_CONFIG, "%s is not a regular file", path);
  if (status.st_size > (off_t) limit)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s is larger than the %zu KiB that are allowed", path,
                      limit / 1024);
  if (slot == SLOT_CLIENT_KEY
      && check_key_mode (path, &status, error) != EZCDC_OK)
    return error->code;
  text_reserve (text, (size_t) status.st_size + 1);
  if (text->failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  while (length <= (size_t) status.st_size
         && (got = read (descriptor, text->data + length,
                         (size_t) status.st_size + 1 - length))
              != 0) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error_set (error, EZCDC_E_CONFIG, "read %s: %m", path);
    length += (size_t) got;
  }
  if (length > (size_t) status.st_size)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "%s changed while it was read", path);
  text->length = length;
  text->data[length] = '\0';
  return EZCDC_OK;
}

/* Line breaks that were written as \n when the value was sealed from one line
 * of an INI file; only where a text has no real ones. */
static void
restore_line_breaks (struct text *text)
{
  size_t to = 0;

  if (memchr (text->data, '\n', text->length) != NULL)
    return;
  for (size_t from = 0; from < text->length; from++) {
    if (text->data[from] == '\\' && from + 1 < text->length
        && text->data[from + 1] == 'n') {
      text->data[to++] = '\n';
      from++;
    }
    else
      text->data[to++] = text->data[from];
  }
  text->length = to;
  text->data[to] = '\0';
}

static int
copy_secret (void *context, const char *data, size_t length)
{
  struct text *text = context;

  text_reserve (text, length + 1);
  text_append (text, data, length);
  return text->failed ? EZCDC_E_MEMORY : EZCDC_OK;
}

static int
read_sealed (const struct tls_parameters *parameters, int slot,
             struct text *text, struct error *error)
{
  const struct tls_services *services = parameters->services;
  int result = services->open_sealed (services->context,
                                      slot_facts[slot].option, "load TLS",
                                      copy_secret, text, error);

  if (result < 0 && text->failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  if (result < 0)
    return result;
  if (text->length > slot_facts[slot].limit)
    return error_set (error, EZCDC_E_CONFIG,
                      "larger than the %zu KiB that are allowed",
                      slot_facts[slot].limit / 1024);
  if (text->length > 0)
    restore_line_breaks (text);
  return EZCDC_OK;
}

static int
read_slot (const struct tls_parameters *parameters, int slot,
           struct text *text, struct error *error)
{
  const struct slot *from = &parameters->slots[slot];
  CLEANUP_CLOSE int descriptor = -1;

  switch (from->kind) {
  case OPTION_PEM_NONE:
    return EZCDC_OK;
  case OPTION_PEM_PATH:
    if (open_slot (parameters, slot, &descriptor, error) != EZCDC_OK)
      return error->code;
    return read_file (descriptor, from->text, slot, text, error);
  case OPTION_PEM_INLINE:
    if (slot == SLOT_CLIENT_KEY)
      return error_set (error, EZCDC_E_CONFIG,
                        "a private key in the clear: seal it with \"ezcdc "
                        "seal\", or give the path of a file");
    text_append_string (text, from->text);
    return text->failed ? error_set (error, EZCDC_E_MEMORY, "out of memory")
                        : EZCDC_OK;
  case OPTION_PEM_SEALED:
    return read_sealed (parameters, slot, text, error);
  }
  return error_set (error, EZCDC_E_BUG, "unknown kind of value %d",
                    (int) from->kind);
}

/* --------------------------------------------------------------- checking */

static void
warn (void *context, const char *message)
{
  const struct loading *loading = context;
  const struct tls_services *services = loading->parameters->services;
  char line[400];

  snprintf (line, sizeof line, "%s.%s: %s", loading->parameters->section,
            loading->option, message);
  services->warn (services->context, line);
}

/* The authorities that a revocation list is checked against. */
static int
need_authorities (struct loading *loading, struct error *error)
{
  const char *bundle = loading->parameters->system_bundle;
  CLEANUP_TEXT struct text text = { 0 };
  CLEANUP_CLOSE int descriptor = -1;
  int result;

  if (loading->authorities != NULL)
    return EZCDC_OK;
  if (bundle == NULL)
    return error_set (error, EZCDC_E_CONFIG,
                      "a revocation list needs ssl_root_cert beside it");
  result = open_file (bundle, &descriptor, error);
  if (result == EZCDC_OK)
    result = read_file (descriptor, bundle, SLOT_ROOT_CERT, &text, error);
  if (result != EZCDC_OK)
    return result;
  return pem_certificates (text_string (&text), text.length, 0,
                           &loading->authorities, error);
}

/* A record of what will fail one day. Nothing depends on it. */
static void
audit_expiry (struct loading *loading, const struct certificate *certificate)
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
report_validity (struct loading *loading, const STACK_OF (X509) * certificates)
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

static int
check_slot (struct loading *loading, int slot, const struct text *text,
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

/* ---------------------------------------------------------------- loading */

/* Puts the text behind a path. */
static int
keep_text (struct loading *loading, int slot, const struct text *text,
           struct error *error)
{
  const struct tls_services *services = loading->parameters->services;
  CLEANUP_CLOSE int descriptor = -1;
  int result = services->make_file == NULL
                 ? memfd_create_private (loading->option, &descriptor, error)
                 : services->make_file (services->context, &descriptor, error);

  if (result < 0)
    return result;
  return memfd_fill_sealed (descriptor, loading->option, text_string (text),
                            text->length, &loading->descriptors[slot], error);
}

static int
load_slot (struct loading *loading, int slot, struct error *error)
{
  CLEANUP_TEXT_WIPE struct text text = { 0 };
  int result;

  if (loading->parameters->slots[slot].kind == OPTION_PEM_NONE)
    return EZCDC_OK;
  loading->option = slot_facts[slot].option;
  result = read_slot (loading->parameters, slot, &text, error);
  if (result == EZCDC_OK)
    result = check_slot (loading, slot, &text, error);
  if (result == EZCDC_OK)
    result = keep_text (loading, slot, &text, error);
  if (result < 0)
    error_prefix (error, "%s.%s", loading->parameters->section,
                  loading->option);
  return result;
}

static void
loading_clear (struct loading *loading)
{
  pem_certificates_free (loading->authorities);
  pem_certificates_free (loading->client_certificates);
  EVP_PKEY_free (loading->client_key);
  for (int i = 0; i < SLOT_COUNT; i++)
    if (loading->descriptors[i] >= 0)
      close (loading->descriptors[i]);
}

static int
load_all (struct loading *loading, struct error *error)
{
  const struct tls_parameters *parameters = loading->parameters;
  int result = EZCDC_OK;

  for (int i = 0; i < SLOT_COUNT; i++)
    loading->descriptors[i] = -1;
  for (int i = 0; i < SLOT_COUNT && result == EZCDC_OK; i++)
    result = load_slot (loading, i, error);
  if (result == EZCDC_OK && loading->client_key != NULL
      && loading->client_certificates == NULL)
    result = error_set (error, EZCDC_E_CONFIG,
                        "%s.ssl_client_key: ssl_client_cert is missing "
                        "beside it",
                        parameters->section);
  return result;
}

/* A descriptor's number stays what it is, so that its path does; the file
 * behind it is exchanged in one step. */
static int
exchange_descriptors (struct tls_parameters *parameters,
                      struct loading *loading, struct error *error)
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
                        parameters->section, slot_facts[i].option);
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
    result = parse_mode (settings, &view->mode, error);
  if (result != EZCDC_OK)
    return result;
  view->size = sizeof *view;
  view->mode_name = mode_names[view->mode];
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
  struct loading loading = { .parameters = parameters };
  int result = load_all (&loading, error);

  if (result == EZCDC_OK)
    result = exchange_descriptors (parameters, &loading, error);
  loading_clear (&loading);
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
    result = report_weakness (parameters, settings->enabled, error);
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
