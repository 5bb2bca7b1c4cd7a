/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting the tables into chunks. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/pipeline/attempt.h"
#include "core/pipeline/position.h"
#include "core/plugin/feed.h"
#include "core/plugin/instance.h"

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
    state_rollback (state);
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
    .list = { .chunk = plan_chunk, .instance = pipeline->source },
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

int
snapshot_collect (struct collect *collect, struct error *error)
{
  int result = state_each_chunk (collect->snapshot->pipeline->state,
                                 collect->table->id, collect_chunk, collect,
                                 error);

  if (result == EZCDC_E_MEMORY)
    return error_set (error, result, "plan the snapshot: out of memory");
  return result;
}

int
snapshot_store_table (struct pipeline *pipeline, const struct table *table,
                      struct error *error)
{
  struct state_table stored = pipeline_stored_table (table);

  return state_set_table (pipeline->state, &stored, error);
}

struct label_origin
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

/* The stream has passed all that was left out, and what it brings from here on
 * comes after the view: that it is followed again holds from now on, also if
 * the copy is broken off. */
static int
snapshot_take_in (struct pipeline *pipeline, struct table *table,
                  struct error *error)
{
  memset (&table->copied, 0, sizeof table->copied);
  /* With snapshot = only there is no stream, and it has not passed. */
  if (pipeline->settings.snapshot == SNAPSHOT_ONLY)
    return 0;
  table->left_out = false;
  return state_set_mark (pipeline->state, table->id, STATE_MARK_LEFT_OUT,
                         false, error);
}

/* What is left to do of one table goes to the list of chunks. */
static int
snapshot_plan_one (struct snapshot *snapshot, struct table *table,
                   struct error *error)
{
  struct pipeline *pipeline = snapshot->pipeline;
  struct collect collect = { .snapshot = snapshot, .table = table };

  if (snapshot_collect (&collect, error) < 0)
    return error->code;
  if (collect.done > 0) {
    /* Rows may have moved from parts not yet read to parts that were. */
    table->repair_before = snapshot->position;
  }
  else {
    if (table->left_out && snapshot_take_in (pipeline, table, error) < 0)
      return error->code;
    table->rows = 0;
    table->has_gaps = false;
    if (state_set_mark (pipeline->state, table->id, STATE_MARK_GAPS, false,
                        error)
        < 0)
      return error->code;
    memset (&table->viewed, 0, sizeof table->viewed);
    if (plan_table (snapshot, table, error) < 0
        || (table->copied.length == 0
            && empty_target (snapshot, table, error) < 0))
      return error->code;
  }
  /* Before any of it is read, and of all attempts the latest. */
  if (position_compare (&table->viewed, &snapshot->position) < 0)
    table->viewed = snapshot->position;
  if (state_set_viewed (pipeline->state, table->id, &table->viewed, error) < 0)
    return error->code;
  table->phase = TABLE_SNAPSHOT;
  if (snapshot_store_table (pipeline, table, error) < 0)
    return error->code;
  collect.add = true;
  collect.open = 0;
  if (snapshot_collect (&collect, error) < 0)
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
int
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
