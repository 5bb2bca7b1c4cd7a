/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc status: what a pipeline is doing, read from its state folder. */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/json_rewrite.h"
#include "core/base/log.h"
#include "core/base/print.h"
#include "core/base/text.h"
#include "core/cli/command.h"
#include "core/keeper/run_lock.h"
#include "core/keeper/trouble.h"
#include "core/pipeline/table.h"
#include "core/runner/config.h"
#include "core/runner/confine.h"
#include "core/state/state.h"

struct view {
  struct config config;
  struct state *state;
  struct state_status status;
  int64_t dead_letters;
  bool alive;
  pid_t pid; /* of the keeper */
  struct audit_trouble trouble;
  struct json json;
};

/* Seconds of the processor's time that no state needs. */
#define WORK_MAX 10

static void
give_up (int number)
{
  static const char words[] =
    "ezcdc: error: read the state: it has taken 10 s of the processor's time; "
    "state.db is not as a run leaves it\n";
  ssize_t written = write (STDERR_FILENO, words, sizeof words - 1);

  (void) number;
  (void) written; /* there is nobody else to tell */
  _exit (EXIT_RUN_FAILED);
}

static void
limit_work (void)
{
  struct rlimit limit;

  signal (SIGXCPU, give_up);
  if (getrlimit (RLIMIT_CPU, &limit) != 0)
    return;
  limit.rlim_cur = WORK_MAX;
  setrlimit (RLIMIT_CPU, &limit);
}

/* Who owns the folder decides what lies in it, and may not be who asks. There
 * is nothing to read before the first run. */
static int
view_open_state (struct view *view, bool *ret_known, struct error *error)
{
  char path[4096];

  snprintf (path, sizeof path, "%s/state.db", view->config.state_folder);
  if (access (path, F_OK) != 0 && errno == ENOENT) {
    *ret_known = false;
    return 0;
  }
  limit_work ();
  if (confine_reading (view->config.state_folder, error) < 0
      || state_open (view->config.state_folder, true, &view->state, error) < 0
      || state_get_status (view->state, &view->status, ret_known, error) < 0)
    return error->code;
  return state_count_dead_letters (view->state, &view->dead_letters, error);
}

static int
view_load (struct view *view, const char *path, struct error *error)
{
  bool known = false;

  if (config_load (path, &view->config, error) < 0)
    return error->code;
  if (run_lock_probe (view->config.state_folder, &view->alive, &view->pid,
                      error)
        < 0
      || view_open_state (view, &known, error) < 0)
    return error->code;
  if (view->alive)
    audit_trouble_read (view->config.state_folder, &view->trouble);
  if (!known) {
    view->status = (struct state_status){
      .state = "stopped",
      .phase = "setup",
      .reason = "it has never run",
      .lag_bytes = -1,
      .lag_seconds = -1,
      .counters = "{}",
      .connections = "[]",
    };
    return 0;
  }
  /* A run that was killed could not say so, nor one that could not write. */
  if (!view->alive && strcmp (view->status.state, "stopped") != 0
      && strcmp (view->status.state, "failed") != 0) {
    snprintf (view->status.state, sizeof view->status.state, "stopped");
    snprintf (view->status.reason, sizeof view->status.reason,
              "the run ended and could not write down why: it was killed, "
              "the machine stopped, or the disk of its state folder is full; "
              "its log may say more");
  }
  return 0;
}

static void
view_free (struct view *view)
{
  state_close (view->state);
  config_free (&view->config);
}

/* ---- text -------------------------------------------------------------- */

static int
print_table (void *context, const struct state_table *table)
{
  (void) context;
  print_line ("  %-32s %-10s %12" PRId64 " rows %12" PRId64 " changes -> %s",
              table->name, table_phase_name (table->phase), table->rows,
              table->changes, table->target);
  return 0;
}

/* The time, or NULL if there was none. */
static const char *
time_text (int64_t time, char buffer[CLOCK_TEXT_SIZE])
{
  return time == 0 ? NULL : clock_rfc3339 (time, buffer);
}

static int
print_text (struct view *view, struct error *error)
{
  const struct state_status *status = &view->status;
  char when[CLOCK_TEXT_SIZE];

  print_line ("pipeline      %s", view->config.name);
  print_line ("state         %s%s%s", status->state,
              status->reason[0] ? ": " : "", status->reason);
  print_line ("phase         %s", status->phase);
  print_line ("position      %s", status->position);
  print_line ("confirmed     %s", status->confirmed);
  if (status->lag_bytes >= 0)
    print_line ("lag           %" PRId64 " bytes", status->lag_bytes);
  if (status->lag_seconds >= 0)
    print_line ("              %.1f s", status->lag_seconds);
  print_line ("dead letters  %" PRId64, view->dead_letters);
  if (view->trouble.since != 0)
    print_line ("audit log     cannot be written since %s, %" PRId64
                " records were refused; the last: %s",
                time_text (view->trouble.since, when), view->trouble.refused,
                view->trouble.reason);
  if (status->updated != 0)
    print_line ("as of         %s", time_text (status->updated, when));
  puts ("tables");
  if (view->state == NULL)
    return 0;
  return state_each_table (view->state, print_table, NULL, error);
}

/* ---- JSON -------------------------------------------------------------- */

static int
json_table (void *context, const struct state_table *table)
{
  struct json *json = context;

  json_object_begin (json);
  json_member_text (json, "name", table->name);
  json_member_text (json, "target", table->target);
  json_member_text (json, "phase", table_phase_name (table->phase));
  json_member_int64 (json, "rows", table->rows);
  json_member_int64 (json, "rows_total", table->rows_total);
  json_member_int64 (json, "changes", table->changes);
  json_object_end (json);
  return 0;
}

static void
json_position (struct json *json, const char *name, const char *text)
{
  json_member_text (json, name, text[0] ? text : NULL);
}

static void
json_trouble (struct json *json, const struct audit_trouble *trouble)
{
  char when[CLOCK_TEXT_SIZE];

  if (trouble->since == 0) {
    json_none (json);
    return;
  }
  json_object_begin (json);
  json_member_text (json, "since", time_text (trouble->since, when));
  json_member_int64 (json, "refused", trouble->refused);
  json_member_text (json, "reason", trouble->reason);
  json_object_end (json);
}

/* A value that the run has stored as JSON, or somebody else as something. */
static int
json_stored (struct json *json, const char *stored,
             bool (*rewrite) (const char *, struct text *),
             struct error *error)
{
  CLEANUP_TEXT struct text anew = { 0 };

  if (!rewrite (stored, &anew))
    return error_set (error, EZCDC_E_OPERATOR,
                      "what state.db has there is not what a run stores; the "
                      "next run stores it anew");
  json_raw (json, text_string (&anew), anew.length);
  return 0;
}

static int
print_json (struct view *view, struct error *error)
{
  const struct state_status *status = &view->status;
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };
  char when[CLOCK_TEXT_SIZE];

  json_object_begin (&json);
  json_member_text (&json, "pipeline", view->config.name);
  json_member_text (&json, "state", status->state);
  json_member_text (&json, "phase", status->phase);
  json_member_text (&json, "reason", status->reason);
  json_key (&json, "tables");
  json_array_begin (&json);
  if (view->state != NULL
      && state_each_table (view->state, json_table, &json, error) < 0)
    return error->code;
  json_array_end (&json);
  json_position (&json, "position", status->position);
  json_position (&json, "confirmed", status->confirmed);
  json_member_int64 (&json, "lag_bytes", status->lag_bytes);
  json_member_double (&json, "lag_seconds", status->lag_seconds);
  json_member_int64 (&json, "dead_letters", view->dead_letters);
  json_key (&json, "audit");
  json_trouble (&json, &view->trouble);
  json_member_text (&json, "updated", time_text (status->updated, when));
  json_member_text (&json, "started", time_text (status->started, when));
  json_member_int64 (&json, "keeper_pid", view->alive ? view->pid : 0);
  json_member_int64 (&json, "runner_pid", view->alive ? status->pid : 0);
  json_key (&json, "connections");
  if (json_stored (&json, status->connections, json_rewrite_array, error) != 0)
    return error_prefix (error, "show the connections");
  json_key (&json, "counters");
  if (json_stored (&json, status->counters, json_rewrite_object, error) != 0)
    return error_prefix (error, "show the counters");
  json_object_end (&json);
  puts (text_string (&text));
  return 0;
}

static int
status_show (const char *path, bool json)
{
  struct view view = { .state = NULL };
  struct error error = { 0 };
  int result = view_load (&view, path, &error);

  if (result == 0)
    result = json ? print_json (&view, &error) : print_text (&view, &error);
  if (result < 0)
    log_message (LEVEL_ERROR, "%s", error.text);
  view_free (&view);
  if (result == EZCDC_E_CONFIG)
    return EXIT_USAGE;
  return result < 0 ? EXIT_RUN_FAILED : EXIT_OK;
}

static int
run (int argc, char **argv)
{
  const char *file = NULL;
  bool json = false;

  for (int i = 1; i < argc; i++) {
    if (strcmp (argv[i], "--json") == 0)
      json = true;
    else if (argv[i][0] == '-')
      return command_usage_error (&command_status, "unknown option %s",
                                  argv[i]);
    else if (file != NULL)
      return command_usage_error (&command_status, "one file, not several");
    else
      file = argv[i];
  }
  if (file == NULL)
    return command_usage_error (&command_status, "which file?");
  return status_show (file, json);
}

const struct command command_status = {
  .name = "status",
  .summary = "show what a pipeline is doing",
  .usage =
    "Usage: ezcdc status [--json] FILE\n"
    "\n"
    "Shows state, phase, progress of each table, positions, lag and\n"
    "counters of the pipeline that FILE describes; while it runs, as\n"
    "of the last second, else as it ended.\n"
    "\n"
    "Exit codes: 0 shown, 1 the state cannot be read, 2 wrong usage or\n"
    "configuration.\n",
  .run = run,
};
