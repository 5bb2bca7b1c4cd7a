/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed values of a configuration file. */

#include <config.h>

#include <string.h>

#include <ezcdc/connector.h>

#include "core/base/names.h"
#include "core/keeper/credentials.h"

bool
section_has_credentials (const struct ini_section *section)
{
  return strcmp (section->name, "source") == 0
         || strcmp (section->name, "sink") == 0;
}

void
credential_owner (const char *pipeline, const char *section, struct text *text)
{
  text_printf (text, "%s/%s", pipeline, section);
}

enum envelope_fault
credential_open (const struct key_ring *ring, const char *pipeline,
                 const struct ini_section *section, const struct ini_key *key,
                 struct opened_value *ret_value)
{
  CLEANUP_TEXT struct text owner = { 0 };

  credential_owner (pipeline, section->name, &owner);
  if (owner.failed)
    return ENVELOPE_RESOURCES;
  return envelope_open (ring, key->value, owner.data, key->name, ret_value);
}

int
credential_error (struct error *error, const struct ini *ini,
                  const struct ini_section *section, const struct ini_key *key,
                  const struct key_ring *ring, enum envelope_fault fault)
{
  unsigned char id[KEY_ID_SIZE];
  char expected[KEY_ID_TEXT_SIZE];
  char given[KEY_ID_TEXT_SIZE];

  if (fault != ENVELOPE_KEY || envelope_key_id (key->value, id) != 0)
    return ini_error (error, ini, section->name, key->name, key->line,
                      "credential_unreadable: %s; \"ezcdc seal --set %s.%s\" "
                      "seals it anew",
                      envelope_fault_text (fault), section->name, key->name);
  key_id_text (id, expected);
  key_id_text (key_ring_id (ring, 0), given);
  return ini_error (error, ini, section->name, key->name, key->line,
                    "credential_unreadable: it is sealed under the key with "
                    "id %s, and the key given has id %s; give the right key, "
                    "or that one as an old key",
                    expected, given);
}

/* A sealed value where there are none. */
static int
fail_misplaced (const struct ini *ini, const struct ini_section *section,
                const struct ini_key *key, struct error *error)
{
  static const char *const known[] = { "source", "sink" };
  const char *nearest = nearest_name (section->kind, known, 2);

  if (nearest != NULL)
    return ini_error (error, ini, section->name, NULL, section->line,
                      "unknown section, did you mean [%s]?", nearest);
  return ini_error (error, ini, section->name, key->name, key->line,
                    "a sealed value belongs into [source] or [sink]");
}

static int
check_key (const struct ini *ini, const char *pipeline,
           const struct key_ring *ring, const struct ini_section *section,
           const struct ini_key *key, enum envelope_fault *ret_fault,
           struct error *error)
{
  CLEANUP_OPENED struct opened_value value = { 0 };

  if (!envelope_is_sealed (key->value))
    return 0;
  if (!section_has_credentials (section))
    return fail_misplaced (ini, section, key, error);
  enum envelope_fault fault = credential_open (ring, pipeline, section, key,
                                               &value);
  if (fault == ENVELOPE_FINE)
    return 0;
  *ret_fault = fault;
  return credential_error (error, ini, section, key, ring, fault);
}

int
credentials_check (const struct ini *ini, const char *pipeline,
                   const struct key_ring *ring, enum envelope_fault *ret_fault,
                   struct error *error)
{
  *ret_fault = ENVELOPE_FINE;
  for (const struct ini_section *section = ini_sections (ini); section != NULL;
       section = section->next)
    for (const struct ini_key *key = section->keys; key != NULL;
         key = key->next) {
      int code = check_key (ini, pipeline, ring, section, key, ret_fault,
                            error);
      if (code != 0)
        return code;
    }
  return 0;
}
