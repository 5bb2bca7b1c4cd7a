/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's entry point. */
#include <config.h>

#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/base/allocations.h"
#include "core/base/log.h"
#include "core/http/http.h"
#include "core/keeper/keeper.h"
#include "core/runner/runner.h"

/* The keeper has blocked the signals that a run reads from a descriptor;
 * what does not listen to them ends by them. */
static void
unblock_signals (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  pthread_sigmask (SIG_UNBLOCK, &set, NULL);
}

#define LARGE_BLOCK (256 * 1024)

static int
runner_mode (struct keeper_link *link, const char *mode, int argc, char **argv)
{
  bool json = argc > 1 && strcmp (argv[1], "--json") == 0;

  if (strcmp (mode, "run") == 0)
    return runner_run (link, argv[0], false);
  if (strcmp (mode, "catch-up") == 0)
    return runner_run (link, argv[0], true);
  unblock_signals ();
  if (strcmp (mode, "check") == 0)
    return runner_check (link, argv[0]);
  if (strcmp (mode, "verify") == 0)
    return runner_verify (link, argv[0], json);
  log_message (LEVEL_ERROR, "runner: unknown mode %s", mode);
  return RUNNER_CONFIG;
}

int
runner_exit_code (const struct error *error)
{
  switch (error->code) {
  case EZCDC_E_OPERATOR:
    return RUNNER_FAILED;
  case EZCDC_E_UNAVAILABLE:
  case EZCDC_E_THROTTLED:
  case EZCDC_E_MEMORY:
    return RUNNER_EXIT_CRASH;
  default:
    return RUNNER_CONFIG;
  }
}

/* What libraries leave of secrets is wiped by the program's own allocator. */
static bool
heap_is_ours (void)
{
#ifdef WITH_WIPING_FREE
  if (!allocations_work ()) {
    log_message (LEVEL_ERROR,
                 "runner: another allocator is in the way of the program's "
                 "own, which wipes what is given back (is it run by a "
                 "memory debugger?): no secret is opened");
    return false;
  }
#endif
  return true;
}

int
runner_main (const char *mode, int argc, char **argv, int keeper_descriptor)
{
  struct error error = { 0 };
  struct keeper_link *link;
  int status = RUNNER_FAILED;

  /* Executed by descriptor, the process would be called by its number. */
  prctl (PR_SET_NAME, "ezcdc-runner");
  signal (SIGPIPE, SIG_IGN);
  /* Large blocks always get pages of their own, and the ends of heaps are
   * given back: without this glibc keeps more and more, up to tens of MiB for
   * each thread that has once had a large block. */
  mallopt (M_MMAP_THRESHOLD, LARGE_BLOCK);
  mallopt (M_TRIM_THRESHOLD, LARGE_BLOCK);
  if (argc < 1) {
    log_message (LEVEL_ERROR, "runner: no file");
    return RUNNER_CONFIG;
  }
  if (!heap_is_ours ())
    return RUNNER_FAILED;
  link = keeper_link_open (keeper_descriptor, &error);
  if (link != NULL && http_start (&error) == 0)
    status = runner_mode (link, mode, argc, argv);
  else
    log_message (LEVEL_ERROR, "%s", error.text);
  keeper_link_free (link);
  return status;
}
