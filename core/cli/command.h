/* SPDX-License-Identifier: Apache-2.0 */
/* What the program's commands have in common. Each command is one file,
 * core/cli/command_NAME.c, with one struct command, listed in main.c.
 */

#ifndef EZCDC_CLI_COMMAND_H
#define EZCDC_CLI_COMMAND_H

#include <stdbool.h>

/* Exit codes of the program; each is in the manual page. */
enum {
  EXIT_OK = 0,
  EXIT_RUN_FAILED = 1, /* it failed while running */
  EXIT_USAGE = 2,      /* wrong usage or configuration; nothing was started */
  EXIT_FOUND = 3,      /* a check found something wrong */
};

struct command {
  /* The word after "ezcdc". */
  const char *name;

  /* One line for "ezcdc --help": a sentence part without a full stop. */
  const char *summary;

  /* What "ezcdc NAME --help" prints: several lines, ending with '\n'. It
   * begins with "Usage: ezcdc NAME ...".
   */
  const char *usage;

  /* It has no results. All others do nothing where standard output is closed:
   * what they say may be a key that is told once. */
  bool is_silent;

  /* Runs the command. argv[0] is the command's name, argv[argc] is NULL.
   * "--help" (anywhere before "--") has been answered already. Returns one of
   * the exit codes above. Results go to stdout, messages to stderr.
   */
  int (*run) (int argc, char **argv);
};

/* The table in main.c, in the order of the help text; ends with NULL. */
extern const struct command *const commands[];

/* One for each command_NAME.c: */
extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_seal;
extern const struct command command_key;
extern const struct command command_reseal;
extern const struct command command_connectors;
extern const struct command command_status;
extern const struct command command_verify;
extern const struct command command_audit;

/* Prints "ezcdc COMMAND: MESSAGE" and how to get help to stderr; returns
 * EXIT_USAGE, so that "return command_usage_error (...)" is the usual exit.
 */
int command_usage_error (const struct command *command, const char *format,
                         ...) __attribute__ ((format (printf, 2, 3)));

#endif
