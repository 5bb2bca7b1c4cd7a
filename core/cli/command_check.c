/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc check: would this pipeline run? */
#include <config.h>

#include <stddef.h>

#include "core/cli/command.h"
#include "core/keeper/keeper.h"

static int
run (int argc, char **argv)
{
  if (argc >= 2 && argv[1][0] == '-')
    return command_usage_error (&command_check, "unknown option %s", argv[1]);
  if (argc != 2)
    return command_usage_error (&command_check, "which file?");
  return keeper_command ("check", 1, argv + 1, argv[1]);
}

const struct command command_check = {
  .name = "check",
  .summary = "check a pipeline's configuration and both sides",
  .usage = "Usage: ezcdc check FILE\n"
           "\n"
           "Reads FILE, loads the connectors, connects to both sides and\n"
           "prints one line for each prerequisite: ok, fail, or fix (works,\n"
           "but should be mended), with the remedy.  Changes nothing.\n"
           "\n"
           "Exit codes: 0 nothing failed, 1 it could not be checked, 2 wrong\n"
           "usage or configuration, 3 something failed.\n",
  .run = run,
};
