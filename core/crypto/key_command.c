/* SPDX-License-Identifier: Apache-2.0 */
/* A program that prints keys. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/rights.h"
#include "core/crypto/key_command.h"

#define TIME_LIMIT 5000000 /* microseconds */
#define LINE_MAX_BYTES 4096
#define WORDS_MAX 32
#define COMPLAINTS_MAX 4096 /* bytes of standard error that are kept */
#define DIGITS_MAX 16       /* longer numbers are kept out of the log */

/* ---- The command line -------------------------------------------------- */

/* A command line, cut into words. */
struct command_line {
  char *text;                 /* owned; blanks are NUL */
  char *words[WORDS_MAX + 1]; /* in text; the last one is NULL */
};

static int
split (const char *command, struct command_line *line, struct error *error)
{
  size_t count = 0;
  char *rest;

  if (command[0] != '/')
    return error_set (error, EZCDC_E_CONFIG,
                      "the key command has to begin with the absolute path "
                      "of a program");
  if (strlen (command) > LINE_MAX_BYTES)
    return error_set (error, EZCDC_E_CONFIG,
                      "the key command is longer than %d bytes",
                      LINE_MAX_BYTES);
  line->text = strdup (command);
  if (line->text == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a command");
  for (char *word = strtok_r (line->text, " \t", &rest); word != NULL;
       word = strtok_r (NULL, " \t", &rest)) {
    if (count == WORDS_MAX)
      return error_set (error, EZCDC_E_CONFIG,
                        "key command %s: more than %d words", line->words[0],
                        WORDS_MAX);
    line->words[count++] = word;
  }
  return 0;
}

/* ---- Whether it may be run --------------------------------------------- */

/* Whoever can write to the program or to a folder above it would get the
 * answer to "which key?" into his hands. Only root and we can put another
 * program where this one is, so that it may be started by its name: a script
 * can be started in no other way. */
static int
check_program (const char *program, struct error *error)
{
  CLEANUP_FREE char *resolved = realpath (program, NULL);
  struct stat status;

  if (resolved == NULL || lstat (resolved, &status) != 0)
    return error_set (error, EZCDC_E_CONFIG, "key command %s: %m", program);
  if (strcmp (resolved, program) != 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "key command %s: there is a link in the path; the "
                      "program is %s",
                      program, resolved);
  if (!S_ISREG (status.st_mode))
    return error_set (error, EZCDC_E_CONFIG,
                      "key command %s: it is not a regular file", program);
  int code = rights_check (&status, program, geteuid (), error);
  if (code == 0)
    code = rights_check_folders (program, geteuid (), NULL, error);
  return code == 0 ? 0 : error_prefix (error, "key command %s", program);
}

/* ---- Starting ---------------------------------------------------------- */

/* One of the two outputs of the program. */
struct outlet {
  int descriptor; /* owned; -1 at the end */
  unsigned char *data;
  size_t length;
  size_t limit;
  bool overflowed; /* there was more than the limit; it is dropped */
};

struct child {
  pid_t process; /* the first of a process group */
  int handle;    /* owned: readable when the process has ended */
  struct outlet output;
  struct outlet complaints;
};

static int
prepare_spawn (posix_spawn_file_actions_t *actions,
               posix_spawnattr_t *attributes, const int output[2],
               const int complaints[2])
{
  sigset_t none;
  sigset_t all;

  sigemptyset (&none);
  sigfillset (&all);
  posix_spawnattr_setsigmask (attributes, &none);
  posix_spawnattr_setsigdefault (attributes, &all);
  posix_spawnattr_setpgroup (attributes, 0);
  posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETSIGMASK
                                          | POSIX_SPAWN_SETSIGDEF
                                          | POSIX_SPAWN_SETPGROUP);
  int failure = posix_spawn_file_actions_addopen (actions, STDIN_FILENO,
                                                  "/dev/null", O_RDONLY, 0);
  if (failure == 0)
    failure = posix_spawn_file_actions_adddup2 (actions, output[1],
                                                STDOUT_FILENO);
  if (failure == 0)
    failure = posix_spawn_file_actions_adddup2 (actions, complaints[1],
                                                STDERR_FILENO);
  if (failure == 0)
    failure = posix_spawn_file_actions_addclosefrom_np (actions,
                                                        STDERR_FILENO + 1);
  return failure;
}

static int
spawn (char **words, const int output[2], const int complaints[2],
       pid_t *ret_process)
{
  static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  static char home[] = "HOME=/nonexistent";
  char *environment[] = { path, home, NULL };
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  int failure = posix_spawn_file_actions_init (&actions);
  if (failure != 0)
    return failure;
  failure = posix_spawnattr_init (&attributes);
  if (failure == 0) {
    failure = prepare_spawn (&actions, &attributes, output, complaints);
    if (failure == 0)
      failure = posix_spawn (ret_process, words[0], &actions, &attributes,
                             words, environment);
    posix_spawnattr_destroy (&attributes);
  }
  posix_spawn_file_actions_destroy (&actions);
  return failure;
}

static int
start (char **words, struct child *child, struct error *error)
{
  int output[2];
  int complaints[2];

  if (pipe2 (output, O_CLOEXEC) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "make a pipe: %m");
  child->output.descriptor = output[0];
  if (pipe2 (complaints, O_CLOEXEC) != 0) {
    close (output[1]);
    return error_set (error, EZCDC_E_UNAVAILABLE, "make a pipe: %m");
  }
  child->complaints.descriptor = complaints[0];
  int failure = spawn (words, output, complaints, &child->process);
  close (output[1]);
  close (complaints[1]);
  if (failure == 0)
    return 0;
  child->process = 0;
  errno = failure;
  return error_set (error, EZCDC_E_CONFIG, "start key command %s: %m",
                    words[0]);
}

/* ---- Listening --------------------------------------------------------- */

/* Takes what there is; what is beyond the limit is read and dropped. */
static void
take_part (struct outlet *outlet)
{
  unsigned char dropped[256];
  size_t room = outlet->limit - outlet->length;
  ssize_t got = room > 0 ? read (outlet->descriptor,
                                 outlet->data + outlet->length, room)
                         : read (outlet->descriptor, dropped, sizeof dropped);

  if (got < 0 && errno == EINTR)
    return;
  if (got <= 0)
    close (TAKE_DESCRIPTOR (outlet->descriptor));
  else if (room > 0)
    outlet->length += (size_t) got;
  else {
    outlet->overflowed = true;
    explicit_bzero (dropped, sizeof dropped);
  }
}

/* Until both outputs and the process are at their ends. */
static int
listen_to (struct child *child, const char *program, struct error *error)
{
  int64_t deadline = clock_monotonic () + TIME_LIMIT;
  struct pollfd entries[] = { { .events = POLLIN },
                              { .events = POLLIN },
                              { .events = POLLIN } };

  entries[2].fd = child->handle;
  for (;;) {
    int64_t left = deadline - clock_monotonic ();
    entries[0].fd = child->output.descriptor;
    entries[1].fd = child->complaints.descriptor;
    if (entries[0].fd < 0 && entries[1].fd < 0 && entries[2].fd < 0)
      return 0;
    if (left <= 0)
      return error_set (error, EZCDC_E_CONFIG,
                        "key command %s: it has not ended after %d seconds, "
                        "or something that it started holds its output open",
                        program, TIME_LIMIT / 1000000);
    if (poll (entries, 3, (int) (left / 1000 + 1)) <= 0)
      continue;
    if (entries[0].revents != 0)
      take_part (&child->output);
    if (entries[1].revents != 0)
      take_part (&child->complaints);
    if (entries[2].revents != 0)
      entries[2].fd = -1;
  }
}

/* Waits for it; kills all of it first if listening failed with a code. */
static int
end (struct child *child, int code, const char *program, struct error *error)
{
  int status = 0;

  if (code != 0)
    kill (-child->process, SIGKILL);
  while (waitpid (child->process, &status, 0) < 0)
    if (errno != EINTR)
      return error_set (error, EZCDC_E_UNAVAILABLE,
                        "wait for key command %s: %m", program);
  if (code != 0)
    return code;
  if (WIFSIGNALED (status))
    return error_set (error, EZCDC_E_CONFIG,
                      "key command %s: it was ended by signal %d", program,
                      WTERMSIG (status));
  if (WEXITSTATUS (status) != 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "key command %s: it failed with exit code %d", program,
                      WEXITSTATUS (status));
  if (child->output.overflowed)
    return error_set (error, EZCDC_E_CONFIG,
                      "key command %s: it prints more than a key; \"ezcdc "
                      "key new\" shows what one looks like",
                      program);
  return 0;
}

/* ---- Its complaints ---------------------------------------------------- */

static bool
is_digit (char c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
         || (c >= 'A' && c <= 'F');
}

/* A script that shows its commands ("set -x") shows the key. */
static void
hide_long_numbers (char *line)
{
  for (char *at = line; *at != '\0';) {
    size_t length = 0;
    while (is_digit (at[length]))
      length++;
    if (length >= DIGITS_MAX)
      memset (at, '*', length);
    at += length > 0 ? length : 1;
  }
}

/* One byte behind the complaints is ours, for the NUL. */
static void
log_complaints (const struct outlet *complaints, const char *program)
{
  char *text = (char *) complaints->data;
  char *rest;

  for (size_t i = 0; i < complaints->length; i++)
    if (text[i] == '\0')
      text[i] = ' ';
  text[complaints->length] = '\0';
  hide_long_numbers (text);
  for (char *line = strtok_r (text, "\n", &rest); line != NULL;
       line = strtok_r (NULL, "\n", &rest))
    log_message (LEVEL_WARNING, "key command %s says: %s", program, line);
  if (complaints->overflowed)
    log_message (LEVEL_WARNING, "key command %s says more", program);
}

/* ---- All together ------------------------------------------------------ */

static int
run_words (char **words, struct child *child, struct error *error)
{
  int code = start (words, child, error);

  if (code != 0)
    return code;
  child->handle = pidfd_open (child->process, 0);
  code = child->handle < 0 ? error_set (error, EZCDC_E_UNAVAILABLE,
                                        "watch key command %s: %m", words[0])
                           : listen_to (child, words[0], error);
  code = end (child, code, words[0], error);
  log_complaints (&child->complaints, words[0]);
  return code;
}

static int
run_checked (char **words, struct secret *output, size_t limit,
             size_t *ret_length, struct error *error)
{
  CLEANUP_SECRET struct secret complaints = { 0 };
  struct child child = {
    .handle = -1,
    .output = { .descriptor = -1, .limit = limit },
    .complaints = { .descriptor = -1, .limit = COMPLAINTS_MAX },
  };

  int code = secret_create (output, limit, error);
  if (code == 0)
    code = secret_create (&complaints, COMPLAINTS_MAX + 1, error);
  if (code != 0)
    return code;
  child.output.data = output->data;
  child.complaints.data = complaints.data;
  code = run_words (words, &child, error);
  *ret_length = child.output.length;
  cleanup_close (&child.handle);
  cleanup_close (&child.output.descriptor);
  cleanup_close (&child.complaints.descriptor);
  return code;
}

int
key_command_run (const char *command, size_t limit, struct secret *ret_output,
                 size_t *ret_length, struct error *error)
{
  struct command_line line = { 0 };
  int code = split (command, &line, error);

  if (code == 0)
    code = check_program (line.words[0], error);
  if (code == 0)
    code = run_checked (line.words, ret_output, limit, ret_length, error);
  free (line.text);
  return code;
}
