/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the options: each text is read, checked, and put into a file
 * in memory. */

#include <config.h>

#include <unistd.h>

#include "core/base/memory.h"
#include "core/tls/memfd.h"
#include "core/tls/parts.h"

/* Puts the text into a file that has a path. */
static int
keep_text (struct tls_loading *loading, int slot, const struct text *text,
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
load_slot (struct tls_loading *loading, int slot, struct error *error)
{
  CLEANUP_TEXT_WIPE struct text text = { 0 };
  int result;

  if (loading->parameters->slots[slot].kind == OPTION_PEM_NONE)
    return EZCDC_OK;
  loading->option = tls_slot_facts[slot].option;
  result = tls_slot_read (loading->parameters, slot, &text, error);
  if (result == EZCDC_OK)
    result = tls_slot_check (loading, slot, &text, error);
  if (result == EZCDC_OK)
    result = keep_text (loading, slot, &text, error);
  if (result < 0)
    error_prefix (error, "%s.%s", loading->parameters->section,
                  loading->option);
  return result;
}

void
tls_loading_clear (struct tls_loading *loading)
{
  pem_certificates_free (loading->authorities);
  pem_certificates_free (loading->client_certificates);
  EVP_PKEY_free (loading->client_key);
  for (int i = 0; i < SLOT_COUNT; i++)
    if (loading->descriptors[i] >= 0)
      close (loading->descriptors[i]);
}

int
tls_loading_run (struct tls_loading *loading, struct error *error)
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
