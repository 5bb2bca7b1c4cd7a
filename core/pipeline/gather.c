/* SPDX-License-Identifier: Apache-2.0 */
/* Changes become batches, batches become rounds. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/pipeline/discovery.h"
#include "core/pipeline/gather.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/position.h"
#include "core/pipeline/shape.h"
#include "core/plugin/instance.h"

static const struct feed_operations gather_operations;

void
gather_init (struct gather *gather, struct pipeline *pipeline,
             const struct ezcdc_position *start)
{
  memset (gather, 0, sizeof *gather);
  gather->feed.operations = &gather_operations;
  gather->feed.instance = pipeline->source;
  gather->pipeline = pipeline;
  gather->complete = *start;
}

void
gather_destroy (struct gather *gather)
{
  for (size_t i = 0; i < gather->open_count; i++) {
    batch_free (gather->open[i]->open);
    gather->open[i]->open = NULL;
  }
  batch_free (gather->log);
  free (gather->open);
  free (gather->strangers);
  memset (gather, 0, sizeof *gather);
}

bool
gather_is_empty (const struct gather *gather)
{
  return gather->round == NULL;
}

void
gather_interrupted (struct gather *gather)
{
  gather->in_transaction = false;
  gather->ordinal = 0;
}

/* ---- handing on -------------------------------------------------------- */

static void
batch_is_durable (struct pipeline *pipeline, struct batch *batch)
{
  if (batch->table != NULL)
    batch->table->changes += (int64_t) batch->changes;
  else
    for (size_t i = 0; i < batch->row_count; i++) {
      struct table *table = table_set_find (&pipeline->tables,
                                            batch->rows[i].table->id);

      if (table != NULL)
        table->changes++;
    }
  if (rounds_settle (&pipeline->rounds, batch->owner))
    pipeline_wake (pipeline);
}

static int
gather_submit (struct gather *gather, struct batch *batch)
{
  struct pipeline *pipeline = gather->pipeline;
  const struct label_origin origin = {
    .pipeline = pipeline->settings.name,
    .identity = pipeline->identity,
    .run = pipeline->run,
    .reading = gather->reading,
  };
  int result = batch_set_label (batch, &origin);

  if (result < 0) {
    batch_free (batch);
    return instance_fail (pipeline->source, result, "make a label");
  }
  batch->durable = batch_is_durable;
  batch->owner = gather->round;
  rounds_expect (&pipeline->rounds, gather->round);
  writers_submit (pipeline, batch);
  return 0;
}

/* Hands on one table's batch; the round stays open. */
static int
gather_seal_table (struct gather *gather, struct table *table)
{
  struct batch *batch = table->open;

  for (size_t i = 0; i < gather->open_count; i++)
    if (gather->open[i] == table) {
      gather->open[i] = gather->open[--gather->open_count];
      break;
    }
  table->open = NULL;
  return gather_submit (gather, batch);
}

static int
gather_seal_log (struct gather *gather)
{
  struct batch *batch = gather->log;

  gather->log = NULL;
  return gather_submit (gather, batch);
}

int
gather_seal (struct gather *gather)
{
  struct pipeline *pipeline = gather->pipeline;
  struct round *round = gather->round;
  int result = 0;

  if (round == NULL)
    return 0;
  while (gather->open_count > 0 && result == 0)
    result = gather_seal_table (gather, gather->open[gather->open_count - 1]);
  if (gather->log != NULL && result == 0)
    result = gather_seal_log (gather);
  gather->round = NULL;
  if (result == 0
      && rounds_seal (&pipeline->rounds, round, &gather->complete,
                      gather->complete_commit_time))
    pipeline_wake (pipeline);
  return result;
}

/* ---- receiving --------------------------------------------------------- */

static int
gather_open_round (struct gather *gather)
{
  if (gather->round != NULL)
    return 0;
  gather->round = rounds_open (&gather->pipeline->rounds);
  gather->opened = clock_monotonic ();
  return gather->round == NULL ? EZCDC_E_MEMORY : 0;
}

static int
gather_remember_open (struct gather *gather, struct table *table)
{
  if (gather->open_count == gather->open_capacity) {
    size_t capacity = gather->open_capacity == 0 ? 16
                                                 : gather->open_capacity * 2;
    struct table **open = reallocarray (gather->open, capacity,
                                        sizeof (struct table *));

    if (open == NULL)
      return EZCDC_E_MEMORY;
    gather->open = open;
    gather->open_capacity = capacity;
  }
  gather->open[gather->open_count++] = table;
  return 0;
}

/* The batch that takes the table's changes now; NULL if out of memory. */
static struct batch *
gather_batch (struct gather *gather, struct table *table)
{
  struct pipeline *pipeline = gather->pipeline;

  if (gather_open_round (gather) < 0)
    return NULL;
  if (pipeline->sink_capabilities & EZCDC_CAN_LOG) {
    if (gather->log == NULL)
      gather->log = batch_new (BATCH_LOG, NULL, &pipeline->pool);
    return gather->log;
  }
  if (table->open == NULL) {
    struct batch *batch = batch_new (BATCH_KEYED, table, &pipeline->pool);

    if (batch == NULL || gather_remember_open (gather, table) < 0) {
      batch_free (batch);
      return NULL;
    }
    table->open = batch;
  }
  return table->open;
}

static int
gather_seal_full (struct gather *gather, struct table *table,
                  const struct batch *batch)
{
  const struct pipeline_settings *settings = &gather->pipeline->settings;

  if (batch->row_count < settings->batch_rows
      && batch->bytes < settings->batch_bytes
      && batch_footprint (batch) < gather->pipeline->pool.budget / 3)
    return 0;
  if (batch == gather->log)
    return gather_seal_log (gather);
  return gather_seal_table (gather, table);
}

static struct table *
gather_find (struct gather *gather, uint64_t table_id)
{
  if (gather->recent == NULL || gather->recent->id != table_id)
    gather->recent = table_set_find (&gather->pipeline->tables, table_id);
  return gather->recent;
}

static int
gather_failed (struct gather *gather, int code, const struct table *table)
{
  return instance_fail (
    gather->pipeline->source, code, "table %s: %s", table->name,
    code == EZCDC_E_MEMORY
      ? "out of memory while gathering changes"
      : "feed_row: a change has no key, or a value of it has no data or an "
        "unknown state");
}

static int
gather_begin (struct ezcdc_feed *feed, const struct ezcdc_position *commit,
              int64_t commit_time)
{
  struct gather *gather = (struct gather *) feed;

  if (!position_copy (&gather->commit, commit))
    return instance_fail (gather->pipeline->source, EZCDC_E_BUG,
                          "a position of %u bytes", commit->length);
  gather->in_transaction = true;
  gather->commit_time = commit_time;
  gather->ordinal = 0;
  return EZCDC_OK;
}

/* Whether values that the change does not bring are in the source only.  An
 * insert that does not bring all was an update there, which made the row one
 * of those that are published: the target has none. */
static bool
gather_repairs (const struct gather *gather, const struct table *table,
                uint32_t operation)
{
  const struct pipeline *pipeline = gather->pipeline;

  return operation == EZCDC_INSERT
         || !(pipeline->sink_capabilities & EZCDC_CAN_PARTIAL)
         || table->has_gaps
         || (table->repair_before.length > 0
             && position_compare (&gather->commit, &table->repair_before) < 0);
}

static bool
gather_knows_stranger (const struct gather *gather, uint64_t table_id)
{
  for (size_t i = 0; i < gather->stranger_count; i++)
    if (gather->strangers[i] == table_id)
      return true;
  return false;
}

static void
gather_change (struct gather *gather, const struct table *table,
               struct change *ret_change)
{
  ret_change->table = &table->version->description;
  ret_change->commit_time = gather->commit_time;
  ret_change->ordinal = gather->ordinal++;
  ret_change->repair = gather_repairs (gather, table, ret_change->operation);
}

/* A change that is not taken: of a table that is left out, or whose rows are
 * nobody's business here, which feed_table has told; or else a mistake. */
static int
gather_pass_over (const struct gather *gather, const struct table *table,
                  uint64_t table_id)
{
  struct ezcdc_instance *source = gather->pipeline->source;

  if (!gather->in_transaction)
    return instance_fail (source, EZCDC_E_BUG,
                          "a change of the table with the id %" PRIu64
                          " came before feed_begin",
                          table_id);
  if (table == NULL && !gather_knows_stranger (gather, table_id))
    return instance_fail (source, EZCDC_E_BUG,
                          "a change came of the table with the id %" PRIu64
                          ", which neither list_table nor feed_table has told",
                          table_id);
  return EZCDC_OK;
}

static int
gather_row (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
            const struct ezcdc_value *values,
            const struct ezcdc_value *old_values, const char *message,
            size_t length)
{
  struct gather *gather = (struct gather *) feed;
  struct table *table = gather_find (gather, table_id);
  struct change change = {
    .operation = operation,
    .values = values,
    .old_values = old_values,
    .message = message,
    .length = length,
  };
  struct batch *batch;
  int result;

  if (table == NULL || table->left_out || !gather->in_transaction)
    return gather_pass_over (gather, table, table_id);
  batch = gather_batch (gather, table);
  if (batch == NULL)
    return gather_failed (gather, EZCDC_E_MEMORY, table);
  gather_change (gather, table, &change);
  result = batch_begin (batch, &gather->commit);
  if (result == 0)
    result = batch_add (batch, &change);
  if (result < 0)
    return gather_failed (gather, result, table);
  result = gather_seal_full (gather, table, batch);
  if (result < 0)
    return result;
  return pool_is_tight (&gather->pipeline->pool) ? EZCDC_FULL : EZCDC_OK;
}

static int
gather_truncate (struct ezcdc_feed *feed, uint64_t table_id)
{
  struct gather *gather = (struct gather *) feed;
  struct table *table = gather_find (gather, table_id);
  struct change change = { .operation = EZCDC_TRUNCATE };
  struct batch *batch;
  int result;

  if (table == NULL || table->left_out || !gather->in_transaction)
    return gather_pass_over (gather, table, table_id);
  batch = gather_batch (gather, table);
  if (batch == NULL)
    return gather_failed (gather, EZCDC_E_MEMORY, table);
  gather_change (gather, table, &change);
  result = batch_begin (batch, &gather->commit);
  if (result == 0)
    result = batch_truncate (batch, &change);
  if (result < 0)
    return gather_failed (gather, result, table);
  /* What follows is a load of its own: trying that again must not empty the
   * table again. */
  return batch == gather->log ? EZCDC_OK : gather_seal_table (gather, table);
}

/* Why the table has to be copied again with these columns; nothing if it has
 * not. Changes that are older than its copy must have the columns of the copy:
 * others would write over what it has brought. *ret_leave_out is whether their
 * rows cannot even go where the copied ones are. */
static int
gather_doubt (const struct gather *gather, const struct table *table,
              const struct ezcdc_table *description, struct text *ret_reason,
              bool *ret_leave_out, struct error *error)
{
  const struct ezcdc_table *known = &table->version->description;
  const char *refusal = pipeline_refusal (gather->pipeline, description);
  bool older = position_compare (&gather->commit, &table->copied) < 0;

  *ret_leave_out = false;
  if (!pipeline_copies (gather->pipeline))
    return 0;
  if (refusal != NULL) {
    text_printf (ret_reason, "%s", refusal);
    *ret_leave_out = true;
  }
  else if (shape_has_another_key (known, description)) {
    text_printf (ret_reason, "its key has changed");
    *ret_leave_out = true;
  }
  else if (older && !table_same_shape (known, description)) {
    text_printf (ret_reason, "its columns were others before its copy");
    *ret_leave_out = shape_has_another_type (known, description);
  }
  else
    return shape_doubt (gather->pipeline, known->columns, known->column_count,
                        description, ret_reason, error);
  return 0;
}

static int
gather_begin_doubt (struct gather *gather, struct table *table,
                    const char *reason, bool leave_out)
{
  struct pipeline *pipeline = gather->pipeline;
  struct error error = { 0 };
  int result = leave_out ? shape_leave_out (pipeline, table, reason, &error)
                         : shape_begin_doubt (pipeline, table, reason, &error);

  if (result < 0)
    return instance_fail (pipeline->source, result, "%s", error.text);
  gather->doubt = true;
  return EZCDC_OK;
}

/* What no copy can bring: a table that cannot be replicated as it was then is
 * left out for as long as it was like that.  Whether it is. */
static bool
gather_pause (struct table *table, const char *refusal)
{
  if (refusal != NULL && !table->left_out)
    log_message (LEVEL_WARNING,
                 "table %s: %s; its changes are left out until it is another, "
                 "and what is missed is missing",
                 table->name, refusal);
  table->left_out = refusal != NULL;
  return table->left_out;
}

/* Rows before and after a change of the table's shape never share a batch. */
static int
gather_revise (struct gather *gather, struct table *table,
               const struct ezcdc_table *description)
{
  struct error error = { 0 };

  log_message (LEVEL_INFO, "table %s has changed its columns", table->name);
  if (table->open != NULL && gather_seal_table (gather, table) < 0)
    return EZCDC_E_MEMORY;
  if (table_revise (table, description) < 0)
    return gather_failed (gather, EZCDC_E_MEMORY, table);
  if (state_set_columns (gather->pipeline->state, description, &error) < 0)
    return instance_fail (gather->pipeline->source, error.code, "%s",
                          error.text);
  return EZCDC_OK;
}

/* The source describes a table each time that it may have changed; whoever
 * reads the log needs to know once. */
static int
gather_tell_of_stranger (struct gather *gather,
                         const struct ezcdc_table *description)
{
  uint64_t *strangers;

  if (gather_knows_stranger (gather, description->id))
    return EZCDC_OK;
  log_message (LEVEL_INFO,
               "changes of table %s.%s are left out until the next start: it "
               "was not there when the tables were listed",
               description->schema, description->name);
  strangers = reallocarray (gather->strangers, gather->stranger_count + 1,
                            sizeof *strangers);
  if (strangers == NULL)
    return instance_fail (gather->pipeline->source, EZCDC_E_MEMORY,
                          "gather changes: out of memory");
  gather->strangers = strangers;
  strangers[gather->stranger_count++] = description->id;
  return EZCDC_OK;
}

static int
gather_table (struct ezcdc_feed *feed, const struct ezcdc_table *description)
{
  struct gather *gather = (struct gather *) feed;
  struct table *table = gather_find (gather, description->id);
  CLEANUP_TEXT struct text reason = { 0 };
  struct error error = { 0 };
  bool same, leave_out;

  if (table == NULL)
    return gather_tell_of_stranger (gather, description);
  if (!pipeline_copies (gather->pipeline)
      && gather_pause (table,
                       pipeline_refusal (gather->pipeline, description)))
    return EZCDC_OK;
  same = table_same_shape (&table->version->description, description);
  if (gather_doubt (gather, table, description, &reason, &leave_out, &error)
      < 0)
    return instance_fail (gather->pipeline->source, error.code, "%s",
                          error.text);
  if (same && reason.length == 0)
    return EZCDC_OK;
  if (reason.length > 0
      && gather_begin_doubt (gather, table, text_string (&reason), leave_out)
           < 0)
    return EZCDC_E_OPERATOR;
  return gather_revise (gather, table, description);
}

static int
gather_progress (struct ezcdc_feed *feed,
                 const struct ezcdc_position *position)
{
  struct gather *gather = (struct gather *) feed;
  struct ezcdc_position end;

  if (!position_copy (&end, position))
    return instance_fail (gather->pipeline->source, EZCDC_E_BUG,
                          "a position of %u bytes", position->length);
  if (position_compare (&end, &gather->complete) > 0)
    gather->complete = end;
  return EZCDC_OK;
}

static int
gather_commit (struct ezcdc_feed *feed, const struct ezcdc_position *end)
{
  struct gather *gather = (struct gather *) feed;

  if (!gather->in_transaction || position_compare (end, &gather->commit) < 0)
    return instance_fail (
      gather->pipeline->source, EZCDC_E_BUG, "feed_commit: %s",
      gather->in_transaction ? "the end is before the commit of feed_begin"
                             : "there was no feed_begin");
  gather->in_transaction = false;
  gather->complete_commit_time = gather->commit_time;
  return gather_progress (feed, end);
}

static const struct feed_operations gather_operations = {
  .begin = gather_begin,
  .row = gather_row,
  .truncate = gather_truncate,
  .table = gather_table,
  .commit = gather_commit,
  .progress = gather_progress,
};
