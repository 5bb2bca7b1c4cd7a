/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's own records. */

#include <config.h>

#include <unistd.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/keeper/parts.h"

void
keeper_note (const struct keeper *keeper, const char *action,
             const char *outcome, const char *detail)
{
  struct error error = { 0 };

  if (service_audit (&keeper->service, action, outcome, detail, &error) != 0)
    log_message (LEVEL_ERROR, "%s", error.text);
}

int
keeper_audit_start (const struct keeper *keeper, struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };

  json_object_begin (&json);
  json_member_text (&json, "mode", keeper->mode);
  json_member_text (&json, "configuration", keeper->ini_path);
  json_member_text (&json, "version", PACKAGE_VERSION);
  json_member_int64 (&json, "process", getpid ());
  json_object_end (&json);
  return service_audit (&keeper->service,
                        keeper->is_run ? "pipeline.started" : "runner.started",
                        AUDIT_SUCCESS, text_string (&detail), error);
}

void
keeper_audit_exit (const struct keeper *keeper, const char *action,
                   const char *outcome, int exit_code)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };

  json_object_begin (&json);
  json_member_text (&json, "mode", keeper->mode);
  json_member_int64 (&json, "exit_code", exit_code);
  json_object_end (&json);
  keeper_note (keeper, action, outcome, text_string (&detail));
}
