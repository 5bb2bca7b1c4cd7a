/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: starts runners, answers them, ends with the last one.
 *
 *   take keys -> configuration -> ring -> every credential opens
 *     -> lock -> audit log -> runner -> [crashed: back-off -> runner ...]
 */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/base/log.h"
#include "core/cli/command.h"
#include "core/crypto/secret.h"
#include "core/keeper/harden.h"
#include "core/keeper/keeper.h"
#include "core/keeper/parts.h"

#define CATCH_UP_CRASHES 5

static void
warn_about_memory (void)
{
  if (secret_protection () == SECRET_UNLOCKED)
    log_message (LEVEL_WARNING,
                 "secrets cannot be locked in memory and may be swapped to "
                 "disk: raise RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=8M)");
}

/* Behind the last record, so that a log that is cut at rest is noticed. */
static void
finish_audit (struct keeper *keeper)
{
  struct error error = { 0 };

  if (audit_log_finish (keeper->audit, &error) != 0)
    log_message (LEVEL_ERROR, "%s", error.text);
}

int
keeper_command (const char *mode, int argc, char **argv, const char *ini_path)
{
  bool is_catch_up = strcmp (mode, "catch-up") == 0;
  struct keeper *keeper = calloc (1, sizeof *keeper);
  struct error error = { 0 };

  if (keeper == NULL) {
    log_message (LEVEL_ERROR, "out of memory for the keeper");
    return EXIT_RUN_FAILED;
  }
  harden_process ();
  keeper->mode = mode;
  keeper->argc = argc;
  keeper->argv = argv;
  keeper->ini_path = ini_path;
  keeper->is_run = is_catch_up || strcmp (mode, "run") == 0;
  keeper->patience = is_catch_up ? CATCH_UP_CRASHES : 0;
  keeper->lock = keeper->signals = keeper->service.socket = -1;
  keeper->service.lock = -1;
  watch_begin (&keeper->service.watch, NULL);
  int exit_code;
  if (keeper_prepare (keeper, &error) == 0) {
    warn_about_memory ();
    exit_code = keeper_supervise (keeper);
    finish_audit (keeper);
  }
  else {
    log_message (LEVEL_ERROR, "%s", error.text);
    exit_code = error.code == EZCDC_E_CONFIG ? EXIT_USAGE : EXIT_RUN_FAILED;
  }
  keeper_clear (keeper);
  free (keeper);
  return exit_code;
}
