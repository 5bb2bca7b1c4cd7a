/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the command and runs it. */

#include <config.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/names.h"
#include "core/base/print.h"
#include "core/base/streams.h"
#include "core/cli/command.h"
#include "core/crypto/start.h"
#include "core/keeper/keeper.h"
#include "core/runner/runner.h"

const struct command *const commands[] = {
  &command_run,        &command_check, &command_status, &command_verify,
  &command_connectors, &command_seal,  &command_key,    &command_reseal,
  &command_audit,      NULL,
};

static void
print_help (void)
{
  puts ("Usage: ezcdc COMMAND [OPTION]... [ARGUMENT]...\n"
        "\n"
        "Keeps a target database in step with a source database.\n");
  if (commands[0] != NULL)
    puts ("Commands:");
  for (size_t i = 0; commands[i] != NULL; i++)
    printf ("  %-12s %s\n", commands[i]->name, commands[i]->summary);
  if (commands[0] != NULL)
    puts ("");
  puts ("Options:\n"
        "  --help       this text; also \"ezcdc COMMAND --help\"\n"
        "  --version    the version\n"
        "\n"
        "Exit codes: 0 done, 1 failed while running, 2 wrong usage or\n"
        "configuration, 3 a check found something wrong.");
}

static const struct command *
find_command (const char *name)
{
  for (size_t i = 0; commands[i] != NULL; i++)
    if (strcmp (commands[i]->name, name) == 0)
      return commands[i];
  return NULL;
}

/* The command that was meant, or NULL. */
static const char *
guess_command (const char *name)
{
  const char *names[sizeof commands / sizeof commands[0]] = { NULL };
  size_t count = 0;

  for (; commands[count] != NULL; count++)
    names[count] = commands[count]->name;
  return nearest_name (name, names, count);
}

static int
unknown_command (const char *name)
{
  const char *meant = guess_command (name);

  if (meant != NULL)
    log_message (LEVEL_ERROR,
                 "there is no command \"%s\", did you mean \"%s\"?", name,
                 meant);
  else
    log_message (LEVEL_ERROR, "there is no command \"%s\"; see ezcdc --help",
                 print_given (name));
  return EXIT_USAGE;
}

static int
help_command (int argc, char **argv)
{
  if (argc < 2) {
    print_help ();
    return EXIT_OK;
  }
  const struct command *command = find_command (argv[1]);
  if (command == NULL)
    return unknown_command (argv[1]);
  fputs (command->usage, stdout);
  return EXIT_OK;
}

static bool
asks_for_help (int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp (argv[i], "--") != 0; i++)
    if (strcmp (argv[i], "--help") == 0)
      return true;
  return false;
}

static int
no_output (void)
{
  log_message (LEVEL_ERROR, "write to standard output: %m");
  return EXIT_RUN_FAILED;
}

/* A full disk or a closed pipe is no success. */
static int
finish_output (int status)
{
  if (fflush (stdout) != 0 || ferror (stdout)) {
    int failure = no_output ();
    return status == EXIT_OK ? failure : status;
  }
  return status;
}

int
command_usage_error (const struct command *command, const char *format, ...)
{
  struct error error = { 0 };
  va_list args;

  va_start (args, format);
  error_vset (&error, 0, format, args);
  va_end (args);
  log_message (LEVEL_ERROR, "%s: %s; see ezcdc %s --help", command->name,
               error.text, command->name);
  return EXIT_USAGE;
}

static int
dispatch (int argc, char **argv)
{
  if (argc < 2) {
    log_message (LEVEL_ERROR, "which command? See ezcdc --help");
    return EXIT_USAGE;
  }
  if (strcmp (argv[1], "--help") == 0) {
    print_help ();
    return EXIT_OK;
  }
  if (strcmp (argv[1], "--version") == 0) {
    puts (PACKAGE_NAME " " PACKAGE_VERSION);
    return EXIT_OK;
  }
  if (strcmp (argv[1], "help") == 0)
    return help_command (argc - 1, argv + 1);

  const struct command *command = find_command (argv[1]);
  if (command == NULL)
    return unknown_command (argv[1]);
  if (asks_for_help (argc - 1, argv + 1)) {
    fputs (command->usage, stdout);
    return EXIT_OK;
  }
  if (!command->is_silent && !streams_have_output ())
    return no_output ();
  return command->run (argc - 1, argv + 1);
}

int
main (int argc, char **argv)
{
  if (!streams_reserve ()) {
    log_message (LEVEL_ERROR, "open /dev/null in the place of a closed "
                              "standard input, output or error: %m");
    return EXIT_RUN_FAILED;
  }
  crypto_start ();
  if (argc >= 2 && strcmp (argv[1], "--runner") == 0)
    return runner_enter (argc, argv, runner_main);
  return finish_output (dispatch (argc, argv));
}
