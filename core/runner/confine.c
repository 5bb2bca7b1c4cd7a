/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner gives up before it loads a connector. */

#include <config.h>

#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/keeper/harden.h"
#include "core/runner/calls.h"
#include "core/runner/confine.h"
#include "core/runner/privileges.h"

/* What there is to tell when all is done. */
struct findings {
  struct json json; /* the detail of the audit record, begun */
  bool is_less;     /* than it should be */
};

/* One part is missing. */
static void
find_less (struct findings *findings, const char *what, const char *why)
{
  findings->is_less = true;
  json_member_text (&findings->json, what, why);
  log_message (LEVEL_WARNING, "the runner is not confined as it should be: %s",
               why);
}

/* The listener is closed here before any other code could get hold of it.
 * Nothing here may open a file until the keeper has it. */
static int
restrict_calls (struct keeper_link *link, bool watch_files,
                struct findings *findings, struct error *error)
{
  CLEANUP_CLOSE int listener = -1;
  struct error reason = { 0 };
  const char *how = "filtered";
  int code = 0;

  if (calls_restrict (watch_files, &listener, &reason) != 0) {
    find_less (findings, "system_calls", reason.text);
    return 0;
  }
  if (listener >= 0) {
    bool sees_files;
    code = keeper_link_watch (link, listener, &sees_files, error);
    how = watch_files && sees_files ? "filtered, watched, with files"
                                    : "filtered, watched";
  }
  json_member_text (&findings->json, "system_calls", how);
  return code;
}

static void
restrict_reach (const struct config *config, struct reach *reach,
                struct findings *findings)
{
  const char *folder = option_set_string (config->pipeline, "connector_dir");
  const struct reach_places places = {
    .connector_dir = folder == NULL ? CONNECTORDIR : folder,
    .state_folder = config->state_folder,
    .ini = config->ini,
  };
  struct error reason = { 0 };

  if (reach_restrict (&places, reach, &reason) != 0)
    find_less (findings, "files", reason.text);
  else if (reach->abi == 0)
    find_less (findings, "files", "the kernel offers no Landlock");
  else
    json_member_int64 (&findings->json, "landlock", reach->abi);
}

/* Unlike the others it cannot be left out: nothing here needs to be root, and
 * what is made here belongs to who owns the pipeline. */
static int
drop_privileges (const struct config *config, struct findings *findings,
                 struct error *error)
{
  if (privileges_drop (config->state_folder, error) != 0)
    return error->code;
  json_member_int64 (&findings->json, "user", geteuid ());
  if (geteuid () == 0)
    log_message (LEVEL_INFO,
                 "the runner is root's, without capabilities; it takes "
                 "another user if that one owns %s",
                 config->state_folder);
  return 0;
}

static int
confine_all (struct keeper_link *link, const struct config *config,
             struct confinement *confinement, struct findings *findings,
             struct error *error)
{
  if (option_set_boolean (config->pipeline, "confine")) {
    /* In this order, as the filter allows no more of what is done here. */
    restrict_reach (config, &confinement->reach, findings);
    if (drop_privileges (config, findings, error) != 0)
      return error->code;
    /* Without Landlock no file is refused. */
    return restrict_calls (link, confinement->reach.abi > 0, findings, error);
  }
  find_less (findings, "configuration",
             "confine = no stands in the configuration");
  return drop_privileges (config, findings, error);
}

int
confine (struct keeper_link *link, const struct config *config,
         struct confinement *ret_confinement, struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct findings findings = { .json = { .text = &detail } };

  *ret_confinement = (struct confinement){ 0 };
  json_object_begin (&findings.json);
  if (confine_all (link, config, ret_confinement, &findings, error) != 0)
    return error_prefix (error, "confine the runner");
  json_object_end (&findings.json);
  if (detail.failed)
    return error_set (error, EZCDC_E_MEMORY, "confine: out of memory");
  return keeper_link_audit (
    link, findings.is_less ? "runner.unconfined" : "runner.confined",
    config->name, findings.is_less ? "failure" : "success",
    text_string (&detail), error);
}

/* A command's process, which is nobody's runner. */
static int
confine_command (const struct reach_places *places, struct error *error)
{
  CLEANUP_CLOSE int listener = -1;
  struct reach reach;
  struct error reason = { 0 };

  /* Without new privileges, or only root could do what follows. */
  harden_process ();
  if (reach_restrict (places, &reach, &reason) != 0)
    log_message (LEVEL_DEBUG, "not confined as it should be: %s", reason.text);
  if (privileges_drop (places->state_folder, error) != 0)
    return error->code;
  if (calls_restrict (false, &listener, &reason) != 0)
    log_message (LEVEL_DEBUG, "not confined as it should be: %s", reason.text);
  return 0;
}

void
confine_loading (const char *connector_dir, const char *connector)
{
  const struct reach_places places = {
    .connector_dir = connector_dir,
    .connector = connector,
  };
  struct error error = { 0 };

  if (confine_command (&places, &error) != 0)
    log_message (LEVEL_DEBUG, "not confined as it should be: %s", error.text);
}

int
confine_reading (const char *state_folder, struct error *error)
{
  const struct reach_places places = { .state_folder = state_folder };

  return confine_command (&places, error);
}

const char *
confinement_outdated (const struct confinement *confinement)
{
  return reach_replaced (&confinement->reach);
}
