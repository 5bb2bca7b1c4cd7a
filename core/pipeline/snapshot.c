/* SPDX-License-Identifier: Apache-2.0 */
/* Copying the tables: attempts, until one has brought all. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/pipeline/attempt.h"
#include "core/pipeline/position.h"
#include "core/pipeline/retry.h"
#include "core/pipeline/shape.h"
#include "core/pipeline/snapshot.h"
#include "core/plugin/instance.h"

static int
finish_table (struct snapshot *snapshot, struct table *table,
              struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;

  table->copied = snapshot->position;
  table->emptied = false;
  if (state_set_copied (pipeline->state, table->id, &table->copied, error) < 0
      || state_set_columns (pipeline->state, &table->version->description,
                            error)
           < 0)
    return error->code;
  table->phase = table->again ? TABLE_WAITING : TABLE_STREAMING;
  table->again = false;
  table->rows_total = table->rows;
  if (state_clear_chunks (pipeline->state, table->id, error) < 0)
    return error->code;
  return snapshot_store_table (pipeline, table, error);
}

/* NULL with error set on failure. */
static struct snapshot *
snapshot_open (struct pipeline *pipeline, uint32_t kind, bool again,
               struct error *error)
{
  struct snapshot *snapshot = calloc (1, sizeof *snapshot);
  struct ezcdc_position position = { 0 };
  pthread_condattr_t attributes;
  int result;

  if (snapshot == NULL) {
    error_set (error, EZCDC_E_MEMORY, "snapshot: out of memory");
    return NULL;
  }
  snapshot->pipeline = pipeline;
  snapshot->again = again;
  snapshot->reading = ++pipeline->readings;
  instance_lock (pipeline->source);
  result = pipeline->source_calls->snapshot_open (pipeline->source->self, kind,
                                                  &snapshot->view, &position);
  if (result < 0)
    instance_error (pipeline->source, result, error);
  instance_unlock (pipeline->source);
  if (result >= 0 && !position_copy (&snapshot->position, &position))
    result = error_set (error, EZCDC_E_BUG, "a position of %u bytes",
                        position.length);
  if (result < 0) {
    free (snapshot);
    return NULL;
  }
  pthread_mutex_init (&snapshot->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&snapshot->settled, &attributes);
  pthread_condattr_destroy (&attributes);
  snapshot->next = pipeline->snapshots;
  pipeline->snapshots = snapshot;
  return snapshot;
}

void
snapshots_free (struct snapshot *snapshots)
{
  while (snapshots != NULL) {
    struct snapshot *snapshot = snapshots;

    snapshots = snapshot->next;
    pthread_mutex_destroy (&snapshot->lock);
    pthread_cond_destroy (&snapshot->settled);
    free (snapshot->chunks);
    free (snapshot);
  }
}

/* Tables whose chunks are all durable are done. */
static int
snapshot_settle (struct snapshot *snapshot, bool *ret_complete,
                 struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;
  bool complete = !snapshot->restart && snapshot->broken.code == 0;

  pthread_mutex_lock (&snapshot->lock);
  for (size_t i = 0; i < snapshot->chunk_count; i++)
    complete &= snapshot->chunks[i].read && snapshot->chunks[i].pending == 0;
  pthread_mutex_unlock (&snapshot->lock);
  for (size_t i = 0; complete && i < pipeline->tables.count; i++) {
    struct table *table = pipeline->tables.tables[i];

    if (table_awaits_copy (table, snapshot->again)
        && finish_table (snapshot, table, error) < 0)
      return error->code;
  }
  /* With a part undone, those tables are finished that have nothing left. */
  for (size_t i = 0; !complete && i < pipeline->tables.count; i++) {
    struct table *table = pipeline->tables.tables[i];
    struct collect collect = { .snapshot = snapshot, .table = table };

    if (!table_awaits_copy (table, snapshot->again))
      continue;
    if (snapshot_collect (&collect, error) < 0)
      return error->code;
    if (collect.done > 0 && collect.open == 0
        && finish_table (snapshot, table, error) < 0)
      return error->code;
  }
  *ret_complete = complete;
  return 0;
}

static int
snapshot_attempt (struct pipeline *pipeline, uint32_t kind, bool again,
                  bool *ret_complete, struct error *error)
{
  struct snapshot *snapshot;
  int result;

  /* The tables may have changed since they were listed. */
  if (shapes_refresh (pipeline, error) < 0)
    return error->code;
  snapshot = snapshot_open (pipeline, kind, again, error);
  if (snapshot == NULL)
    return error->code;
  result = snapshot_plan_all (snapshot, error);
  if (result == 0)
    result = snapshot_read (snapshot, error);
  while (result == 0 && !writers_drain (pipeline, SNAPSHOT_TICK))
    if (pipeline->stop != STOP_NONE)
      result = error_set (error, EZCDC_E_STOPPED, "the pipeline ends");
  instance_lock (pipeline->source);
  pipeline->source_calls->snapshot_close (snapshot->view);
  instance_unlock (pipeline->source);
  if (result == 0)
    result = snapshot_settle (snapshot, ret_complete, error);
  if (result == 0 && snapshot->broken.code != 0) {
    *error = snapshot->broken;
    return error->code;
  }
  /* What has changed under the copy is asked for again, not in haste. */
  if (result == 0 && snapshot->restart)
    return error_set (error, EZCDC_E_SCHEMA,
                      "tables have changed since their copy was planned");
  return result;
}

int
snapshot_copy (struct pipeline *pipeline, uint32_t kind, bool again,
               struct error *error)
{
  struct retry retry = { .what = "the snapshot" };
  bool complete = false;

  while (!complete) {
    int result = snapshot_attempt (pipeline, kind, again, &complete, error);

    kind = EZCDC_SNAPSHOT_LATER;
    if (result < 0) {
      result = retry_wait (pipeline, &retry, error);
      if (result < 0)
        return result;
    }
    else if (pipeline->stop != STOP_NONE && !complete)
      return error_set (error, EZCDC_E_STOPPED, "the pipeline ends");
  }
  return 0;
}
