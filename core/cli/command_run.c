/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc run: the pipeline, in the foreground. */
#include <config.h>

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/cli/command.h"
#include "core/keeper/keeper.h"

static int
run (int argc, char **argv)
{
  bool until_caught_up = false;
  char *file = NULL;

  for (int i = 1; i < argc; i++) {
    if (strcmp (argv[i], "--until-caught-up") == 0)
      until_caught_up = true;
    else if (argv[i][0] == '-')
      return command_usage_error (&command_run, "unknown option %s", argv[i]);
    else if (file != NULL)
      return command_usage_error (&command_run, "one file, not several");
    else
      file = argv[i];
  }
  if (file == NULL)
    return command_usage_error (&command_run, "which file?");
  return keeper_command (until_caught_up ? "catch-up" : "run", 1, &file, file);
}

const struct command command_run = {
  .name = "run",
  .summary = "run a pipeline in the foreground",
  .usage = "Usage: ezcdc run [--until-caught-up] FILE\n"
           "\n"
           "Runs the pipeline that FILE describes until SIGTERM or SIGINT;\n"
           "what was read is written before it ends.  SIGHUP reads keys and\n"
           "certificates again.\n"
           "\n"
           "Options:\n"
           "  --until-caught-up  end when everything up to the source's\n"
           "                     position at the start is durable in the\n"
           "                     sink and confirmed to the source\n"
           "\n"
           "Exit codes: 0 ended as asked, 1 failed, 2 wrong usage or\n"
           "configuration.\n",
  .is_silent = true,
  .run = run,
};
