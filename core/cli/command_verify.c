/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc verify: are source and target equal? */
#include <config.h>

#include <stddef.h>
#include <string.h>

#include "core/cli/command.h"
#include "core/keeper/keeper.h"

static int
run (int argc, char **argv)
{
  char *arguments[3] = { NULL, NULL, NULL };
  int count = 1;

  for (int i = 1; i < argc; i++) {
    if (strcmp (argv[i], "--json") == 0) {
      arguments[1] = argv[i];
      count = 2;
    }
    else if (argv[i][0] == '-')
      return command_usage_error (&command_verify, "unknown option %s",
                                  argv[i]);
    else if (arguments[0] != NULL)
      return command_usage_error (&command_verify, "one file, not several");
    else
      arguments[0] = argv[i];
  }
  if (arguments[0] == NULL)
    return command_usage_error (&command_verify, "which file?");
  return keeper_command ("verify", count, arguments, arguments[0]);
}

const struct command command_verify = {
  .name = "verify",
  .summary = "compare source and target",
  .usage = "Usage: ezcdc verify [--json] FILE\n"
           "\n"
           "Compares each table's rows in the source with those in the sink,\n"
           "by number and by a hash of each row, and names the keys that\n"
           "differ.  While the pipeline runs, it waits until the run has\n"
           "reached the position of the comparison, and looks again at what\n"
           "differs, since rows may change meanwhile.\n"
           "\n"
           "Exit codes: 0 equal, 1 failed, 2 wrong usage or configuration, 3\n"
           "something differs.\n",
  .run = run,
};
