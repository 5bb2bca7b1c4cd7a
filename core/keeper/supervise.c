/* SPDX-License-Identifier: Apache-2.0 */
/* Runners, one after the other. */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#include <openssl/rand.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/cli/command.h"
#include "core/keeper/keeper.h"
#include "core/keeper/parts.h"

#define SECOND INT64_C (1000000)
#define STEADY (60 * SECOND) /* a runner that lived so long is sound */
#define LONGEST_DELAY (60 * SECOND)

/* ---- Crashes ----------------------------------------------------------- */

/* How a runner has ended in disorder, in words. A code that it gives itself
 * is told by nobody else. */
static void
describe_crash (int status, struct text *text)
{
  if (WIFSIGNALED (status))
    text_printf (text, "was ended by signal %d (%s)", WTERMSIG (status),
                 strsignal (WTERMSIG (status)));
  else if (WEXITSTATUS (status) > EXIT_FOUND)
    text_printf (text, "ended with exit code %d", WEXITSTATUS (status));
  else
    text_printf (text,
                 "ended with exit code %d before it was done (a connector or "
                 "a library has ended the process)",
                 WEXITSTATUS (status));
}

/* 1 s, 2 s, 4 s ... 60 s, and of that between half and all: many pipelines
 * that fell together do not rise together. */
static int64_t
restart_delay (unsigned crashes)
{
  unsigned doublings = crashes < 7 ? crashes - 1 : 6;
  int64_t delay = SECOND << doublings;
  uint16_t random = 0;

  if (delay > LONGEST_DELAY)
    delay = LONGEST_DELAY;
  RAND_bytes ((unsigned char *) &random, sizeof random);
  return delay / 2 + delay / 2 * random / UINT16_MAX;
}

static void
audit_crash (const struct keeper *keeper, const char *how, int64_t delay)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };

  json_object_begin (&json);
  json_member_text (&json, "how", how);
  json_member_uint64 (&json, "in_a_row", keeper->crashes);
  if (delay >= 0)
    json_member_int64 (&json, "restart_in_ms", delay / 1000);
  json_object_end (&json);
  keeper_note (keeper, "runner.crashed", AUDIT_FAILURE, text_string (&detail));
}

/* Notes a crash. The delay before the next runner, or -1 if there is none. */
static int64_t
after_crash (struct keeper *keeper, int status, int64_t lived)
{
  CLEANUP_TEXT struct text how = { 0 };
  int64_t delay = -1;

  keeper->crashes = lived >= STEADY ? 1 : keeper->crashes + 1;
  if (keeper->is_run && !keeper->stopping
      && (keeper->patience == 0 || keeper->crashes < keeper->patience))
    delay = restart_delay (keeper->crashes);
  describe_crash (status, &how);
  audit_crash (keeper, text_string (&how), delay);
  if (delay >= 0)
    log_message (LEVEL_ERROR,
                 "the runner %s; it is started again in %.1f s (%u in a row)",
                 text_string (&how), (double) delay / 1e6, keeper->crashes);
  else
    log_message (LEVEL_ERROR, "the runner %s", text_string (&how));
  return delay;
}

/* Waits, but not for longer than until a signal says stop. */
static void
back_off (struct keeper *keeper, int64_t delay)
{
  int64_t until = clock_monotonic () + delay;
  struct pollfd entry = { .fd = keeper->signals, .events = POLLIN };

  for (int64_t left = delay; left > 0 && !keeper->stopping;
       left = until - clock_monotonic ()) {
    if (poll (&entry, 1, (int) (left / 1000 + 1)) < 0 && errno != EINTR)
      return;
    keeper_take_signals (keeper);
  }
}

/* ---- All runners ------------------------------------------------------- */

static int
finish (struct keeper *keeper, int exit_code)
{
  if (exit_code == EXIT_USAGE)
    keeper_audit_exit (keeper, "config.rejected", AUDIT_FAILURE, exit_code);
  if (!keeper->is_run)
    keeper_audit_exit (keeper, "runner.stopped",
                       exit_code == EXIT_OK ? AUDIT_SUCCESS : AUDIT_FAILURE,
                       exit_code);
  else if (exit_code == EXIT_OK)
    keeper_audit_exit (keeper, "pipeline.stopped", AUDIT_SUCCESS, exit_code);
  else
    keeper_audit_exit (keeper, "pipeline.failed", AUDIT_FAILURE, exit_code);
  return exit_code;
}

/* Whether it has come to its end, and not only its process: anything in a
 * connector can end that, with any code. */
static bool
was_done (const struct keeper *keeper, int status)
{
  return WIFEXITED (status) && keeper->service.done
         && keeper->service.exit_code == WEXITSTATUS (status);
}

static bool
ended_in_order (const struct keeper *keeper, int status)
{
  return was_done (keeper, status) && WEXITSTATUS (status) <= EXIT_FOUND;
}

/* A runner that has done some work may ask for another one; who asks at once
 * would do so for ever. */
static bool
asks_for_another (const struct keeper *keeper, int status, int64_t lived)
{
  return keeper->is_run && was_done (keeper, status)
         && WEXITSTATUS (status) == RUNNER_EXIT_AGAIN && lived >= SECOND;
}

int
keeper_supervise (struct keeper *keeper)
{
  struct error error = { 0 };

  if (keeper_audit_start (keeper, &error) != 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return EXIT_RUN_FAILED;
  }
  while (!keeper->stopping) {
    int64_t begun = clock_monotonic ();
    if ((keeper->is_run
         && service_audit (&keeper->service, "runner.started", AUDIT_SUCCESS,
                           NULL, &error)
              != 0)
        || keeper_start_runner (keeper, &error) != 0) {
      log_message (LEVEL_ERROR, "%s", error.text);
      return finish (keeper, EXIT_RUN_FAILED);
    }
    int status = keeper_attend (keeper);
    if (ended_in_order (keeper, status))
      return finish (keeper, WEXITSTATUS (status));
    int64_t lived = clock_monotonic () - begun;
    if (asks_for_another (keeper, status, lived))
      continue;
    int64_t delay = after_crash (keeper, status, lived);
    if (delay < 0)
      return finish (keeper, EXIT_RUN_FAILED);
    back_off (keeper, delay);
  }
  return finish (keeper, EXIT_OK);
}
