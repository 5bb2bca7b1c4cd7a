/* SPDX-License-Identifier: Apache-2.0 */
/* One runner, from its start to its end. */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/keeper/guard.h"
#include "core/keeper/keeper.h"
#include "core/keeper/parts.h"
#include "core/keeper/runner.h"

/* From the signal to the runner's end. */
#define DRAIN_LIMIT INT64_C (60000000)

/* Milliseconds until the runner has to have stopped; -1 if it need not. */
static int
time_left (const struct keeper *keeper)
{
  if (!keeper->stopping || keeper->killed)
    return -1;
  int64_t left = keeper->stop_since + DRAIN_LIMIT - clock_monotonic ();
  return left < 0 ? 0 : (int) (left / 1000 + 1);
}

/* A connector has tried something, or a library something that it can do
 * without. */
static void
tell_refused_call (const struct keeper *keeper,
                   const struct refused_call *call)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };

  json_object_begin (&json);
  json_member_text (&json, "call", call->name);
  if (call->guarded.what == NULL)
    log_message (LEVEL_WARNING,
                 "the runner tried the system call %s (%#llx, %#llx), which "
                 "it may not make; it was refused, and so will be others of "
                 "that name",
                 call->name, (unsigned long long) call->arguments[0],
                 (unsigned long long) call->arguments[1]);
  else {
    log_message (LEVEL_WARNING,
                 "the runner tried the system call %s on %s (%s), which it "
                 "may not touch; it was refused, and so will be others of "
                 "that name",
                 call->name, call->guarded.path, call->guarded.what);
    json_member_text (&json, "file", call->guarded.path);
    json_member_text (&json, "what", call->guarded.what);
  }
  json_member_int64 (&json, "runner", keeper->runner);
  json_object_end (&json);
  keeper_note (keeper, "runner.call_refused", AUDIT_DENIED,
               text_string (&detail));
}

/* At most so many before the keeper looks at its signals again. */
#define CALLS_AT_ONCE 16

static void
answer_calls (struct keeper *keeper)
{
  struct refused_call call;

  for (int i = 0; i < CALLS_AT_ONCE; i++)
    switch (watch_answer (&keeper->service.watch, &call)) {
    case WATCH_NOTHING:
      return;
    case WATCH_ANSWERED:
      break;
    case WATCH_REFUSED:
      tell_refused_call (keeper, &call);
      break;
    }
}

static void
close_link (struct keeper *keeper)
{
  if (keeper->service.socket >= 0)
    close (keeper->service.socket);
  keeper->service.socket = -1;
}

/* Milliseconds until something is due without an event; -1 if nothing is. */
static int
poll_time (const struct keeper *keeper)
{
  int left = time_left (keeper);
  int due = audit_log_due (keeper->audit);

  return left < 0 || (due >= 0 && due < left) ? due : left;
}

static void
maintain_audit (struct keeper *keeper)
{
  struct error error = { 0 };

  if (audit_log_due (keeper->audit) == 0
      && audit_log_maintain (keeper->audit, &error) != 0)
    log_message (LEVEL_ERROR, "%s", error.text);
}

/* Waits for something to do and does it. */
static void
attend_once (struct keeper *keeper)
{
  struct pollfd entries[3] = {
    { .fd = keeper->signals, .events = POLLIN },
    { .fd = keeper->service.socket, .events = POLLIN },
    { .fd = keeper->service.watch.listener, .events = POLLIN },
  };

  /* A descriptor of -1 is passed over. */
  if (poll (entries, 3, poll_time (keeper)) < 0 && errno != EINTR)
    return;
  maintain_audit (keeper);
  keeper_take_signals (keeper);
  if (time_left (keeper) == 0)
    keeper_kill_runner (keeper, "it had not stopped 60 s after the signal");
  if (entries[2].revents != 0)
    answer_calls (keeper);
  if (entries[1].revents == 0)
    return;
  enum service_state state = serve (&keeper->service);
  if (state == SERVICE_GOES_ON)
    return;
  close_link (keeper);
  if (state == SERVICE_BROKEN)
    keeper_kill_runner (keeper, "it does not keep to the keeper's protocol");
  if (state == SERVICE_FLOODED)
    keeper_kill_runner (keeper,
                        "it has more audit records written than any pipeline "
                        "needs (ezcdc-audit(7))");
}

/* Attends a runner until it has ended; its wait status. */
int
keeper_attend (struct keeper *keeper)
{
  int status = 0;
  pid_t ended;

  while ((ended = waitpid (keeper->runner, &status, WNOHANG)) == 0
         || (ended > 0 && WIFSTOPPED (status)))
    if (ended > 0)
      keeper_kill_runner (keeper, "it has made the keeper its tracer");
    else
      attend_once (keeper);
  if (ended < 0) {
    log_message (LEVEL_ERROR, "wait for the runner: %m");
    status = RUNNER_EXIT_CRASH << 8;
  }
  keeper->runner = 0;
  /* What it had asked for last, for example a record of its end. */
  if (keeper->service.socket >= 0)
    serve (&keeper->service);
  close_link (keeper);
  watch_end (&keeper->service.watch);
  return status;
}

int
keeper_start_runner (struct keeper *keeper, struct error *error)
{
  int code = runner_start (keeper->mode, keeper->argc, keeper->argv,
                           &keeper->runner, &keeper->service.socket, error);

  if (code != 0)
    return code;
  keeper->killed = false;
  keeper->service.runner = keeper->runner;
  keeper->service.heard = keeper->service.watch_asked = false;
  keeper->service.confinement_told = keeper->service.done = false;
  guard_begin (keeper->guard, keeper->runner);
  watch_begin (&keeper->service.watch, keeper->guard);
  /* A signal that came while there was none. */
  if (keeper->stopping)
    keeper_forward (keeper, SIGTERM);
  return 0;
}
