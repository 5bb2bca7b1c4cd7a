/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: starts runners, answers them, ends with the last one.
 *
 *   take keys -> configuration -> ring -> every credential opens
 *     -> lock -> audit log -> runner -> [crashed: back-off -> runner ...]
 */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/rand.h>

#include <ezcdc/connector.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/cli/command.h"
#include "core/crypto/key_source.h"
#include "core/crypto/secret.h"
#include "core/keeper/credentials.h"
#include "core/keeper/guard.h"
#include "core/keeper/harden.h"
#include "core/keeper/keeper.h"
#include "core/keeper/run_lock.h"
#include "core/keeper/runner.h"
#include "core/keeper/serve.h"

#define SECOND INT64_C (1000000)
#define DRAIN_LIMIT (60 * SECOND)  /* from the signal to the runner's end */
#define SECOND_SIGNAL (5 * SECOND) /* a signal that much later means "now" */
#define STEADY (60 * SECOND)       /* a runner that lived so long is sound */
#define LONGEST_DELAY (60 * SECOND)
#define CATCH_UP_CRASHES 5

struct keeper {
  const char *mode;
  int argc;
  char **argv;
  const char *ini_path;
  bool is_run;       /* takes the lock and restarts runners */
  unsigned patience; /* crashes in a row before it gives up; 0: never */

  struct key_source *source;         /* owned */
  struct key_ring *ring;             /* owned */
  struct ini *ini;                   /* owned */
  struct pipeline_settings settings; /* owned */
  struct audit_log *audit;           /* owned */
  struct audit_trouble trouble;      /* in writing it */
  struct guard *guard;               /* owned */
  int lock;                          /* owned; -1: none */
  int signals;                       /* owned; a signalfd */

  struct service service;
  pid_t runner;       /* 0: none */
  bool stopping;      /* a signal said so */
  int64_t stop_since; /* when it came */
  bool killed;        /* the runner was, because it did not stop */
  unsigned crashes;   /* in a row */
};

/* ---- Records ----------------------------------------------------------- */

/* A record about what has happened already: if it cannot be written, the log
 * says so and life goes on. */
static void
note (const struct keeper *keeper, const char *action, const char *outcome,
      const char *detail)
{
  struct error error = { 0 };

  if (service_audit (&keeper->service, action, outcome, detail, &error) != 0)
    log_message (LEVEL_ERROR, "%s", error.text);
}

static int
audit_start (const struct keeper *keeper, struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };

  json_object_begin (&json);
  json_member_text (&json, "mode", keeper->mode);
  json_member_text (&json, "configuration", keeper->ini_path);
  json_member_text (&json, "version", PACKAGE_VERSION);
  json_member_int64 (&json, "process", getpid ());
  json_object_end (&json);
  return service_audit (&keeper->service,
                        keeper->is_run ? "pipeline.started" : "runner.started",
                        AUDIT_SUCCESS, text_string (&detail), error);
}

static void
audit_exit (const struct keeper *keeper, const char *action,
            const char *outcome, int exit_code)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };

  json_object_begin (&json);
  json_member_text (&json, "mode", keeper->mode);
  json_member_int64 (&json, "exit_code", exit_code);
  json_object_end (&json);
  note (keeper, action, outcome, text_string (&detail));
}

/* ---- Reloading --------------------------------------------------------- */

static void
describe_ring (const struct key_ring *ring, struct text *detail)
{
  struct json json = { .text = detail };
  char id[KEY_ID_TEXT_SIZE];

  json_object_begin (&json);
  json_key (&json, "key_ids");
  json_array_begin (&json);
  for (size_t i = 0; i < key_ring_count (ring); i++) {
    key_id_text (key_ring_id (ring, i), id);
    json_text (&json, id);
  }
  json_array_end (&json);
  json_object_end (&json);
}

static int
audit_reload (const struct keeper *keeper, const struct key_ring *ring,
              struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };

  describe_ring (ring, &detail);
  return service_audit (&keeper->service, "key.reloaded", AUDIT_SUCCESS,
                        text_string (&detail), error);
}

/* Puts a new ring and configuration to use, if every credential opens, the
 * audit log can go on, and there is a record of it. They are taken over on
 * success only. */
static int
adopt (struct keeper *keeper, struct ini *ini, struct key_ring *ring,
       struct error *error)
{
  enum envelope_fault fault;
  int code = credentials_check (ini, keeper->settings.name, ring, &fault,
                                error);

  if (code == 0)
    code = audit_log_rekey (keeper->audit, ring, error);
  if (code == 0)
    code = audit_reload (keeper, ring, error);
  if (code != 0)
    return code;
  ini_free (keeper->ini);
  key_ring_free (keeper->ring);
  keeper->ini = ini;
  keeper->ring = ring;
  keeper->service.ini = ini;
  keeper->service.ring = ring;
  return 0;
}

static int
reload (struct keeper *keeper, struct error *error)
{
  struct ini *ini = NULL;
  struct key_ring *ring = key_source_load (keeper->source, error);
  int code = ring == NULL ? EZCDC_E_CONFIG
                          : ini_load (keeper->ini_path, &ini, error);

  if (code == 0)
    code = adopt (keeper, ini, ring, error);
  if (code != 0) {
    key_ring_free (ring);
    ini_free (ini);
  }
  return code;
}

static void
reload_and_tell (struct keeper *keeper)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  struct error error = { 0 };

  if (reload (keeper, &error) == 0) {
    log_message (LEVEL_INFO, "keys and configuration were read anew");
    return;
  }
  log_message (LEVEL_ERROR,
               "the keys are not reloaded, the former ones stay: %s",
               error.text);
  json_object_begin (&json);
  json_member_text (&json, "reason", error.text);
  json_object_end (&json);
  note (keeper, "key.reload_rejected", AUDIT_FAILURE, text_string (&detail));
}

/* ---- Signals ----------------------------------------------------------- */

static void
forward (const struct keeper *keeper, int number)
{
  if (keeper->runner > 0)
    kill (keeper->runner, number);
}

static void
kill_runner (struct keeper *keeper, const char *why)
{
  if (keeper->runner <= 0 || keeper->killed)
    return;
  log_message (LEVEL_ERROR, "the runner is killed: %s", why);
  keeper->killed = true;
  forward (keeper, SIGKILL);
}

static void
stop (struct keeper *keeper, int number)
{
  int64_t now = clock_monotonic ();

  if (!keeper->stopping) {
    keeper->stopping = true;
    keeper->stop_since = now;
    forward (keeper, number);
  }
  else if (now - keeper->stop_since > SECOND_SIGNAL)
    kill_runner (keeper, "a second signal came before it had stopped");
}

static void
take_signals (struct keeper *keeper)
{
  struct signalfd_siginfo signal;

  while (read (keeper->signals, &signal, sizeof signal) == sizeof signal)
    switch (signal.ssi_signo) {
    case SIGTERM:
    case SIGINT:
      stop (keeper, (int) signal.ssi_signo);
      break;
    case SIGHUP:
      reload_and_tell (keeper);
      forward (keeper, SIGHUP);
      break;
    default: /* SIGCHLD: the runner is waited for by its name */
      break;
    }
}

static int
catch_signals (struct keeper *keeper, struct error *error)
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

/* ---- One runner -------------------------------------------------------- */

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
  note (keeper, "runner.call_refused", AUDIT_DENIED, text_string (&detail));
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
  take_signals (keeper);
  if (time_left (keeper) == 0)
    kill_runner (keeper, "it had not stopped 60 s after the signal");
  if (entries[2].revents != 0)
    answer_calls (keeper);
  if (entries[1].revents == 0)
    return;
  enum service_state state = serve (&keeper->service);
  if (state == SERVICE_GOES_ON)
    return;
  close_link (keeper);
  if (state == SERVICE_BROKEN)
    kill_runner (keeper, "it does not keep to the keeper's protocol");
}

/* Attends a runner until it has ended; its wait status. */
static int
attend (struct keeper *keeper)
{
  int status = 0;
  pid_t ended;

  while ((ended = waitpid (keeper->runner, &status, WNOHANG)) == 0
         || (ended > 0 && WIFSTOPPED (status)))
    if (ended > 0)
      kill_runner (keeper, "it has made the keeper its tracer");
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

static int
start_runner (struct keeper *keeper, struct error *error)
{
  int code = runner_start (keeper->mode, keeper->argc, keeper->argv,
                           &keeper->runner, &keeper->service.socket, error);

  if (code != 0)
    return code;
  keeper->killed = false;
  keeper->service.runner = keeper->runner;
  keeper->service.heard = keeper->service.watch_asked = false;
  keeper->service.confinement_told = false;
  guard_begin (keeper->guard, keeper->runner);
  watch_begin (&keeper->service.watch, keeper->guard);
  /* A signal that came while there was none. */
  if (keeper->stopping)
    forward (keeper, SIGTERM);
  return 0;
}

/* ---- Crashes ----------------------------------------------------------- */

/* How a runner has ended in disorder, in words. */
static void
describe_crash (int status, struct text *text)
{
  if (WIFSIGNALED (status))
    text_printf (text, "was ended by signal %d (%s)", WTERMSIG (status),
                 strsignal (WTERMSIG (status)));
  else
    text_printf (text, "ended with exit code %d", WEXITSTATUS (status));
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
  note (keeper, "runner.crashed", AUDIT_FAILURE, text_string (&detail));
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
    take_signals (keeper);
  }
}

/* ---- All runners ------------------------------------------------------- */

static int
finish (struct keeper *keeper, int exit_code)
{
  if (exit_code == EXIT_USAGE)
    audit_exit (keeper, "config.rejected", AUDIT_FAILURE, exit_code);
  if (!keeper->is_run)
    audit_exit (keeper, "runner.stopped",
                exit_code == EXIT_OK ? AUDIT_SUCCESS : AUDIT_FAILURE,
                exit_code);
  else if (exit_code == EXIT_OK)
    audit_exit (keeper, "pipeline.stopped", AUDIT_SUCCESS, exit_code);
  else
    audit_exit (keeper, "pipeline.failed", AUDIT_FAILURE, exit_code);
  return exit_code;
}

static bool
ended_in_order (int status)
{
  return WIFEXITED (status) && WEXITSTATUS (status) <= EXIT_FOUND;
}

/* A runner that has done some work may ask for another one; who asks at once
 * would do so for ever. */
static bool
asks_for_another (const struct keeper *keeper, int status, int64_t lived)
{
  return keeper->is_run && WIFEXITED (status)
         && WEXITSTATUS (status) == RUNNER_EXIT_AGAIN && lived >= SECOND;
}

static int
supervise (struct keeper *keeper)
{
  struct error error = { 0 };

  if (audit_start (keeper, &error) != 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return EXIT_RUN_FAILED;
  }
  while (!keeper->stopping) {
    int64_t begun = clock_monotonic ();
    if ((keeper->is_run
         && service_audit (&keeper->service, "runner.started", AUDIT_SUCCESS,
                           NULL, &error)
              != 0)
        || start_runner (keeper, &error) != 0) {
      log_message (LEVEL_ERROR, "%s", error.text);
      return finish (keeper, EXIT_RUN_FAILED);
    }
    int status = attend (keeper);
    if (ended_in_order (status))
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

/* ---- The start --------------------------------------------------------- */

static void
warn_about_memory (void)
{
  if (secret_protection () == SECRET_UNLOCKED)
    log_message (LEVEL_WARNING,
                 "secrets cannot be locked in memory and may be swapped to "
                 "disk: raise RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=8M)");
}

/* A record of a key that does not fit, if the log can be gone on with under
 * the keys that were given; never a new log under a wrong key. */
static void
note_mismatch (struct keeper *keeper)
{
  if (access (keeper->settings.audit_log, F_OK) != 0)
    return;
  keeper->audit = pipeline_audit_enter (&keeper->settings, keeper->ring, NULL);
  keeper->service.audit = keeper->audit;
  if (keeper->audit != NULL)
    audit_exit (keeper, "key.mismatched", AUDIT_FAILURE, EXIT_USAGE);
}

static int
check_credentials (struct keeper *keeper, struct error *error)
{
  enum envelope_fault fault;
  int code = credentials_check (keeper->ini, keeper->settings.name,
                                keeper->ring, &fault, error);

  if (fault == ENVELOPE_KEY)
    note_mismatch (keeper);
  return code;
}

/* For a run: takes the lock, and the log goes over to the primary key. */
static int
claim_pipeline (struct keeper *keeper, struct error *error)
{
  int code = pipeline_folders_make (&keeper->settings, error);

  if (code == 0)
    code = run_lock_take (keeper->settings.folder, &keeper->lock, error);
  if (code != 0)
    return code;
  keeper->service.lock = keeper->lock;
  keeper->audit = pipeline_audit_enter (&keeper->settings, keeper->ring,
                                        error);
  if (keeper->audit == NULL)
    return error->code;
  code = audit_log_rekey (keeper->audit, keeper->ring, error);
  return code == 0 ? audit_log_ratchet (keeper->audit, error) : code;
}

static int
visit_pipeline (struct keeper *keeper, struct error *error)
{
  keeper->audit = pipeline_audit_open (&keeper->settings, keeper->ring, error);
  return keeper->audit == NULL ? error->code : 0;
}

/* Reads and checks everything; nothing has been started when it fails. */
static int
prepare (struct keeper *keeper, struct error *error)
{
  keeper->source = key_source_take (error);
  if (keeper->source == NULL)
    return error->code;
  int code = ini_load (keeper->ini_path, &keeper->ini, error);
  if (code == 0)
    code = pipeline_settings_read (keeper->ini, &keeper->settings, error);
  if (code != 0)
    return code;
  keeper->ring = key_source_load (keeper->source, error);
  if (keeper->ring == NULL)
    return error->code;
  keeper->service.settings = &keeper->settings;
  keeper->service.trouble = &keeper->trouble;
  keeper->service.ini = keeper->ini;
  keeper->service.ring = keeper->ring;
  code = check_credentials (keeper, error);
  if (code == 0)
    code = keeper->is_run ? claim_pipeline (keeper, error)
                          : visit_pipeline (keeper, error);
  if (code != 0)
    return code;
  keeper->service.audit = keeper->audit;
  keeper->guard = guard_new (&keeper->settings, keeper->ini_path,
                             keeper->source, error);
  if (keeper->guard == NULL)
    return error->code;
  return catch_signals (keeper, error);
}

/* Behind the last record, so that a log that is cut at rest is noticed. */
static void
finish_audit (struct keeper *keeper)
{
  struct error error = { 0 };

  if (audit_log_finish (keeper->audit, &error) != 0)
    log_message (LEVEL_ERROR, "%s", error.text);
}

static void
clear (struct keeper *keeper)
{
  audit_log_free (keeper->audit);
  key_ring_free (keeper->ring);
  key_source_free (keeper->source);
  ini_free (keeper->ini);
  guard_free (keeper->guard);
  pipeline_settings_free (&keeper->settings);
  if (keeper->signals >= 0)
    close (keeper->signals);
  if (keeper->lock >= 0)
    close (keeper->lock);
}

int
keeper_command (const char *mode, int argc, char **argv, const char *ini_path)
{
  bool is_catch_up = strcmp (mode, "catch-up") == 0;
  struct keeper *keeper = calloc (1, sizeof *keeper);
  struct error error = { 0 };

  if (keeper == NULL) {
    log_message (LEVEL_ERROR, "out of memory for the keeper");
    return EXIT_RUN_FAILED;
  }
  harden_process ();
  keeper->mode = mode;
  keeper->argc = argc;
  keeper->argv = argv;
  keeper->ini_path = ini_path;
  keeper->is_run = is_catch_up || strcmp (mode, "run") == 0;
  keeper->patience = is_catch_up ? CATCH_UP_CRASHES : 0;
  keeper->lock = keeper->signals = keeper->service.socket = -1;
  keeper->service.lock = -1;
  watch_begin (&keeper->service.watch, NULL);
  int exit_code;
  if (prepare (keeper, &error) == 0) {
    warn_about_memory ();
    exit_code = supervise (keeper);
    finish_audit (keeper);
  }
  else {
    log_message (LEVEL_ERROR, "%s", error.text);
    exit_code = error.code == EZCDC_E_CONFIG ? EXIT_USAGE : EXIT_RUN_FAILED;
  }
  clear (keeper);
  free (keeper);
  return exit_code;
}
