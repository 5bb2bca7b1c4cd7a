/* SPDX-License-Identifier: Apache-2.0 */
/* Mode run: the control thread.  It stores positions, writes the status,
 * listens to signals and to the keeper, while pipeline_run works.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/keeper/keeper.h"
#include "core/pipeline/position.h"
#include "core/runner/assembly.h"
#include "core/runner/runner.h"
#include "core/runner/status.h"

/* Microseconds. */
#define STORE_INTERVAL INT64_C (100000)
#define STATUS_INTERVAL INT64_C (1000000)
/* How long what is under way may take to end, well before the keeper loses its
 * patience. */
#define DRAIN_INTERVAL INT64_C (45000000)
/* Milliseconds. */
#define CONTROL_TICK 250

struct control {
  struct assembly assembly;
  struct pipeline pipeline;
  struct reporter reporter;
  struct keeper_link *link;
  int signals;       /* signalfd */
  int64_t stored;    /* monotonic time of the last position */
  int64_t status;    /* monotonic time of the last status */
  uint64_t progress; /* see reporter_progress */
  int64_t moved;     /* monotonic time when it was another one */
  int64_t drain;     /* monotonic time when it is to be over; 0: no drain */
  bool keeper_gone;
  bool hurry; /* store every position at once */
};

static void *
pipeline_thread (void *argument)
{
  pipeline_run (argument);
  return NULL;
}

/* ---- what the loop does ------------------------------------------------ */

static void
control_store_position (struct control *control)
{
  struct rounds *rounds = &control->pipeline.rounds;
  struct ezcdc_position stored = rounds_stored (rounds);
  struct ezcdc_position durable;
  struct error error = { 0 };
  int64_t now = clock_monotonic ();
  int64_t commit_time;

  durable = rounds_durable (rounds, &commit_time);
  if (position_compare (&durable, &stored) <= 0)
    return;
  if (!control->hurry && now - control->stored < STORE_INTERVAL)
    return;
  if (state_set_position (control->pipeline.state, &durable, &error) < 0) {
    pipeline_fail (&control->pipeline, &error);
    return;
  }
  rounds_set_stored (rounds, &durable);
  control->stored = now;
}

/* Name servers, for example, may have changed. Drains, and starts anew. */
static void
control_renew (struct control *control)
{
  const char *path = confinement_outdated (&control->assembly.confinement);

  if (path == NULL || control->pipeline.again)
    return;
  log_message (LEVEL_INFO,
               "%s was replaced: the runner is started again to read it",
               path);
  control->hurry = true;
  pipeline_begin_again (&control->pipeline);
}

/* A bounded run does not wait for ever for what others hold: a lock, an open
 * transaction, an answer. */
static void
control_give_up (struct control *control)
{
  const struct pipeline_settings *settings = &control->pipeline.settings;
  uint64_t progress = reporter_progress (&control->reporter);
  struct assembly *assembly = &control->assembly;
  struct error error = { 0 };
  int64_t now = clock_monotonic ();

  if (!settings->until_caught_up)
    return;
  pthread_mutex_lock (&assembly->lock);
  if (assembly->source.waiting[0] == '\0' || progress != control->progress)
    control->moved = now;
  else if (now - control->moved >= settings->retry_limit)
    error_set (&error, EZCDC_E_UNAVAILABLE, "%s; gave up after %.0f s",
               assembly->source.waiting,
               (double) (now - control->moved) / 1e6);
  pthread_mutex_unlock (&assembly->lock);
  control->progress = progress;
  if (error.code == 0)
    return;
  pipeline_fail (&control->pipeline, &error);
  instance_interrupt (control->pipeline.source);
  instance_interrupt (control->pipeline.sink);
}

static void
control_report (struct control *control)
{
  struct error error = { 0 };
  int64_t now = clock_monotonic ();

  reporter_show (&control->reporter);
  if (now - control->status < STATUS_INTERVAL)
    return;
  control->status = now;
  control_renew (control);
  control_give_up (control);
  if (reporter_store (&control->reporter, NULL, NULL, &error) < 0)
    pipeline_fail (&control->pipeline, &error);
}

/* A signal has the pipeline finish what is under way. */
static void
control_drain (struct control *control)
{
  control->pipeline.again = false;
  control->hurry = true;
  if (control->drain == 0)
    control->drain = clock_monotonic () + DRAIN_INTERVAL;
  pipeline_stop (&control->pipeline, STOP_DRAIN);
}

/* What hangs on a server comes again after the next start. */
static void
control_end_drain (struct control *control)
{
  if (control->drain == 0 || clock_monotonic () < control->drain
      || pipeline_stopping (&control->pipeline) == STOP_FAIL)
    return;
  log_message (LEVEL_WARNING,
               "what was read could not be written in time: it comes again at "
               "the next start");
  pipeline_stop (&control->pipeline, STOP_FAIL);
}

static void
control_signal (struct control *control)
{
  struct signalfd_siginfo info;

  if (read (control->signals, &info, sizeof info) != sizeof info)
    return;
  if (info.ssi_signo == SIGHUP)
    assembly_reload (&control->assembly);
  else
    control_drain (control);
}

static void
control_turn (struct control *control)
{
  struct pollfd polls[3] = {
    { .fd = control->signals, .events = POLLIN },
    { .fd = control->pipeline.wake_event, .events = POLLIN },
    { .fd = control->keeper_gone ? -1
                                 : keeper_link_descriptor (control->link) },
  };
  uint64_t count;
  int tick = CONTROL_TICK;
  struct ezcdc_position stored = rounds_stored (&control->pipeline.rounds);
  int64_t commit_time;
  struct ezcdc_position durable = rounds_durable (&control->pipeline.rounds,
                                                  &commit_time);

  if (position_compare (&durable, &stored) > 0)
    tick = (int) (STORE_INTERVAL / 1000);
  if (poll (polls, 3, tick) < 0 && errno != EINTR)
    return;
  if (polls[0].revents & POLLIN)
    control_signal (control);
  if (polls[1].revents & POLLIN)
    (void) !read (control->pipeline.wake_event, &count, sizeof count);
  if (polls[2].revents & (POLLHUP | POLLERR)) {
    log_message (LEVEL_ERROR, "the keeper is gone: the runner ends");
    control->keeper_gone = true;
    pipeline_stop (&control->pipeline, STOP_FAIL);
  }
  control_end_drain (control);
  control_store_position (control);
  control_report (control);
}

/* ---- beginning and end ------------------------------------------------- */

static int
block_signals (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  return signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
log_settings (const struct pipeline *pipeline)
{
  log_message (LEVEL_INFO, "pipeline %s: %s to %s", pipeline->settings.name,
               pipeline->source->connector->descriptor.name,
               pipeline->sink->connector->descriptor.name);
}

static int
control_run (struct control *control, struct error *error)
{
  struct pipeline *pipeline = &control->pipeline;
  pthread_t thread;
  int64_t count = 0;

  if (state_count_dead_letters (pipeline->state, &count, error) < 0)
    return error->code;
  pipeline->dead_letters = count;
  log_settings (pipeline);
  reporter_start (&control->reporter, &control->assembly, pipeline);
  if (reporter_store (&control->reporter, NULL, NULL, error) < 0
      || pthread_create (&thread, NULL, pipeline_thread, pipeline) != 0) {
    pipeline_stop (pipeline, STOP_FAIL);
    reporter_end (&control->reporter);
    return error->code != 0
             ? error->code
             : error_set (error, EZCDC_E_MEMORY, "start a thread: %m");
  }
  while (!pipeline->ended)
    control_turn (control);
  pthread_join (thread, NULL);
  control->hurry = true;
  control_store_position (control);
  /* Whatever still waits in a connector has to return now. */
  instance_interrupt (pipeline->source);
  instance_interrupt (pipeline->sink);
  writers_end (pipeline);
  reporter_end (&control->reporter);
  return 0;
}

static int
control_finish (struct control *control)
{
  struct pipeline *pipeline = &control->pipeline;
  const struct error *failure = &pipeline->failure;
  bool failed = failure->code != 0;
  struct error error = { 0 };

  if (reporter_store (&control->reporter, failed ? "failed" : "stopped",
                      failed ? failure->text : "", &error)
      < 0)
    log_message (LEVEL_ERROR, "%s", error.text);
  if (failed)
    log_message (LEVEL_ERROR, "%s", failure->text);
  if (failed)
    return RUNNER_FAILED;
  return pipeline->again ? RUNNER_EXIT_AGAIN : RUNNER_DONE;
}

static int
control_begin (struct control *control, struct error *error)
{
  struct pipeline *pipeline = &control->pipeline;

  if (pipeline_init (pipeline, error) < 0
      || state_open (control->assembly.config.state_folder, false,
                     &pipeline->state, error)
           < 0)
    return error->code;
  if (assembly_open (&control->assembly, error) < 0)
    return error->code;
  return pipeline_audit (pipeline, "config.accepted", pipeline->settings.name,
                         "success", NULL, error);
}

int
runner_run (struct keeper_link *link, const char *path, bool until_caught_up)
{
  struct control control = { .link = link, .hurry = until_caught_up };
  struct error error = { 0 };
  int status;

  control.signals = block_signals ();
  if (assembly_make (&control.assembly, path, link, &error) < 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    assembly_free (&control.assembly);
    return runner_exit_code (&error);
  }
  assembly_pipeline (&control.assembly, &control.pipeline);
  control.pipeline.settings.until_caught_up = until_caught_up;
  if (control_begin (&control, &error) < 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    status = error.code == EZCDC_E_CONFIG ? RUNNER_CONFIG : RUNNER_FAILED;
  }
  else if (control_run (&control, &error) < 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    status = RUNNER_FAILED;
  }
  else
    status = control_finish (&control);
  pipeline_destroy (&control.pipeline);
  state_close (control.pipeline.state);
  assembly_free (&control.assembly);
  close (control.signals);
  return status;
}
