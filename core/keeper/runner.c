/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a runner, and begins one. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/keeper/harden.h"
#include "core/keeper/keeper.h"
#include "core/keeper/protocol.h"
#include "core/keeper/runner.h"

/* ---- The environment --------------------------------------------------- */

/* What a runner may know. Libraries that connectors bring read PG*, MYSQL*,
 * OPENSSL_CONF and much more; none of it comes in. */
static const char *const kept_variables[] = {
  "TZ=",           "LANG=",         "LC_ALL=",
#ifdef WITH_SANITIZERS
  "ASAN_OPTIONS=", "LSAN_OPTIONS=", "TSAN_OPTIONS=", "UBSAN_OPTIONS=",
#endif
};
#define KEPT_COUNT (sizeof kept_variables / sizeof *kept_variables)

/* NULL-terminated, in room for KEPT_COUNT + 2 entries. */
static void
make_environment (char **entries)
{
  static char home[] = "HOME=/nonexistent";
  size_t count = 0;

  entries[count++] = home;
  for (size_t i = 0; i < KEPT_COUNT; i++)
    for (char **entry = environ; *entry != NULL; entry++)
      if (strncmp (*entry, kept_variables[i], strlen (kept_variables[i]))
          == 0) {
        entries[count++] = *entry;
        break;
      }
  entries[count] = NULL;
}

/* ---- The child, before it is a runner ---------------------------------- */

struct start {
  char **words;
  char **environment;
  int socket;   /* the runner's end */
  pid_t keeper; /* who starts it */
};

/* Signals that the keeper passes on stay blocked until the runner listens to
 * them: one that comes while it starts must not be its end. */
static void
reset_signals (void)
{
  struct sigaction action = { .sa_handler = SIG_DFL };
  sigset_t set;

  for (int number = 1; number < NSIG; number++)
    sigaction (number, &action, NULL);
  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  sigprocmask (SIG_SETMASK, &set, NULL);
}

/* Standard input from nothing, the socket at its place, all else closed. */
static bool
arrange_descriptors (int link)
{
  int nothing = open ("/dev/null", O_RDONLY);

  if (nothing < 0 || dup2 (nothing, STDIN_FILENO) < 0
      || dup2 (link, RUNNER_LINK_DESCRIPTOR) < 0)
    return false;
  if (link == RUNNER_LINK_DESCRIPTOR && fcntl (link, F_SETFD, 0) != 0)
    return false;
  return close_range (RUNNER_LINK_DESCRIPTOR + 1, ~0u, 0) == 0;
}

/* Runs in the child, which has the keeper's memory until the exec: only what
 * is needed, and no return. */
static _Noreturn void
become_runner (const struct start *start)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  /* The keeper may have died before that took effect. */
  if (getppid () == start->keeper) {
    setpgid (0, 0);
    reset_signals ();
    if (arrange_descriptors (start->socket)) {
      int program = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);

      /* By descriptor, so that tools that trace children find the program
       * where /proc shows them another. */
      fexecve (program, start->words, start->environment);
    }
  }
  _exit (RUNNER_EXIT_CRASH);
}

/* ---- Starting ---------------------------------------------------------- */

/* ezcdc: runner --runner MODE WORDS...; the caller frees the list only. */
static char **
make_words (const char *mode, int argc, char *const *argv)
{
  static char title[] = "ezcdc: runner";
  static char option[] = "--runner";
  char **words = calloc ((size_t) argc + 4, sizeof *words);

  if (words == NULL)
    return NULL;
  words[0] = title;
  words[1] = option;
  words[2] = (char *) mode;
  for (int i = 0; i < argc; i++)
    words[3 + i] = argv[i];
  return words;
}

int
runner_start (const char *mode, int argc, char *const *argv,
              pid_t *ret_process, int *ret_socket, struct error *error)
{
  char *environment[KEPT_COUNT + 2];
  CLEANUP_FREE char **words = make_words (mode, argc, argv);
  int ends[2];

  if (words == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for the runner");
  make_environment (environment);
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "make a socket for the runner: %m");
  struct start start = {
    .words = words,
    .environment = environment,
    .socket = ends[1],
    .keeper = getpid (),
  };
  pid_t process = fork ();
  if (process == 0)
    become_runner (&start);
  close (ends[1]);
  if (process < 0) {
    close (ends[0]);
    return error_set (error, EZCDC_E_UNAVAILABLE, "start the runner: %m");
  }
  *ret_process = process;
  *ret_socket = ends[0];
  return 0;
}

/* ---- Beginning --------------------------------------------------------- */

/* Whether somebody who is no keeper has said "--runner". */
static bool
is_link (int descriptor)
{
  int type = 0;
  socklen_t length = sizeof type;
  struct pollfd entry = { .fd = descriptor };

  return getsockopt (descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0
         && type == SOCK_SEQPACKET && poll (&entry, 1, 0) == 0;
}

static void
say (enum message_type type, int32_t number, int descriptor)
{
  static const char *const fields[MESSAGE_FIELDS_MAX] = { NULL };
  unsigned char bytes[MESSAGE_MAX];
  size_t length = message_encode (type, 0, number, fields, bytes);

  message_send_patiently (RUNNER_LINK_DESCRIPTOR, bytes, length, descriptor);
}

/* Only as long as the process can be dumped it can open its own memory, unless
 * it is root's. There is nothing in it yet. Who has it open can read it ever
 * after: it goes to the keeper, for core/keeper/watch.h, and to nobody else.
 * A keeper that does not get it can say less. */
static void
show_memory (int memory)
{
  if (memory >= 0)
    say (MESSAGE_MEMORY, 0, memory);
}

int
runner_enter (int argc, char **argv, runner_main_function runner_main)
{
  int memory = open ("/proc/self/mem", O_RDONLY | O_CLOEXEC);

  harden_process ();
  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (argc < 3 || !is_link (RUNNER_LINK_DESCRIPTOR)
      || fcntl (RUNNER_LINK_DESCRIPTOR, F_SETFD, FD_CLOEXEC) != 0) {
    log_message (LEVEL_ERROR, "--runner is for the program itself");
    return 2;
  }
  show_memory (memory);
  if (memory >= 0)
    close (memory);
  int exit_code = runner_main (argv[2], argc - 3, argv + 3,
                               RUNNER_LINK_DESCRIPTOR);
  say (MESSAGE_DONE, exit_code, -1);
  return exit_code;
}
