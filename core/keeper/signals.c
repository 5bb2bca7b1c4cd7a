/* SPDX-License-Identifier: Apache-2.0 */
/* What signals ask the keeper for. */

#include <config.h>

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/keeper/parts.h"

/* A signal that comes so much later than the first means "now". */
#define SECOND_SIGNAL INT64_C (5000000)

void
keeper_forward (const struct keeper *keeper, int number)
{
  if (keeper->runner > 0)
    kill (keeper->runner, number);
}

void
keeper_kill_runner (struct keeper *keeper, const char *why)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };

  if (keeper->runner <= 0 || keeper->killed)
    return;
  log_message (LEVEL_ERROR, "the runner is killed: %s", why);
  keeper->killed = true;
  keeper_forward (keeper, SIGKILL);
  json_object_begin (&json);
  json_member_text (&json, "reason", why);
  json_object_end (&json);
  keeper_note (keeper, "runner.killed", AUDIT_FAILURE, text_string (&detail));
}

static void
stop (struct keeper *keeper, int number)
{
  int64_t now = clock_monotonic ();

  if (!keeper->stopping) {
    keeper->stopping = true;
    keeper->stop_since = now;
    keeper_forward (keeper, number);
  }
  else if (now - keeper->stop_since > SECOND_SIGNAL)
    keeper_kill_runner (keeper, "a second signal came before it had stopped");
}

void
keeper_take_signals (struct keeper *keeper)
{
  struct signalfd_siginfo signal;

  while (read (keeper->signals, &signal, sizeof signal) == sizeof signal)
    switch (signal.ssi_signo) {
    case SIGTERM:
    case SIGINT:
      stop (keeper, (int) signal.ssi_signo);
      break;
    case SIGHUP:
      keeper_reload (keeper);
      keeper_forward (keeper, SIGHUP);
      break;
    default: /* SIGCHLD: the runner is waited for by its name */
      break;
    }
}

int
keeper_catch_signals (struct keeper *keeper, struct error *error)
{
  sigset_t set;

  /* A full disk or a closed pipe is an error of the write, not an end. */
  signal (SIGXFSZ, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  sigaddset (&set, SIGCHLD);
  if (sigprocmask (SIG_BLOCK, &set, NULL) == 0)
    keeper->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return keeper->signals >= 0
           ? 0
           : error_set (error, EZCDC_E_UNAVAILABLE, "catch signals: %m");
}
