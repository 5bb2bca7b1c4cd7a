/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline's story: discover, prepare, snapshot, stream. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/keeper/link.h"
#include "core/pipeline/ahead.h"
#include "core/pipeline/discovery.h"
#include "core/pipeline/loads.h"
#include "core/pipeline/missed.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/position.h"
#include "core/pipeline/retry.h"
#include "core/pipeline/shape.h"
#include "core/pipeline/snapshot.h"
#include "core/pipeline/stream.h"
#include "core/plugin/instance.h"

/* ---- life -------------------------------------------------------------- */

int
pipeline_init (struct pipeline *pipeline, struct error *error)
{
  pthread_condattr_t attributes;

  pthread_mutex_init (&pipeline->lock, NULL);
  pthread_mutex_init (&pipeline->ahead_lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&pipeline->changed, &attributes);
  pthread_condattr_destroy (&attributes);
  rounds_init (&pipeline->rounds);
  writers_init (&pipeline->writers);
  pipeline->wake_event = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (pipeline->wake_event < 0
      || pool_init (&pipeline->pool, pipeline->settings.memory) < 0)
    return error_set (error, EZCDC_E_MEMORY, "set up the pipeline: %m");
  return 0;
}

void
pipeline_destroy (struct pipeline *pipeline)
{
  writers_end (pipeline);
  snapshots_free (pipeline->snapshots);
  table_set_free (&pipeline->tables);
  writers_destroy (&pipeline->writers);
  rounds_destroy (&pipeline->rounds);
  pool_destroy (&pipeline->pool);
  close (pipeline->wake_event);
  pthread_cond_destroy (&pipeline->changed);
  pthread_mutex_destroy (&pipeline->lock);
  pthread_mutex_destroy (&pipeline->ahead_lock);
}

void
pipeline_wake (struct pipeline *pipeline)
{
  uint64_t one = 1;

  /* It can only fail when it has been written to already. */
  (void) !write (pipeline->wake_event, &one, sizeof one);
}

void
pipeline_stop (struct pipeline *pipeline, enum stop_kind kind)
{
  pthread_mutex_lock (&pipeline->lock);
  if (pipeline->stop < (uint32_t) kind)
    pipeline->stop = kind;
  pthread_cond_broadcast (&pipeline->changed);
  pthread_mutex_unlock (&pipeline->lock);
  pool_wake (&pipeline->pool);
  writers_wake (&pipeline->writers);
  /* Nothing has been read before the setup is over, so there is nothing to
   * finish: no server that keeps us waiting shall hold up the end. */
  if (kind == STOP_FAIL
      || (kind == STOP_DRAIN && pipeline->phase == PHASE_SETUP)) {
    instance_interrupt (pipeline->source);
    instance_interrupt (pipeline->sink);
  }
  pipeline_wake (pipeline);
}

void
pipeline_fail (struct pipeline *pipeline, const struct error *error)
{
  pthread_mutex_lock (&pipeline->lock);
  if (pipeline->failure.code == 0)
    pipeline->failure = *error;
  pthread_mutex_unlock (&pipeline->lock);
  pipeline_stop (pipeline, STOP_FAIL);
}

enum stop_kind
pipeline_stopping (struct pipeline *pipeline)
{
  return (enum stop_kind) pipeline->stop;
}

void
pipeline_begin_again (struct pipeline *pipeline)
{
  pipeline->again = true;
  pipeline_stop (pipeline, STOP_DRAIN);
}

const char *
pipeline_phase_name (uint32_t phase)
{
  switch ((enum pipeline_phase) phase) {
  case PHASE_SETUP:
    return "setup";
  case PHASE_SNAPSHOT:
    return "snapshot";
  case PHASE_STREAMING:
    return "streaming";
  }
  return "unknown";
}

int
pipeline_audit (struct pipeline *pipeline, const char *action,
                const char *resource, const char *outcome,
                const char *detail_json, struct error *error)
{
  if (pipeline->link == NULL)
    return 0;
  return keeper_link_audit (pipeline->link, action, resource, outcome,
                            detail_json, error);
}

/* ---- the story --------------------------------------------------------- */

static int
discover_with_retries (struct pipeline *pipeline, struct error *error)
{
  struct retry retry = { .what = "looking at the source" };
  int result;

  while ((result = pipeline_discover (pipeline, error)) < 0) {
    result = retry_wait (pipeline, &retry, error);
    if (result < 0)
      return result;
  }
  return 0;
}

struct state_table
pipeline_stored_table (const struct table *table)
{
  return (struct state_table){
    .known = true,
    .id = table->id,
    .name = table->name,
    .target = table->target,
    .phase = table->phase,
    .rows = table->rows,
    .rows_total = table->rows_total,
    .changes = table->changes,
    .repair_before = table->repair_before,
  };
}

/* A new table has no past here, but the slot may bring one: changes that are
 * older than its copy, and not all of them if it was not in the publication all
 * the time. */
static int
load_new_table (struct pipeline *pipeline, struct table *table, bool first,
                struct error *error)
{
  if (pipeline->settings.snapshot == SNAPSHOT_NEVER) {
    table->phase = TABLE_STREAMING;
    return 0;
  }
  table->phase = TABLE_WAITING;
  if (first || !pipeline_copies (pipeline))
    return 0;
  return shape_pass_over (pipeline, table, error);
}

static int
load_tables (struct pipeline *pipeline, bool first, struct error *error)
{
  for (size_t i = 0; i < pipeline->tables.count; i++) {
    struct table *table = pipeline->tables.tables[i];
    struct state_table stored;
    bool has_gaps = false;

    if (state_has_mark (pipeline->state, table->id, STATE_MARK_GAPS, &has_gaps,
                        error)
          < 0
        || state_has_mark (pipeline->state, table->id, STATE_MARK_LEFT_OUT,
                           &table->left_out, error)
             < 0)
      return error->code;
    table->has_gaps = has_gaps;
    if (loads_begin (pipeline, table, error) < 0
        || state_get_copied (pipeline->state, table->id, &table->copied, error)
             < 0
        || state_get_viewed (pipeline->state, table->id, &table->viewed, error)
             < 0
        || state_get_table (pipeline->state, table->id, &stored, error) < 0)
      return error->code;
    if (!stored.known) {
      if (load_new_table (pipeline, table, first, error) < 0)
        return error->code;
      continue;
    }
    table->phase = stored.phase;
    table->rows = stored.rows;
    table->rows_total = stored.rows_total;
    table->changes = stored.changes;
    table->repair_before = stored.repair_before;
    /* The mark comes first: what goes with it may not have been stored. */
    if (table->left_out && shape_pass_over (pipeline, table, error) < 0)
      return error->code;
  }
  return 0;
}

static int
prepare_targets (struct pipeline *pipeline, struct error *error)
{
  for (size_t i = 0; i < pipeline->tables.count; i++) {
    struct table *table = pipeline->tables.tables[i];
    bool had_rows = writer_target_has_rows (pipeline, table);

    if (writer_prepare (pipeline, table, &table->version->description, error)
        >= 0)
      continue;
    /* A target that was dropped between two runs is copied in this one. */
    if (!had_rows)
      return error->code;
    if (writer_target_has_rows (pipeline, table))
      return writer_name_the_way_out (pipeline, table, error);
    log_message (LEVEL_WARNING,
                 "table %s: its target %s was gone; the table "
                 "is copied again",
                 table->name, table->target);
    memset (&table->copied, 0, sizeof table->copied);
  }
  return 0;
}

/* Makes sure that the source keeps its changes, and that it is still the
 * same source. */
static int
prepare_source (struct pipeline *pipeline, struct state_source *source,
                struct ezcdc_prepared *prepared, struct error *error)
{
  struct retry retry = { .what = "preparing the source" };
  int result;

  for (;;) {
    memset (prepared, 0, sizeof *prepared);
    prepared->size = sizeof *prepared;
    instance_lock (pipeline->source);
    result = pipeline->source_calls->prepare (
      pipeline->source->self, source->known ? &source->position : NULL,
      prepared);
    if (result < 0)
      instance_error (pipeline->source, result, error);
    instance_unlock (pipeline->source);
    if (result >= 0)
      break;
    result = retry_wait (pipeline, &retry, error);
    if (result < 0)
      return result;
  }
  prepared->identity[sizeof prepared->identity - 1] = '\0';
  if (source->known && strcmp (source->identity, prepared->identity) != 0)
    return error_set (
      error, EZCDC_E_OPERATOR,
      "the source is not the one this pipeline has followed (it was %s, it "
      "is %s): the position means nothing there; to copy everything anew, "
      "give the pipeline another name, or remove its folder %s",
      source->identity, prepared->identity, pipeline->settings.state_folder);
  if (source->known)
    return 0;
  source->known = true;
  memcpy (source->identity, prepared->identity, sizeof source->identity);
  if (!position_copy (&source->position, &prepared->start))
    return error_set (error, EZCDC_E_BUG, "prepare: a position of %u bytes",
                      prepared->start.length);
  if (prepared->created
      && pipeline_audit (pipeline, "slot.created", source->identity, "success",
                         NULL, error)
           < 0)
    return error->code;
  return state_set_source (pipeline->state, source->identity,
                           &source->position, error);
}

bool
pipeline_copies (const struct pipeline *pipeline)
{
  return pipeline->settings.snapshot != SNAPSHOT_NEVER
         && !(pipeline->sink_capabilities & EZCDC_CAN_LOG);
}

static bool
awaits_copy (const struct pipeline *pipeline, bool again)
{
  for (size_t i = 0; i < pipeline->tables.count; i++)
    if (table_awaits_copy (pipeline->tables.tables[i], again))
      return true;
  return false;
}

static bool
tables_wait (const struct pipeline *pipeline)
{
  for (size_t i = 0; i < pipeline->tables.count; i++)
    if (pipeline->tables.tables[i]->phase != TABLE_STREAMING)
      return true;
  return false;
}

static int
copy_tables (struct pipeline *pipeline, uint32_t kind, bool again,
             struct error *error)
{
  int result;

  pipeline->phase = PHASE_SNAPSHOT;
  log_message (LEVEL_INFO, "copying the tables");
  if (pipeline_audit (pipeline, "snapshot.started", pipeline->settings.name,
                      "success", NULL, error)
      < 0)
    return error->code;
  result = snapshot_copy (pipeline, kind, again, error);
  if (result < 0)
    return result;
  log_message (LEVEL_INFO, "the tables are copied");
  return pipeline_audit (pipeline, "snapshot.finished",
                         pipeline->settings.name, "success", NULL, error);
}

int
pipeline_source_position (struct pipeline *pipeline,
                          struct ezcdc_position *ret_position,
                          struct error *error)
{
  struct retry retry = { .what = "asking the source for its position" };
  struct ezcdc_position position = { 0 };
  int result;

  for (;;) {
    instance_lock (pipeline->source);
    result = pipeline->source_calls->current_position (pipeline->source->self,
                                                       &position);
    if (result < 0)
      instance_error (pipeline->source, result, error);
    instance_unlock (pipeline->source);
    if (result >= 0)
      break;
    result = retry_wait (pipeline, &retry, error);
    if (result < 0)
      return result;
  }
  if (!position_copy (ret_position, &position))
    return error_set (error, EZCDC_E_BUG, "a position of %u bytes",
                      position.length);
  return 0;
}

/* New tables are copied, then all are followed.  Tables that are in doubt are
 * copied again when the stream has reached the present, while it waits. */
static int
copy_and_follow (struct pipeline *pipeline, struct ezcdc_position from,
                 uint32_t kind, const struct ezcdc_position *target,
                 struct error *error)
{
  bool again = pipeline->settings.snapshot == SNAPSHOT_ONLY;

  for (;;) {
    int result;

    if (awaits_copy (pipeline, again)
        && copy_tables (pipeline, kind, again, error) < 0)
      return error->code;
    if (state_set_copied_all (pipeline->state, true, error) < 0)
      return error->code;
    if (pipeline->settings.snapshot == SNAPSHOT_ONLY
        || pipeline->stop != STOP_NONE)
      return 0;
    pipeline->phase = PHASE_STREAMING;
    result = stream_follow (pipeline, &from, target, tables_wait (pipeline),
                            error);
    if (result != STREAM_COPY)
      return result;
    from = rounds_stored (&pipeline->rounds);
    kind = EZCDC_SNAPSHOT_LATER;
    again = true;
  }
}

/* A slot that somebody has made before, or that an earlier life of the pipeline
 * has left, brings a past of its tables, and not all of it if one was not in
 * the publication all the time. */
static int
pass_over_the_past (struct pipeline *pipeline, struct error *error)
{
  if (!pipeline_copies (pipeline))
    return 0;
  for (size_t i = 0; i < pipeline->tables.count; i++)
    if (shape_pass_over (pipeline, pipeline->tables.tables[i], error) < 0)
      return error->code;
  return 0;
}

static int
list_again (struct pipeline *pipeline, struct error *error)
{
  struct retry retry = { .what = "looking at the source" };
  int result;

  while ((result = missed_begin (pipeline, error)) < 0) {
    result = retry_wait (pipeline, &retry, error);
    if (result < 0)
      return result;
  }
  return 0;
}

static int
run_steps (struct pipeline *pipeline, struct error *error)
{
  struct state_source source = { 0 };
  struct ezcdc_prepared prepared = { .created = 0 };
  struct ezcdc_position target;
  bool only = pipeline->settings.snapshot == SNAPSHOT_ONLY;
  bool first;

  if (discover_with_retries (pipeline, error) < 0
      || state_get_source (pipeline->state, &source, error) < 0
      || ahead_load (pipeline, error) < 0
      || load_tables (pipeline, !source.known, error) < 0
      || state_next_run (pipeline->state, &pipeline->run, error) < 0)
    return error->code;
  /* The first time the targets go first: a sink that cannot take the tables
   * shall leave nothing at the source that keeps its log. Later the source
   * does, which may turn out to be another one. */
  first = !source.known;
  if (missed_check (pipeline, first, error) < 0
      || shapes_check (pipeline, error) < 0
      || (first && prepare_targets (pipeline, error) < 0)
      || (!only && prepare_source (pipeline, &source, &prepared, error) < 0)
      || (!first && prepare_targets (pipeline, error) < 0)
      || (first && !only && list_again (pipeline, error) < 0)
      || (first && !only && !prepared.created
          && pass_over_the_past (pipeline, error) < 0)
      || (!only && missed_forget (pipeline, error) < 0))
    return error->code;
  memcpy (pipeline->identity, source.identity, sizeof pipeline->identity);
  rounds_set_start (&pipeline->rounds, &source.position);
  if (pipeline->settings.until_caught_up && !only
      && pipeline_source_position (pipeline, &target, error) < 0)
    return error->code;
  return copy_and_follow (
    pipeline, source.position,
    prepared.created ? EZCDC_SNAPSHOT_INITIAL : EZCDC_SNAPSHOT_LATER,
    pipeline->settings.until_caught_up ? &target : NULL, error);
}

void
pipeline_run (struct pipeline *pipeline)
{
  struct error error = { 0 };
  int result = writers_start (pipeline, &error);

  if (result == 0)
    result = run_steps (pipeline, &error);
  if (result == 0 && writers_drain (pipeline, 0))
    result = loads_forget (pipeline, &error);
  if (result < 0 && result != EZCDC_E_STOPPED)
    pipeline_fail (pipeline, &error);
  else
    pipeline_stop (pipeline, STOP_DONE);
  pipeline->ended = true;
  pipeline_wake (pipeline);
}
