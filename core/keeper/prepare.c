/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper needs before it starts a runner. */

#include <config.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/cli/command.h"
#include "core/base/memory.h"
#include "core/keeper/credentials.h"
#include "core/keeper/guard.h"
#include "core/keeper/parts.h"
#include "core/keeper/run_lock.h"
#include "core/runner/reach.h"

/* A record of a key that does not fit, if the log can be gone on with under
 * the keys that were given; never a new log under a wrong key. */
static void
note_mismatch (struct keeper *keeper)
{
  if (access (keeper->settings.audit_log, F_OK) != 0)
    return;
  keeper->audit = pipeline_audit_enter (&keeper->settings, keeper->ring, NULL);
  keeper->service.audit = keeper->audit;
  if (keeper->audit != NULL)
    keeper_audit_exit (keeper, "key.mismatched", AUDIT_FAILURE, EXIT_USAGE);
}

static int
check_credentials (struct keeper *keeper, struct error *error)
{
  enum envelope_fault fault;
  int code = credentials_check (keeper->ini, keeper->settings.name,
                                keeper->ring, &fault, error);

  if (fault == ENVELOPE_KEY)
    note_mismatch (keeper);
  return code;
}

/* For a run: takes the lock, and the log goes over to the primary key. */
static int
claim_pipeline (struct keeper *keeper, struct error *error)
{
  int code = pipeline_folders_make (&keeper->settings, error);

  if (code == 0)
    code = run_lock_take (keeper->settings.folder, &keeper->lock, error);
  if (code != 0)
    return code;
  keeper->service.lock = keeper->lock;
  keeper->audit = pipeline_audit_enter (&keeper->settings, keeper->ring,
                                        error);
  if (keeper->audit == NULL)
    return error->code;
  code = audit_log_rekey (keeper->audit, keeper->ring, error);
  return code == 0 ? audit_log_ratchet (keeper->audit, error) : code;
}

static int
visit_pipeline (struct keeper *keeper, struct error *error)
{
  keeper->audit = pipeline_audit_open (&keeper->settings, keeper->ring, error);
  return keeper->audit == NULL ? error->code : 0;
}

/* A look at the name alone would stand between a connector and such a file. */
static int
check_key_places (const struct keeper *keeper, struct error *error)
{
  const char *paths[KEY_SOURCE_FILES];
  size_t length = strlen (keeper->settings.folder);

  key_source_files (keeper->source, paths);
  for (size_t i = 0; i < KEY_SOURCE_FILES; i++) {
    CLEANUP_FREE char *path = paths[i] == NULL ? NULL
                                               : realpath (paths[i], NULL);

    if (path != NULL
        && (reach_covers (path)
            || (strncmp (path, keeper->settings.folder, length) == 0
                && path[length] == '/')))
      return error_set (error, EZCDC_E_CONFIG,
                        "%s: connectors can read files there; move the key to "
                        "another place, such as /etc/ezcdc",
                        paths[i]);
  }
  return 0;
}

/* Reads and checks everything; nothing has been started when it fails. */
int
keeper_prepare (struct keeper *keeper, struct error *error)
{
  keeper->source = key_source_take (error);
  if (keeper->source == NULL)
    return error->code;
  int code = ini_load (keeper->ini_path, &keeper->ini, error);
  if (code == 0)
    code = pipeline_settings_read (keeper->ini, &keeper->settings, error);
  if (code != 0)
    return code;
  keeper->ring = key_source_load (keeper->source, error);
  if (keeper->ring == NULL)
    return error->code;
  keeper->service.settings = &keeper->settings;
  keeper->service.trouble = &keeper->trouble;
  keeper->service.budget = &keeper->budget;
  keeper->service.ini = keeper->ini;
  keeper->service.ring = keeper->ring;
  code = check_key_places (keeper, error);
  if (code == 0)
    code = check_credentials (keeper, error);
  if (code == 0)
    code = keeper->is_run ? claim_pipeline (keeper, error)
                          : visit_pipeline (keeper, error);
  if (code != 0)
    return code;
  keeper->service.audit = keeper->audit;
  keeper->guard = guard_new (&keeper->settings, keeper->ini_path,
                             keeper->source, error);
  if (keeper->guard == NULL)
    return error->code;
  return keeper_catch_signals (keeper, error);
}

void
keeper_clear (struct keeper *keeper)
{
  audit_log_free (keeper->audit);
  key_ring_free (keeper->ring);
  key_source_free (keeper->source);
  ini_free (keeper->ini);
  guard_free (keeper->guard);
  pipeline_settings_free (&keeper->settings);
  if (keeper->signals >= 0)
    close (keeper->signals);
  if (keeper->lock >= 0)
    close (keeper->lock);
}
