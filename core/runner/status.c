/* SPDX-License-Identifier: Apache-2.0 */
/* Status and progress of a run. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/pipeline/position.h"
#include "core/runner/connections.h"
#include "core/runner/status.h"

/* Microseconds. */
#define WATCH_INTERVAL INT64_C (5000000)
/* An end of the source's log that is older says nothing about now. */
#define WATCH_PATIENCE (3 * WATCH_INTERVAL)
/* A sink that takes longer for an answer is worth a word. */
#define SINK_PATIENCE INT64_C (10000000)
#define LINE_INTERVAL_TERMINAL INT64_C (500000)
#define LINE_INTERVAL INT64_C (10000000)
/* Being this close counts as having caught up. */
#define LAG_NOTHING INT64_C (300000)

/* ---- the end of the source's log --------------------------------------- */

static void
watch_once (struct reporter *reporter)
{
  struct pipeline *pipeline = reporter->pipeline;
  struct ezcdc_position position = { 0 };
  int result;

  instance_lock (pipeline->source);
  result = pipeline->source_calls->current_position (pipeline->source->self,
                                                     &position);
  instance_unlock (pipeline->source);
  if (result < 0)
    return; /* the stream says it louder */
  reporter->watched = clock_monotonic ();
  pthread_mutex_lock (&pipeline->lock);
  position_copy (&pipeline->source_end, &position);
  pthread_mutex_unlock (&pipeline->lock);
}

static void *
watch_thread (void *argument)
{
  struct reporter *reporter = argument;
  struct pipeline *pipeline = reporter->pipeline;

  while (pipeline->stop == STOP_NONE) {
    struct timespec deadline = clock_deadline (WATCH_INTERVAL);
    int result = 0;

    if (pipeline->phase == PHASE_STREAMING)
      watch_once (reporter);
    else
      reporter->watched = clock_monotonic ();
    pthread_mutex_lock (&pipeline->lock);
    while (pipeline->stop == STOP_NONE && result == 0)
      result = pthread_cond_timedwait (&pipeline->changed, &pipeline->lock,
                                       &deadline);
    pthread_mutex_unlock (&pipeline->lock);
  }
  return NULL;
}

void
reporter_start (struct reporter *reporter, struct assembly *assembly,
                struct pipeline *pipeline)
{
  memset (reporter, 0, sizeof *reporter);
  reporter->assembly = assembly;
  reporter->pipeline = pipeline;
  reporter->started = clock_realtime ();
  reporter->started_monotonic = clock_monotonic ();
  reporter->line_time = reporter->started_monotonic;
  reporter->watched = reporter->started_monotonic;
  reporter->terminal = isatty (STDERR_FILENO) == 1;
  if (!pipeline->settings.until_caught_up)
    reporter->watching = pthread_create (&reporter->watch, NULL, watch_thread,
                                         reporter)
                         == 0;
}

void
reporter_end (struct reporter *reporter)
{
  if (reporter->terminal)
    log_set_progress (NULL);
  if (reporter->watching)
    pthread_join (reporter->watch, NULL);
  reporter->watching = false;
}

/* ---- the numbers ------------------------------------------------------- */

struct totals {
  size_t tables;
  size_t copied; /* tables */
  int64_t rows;
  int64_t rows_total; /* -1 if unknown */
  int64_t changes;
};

static struct totals
count_totals (const struct pipeline *pipeline)
{
  struct totals totals = { .tables = pipeline->listed ? pipeline->tables.count
                                                      : 0 };

  for (size_t i = 0; i < totals.tables; i++) {
    const struct table *table = pipeline->tables.tables[i];
    int64_t rows = table->rows, total = table->rows_total;

    totals.copied += table->phase == TABLE_STREAMING;
    totals.rows += rows;
    totals.changes += table->changes;
    if (total < 0)
      totals.rows_total = -1;
    else if (totals.rows_total >= 0)
      totals.rows_total += total > rows ? total : rows;
  }
  return totals;
}

uint64_t
reporter_progress (const struct reporter *reporter)
{
  struct pipeline *pipeline = reporter->pipeline;
  struct totals totals = count_totals (pipeline);
  uint64_t progress = (uint64_t) (totals.rows + totals.changes);

  progress = progress * 31 + totals.copied;
  progress = progress * 31 + pipeline->phase;
  pthread_mutex_lock (&pipeline->lock);
  for (uint32_t i = 0; i < pipeline->read.length; i++)
    progress = progress * 31 + pipeline->read.bytes[i];
  pthread_mutex_unlock (&pipeline->lock);
  return progress;
}

/* How far the target is behind, in microseconds; -1 if there is no stream.
 * Under steady traffic something is always under way: then the newest commit
 * in the target tells. Called under the pipeline's lock. */
static int64_t
lag_time (const struct reporter *reporter)
{
  const struct pipeline *pipeline = reporter->pipeline;
  int64_t since = pipeline->caught_up != 0 ? pipeline->caught_up
                                           : reporter->started_monotonic;
  int64_t lag = clock_monotonic () - since;
  int64_t behind = clock_realtime () - pipeline->durable_commit_time;

  if (pipeline->phase != PHASE_STREAMING)
    return -1;
  if (pipeline->durable_commit_time != 0 && behind < lag)
    lag = behind;
  return lag < LAG_NOTHING ? 0 : lag;
}

static void
put_position (const struct pipeline *pipeline,
              const struct ezcdc_position *position, char *ret_text)
{
  ret_text[0] = '\0';
  if (position->length > 0)
    pipeline->source_calls->position_text (position, ret_text);
}

static void
put_counters (const struct assembly *assembly, struct state_status *status)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };
  const struct ezcdc_instance *instances[2] = { assembly->source.instance,
                                                assembly->sink.instance };

  json_object_begin (&json);
  for (size_t i = 0; i < 2; i++) {
    const char *name;
    int64_t value;

    json_key (&json, instances[i]->section);
    json_object_begin (&json);
    for (uint32_t k = 0; instance_counter (instances[i], k, &name, &value);
         k++)
      json_member_int64 (&json, name, value);
    json_object_end (&json);
  }
  json_object_end (&json);
  snprintf (status->counters, sizeof status->counters, "%s",
            text_string (&text));
}

static void
put_connections (struct assembly *assembly, struct state_status *status)
{
  CLEANUP_TEXT struct text text = { 0 };

  connections_print (assembly, &text, sizeof status->connections - 1024);
  snprintf (status->connections, sizeof status->connections, "%s",
            text_string (&text));
}

/* Before a run has got anywhere, its predecessor's end is what there is. */
static struct ezcdc_position
stored_position (struct pipeline *pipeline)
{
  struct ezcdc_position position = rounds_stored (&pipeline->rounds);
  struct state_source source = { 0 };
  struct error error = { 0 };

  if (position.length == 0
      && state_get_source (pipeline->state, &source, &error) == 0)
    position = source.position;
  return position;
}

/* What is waited for, if anything: by the source, by the sink, or by us for the
 * sink. */
static void
put_reason (struct reporter *reporter, struct state_status *status)
{
  struct assembly *assembly = reporter->assembly;
  const char *table;
  int64_t since;

  pthread_mutex_lock (&assembly->lock);
  snprintf (status->reason, sizeof status->reason, "%s",
            assembly->source.waiting[0] != '\0' ? assembly->source.waiting
                                                : assembly->sink.waiting);
  pthread_mutex_unlock (&assembly->lock);
  if (status->reason[0] != '\0' || reporter->pipeline->phase == PHASE_SETUP)
    return;
  since = writers_asked (reporter->pipeline, &table);
  if (since != 0 && clock_monotonic () - since >= SINK_PATIENCE)
    snprintf (status->reason, sizeof status->reason,
              "no answer from the sink about %s%s for %d s",
              table != NULL ? "table " : "all tables",
              table != NULL ? table : "",
              (int) ((clock_monotonic () - since) / 1000000));
}

/* What the source has written since is not known before it is asked, nor when
 * it does not answer. */
static bool
end_is_known (const struct reporter *reporter)
{
  const struct pipeline *pipeline = reporter->pipeline;

  if (pipeline->phase != PHASE_STREAMING)
    return pipeline->source_end.length > 0;
  return !reporter->watching
         || clock_monotonic () - reporter->watched < WATCH_PATIENCE;
}

static void
fill_status (struct reporter *reporter, struct state_status *status)
{
  struct pipeline *pipeline = reporter->pipeline;
  struct ezcdc_position read, confirmed, end;
  bool known;
  int64_t lag;

  put_reason (reporter, status);
  pthread_mutex_lock (&pipeline->lock);
  read = pipeline->read;
  confirmed = pipeline->confirmed;
  end = pipeline->source_end;
  known = end_is_known (reporter);
  lag = lag_time (reporter);
  if (pipeline->waiting > 0)
    snprintf (status->reason, sizeof status->reason, "%s",
              pipeline->wait_reason);
  snprintf (status->state, sizeof status->state, "%s",
            pipeline->waiting > 0            ? "backing_off"
            : pipeline->phase == PHASE_SETUP ? "starting"
                                             : "running");
  pthread_mutex_unlock (&pipeline->lock);

  if (confirmed.length == 0)
    confirmed = stored_position (pipeline);
  if (read.length == 0)
    read = confirmed;
  if (position_compare (&end, &read) < 0)
    end = read;
  snprintf (status->phase, sizeof status->phase, "%s",
            pipeline_phase_name (pipeline->phase));
  put_position (pipeline, &read, status->position);
  put_position (pipeline, &confirmed, status->confirmed);
  status->lag_bytes = confirmed.length == 0 || !known
                        ? -1
                        : pipeline->source_calls->position_distance (
                          &confirmed, &end);
  status->lag_seconds = lag < 0 ? -1 : (double) lag / 1e6;
}

static int
store_tables (struct reporter *reporter, struct error *error)
{
  struct pipeline *pipeline = reporter->pipeline;
  size_t count = pipeline->listed ? pipeline->tables.count : 0;

  if (state_begin (pipeline->state, error) < 0)
    return error->code;
  for (size_t i = 0; i < count; i++) {
    const struct table *table = pipeline->tables.tables[i];
    struct state_table stored = pipeline_stored_table (table);

    if (state_set_counters (pipeline->state, &stored, error) < 0)
      break;
  }
  if (state_commit (pipeline->state, error) < 0)
    return error->code;
  return error->code;
}

int
reporter_store (struct reporter *reporter, const char *state,
                const char *reason, struct error *error)
{
  struct pipeline *pipeline = reporter->pipeline;
  struct state_status status = { .lag_bytes = -1 };

  fill_status (reporter, &status);
  if (state != NULL)
    snprintf (status.state, sizeof status.state, "%s", state);
  if (reason != NULL)
    snprintf (status.reason, sizeof status.reason, "%s", reason);
  status.updated = clock_realtime ();
  status.started = reporter->started;
  status.pid = getpid ();
  connections_watch (reporter->assembly);
  put_counters (reporter->assembly, &status);
  put_connections (reporter->assembly, &status);
  /* Tables are listed once, before the phase leaves setup. */
  if (pipeline->phase != PHASE_SETUP && store_tables (reporter, error) < 0)
    return error->code;
  return state_set_status (pipeline->state, &status, error);
}

/* ---- progress ---------------------------------------------------------- */

static void
format_seconds (char *buffer, size_t size, double seconds)
{
  if (seconds < 90)
    snprintf (buffer, size, "%.0f s", seconds);
  else if (seconds < 5400)
    snprintf (buffer, size, "%.0f min", seconds / 60);
  else
    snprintf (buffer, size, "%.1f h", seconds / 3600);
}

static void
snapshot_line (const struct totals *totals, double rate, char *line,
               size_t size)
{
  char left[32] = "?";
  int percent = 0;

  if (totals->rows_total < 0) {
    snprintf (line, size,
              "snapshot: %zu of %zu tables, %lld rows, %.0f rows/s",
              totals->copied, totals->tables, (long long) totals->rows, rate);
    return;
  }
  if (totals->rows_total > 0)
    percent = (int) (100 * totals->rows / totals->rows_total);
  if (rate > 0)
    format_seconds (left, sizeof left,
                    (double) (totals->rows_total - totals->rows) / rate);
  snprintf (line, size,
            "snapshot: %zu of %zu tables, %lld of about %lld rows (%d %%), "
            "%.0f rows/s, %s left",
            totals->copied, totals->tables, (long long) totals->rows,
            (long long) totals->rows_total, percent, rate, left);
}

static void
stream_line (struct reporter *reporter, const struct totals *totals,
             double rate, char *line, size_t size)
{
  struct state_status status = { .lag_bytes = -1 };
  char bytes[32] = "unknown";

  fill_status (reporter, &status);
  if (status.lag_bytes >= 0)
    snprintf (bytes, sizeof bytes, "%lld", (long long) status.lag_bytes);
  snprintf (line, size,
            "streaming: %zu tables, %s, %lld changes, %.0f changes/s, lag "
            "%.1f s, %s bytes%s%.200s",
            totals->tables, status.position, (long long) totals->changes, rate,
            status.lag_seconds < 0 ? 0 : status.lag_seconds, bytes,
            status.reason[0] ? ", waiting: " : "", status.reason);
}

void
reporter_show (struct reporter *reporter)
{
  struct pipeline *pipeline = reporter->pipeline;
  int64_t now = clock_monotonic ();
  double seconds = (double) (now - reporter->line_time) / 1e6;
  struct totals totals;
  char line[512];

  if (now - reporter->line_time
        < (reporter->terminal ? LINE_INTERVAL_TERMINAL : LINE_INTERVAL)
      || pipeline->phase == PHASE_SETUP)
    return;
  totals = count_totals (pipeline);
  if (pipeline->phase == PHASE_SNAPSHOT)
    snapshot_line (&totals,
                   (double) (totals.rows - reporter->line_rows) / seconds,
                   line, sizeof line);
  else
    stream_line (reporter, &totals,
                 (double) (totals.changes - reporter->line_changes) / seconds,
                 line, sizeof line);
  if (reporter->terminal)
    log_set_progress (line);
  else
    log_message (LEVEL_INFO, "%s", line);
  reporter->line_time = now;
  reporter->line_rows = totals.rows;
  reporter->line_changes = totals.changes;
}
