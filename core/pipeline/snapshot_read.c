/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the chunks: several workers, each with a reader of the source. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/pipeline/attempt.h"
#include "core/pipeline/retry.h"
#include "core/plugin/feed.h"
#include "core/plugin/instance.h"

/* Milliseconds of one call of a reader. */
#define READER_TIMEOUT 1000
/* Attempts to read a chunk before the whole snapshot counts as lost. */
#define CHUNK_ATTEMPTS 3

/* A batch of the snapshot is done. */
static void
chunk_is_durable (struct pipeline *pipeline, struct batch *batch)
{
  struct chunk *chunk = batch->owner;
  struct snapshot *snapshot = chunk->snapshot;
  struct error error = { 0 };
  bool complete;

  pthread_mutex_lock (&snapshot->lock);
  chunk->pending--;
  snapshot->in_flight--;
  chunk->rows += (int64_t) batch->changes;
  chunk->table->rows += (int64_t) batch->changes;
  complete = chunk->read && chunk->pending == 0;
  pthread_cond_broadcast (&snapshot->settled);
  pthread_mutex_unlock (&snapshot->lock);
  if (complete
      && state_finish_chunk (pipeline->state, chunk->table->id,
                             chunk->sequence, &error)
           < 0)
    pipeline_fail (pipeline, &error);
}

static int
chunk_submit (struct chunk *chunk, struct batch *batch)
{
  struct pipeline *pipeline = chunk->snapshot->pipeline;
  struct label_origin origin = snapshot_origin (chunk->snapshot, chunk->text);
  int result;

  origin.attempt = chunk->attempt;
  result = batch_set_label (batch, &origin);
  if (result < 0) {
    batch_free (batch);
    return instance_fail (pipeline->source, result, "make a label");
  }
  batch->durable = chunk_is_durable;
  batch->owner = chunk;
  pthread_mutex_lock (&chunk->snapshot->lock);
  chunk->pending++;
  chunk->snapshot->in_flight++;
  pthread_mutex_unlock (&chunk->snapshot->lock);
  writers_submit (pipeline, batch);
  return 0;
}

struct worker {
  struct ezcdc_feed feed; /* first: the source is given its address */
  struct snapshot *snapshot;
  struct chunk *chunk;
  void *reader; /* the source's; NULL: none */
  struct batch *batch;
  uint64_t ordinal;
};

static int
worker_submit (struct worker *worker)
{
  struct batch *batch = worker->batch;

  worker->batch = NULL;
  return batch == NULL ? 0 : chunk_submit (worker->chunk, batch);
}

static int
worker_row (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
            const struct ezcdc_value *values,
            const struct ezcdc_value *old_values, const char *message,
            size_t length)
{
  struct worker *worker = (struct worker *) feed;
  struct pipeline *pipeline = worker->snapshot->pipeline;
  const struct pipeline_settings *settings = &pipeline->settings;
  struct table *table = worker->chunk->table;
  bool log = (pipeline->sink_capabilities & EZCDC_CAN_LOG) != 0;
  struct change change = {
    .table = &table->version->description,
    .operation = EZCDC_READ,
    .values = values,
    .message = message,
    .length = length,
    .ordinal = worker->ordinal++,
  };
  struct batch *batch = worker->batch;
  int result = 0;

  (void) table_id;
  (void) operation;
  (void) old_values;
  if (batch == NULL) {
    batch = batch_new (log ? BATCH_LOG : BATCH_SNAPSHOT, log ? NULL : table,
                       &pipeline->pool);
    worker->batch = batch;
    if (batch != NULL)
      result = batch_begin (batch, &worker->snapshot->position);
  }
  if (batch != NULL && result == 0)
    result = batch_add (batch, &change);
  if (batch == NULL)
    result = EZCDC_E_MEMORY;
  if (result < 0)
    return instance_fail (
      pipeline->source, result, "table %s: %s", table->name,
      result == EZCDC_E_MEMORY
        ? "out of memory while reading a chunk"
        : "feed_row: a value of a chunk has no data, or an unknown state");
  if (batch->row_count >= settings->batch_rows
      || batch->bytes >= settings->batch_bytes
      || batch_footprint (batch) >= pipeline->pool.budget / 4)
    result = worker_submit (worker);
  if (result < 0)
    return result;
  return pool_is_tight (&pipeline->pool) ? EZCDC_FULL : EZCDC_OK;
}

static const struct feed_operations worker_operations = {
  .row = worker_row,
};

static int
worker_error (struct worker *worker, int result, struct error *error)
{
  instance_error (worker->snapshot->pipeline->source, result, error);
  return error_prefix (error, "table %s", worker->chunk->table->name);
}

static int
worker_open (struct worker *worker, struct error *error)
{
  struct pipeline *pipeline = worker->snapshot->pipeline;
  int result;

  if (worker->reader != NULL)
    return 0;
  instance_lock (pipeline->source);
  result = pipeline->source_calls->reader_open (worker->snapshot->view,
                                                &worker->reader);
  if (result < 0) {
    worker->reader = NULL;
    worker_error (worker, result, error);
  }
  instance_unlock (pipeline->source);
  return result < 0 ? result : 0;
}

static void
worker_close (struct worker *worker)
{
  struct pipeline *pipeline = worker->snapshot->pipeline;

  if (worker->reader == NULL)
    return;
  instance_lock (pipeline->source);
  pipeline->source_calls->reader_close (worker->reader);
  instance_unlock (pipeline->source);
  worker->reader = NULL;
}

/* One call of the reader: EZCDC_END when the chunk is complete. */
static int
worker_read_once (struct worker *worker, bool begin, struct error *error)
{
  struct pipeline *pipeline = worker->snapshot->pipeline;
  struct chunk *chunk = worker->chunk;
  int result;

  instance_lock (pipeline->source);
  if (begin)
    result = pipeline->source_calls->reader_begin (
      worker->reader, &chunk->table->version->description, chunk->text);
  else
    result = pipeline->source_calls->reader_read (
      worker->reader, &worker->feed, READER_TIMEOUT);
  if (result < 0)
    worker_error (worker, result, error);
  instance_unlock (pipeline->source);
  return result;
}

static bool
snapshot_has_loads (struct snapshot *snapshot)
{
  bool loads;

  pthread_mutex_lock (&snapshot->lock);
  loads = snapshot->in_flight > 0;
  pthread_mutex_unlock (&snapshot->lock);
  return loads;
}

/* Waits until the writers have given memory back. What it has is handed on
 * only if no load is under way that would: a batch that is sent before it is
 * full leaves room for an even smaller one, down to loads of single rows. */
static int
worker_wait_for_memory (struct worker *worker, struct error *error)
{
  struct snapshot *snapshot = worker->snapshot;
  struct pipeline *pipeline = snapshot->pipeline;

  while (pool_is_tight (&pipeline->pool)) {
    if (pipeline->stop != STOP_NONE)
      return error_set (error, EZCDC_E_STOPPED, "the pipeline ends");
    if (!snapshot_has_loads (snapshot) && worker_submit (worker) < 0)
      return worker_error (worker, EZCDC_E_MEMORY, error);
    pool_wait (&pipeline->pool, SNAPSHOT_TICK);
  }
  return 0;
}

static int
worker_read_chunk (struct worker *worker, struct error *error)
{
  struct snapshot *snapshot = worker->snapshot;
  struct pipeline *pipeline = snapshot->pipeline;
  int result = worker_open (worker, error);

  worker->ordinal = 0;
  if (result == 0)
    result = worker_read_once (worker, true, error);
  while (result >= 0 && result != EZCDC_END) {
    if (pipeline->stop != STOP_NONE)
      return error_set (error, EZCDC_E_STOPPED, "the pipeline ends");
    result = worker_read_once (worker, false, error);
    if (result >= 0 && pool_is_tight (&pipeline->pool)
        && worker_wait_for_memory (worker, error) < 0)
      result = error->code;
  }
  if (result < 0)
    return result;
  if (worker_submit (worker) < 0)
    return worker_error (worker, EZCDC_E_MEMORY, error);
  return 0;
}

/* All rows of the chunk were handed on; the last batch may be done already. */
static int
chunk_is_read (struct chunk *chunk, struct error *error)
{
  struct snapshot *snapshot = chunk->snapshot;
  bool complete;

  pthread_mutex_lock (&snapshot->lock);
  chunk->read = true;
  complete = chunk->pending == 0;
  pthread_mutex_unlock (&snapshot->lock);
  if (!complete)
    return 0;
  return state_finish_chunk (snapshot->pipeline->state, chunk->table->id,
                             chunk->sequence, error);
}

/* Before a chunk is read again: nothing of the first try is under way. Its rows
 * may come in another order, so their batches have other labels. */
static void
chunk_reset (struct worker *worker)
{
  struct chunk *chunk = worker->chunk;
  struct snapshot *snapshot = worker->snapshot;
  struct pipeline *pipeline = snapshot->pipeline;

  batch_free (worker->batch);
  worker->batch = NULL;
  chunk->attempt++;
  pthread_mutex_lock (&snapshot->lock);
  while (chunk->pending > 0 && pipeline->stop == STOP_NONE) {
    struct timespec deadline = clock_deadline (SNAPSHOT_TICK);

    pthread_cond_timedwait (&snapshot->settled, &snapshot->lock, &deadline);
  }
  chunk->table->rows -= chunk->rows;
  chunk->rows = 0;
  pthread_mutex_unlock (&snapshot->lock);
}

static struct chunk *
snapshot_take (struct snapshot *snapshot)
{
  struct chunk *chunk = NULL;

  pthread_mutex_lock (&snapshot->lock);
  if (snapshot->broken.code == 0
      && snapshot->next_chunk < snapshot->chunk_count
      && snapshot->pipeline->stop == STOP_NONE)
    chunk = &snapshot->chunks[snapshot->next_chunk++];
  pthread_mutex_unlock (&snapshot->lock);
  return chunk;
}

static void
snapshot_break (struct snapshot *snapshot, const struct error *error)
{
  pthread_mutex_lock (&snapshot->lock);
  if (snapshot->broken.code == 0)
    snapshot->broken = *error;
  pthread_mutex_unlock (&snapshot->lock);
}

/* The table was rewritten since it was cut: the chunks are void, and this
 * snapshot may not see its rows. */
static int
snapshot_restart_table (struct snapshot *snapshot, struct table *table,
                        struct error *error)
{
  log_message (LEVEL_INFO, "table %s was rewritten, its copy begins anew",
               table->name);
  pthread_mutex_lock (&snapshot->lock);
  snapshot->restart = true;
  pthread_mutex_unlock (&snapshot->lock);
  return state_clear_chunks (snapshot->pipeline->state, table->id, error);
}

static int
worker_do_chunk (struct worker *worker, struct error *error)
{
  struct retry retry = { .what = "reading a chunk of the snapshot" };

  for (;;) {
    int result = worker_read_chunk (worker, error);

    if (result == 0)
      return chunk_is_read (worker->chunk, error);
    worker_close (worker);
    chunk_reset (worker);
    if (result == EZCDC_E_SCHEMA)
      return snapshot_restart_table (worker->snapshot, worker->chunk->table,
                                     error);
    if (retry.attempts + 1 >= CHUNK_ATTEMPTS)
      return result;
    result = retry_wait (worker->snapshot->pipeline, &retry, error);
    if (result < 0)
      return result;
  }
}

static void *
worker_thread (void *argument)
{
  struct worker *worker = argument;
  struct snapshot *snapshot = worker->snapshot;

  while ((worker->chunk = snapshot_take (snapshot)) != NULL) {
    struct error error = { 0 };

    if (worker_do_chunk (worker, &error) < 0) {
      snapshot_break (snapshot, &error);
      break;
    }
  }
  batch_free (worker->batch);
  worker_close (worker);
  return NULL;
}

int
snapshot_read (struct snapshot *snapshot, struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;
  size_t wanted = pipeline->settings.snapshot_workers;
  struct worker *workers = calloc (wanted, sizeof *workers);
  pthread_t *threads = calloc (wanted, sizeof *threads);
  size_t count = 0;
  int result = 0;

  if (workers == NULL || threads == NULL)
    result = error_set (error, EZCDC_E_MEMORY, "read: out of memory");
  for (; result == 0 && count < wanted && count < snapshot->chunk_count;
       count++) {
    workers[count].feed.operations = &worker_operations;
    workers[count].feed.instance = snapshot->pipeline->source;
    workers[count].snapshot = snapshot;
    if (pthread_create (&threads[count], NULL, worker_thread, &workers[count])
        != 0)
      break;
  }
  if (result == 0 && count == 0 && snapshot->chunk_count > 0)
    result = error_set (error, EZCDC_E_MEMORY, "start a snapshot worker: %m");
  for (size_t i = 0; i < count; i++)
    pthread_join (threads[i], NULL);
  free (workers);
  free (threads);
  return result;
}
