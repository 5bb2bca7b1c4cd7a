/* SPDX-License-Identifier: Apache-2.0 */
/* Which options of a section take sealed values. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/base/values.h"
#include "core/cli/secret_options.h"

#define OUTPUT_MAX 65536

/* ---- The question ------------------------------------------------------ */

static bool
allows_path (const struct ini_section *section)
{
  const struct ini_key *key = ini_key (section, "allow_path");
  bool allowed = false;

  return key != NULL && value_boolean (key->value, &allowed, NULL) == 0
         && allowed;
}

/* Starts the program with words; *ret_output reads what it prints. */
static int
start (char **words, pid_t *ret_process, int *ret_output, struct error *error)
{
  static char home[] = "HOME=/nonexistent";
  char *environment[] = { home, NULL };
  posix_spawn_file_actions_t actions;
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "make a pipe: %m");
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, "/dev/null",
                                    O_RDONLY, 0);
  posix_spawn_file_actions_adddup2 (&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np (&actions, STDERR_FILENO + 1);
  int failure = posix_spawn (ret_process, "/proc/self/exe", &actions, NULL,
                             words, environment);
  posix_spawn_file_actions_destroy (&actions);
  close (ends[1]);
  if (failure == 0) {
    *ret_output = ends[0];
    return 0;
  }
  close (ends[0]);
  errno = failure;
  return error_set (error, EZCDC_E_UNAVAILABLE,
                    "start the program to ask a connector: %m");
}

/* Reads all that it prints, but no more than it could have to say. */
static bool
read_output (int output, struct text *text)
{
  char part[4096];
  ssize_t got;

  while ((got = read (output, part, sizeof part)) != 0) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 || text->length + (size_t) got > OUTPUT_MAX)
      return false;
    text_append (text, part, (size_t) got);
  }
  return !text->failed;
}

static int
run (const struct ini *ini, const struct ini_section *section,
     const struct ini_key *connector, char **words, struct text *text,
     struct error *error)
{
  pid_t process;
  CLEANUP_CLOSE int output = -1;
  int status;
  int code = start (words, &process, &output, error);

  if (code != 0)
    return code;
  bool whole = read_output (output, text);
  close (TAKE_DESCRIPTOR (output));
  while (waitpid (process, &status, 0) < 0)
    if (errno != EINTR)
      return error_set (error, EZCDC_E_UNAVAILABLE, "wait for it: %m");
  /* It has said on standard error what is wrong. */
  if (!whole || !WIFEXITED (status) || WEXITSTATUS (status) != 0)
    return ini_error (error, ini, section->name, "connector", connector->line,
                      "the connector cannot be asked which of its options "
                      "take sealed values; it has to be installed where "
                      "they are sealed");
  return 0;
}

/* ---- The answer -------------------------------------------------------- */

/* Cuts lines in place. */
static int
split_names (struct secret_options *options, struct error *error)
{
  char *at = options->lines.data;
  size_t lines = 0;

  for (size_t i = 0; i < options->lines.length; i++)
    lines += at[i] == '\n';
  options->names = calloc (lines + 1, sizeof *options->names);
  if (options->names == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for options");
  for (size_t i = 0; i < lines; i++) {
    char *end = strchr (at, '\n');
    if (end == NULL)
      break;
    *end = '\0';
    options->names[options->count++] = at;
    at = end + 1;
  }
  return 0;
}

int
secret_options_ask (const struct ini *ini, const struct ini_section *section,
                    enum secret_question question,
                    struct secret_options *ret_options, struct error *error)
{
  static char program[] = "ezcdc";
  static char command[] = "connectors";
  static char secrets[] = "--secrets";
  static char sealable[] = "--sealable";
  static char path_allowed[] = "--allow-path";
  static char folder_option[] = "--connector-dir";
  static char policy_option[] = "--policy";
  static char end_of_options[] = "--";
  const struct ini_key *connector = ini_key (section, "connector");
  const struct ini_key *folder = ini_get (ini, "pipeline", "connector_dir");
  struct secret_options options = { 0 };
  char *words[11] = { program, command,
                      question == SECRET_ONLY ? secrets : sealable };
  size_t count = 3;

  if (connector == NULL)
    return ini_error (error, ini, section->name, "connector", section->line,
                      "is missing");
  if (allows_path (section))
    words[count++] = path_allowed;
  if (folder != NULL) {
    words[count++] = folder_option;
    words[count++] = (char *) folder->value;
  }
  words[count++] = policy_option;
  words[count++] = (char *) ini_path (ini);
  words[count++] = end_of_options;
  words[count++] = (char *) connector->value;
  int code = run (ini, section, connector, words, &options.lines, error);
  if (code == 0)
    code = split_names (&options, error);
  if (code == 0)
    *ret_options = options;
  else
    secret_options_free (&options);
  return code;
}

void
secret_options_free (struct secret_options *options)
{
  free (options->names);
  text_free (&options->lines);
  *options = (struct secret_options){ 0 };
}

bool
secret_options_have (const struct secret_options *options, const char *name)
{
  for (size_t i = 0; i < options->count; i++)
    if (strcmp (options->names[i], name) == 0)
      return true;
  return false;
}
