/* SPDX-License-Identifier: Apache-2.0 */
/* Writer threads: queues, order and retries. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/pipeline/ahead.h"
#include "core/pipeline/bad_row.h"
#include "core/pipeline/batch.h"
#include "core/pipeline/loads.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/repair.h"
#include "core/pipeline/retry.h"
#include "core/pipeline/shape.h"
#include "core/pipeline/writer.h"
#include "core/plugin/instance.h"

/* ---- queues ------------------------------------------------------------ */

static void
ready_put (struct writers *writers, struct table *table)
{
  table->ready = true;
  table->next_ready = NULL;
  if (writers->ready_tail == NULL)
    writers->ready_head = table;
  else
    writers->ready_tail->next_ready = table;
  writers->ready_tail = table;
  pthread_cond_signal (&writers->work);
}

static struct table *
ready_take (struct writers *writers)
{
  struct table *table = writers->ready_head;

  writers->ready_head = table->next_ready;
  if (writers->ready_head == NULL)
    writers->ready_tail = NULL;
  table->ready = false;
  return table;
}

static struct table *
queue_of (struct pipeline *pipeline, const struct batch *batch)
{
  return batch->table != NULL ? batch->table : &pipeline->writers.log;
}

void
writers_submit (struct pipeline *pipeline, struct batch *batch)
{
  struct writers *writers = &pipeline->writers;
  struct table *table = queue_of (pipeline, batch);

  pthread_mutex_lock (&writers->lock);
  batch->next = NULL;
  if (table->queue_tail == NULL)
    table->queue_head = batch;
  else
    table->queue_tail->next = batch;
  table->queue_tail = batch;
  writers->unwritten++;
  if (!table->busy && !table->ready)
    ready_put (writers, table);
  pthread_mutex_unlock (&writers->lock);
}

/* The next batch whose table is free; NULL when it is over. */
static struct batch *
queue_take (struct writers *writers, struct table **ret_table)
{
  struct batch *batch = NULL;

  pthread_mutex_lock (&writers->lock);
  while (!writers->over && writers->ready_head == NULL)
    pthread_cond_wait (&writers->work, &writers->lock);
  if (!writers->over) {
    struct table *table = ready_take (writers);

    batch = table->queue_head;
    table->queue_head = batch->next;
    if (table->queue_head == NULL)
      table->queue_tail = NULL;
    table->busy = true;
    *ret_table = table;
  }
  pthread_mutex_unlock (&writers->lock);
  return batch;
}

static void
queue_finished (struct writers *writers, struct table *table)
{
  pthread_mutex_lock (&writers->lock);
  table->busy = false;
  writers->unwritten--;
  if (table->queue_head != NULL)
    ready_put (writers, table);
  if (writers->unwritten == 0)
    pthread_cond_broadcast (&writers->idle);
  pthread_mutex_unlock (&writers->lock);
}

/* ---- writing ----------------------------------------------------------- */

bool
writer_target_has_rows (const struct pipeline *pipeline,
                        const struct table *table)
{
  return pipeline->settings.snapshot != SNAPSHOT_NEVER && !table->emptied
         && (table->phase != TABLE_WAITING || table->copied.length > 0);
}

/* The sink has made the target.  If rows are said to be in it, somebody has
 * dropped it, and its rows have to be copied again: that is noted before
 * anything else can fail. */
static int
writer_target_created (struct pipeline *pipeline, struct table *table,
                       struct error *error)
{
  bool lost = writer_target_has_rows (pipeline, table);

  /* The stream's reader looks at "copied" meanwhile. */
  table->emptied = lost;
  if ((lost && shape_forget_copy (pipeline, table, error) < 0)
      || pipeline_audit (pipeline, "table.created", table->target, "success",
                         NULL, error)
           < 0)
    return error->code;
  if (!lost)
    return 0;
  return error_set (error, EZCDC_E_OPERATOR,
                    "table %s: its target %s was gone and has been made anew, "
                    "without the rows that were copied before; start the "
                    "pipeline again to copy this table again",
                    table->name, table->target);
}

int
writer_prepare (struct pipeline *pipeline, struct table *table,
                const struct ezcdc_table *description, struct error *error)
{
  struct ezcdc_instance *sink = pipeline->sink;
  struct retry retry = { .what = "preparing the target" };
  bool created = false;

  for (;;) {
    int result;

    table->asked = clock_monotonic ();
    instance_lock (sink);
    result = pipeline->sink_calls->prepare (pipeline->sink->self, description);
    if (result < 0)
      instance_error (sink, result, error);
    instance_unlock (sink);
    table->asked = 0;
    created |= result == EZCDC_CREATED;
    if (result >= 0)
      break;
    error_prefix (error, "table %s", table->name);
    result = retry_wait (pipeline, &retry, error);
    if (result < 0)
      return result;
  }
  table->prepared = description->version;
  return created ? writer_target_created (pipeline, table, error) : 0;
}

static int
writer_hand_over (struct pipeline *pipeline, struct table *table,
                  const struct ezcdc_batch *view, struct error *error)
{
  struct ezcdc_instance *sink = pipeline->sink;
  int result;

  table->asked = clock_monotonic ();
  instance_lock (sink);
  result = pipeline->sink_calls->write (sink->self, view);
  if (result < 0)
    instance_error (sink, result, error);
  instance_unlock (sink);
  table->asked = 0;
  return result;
}

static int
writer_write_once (struct pipeline *pipeline, struct batch *batch,
                   struct bad_rows *bad_rows, struct error *error)
{
  struct table *table = queue_of (pipeline, batch);
  struct ezcdc_batch view;
  int result;

  if (batch->kind == BATCH_KEYED && batch->table->has_gaps)
    batch_repair_all (batch);
  if (batch->repair_count > 0) {
    result = repair_batch (pipeline, batch, error);
    if (result < 0)
      return result;
  }
  if (batch_is_empty (batch))
    return 0;
  view = batch_view (batch);
  bad_rows_begin (bad_rows, &view);
  result = bad_rows_find (&view, error);
  if (result == 0)
    result = writer_hand_over (pipeline, table, &view, error);
  bad_rows_end (bad_rows);
  return result < 0 ? result : 0;
}

int
writer_name_the_way_out (const struct pipeline *pipeline,
                         const struct table *table, struct error *error)
{
  if (error->code != EZCDC_E_OPERATOR)
    return error->code;
  if (pipeline_copies (pipeline))
    return error_set (error, EZCDC_E_OPERATOR,
                      "%s; if the source's table was changed and %s cannot "
                      "follow, drop %s and start again: this table, and no "
                      "other, is copied anew",
                      error->text, table->target, table->target);
  return error_set (error, EZCDC_E_OPERATOR,
                    "%s; if the source's table was changed and %s cannot "
                    "follow, begin anew, with the pipeline's slot dropped and "
                    "its folder %s removed",
                    error->text, table->target,
                    pipeline->settings.state_folder);
}

/* A log carries rows of many tables: each has to be prepared. */
static int
writer_prepare_all (struct pipeline *pipeline, const struct batch *batch,
                    struct error *error)
{
  struct table *table = batch->table;

  if (table != NULL) {
    if (table->prepared == batch->description->version)
      return 0;
    if (writer_prepare (pipeline, table, batch->description, error) >= 0)
      return 0;
    /* The sink has taken it: it is not the target's shape that is wrong. */
    if (table->prepared == batch->description->version)
      return error->code;
    return writer_name_the_way_out (pipeline, table, error);
  }
  for (size_t i = 0; i < batch->row_count; i++) {
    const struct ezcdc_table *description = batch->rows[i].table;

    table = table_set_find (&pipeline->tables, description->id);
    if (table != NULL && table->prepared != description->version
        && writer_prepare (pipeline, table, description, error) < 0)
      return error->code;
  }
  return 0;
}

/* Makes a batch durable, however long it takes. */
static int
writer_write (struct pipeline *pipeline, struct batch *batch,
              struct error *error)
{
  const char *name = batch->table != NULL ? batch->table->name : "all tables";
  struct bad_rows bad_rows = { 0 };
  struct retry retry = { .what = "writing to the sink" };
  int result;

  if (batch->truncate && batch->table != NULL
      && pipeline_audit (pipeline, "table.truncated", name, "success", NULL,
                         error)
           < 0)
    return error->code;
  if (ahead_reach (pipeline, batch, error) < 0)
    return error->code;
  for (;;) {
    result = writer_prepare_all (pipeline, batch, error);
    if (result < 0)
      break;
    result = loads_settle (pipeline, batch->table, error);
    if (result == 0)
      result = writer_write_once (pipeline, batch, &bad_rows, error);
    if (result == 0 || result == EZCDC_E_ROW)
      loads_are_over (batch->table);
    if (result == 0)
      break;
    if (result == EZCDC_E_ROW) {
      result = bad_rows_apply (pipeline, &bad_rows, batch, error);
      if (result < 0)
        break;
      continue;
    }
    error_prefix (error, "table %s", name);
    if (result == EZCDC_E_SCHEMA && batch->table != NULL)
      batch->table->prepared = 0;
    result = retry_wait (pipeline, &retry, error);
    if (result < 0)
      break;
  }
  bad_rows_free (&bad_rows);
  return result;
}

static void *
writer_thread (void *argument)
{
  struct pipeline *pipeline = argument;
  struct writers *writers = &pipeline->writers;
  struct table *table = NULL;
  struct batch *batch;

  while ((batch = queue_take (writers, &table)) != NULL) {
    struct error error = { 0 };
    int result = EZCDC_E_STOPPED;

    /* The result counts: error may still hold what a retry got over. */
    if (pipeline_stopping (pipeline) != STOP_FAIL)
      result = writer_write (pipeline, batch, &error);
    if (result == 0)
      batch->durable (pipeline, batch);
    /* What cannot be drained now comes again after the next start. */
    else if (result == EZCDC_E_STOPPED)
      pipeline_stop (pipeline, STOP_FAIL);
    else
      pipeline_fail (pipeline, &error);
    /* A batch that is not durable keeps its round or chunk open, so nothing
     * behind it is ever confirmed. */
    batch_free (batch);
    queue_finished (writers, table);
  }
  return NULL;
}

int64_t
writers_asked (const struct pipeline *pipeline, const char **ret_table)
{
  int64_t since = pipeline->writers.log.asked;

  *ret_table = NULL;
  for (size_t i = 0; i < pipeline->tables.count; i++) {
    const struct table *table = pipeline->tables.tables[i];
    int64_t asked = table->asked;

    if (asked != 0 && (since == 0 || asked < since)) {
      since = asked;
      *ret_table = table->name;
    }
  }
  return since;
}

/* ---- life -------------------------------------------------------------- */

void
writers_init (struct writers *writers)
{
  pthread_condattr_t attributes;

  memset (writers, 0, sizeof *writers);
  pthread_mutex_init (&writers->lock, NULL);
  pthread_cond_init (&writers->work, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&writers->idle, &attributes);
  pthread_condattr_destroy (&attributes);
}

void
writers_destroy (struct writers *writers)
{
  pthread_cond_destroy (&writers->work);
  pthread_cond_destroy (&writers->idle);
  pthread_mutex_destroy (&writers->lock);
}

int
writers_start (struct pipeline *pipeline, struct error *error)
{
  struct writers *writers = &pipeline->writers;
  size_t count = pipeline->settings.writers;

  writers->threads = calloc (count, sizeof *writers->threads);
  if (writers->threads == NULL)
    return error_set (error, EZCDC_E_MEMORY, "start writers: out of memory");
  for (; writers->thread_count < count; writers->thread_count++)
    if (pthread_create (&writers->threads[writers->thread_count], NULL,
                        writer_thread, pipeline)
        != 0)
      return error_set (error, EZCDC_E_MEMORY, "start a writer thread: %m");
  return 0;
}

static void
queue_drop (struct table *table)
{
  while (table->queue_head != NULL) {
    struct batch *batch = table->queue_head;

    table->queue_head = batch->next;
    batch_free (batch);
  }
  table->queue_tail = NULL;
}

void
writers_end (struct pipeline *pipeline)
{
  struct writers *writers = &pipeline->writers;

  if (writers->threads == NULL)
    return;
  pthread_mutex_lock (&writers->lock);
  writers->over = true;
  pthread_cond_broadcast (&writers->work);
  pthread_cond_broadcast (&writers->idle);
  pthread_mutex_unlock (&writers->lock);
  for (size_t i = 0; i < writers->thread_count; i++)
    pthread_join (writers->threads[i], NULL);
  free (writers->threads);
  writers->threads = NULL;
  for (size_t i = 0; i < pipeline->tables.count; i++)
    queue_drop (pipeline->tables.tables[i]);
  queue_drop (&writers->log);
}

void
writers_wake (struct writers *writers)
{
  pthread_mutex_lock (&writers->lock);
  pthread_cond_broadcast (&writers->idle);
  pthread_mutex_unlock (&writers->lock);
}

bool
writers_drain (struct pipeline *pipeline, int64_t timeout)
{
  struct writers *writers = &pipeline->writers;
  struct timespec deadline = clock_deadline (timeout);
  bool drained;
  int result = 0;

  pthread_mutex_lock (&writers->lock);
  while (writers->unwritten > 0 && !writers->over && result == 0
         && pipeline_stopping (pipeline) != STOP_FAIL)
    result = pthread_cond_timedwait (&writers->idle, &writers->lock,
                                     &deadline);
  drained = writers->unwritten == 0;
  pthread_mutex_unlock (&writers->lock);
  return drained;
}
