/* SPDX-License-Identifier: Apache-2.0 */
/* Copying the tables. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/pipeline/batch.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/position.h"
#include "core/pipeline/retry.h"
#include "core/pipeline/shape.h"
#include "core/pipeline/snapshot.h"
#include "core/plugin/feed.h"
#include "core/plugin/instance.h"

#define CHUNK_TEXT_MAX 200
/* Milliseconds of one call of a reader. */
#define READER_TIMEOUT 1000
/* Attempts to read a chunk before the whole snapshot counts as lost. */
#define CHUNK_ATTEMPTS 3
/* Microseconds between two looks whether the pipeline stops. */
#define SNAPSHOT_TICK INT64_C (100000)

struct chunk {
  struct snapshot *snapshot;
  struct table *table;
  int64_t sequence;
  char text[CHUNK_TEXT_MAX + 1];
  /* Under the snapshot's lock. */
  size_t pending; /* batches that are not durable yet */
  int64_t rows;   /* durable */
  bool read;      /* the source has given all of it */
};

/* One attempt with one consistent view of the source. */
struct snapshot {
  struct snapshot *next; /* the attempt before */
  struct pipeline *pipeline;
  bool again;       /* of all tables that wait, not only of new ones */
  uint64_t reading; /* its number, for the labels */
  void *view;       /* the source's */
  struct ezcdc_position position;

  pthread_mutex_t lock;   /* guards what follows */
  pthread_cond_t settled; /* a batch became durable */
  struct chunk *chunks;
  size_t chunk_count;
  size_t chunk_capacity;
  size_t next_chunk;
  struct error broken; /* code 0: the view is good */
  bool restart;        /* a table has to be planned again */
};

/* ---- planning ---------------------------------------------------------- */

struct plan {
  struct ezcdc_list list; /* first: the source is given its address */
  struct pipeline *pipeline;
  struct text chunks; /* the texts, each with its NUL */
};

static int
plan_chunk (struct ezcdc_list *list, const char *text, int64_t estimated_rows)
{
  struct plan *plan = (struct plan *) list;
  size_t length = strlen (text);

  (void) estimated_rows;
  if (length == 0 || length > CHUNK_TEXT_MAX)
    return instance_fail (plan->pipeline->source, EZCDC_E_BUG,
                          "a chunk's text has %zu bytes, not 1 to %d", length,
                          CHUNK_TEXT_MAX);
  text_append (&plan->chunks, text, length + 1);
  if (plan->chunks.failed)
    return instance_fail (plan->pipeline->source, EZCDC_E_MEMORY,
                          "plan the snapshot: out of memory");
  return EZCDC_OK;
}

static int
plan_store (struct plan *plan, const struct table *table, struct error *error)
{
  struct state *state = plan->pipeline->state;
  struct state_chunk chunk = { .estimated_rows = -1 };
  struct error ignored = { 0 };
  int result;

  if (state_begin (state, error) < 0)
    return error->code;
  result = state_clear_chunks (state, table->id, error);
  for (size_t at = 0; result == 0 && at < plan->chunks.length;
       at += strlen (plan->chunks.data + at) + 1) {
    chunk.chunk = plan->chunks.data + at;
    result = state_add_chunk (state, table->id, &chunk, error);
    chunk.sequence++;
  }
  if (result < 0) {
    state_commit (state, &ignored);
    return result;
  }
  return state_commit (state, error);
}

/* Has the source cut a table, and stores the cuts. */
static int
plan_table (struct snapshot *snapshot, struct table *table,
            struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;
  struct plan plan = {
    .list = { .chunk = plan_chunk },
    .pipeline = pipeline,
  };
  int result;

  instance_lock (pipeline->source);
  result = pipeline->source_calls->snapshot_plan (
    snapshot->view, &table->version->description, &plan.list);
  if (result < 0)
    instance_error (pipeline->source, result, error);
  instance_unlock (pipeline->source);
  if (result < 0)
    error_prefix (error, "table %s", table->name);
  else
    result = plan_store (&plan, table, error);
  text_free (&plan.chunks);
  return result;
}

static int
snapshot_add (struct snapshot *snapshot, struct table *table,
              const struct state_chunk *from)
{
  struct chunk *chunk;

  if (snapshot->chunk_count == snapshot->chunk_capacity) {
    size_t capacity = snapshot->chunk_capacity == 0
                        ? 64
                        : snapshot->chunk_capacity * 2;
    struct chunk *chunks = reallocarray (snapshot->chunks, capacity,
                                         sizeof *chunks);

    if (chunks == NULL)
      return -1;
    snapshot->chunks = chunks;
    snapshot->chunk_capacity = capacity;
  }
  chunk = &snapshot->chunks[snapshot->chunk_count++];
  memset (chunk, 0, sizeof *chunk);
  chunk->snapshot = snapshot;
  chunk->table = table;
  chunk->sequence = from->sequence;
  snprintf (chunk->text, sizeof chunk->text, "%s", from->chunk);
  return 0;
}

struct collect {
  struct snapshot *snapshot;
  struct table *table;
  size_t done;
  size_t open;
  bool add;
};

static int
collect_chunk (void *context, const struct state_chunk *chunk)
{
  struct collect *collect = context;

  if (chunk->done) {
    collect->done++;
    return 0;
  }
  collect->open++;
  if (collect->add && snapshot_add (collect->snapshot, collect->table, chunk))
    return EZCDC_E_MEMORY;
  return 0;
}

static int
collect_chunks (struct collect *collect, struct error *error)
{
  int result = state_each_chunk (collect->snapshot->pipeline->state,
                                 collect->table->id, collect_chunk, collect,
                                 error);

  if (result == EZCDC_E_MEMORY)
    return error_set (error, result, "plan the snapshot: out of memory");
  return result;
}

static int
store_table (struct pipeline *pipeline, const struct table *table,
             struct error *error)
{
  struct state_table stored = {
    .id = table->id,
    .name = table->name,
    .target = table->target,
    .phase = table->phase,
    .rows = table->rows,
    .rows_total = table->rows_total,
    .changes = table->changes,
    .repair_before = table->repair_before,
  };

  return state_set_table (pipeline->state, &stored, error);
}

static int
finish_table (struct snapshot *snapshot, struct table *table,
              struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;

  table->copied = snapshot->position;
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
  return store_table (pipeline, table, error);
}

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

static struct label_origin
snapshot_origin (const struct snapshot *snapshot, const char *chunk)
{
  const struct pipeline *pipeline = snapshot->pipeline;

  return (struct label_origin){
    .pipeline = pipeline->settings.name,
    .identity = pipeline->identity,
    .chunk = chunk,
    .run = pipeline->run,
    .reading = snapshot->reading,
  };
}

static int
chunk_submit (struct chunk *chunk, struct batch *batch)
{
  struct pipeline *pipeline = chunk->snapshot->pipeline;
  struct label_origin origin = snapshot_origin (chunk->snapshot, chunk->text);
  int result = batch_set_label (batch, &origin);

  if (result < 0) {
    batch_free (batch);
    return instance_fail (pipeline->source, result, "make a label");
  }
  batch->durable = chunk_is_durable;
  batch->owner = chunk;
  pthread_mutex_lock (&chunk->snapshot->lock);
  chunk->pending++;
  pthread_mutex_unlock (&chunk->snapshot->lock);
  writers_submit (pipeline, batch);
  return 0;
}

static void
nothing_is_durable (struct pipeline *pipeline, struct batch *batch)
{
  (void) pipeline;
  (void) batch;
}

/* A copy begins with an empty target: rows of an earlier life of the
 * pipeline must not stay. Goes before the chunks in the table's queue. */
static int
empty_target (struct snapshot *snapshot, struct table *table,
              struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;
  struct change change = {
    .table = &table->version->description,
    .operation = EZCDC_TRUNCATE,
  };
  struct label_origin origin = snapshot_origin (snapshot, "empty");
  struct batch *batch;

  if (pipeline->sink_capabilities & EZCDC_CAN_LOG)
    return 0;
  batch = batch_new (BATCH_KEYED, table, &pipeline->pool);
  if (batch == NULL || batch_begin (batch, &snapshot->position) < 0
      || batch_truncate (batch, &change) < 0
      || batch_set_label (batch, &origin) < 0) {
    batch_free (batch);
    return error_set (error, EZCDC_E_MEMORY,
                      "empty the target: out of memory");
  }
  batch->durable = nothing_is_durable;
  writers_submit (pipeline, batch);
  return 0;
}

/* What is left to do of one table goes to the list of chunks. */
static int
snapshot_plan_one (struct snapshot *snapshot, struct table *table,
                   struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;
  struct collect collect = { .snapshot = snapshot, .table = table };

  if (collect_chunks (&collect, error) < 0)
    return error->code;
  if (collect.done > 0) {
    /* Rows may have moved from parts not yet read to parts that were. */
    table->repair_before = snapshot->position;
  }
  else {
    table->rows = 0;
    if (plan_table (snapshot, table, error) < 0
        || (table->copied.length == 0
            && empty_target (snapshot, table, error) < 0))
      return error->code;
  }
  table->phase = TABLE_SNAPSHOT;
  if (store_table (pipeline, table, error) < 0)
    return error->code;
  collect.add = true;
  collect.open = 0;
  if (collect_chunks (&collect, error) < 0)
    return error->code;
  return 0;
}

static int
compare_size (const void *one, const void *other)
{
  const struct table *a = *(struct table *const *) one;
  const struct table *b = *(struct table *const *) other;
  int64_t bytes_a = a->version->description.estimated_bytes;
  int64_t bytes_b = b->version->description.estimated_bytes;

  return (bytes_a < bytes_b) - (bytes_a > bytes_b);
}

/* The largest table first, so that it does not come last and alone. */
static int
snapshot_plan_all (struct snapshot *snapshot, struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;
  size_t count = pipeline->tables.count;
  struct table **sorted = calloc (count + 1, sizeof *sorted);
  int result = 0;

  if (sorted == NULL)
    return error_set (error, EZCDC_E_MEMORY,
                      "plan the snapshot: out of memory");
  memcpy (sorted, pipeline->tables.tables, count * sizeof *sorted);
  qsort (sorted, count, sizeof *sorted, compare_size);
  for (size_t i = 0; i < count && result == 0; i++)
    if (table_awaits_copy (sorted[i], snapshot->again))
      result = snapshot_plan_one (snapshot, sorted[i], error);
  free (sorted);
  return result;
}

/* ---- reading ----------------------------------------------------------- */

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
  if (batch == NULL || result < 0)
    return instance_fail (pipeline->source, EZCDC_E_MEMORY,
                          "table %s: out of memory while reading a chunk",
                          table->name);
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

/* Hands on what it has and waits until the writers have given memory back. */
static int
worker_wait_for_memory (struct worker *worker, struct error *error)
{
  struct pipeline *pipeline = worker->snapshot->pipeline;

  if (worker_submit (worker) < 0)
    return worker_error (worker, EZCDC_E_MEMORY, error);
  while (!pool_wait (&pipeline->pool, SNAPSHOT_TICK))
    if (pipeline->stop != STOP_NONE)
      return error_set (error, EZCDC_E_STOPPED, "the pipeline ends");
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

/* Before a chunk is read again: nothing of the first try is under way. */
static void
chunk_reset (struct worker *worker)
{
  struct chunk *chunk = worker->chunk;
  struct snapshot *snapshot = worker->snapshot;
  struct pipeline *pipeline = snapshot->pipeline;

  batch_free (worker->batch);
  worker->batch = NULL;
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

/* Runs the workers until all chunks are read or the view is broken. */
static int
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

/* ---- attempts ---------------------------------------------------------- */

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
    if (collect_chunks (&collect, error) < 0)
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
  if (kind == EZCDC_SNAPSHOT_LATER && shapes_refresh (pipeline, error) < 0)
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
