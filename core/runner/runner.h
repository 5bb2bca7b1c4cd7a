/* SPDX-License-Identifier: Apache-2.0 */
/* What the runner process does, by mode. */
#ifndef EZCDC_RUNNER_RUNNER_H
#define EZCDC_RUNNER_RUNNER_H

#include <stdbool.h>

#include "core/keeper/link.h"

/* Exit codes of the runner; the keeper passes 0 to 3 on. */
enum {
  RUNNER_DONE = 0,
  RUNNER_FAILED = 1,
  RUNNER_CONFIG = 2,
  RUNNER_FOUND = 3,
};

/* The exit code for an error before the work begins: it failed, it is wrong,
 * or, if it may be gone in a moment, another runner is to try it. */
int runner_exit_code (const struct error *error) __attribute__ ((nonnull));

/* The entry point of the runner (see core/keeper/keeper.h). Modes "run",
 * "catch-up", "check" and "verify"; argv[0] is the INI file, "--json" may
 * follow. */
int runner_main (const char *mode, int argc, char **argv,
                 int keeper_descriptor);

/* The modes; each returns an exit code and has logged what went wrong. */
int runner_run (struct keeper_link *link, const char *path,
                bool until_caught_up);
int runner_check (struct keeper_link *link, const char *path);
int runner_verify (struct keeper_link *link, const char *path, bool json);

#endif
