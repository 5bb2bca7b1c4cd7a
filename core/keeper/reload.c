/* SPDX-License-Identifier: Apache-2.0 */
/* New keys and a new configuration, on SIGHUP. */

#include <config.h>

#include <stddef.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/keeper/credentials.h"
#include "core/keeper/parts.h"

static void
describe_ring (const struct key_ring *ring, struct text *detail)
{
  struct json json = { .text = detail };
  char id[KEY_ID_TEXT_SIZE];

  json_object_begin (&json);
  json_key (&json, "key_ids");
  json_array_begin (&json);
  for (size_t i = 0; i < key_ring_count (ring); i++) {
    key_id_text (key_ring_id (ring, i), id);
    json_text (&json, id);
  }
  json_array_end (&json);
  json_object_end (&json);
}

static int
audit_reload (const struct keeper *keeper, const struct key_ring *ring,
              struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };

  describe_ring (ring, &detail);
  return service_audit (&keeper->service, "key.reloaded", AUDIT_SUCCESS,
                        text_string (&detail), error);
}

/* ---- What the run goes on with ------------------------------------------ */

static int
check_name (const struct keeper *keeper, const struct ini *ini,
            struct error *error)
{
  struct pipeline_settings settings = { 0 };
  int code = pipeline_settings_read (ini, &settings, error);

  if (code == 0 && strcmp (settings.name, keeper->settings.name) != 0)
    code = ini_error (error, ini, "pipeline", "name", 0,
                      "it is %s now, and the run is of %s; a run does not "
                      "become another pipeline's",
                      settings.name, keeper->settings.name);
  pipeline_settings_free (&settings);
  return code;
}

/* The value may have been left in the clear: nothing of it is repeated. */
static int
check_value (const struct ini *ini, const struct ini_section *section,
             const struct ini_key *former, struct error *error)
{
  const struct ini_key *key = ini_get (ini, section->name, former->name);

  if (key != NULL && envelope_is_sealed (key->value))
    return 0;
  return ini_error (error, ini, section->name, former->name,
                    key == NULL ? 0 : key->line,
                    "the run uses the sealed value that stood here, and there "
                    "is none any more; \"ezcdc seal --set %s.%s\" puts one "
                    "here, or restart the run",
                    section->name, former->name);
}

/* The runner has read the former file, and asks for its sealed values when it
 * connects again. They may be other values, but must be there: the file may be
 * in the middle of being written. */
static int
check_file (const struct keeper *keeper, const struct ini *ini,
            struct error *error)
{
  int code = check_name (keeper, ini, error);

  for (const struct ini_section *section = ini_sections (keeper->ini);
       section != NULL; section = section->next)
    for (const struct ini_key *key = section->keys; key != NULL && code == 0;
         key = key->next)
      if (envelope_is_sealed (key->value))
        code = check_value (ini, section, key, error);
  return code;
}

/* Makes the record of the reload. The chain stays under its key until that is
 * there, so that the former ring can go on with it if it cannot be made. */
static int
record_reload (const struct keeper *keeper, const struct key_ring *ring,
               struct error *error)
{
  int code = audit_log_bridge (keeper->audit, ring, error);

  if (code != 0)
    return code;
  code = audit_reload (keeper, ring, error);
  if (code != 0)
    (void) audit_log_bridge (keeper->audit, keeper->ring, NULL);
  return code;
}

/* The chain goes over to the new primary key; if not now, then with the next
 * start: either key can go on with it. */
static void
rekey_log (const struct keeper *keeper)
{
  struct error error = { 0 };

  if (audit_log_rekey (keeper->audit, keeper->ring, &error) != 0)
    log_message (LEVEL_WARNING,
                 "the audit log stays under its former key until the next "
                 "start: %s",
                 error.text);
}

/* Puts a new ring and configuration to use, if the run can go on with them,
 * every credential opens, the audit log can go on, and there is a record of it.
 * They are taken over on success only. */
static int
adopt (struct keeper *keeper, struct ini *ini, struct key_ring *ring,
       struct error *error)
{
  enum envelope_fault fault;
  int code = check_file (keeper, ini, error);

  if (code == 0)
    code = credentials_check (ini, keeper->settings.name, ring, &fault, error);
  if (code == 0)
    code = record_reload (keeper, ring, error);
  if (code != 0)
    return code;
  ini_free (keeper->ini);
  key_ring_free (keeper->ring);
  keeper->ini = ini;
  keeper->ring = ring;
  keeper->service.ini = ini;
  keeper->service.ring = ring;
  rekey_log (keeper);
  return 0;
}

static int
reload (struct keeper *keeper, struct error *error)
{
  struct ini *ini = NULL;
  struct key_ring *ring = key_source_load (keeper->source, error);
  int code = ring == NULL ? EZCDC_E_CONFIG
                          : ini_load (keeper->ini_path, &ini, error);

  if (code == 0)
    code = adopt (keeper, ini, ring, error);
  if (code != 0) {
    key_ring_free (ring);
    ini_free (ini);
  }
  return code;
}

void
keeper_reload (struct keeper *keeper)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  struct error error = { 0 };

  if (reload (keeper, &error) == 0) {
    log_message (LEVEL_INFO, "keys and configuration were read anew");
    return;
  }
  log_message (LEVEL_ERROR,
               "the keys are not reloaded, the former ones stay: %s",
               error.text);
  json_object_begin (&json);
  json_member_text (&json, "reason", error.text);
  json_object_end (&json);
  keeper_note (keeper, "key.reload_rejected", AUDIT_FAILURE,
               text_string (&detail));
}
