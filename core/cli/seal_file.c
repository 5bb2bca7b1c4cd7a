/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file whose values are replaced by sealed ones. */

#include <config.h>

#include <string.h>

#include <ezcdc/connector.h>

#include "core/audit/log.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/cli/command.h"
#include "core/cli/seal_file.h"
#include "core/crypto/envelope.h"
#include "core/keeper/credentials.h"

int
seal_file_open (const char *path, const struct key_ring *ring,
                struct seal_file *file, struct error *error)
{
  file->ring = ring;
  int code = ini_edit_open (path, &file->edit, error);
  if (code == 0)
    code = pipeline_settings_read (file->edit.ini, &file->settings, error);
  return code;
}

void
seal_file_close (struct seal_file *file)
{
  ini_edit_close (&file->edit);
  pipeline_settings_free (&file->settings);
}

int
seal_file_set (struct seal_file *file, const struct ini_section *section,
               const char *name, const char *value, size_t length,
               struct error *error)
{
  CLEANUP_TEXT struct text owner = { 0 };
  CLEANUP_TEXT struct text sealed = { 0 };

  credential_owner (file->settings.name, section->name, &owner);
  int code = owner.failed
               ? error_set (error, EZCDC_E_MEMORY, "out of memory to seal")
               : envelope_seal (file->ring, owner.data, name, value, length,
                                &sealed, error);
  if (code == 0)
    code = ini_edit_set (&file->edit, section, name, sealed.data, error);
  return code == 0 ? 0 : error_prefix (error, "%s.%s", section->name, name);
}

/* ---- Records ----------------------------------------------------------- */

static void
describe_change (const struct seal_file *file, const struct ini_change *change,
                 const struct error *failure, struct text *detail)
{
  struct json json = { .text = detail };
  char id[KEY_ID_TEXT_SIZE];

  key_id_text (key_ring_id (file->ring, 0), id);
  json_object_begin (&json);
  json_member_text (&json, "file", file->edit.path);
  json_member_text (&json, "section", change->section->name);
  json_member_text (&json, "option", change->name);
  json_member_text (&json, "sealed_under", id);
  if (failure != NULL)
    json_member_text (&json, "reason", failure->text);
  json_object_end (&json);
}

/* One record; failure is why the file was not changed after all, or NULL. */
static int
write_record (const struct seal_file *file, struct audit_log *log,
              const char *action, const struct ini_change *change,
              const struct error *failure, struct error *error)
{
  CLEANUP_TEXT struct text resource = { 0 };
  CLEANUP_TEXT struct text detail = { 0 };
  struct audit_record record = {
    .action = action,
    .outcome = failure == NULL ? AUDIT_SUCCESS : AUDIT_FAILURE,
  };

  text_printf (&resource, "%s/%s.%s", file->settings.name,
               change->section->name, change->name);
  describe_change (file, change, failure, &detail);
  if (resource.failed || detail.failed)
    return error_set (error, EZCDC_E_MEMORY,
                      "out of memory for an audit record");
  record.resource_id = resource.data;
  record.detail = detail.data;
  return audit_log_write (log, &record, error);
}

static int
write_records (const struct seal_file *file, struct audit_log *log,
               const char *action, const struct error *failure,
               struct error *error)
{
  int code = 0;

  for (size_t i = 0; i < file->edit.count && code == 0; i++)
    code = write_record (file, log, action, &file->edit.changes[i], failure,
                         error);
  return code;
}

/* Takes back what the records have said. */
static void
record_failure (const struct seal_file *file, struct audit_log *log,
                const char *action, const struct error *failure)
{
  struct error error = { 0 };

  if (write_records (file, log, action, failure, &error) != 0)
    log_message (LEVEL_ERROR, "%s", error.text);
}

int
seal_file_commit (struct seal_file *file, const char *action,
                  struct error *error)
{
  int code = ini_edit_check (&file->edit, error);

  if (code != 0)
    return code;
  struct audit_log *log = pipeline_audit_open (&file->settings, file->ring,
                                               error);
  if (log == NULL)
    return error->code;
  code = write_records (file, log, action, NULL, error);
  if (code == 0) {
    code = ini_edit_commit (&file->edit, error);
    if (code != 0)
      record_failure (file, log, action, error);
  }
  audit_log_free (log);
  return code;
}

int
seal_exit_code (const struct error *error)
{
  return error->code == EZCDC_E_CONFIG || error->code == EZCDC_E_CREDENTIAL
           ? EXIT_USAGE
           : EXIT_RUN_FAILED;
}
