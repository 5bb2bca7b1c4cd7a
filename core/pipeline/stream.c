/* SPDX-License-Identifier: Apache-2.0 */
/* Following the stream.
 *
 * The loop reads, hands on what is due, and confirms what the state has
 * stored.  It never waits for the sink: when memory is short it only keeps
 * the connection alive until writers have given some back.
 */
#include <config.h>

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/pipeline/ahead.h"
#include "core/pipeline/gather.h"
#include "core/pipeline/missed.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/position.h"
#include "core/pipeline/retry.h"
#include "core/pipeline/shape.h"
#include "core/pipeline/stream.h"
#include "core/plugin/instance.h"

/* Milliseconds. */
#define STREAM_READ_IDLE 100   /* when nothing waits to be handed on */
#define STREAM_READ_BUSY 10    /* when something does */
#define STREAM_READ_BLOCKED 20 /* when memory is short */
/* Rounds under way above which a new one waits to grow instead. */
#define STREAM_ROUNDS 2
/* How long a drain may take, in microseconds. */
#define STREAM_DRAIN INT64_C (30000000)

struct stream {
  struct pipeline *pipeline;
  const struct ezcdc_position *target; /* NULL: follow for ever */
  void *connection;                    /* the source's; NULL: none */
  struct gather gather;
  struct ezcdc_position confirmed;
  struct retry broken;             /* the stream broke off, time and again */
  struct ezcdc_position broken_at; /* where it did */
  int64_t sealed;                  /* monotonic time of the last round */
  int64_t looked;                  /* and of the last look at the tables */
  bool idle;                       /* the last read found nothing */
  struct ezcdc_position copy_at;   /* stop there for a copy; length 0: no */
};

static void
stream_disconnect (struct stream *stream)
{
  struct pipeline *pipeline = stream->pipeline;

  if (stream->connection == NULL)
    return;
  instance_lock (pipeline->source);
  pipeline->source_calls->stream_close (stream->connection);
  instance_unlock (pipeline->source);
  stream->connection = NULL;
  gather_interrupted (&stream->gather);
}

/* What was copied, or loaded behind the stored position, may be more than the
 * server has that is read now. */
static int
stream_check_copies (struct stream *stream, struct error *error)
{
  struct pipeline *pipeline = stream->pipeline;
  const struct ezcdc_position *complete = &stream->gather.complete;
  bool lost = ahead_is_lost (pipeline, stream->connection, complete);

  if (lost && !pipeline_copies (pipeline))
    log_message (LEVEL_WARNING,
                 "the target has changes that the server which has taken over "
                 "does not have; this pipeline does not copy tables again: "
                 "they stay");
  for (size_t i = 0; pipeline_copies (pipeline) && i < pipeline->tables.count;
       i++) {
    struct table *table = pipeline->tables.tables[i];

    if (table->left_out
        || (!lost
            && !missed_by_promotion (pipeline, stream->connection, table,
                                     complete)))
      continue;
    memset (&table->viewed, 0, sizeof table->viewed);
    if (shape_leave_out (pipeline, table,
                         "its target may have changes that the server which "
                         "has taken over does not have",
                         error)
        < 0)
      return error->code;
    stream->gather.doubt = true;
  }
  return lost ? ahead_forget (pipeline, error) : 0;
}

static int
stream_connect (struct stream *stream, struct error *error)
{
  struct pipeline *pipeline = stream->pipeline;
  struct retry retry = { .what = "starting the stream" };

  while (stream->connection == NULL) {
    int result;

    instance_lock (pipeline->source);
    result = pipeline->source_calls->stream_open (
      pipeline->source->self, &stream->gather.complete, &stream->connection);
    if (result < 0)
      instance_error (pipeline->source, result, error);
    instance_unlock (pipeline->source);
    if (result < 0) {
      stream->connection = NULL;
      result = retry_wait (pipeline, &retry, error);
      if (result < 0)
        return result;
    }
  }
  stream->gather.reading = ++pipeline->readings;
  return stream_check_copies (stream, error);
}

/* A lost connection is made again, after a delay that grows as long as
 * nothing more arrives between the failures. */
static int
stream_broke (struct stream *stream, struct error *error)
{
  const struct ezcdc_position *complete = &stream->gather.complete;

  if (!retry_is_transient (error->code))
    return error->code;
  stream_disconnect (stream);
  if (position_compare (complete, &stream->broken_at) > 0)
    retry_reset (&stream->broken);
  stream->broken_at = *complete;
  stream->broken.what = "reading the stream";
  return retry_wait (stream->pipeline, &stream->broken, error);
}

/* One call of the source; a lost connection is made again. */
static int
stream_read (struct stream *stream, bool take, int64_t timeout,
             struct error *error)
{
  struct pipeline *pipeline = stream->pipeline;
  int result;

  if (stream->connection == NULL && stream_connect (stream, error) < 0)
    return error->code;
  instance_lock (pipeline->source);
  result = pipeline->source_calls->stream_read (
    stream->connection, take ? &stream->gather.feed : NULL, timeout);
  if (result < 0)
    instance_error (pipeline->source, result, error);
  instance_unlock (pipeline->source);
  stream->idle = result == EZCDC_IDLE;
  return result >= 0 ? 0 : stream_broke (stream, error);
}

/* Tells the source what is stored, never more. */
static int
stream_confirm (struct stream *stream, struct error *error)
{
  struct pipeline *pipeline = stream->pipeline;
  struct ezcdc_position stored = rounds_stored (&pipeline->rounds);
  int result;

  if (stream->connection == NULL
      || position_compare (&stored, &stream->confirmed) <= 0)
    return 0;
  instance_lock (pipeline->source);
  result = pipeline->source_calls->stream_confirm (stream->connection,
                                                   &stored);
  if (result < 0)
    instance_error (pipeline->source, result, error);
  instance_unlock (pipeline->source);
  if (result < 0)
    return stream_broke (stream, error);
  stream->confirmed = stored;
  return 0;
}

/* Whether what was gathered should be handed on now.  Quiet times: at once;
 * busy times: every max_delay, or later while the sink is behind. */
static bool
stream_is_due (struct stream *stream, int64_t now)
{
  int64_t delay = stream->pipeline->settings.max_delay;

  if (gather_is_empty (&stream->gather) || stream->gather.in_transaction)
    return false;
  if (rounds_count (&stream->pipeline->rounds) > STREAM_ROUNDS)
    return false;
  if (now - stream->gather.opened >= delay)
    return true;
  return stream->idle && now - stream->sealed >= delay;
}

static int
stream_seal (struct stream *stream, struct error *error)
{
  int result = gather_seal (&stream->gather);

  stream->sealed = clock_monotonic ();
  if (result < 0)
    return error_set (error, result, "hand on a round: out of memory");
  return 0;
}

/* What the status shows. */
static void
stream_note (struct stream *stream, bool finished)
{
  struct pipeline *pipeline = stream->pipeline;
  const struct gather *gather = &stream->gather;
  bool caught_up = (stream->idle || finished) && gather_is_empty (gather)
                   && !gather->in_transaction
                   && rounds_empty (&pipeline->rounds);
  int64_t commit_time;

  rounds_durable (&pipeline->rounds, &commit_time);
  pthread_mutex_lock (&pipeline->lock);
  pipeline->durable_commit_time = commit_time;
  pipeline->read = gather->complete;
  pipeline->confirmed = stream->confirmed;
  if (caught_up)
    pipeline->caught_up = clock_monotonic ();
  pthread_mutex_unlock (&pipeline->lock);
}

/* A connection that is lost for the moment will be noticed elsewhere too. */
static int
stream_look (struct stream *stream, struct error *error)
{
  struct pipeline *pipeline = stream->pipeline;
  int64_t now = clock_monotonic ();
  bool doubt = false;
  int result;

  if (stream->gather.in_transaction
      || now - stream->looked < pipeline->settings.recheck_interval)
    return 0;
  stream->looked = now;
  result = shapes_look (pipeline, &doubt, error);
  stream->gather.doubt |= doubt;
  if (result >= 0 || !retry_is_transient (result))
    return result;
  log_message (LEVEL_WARNING, "looking at the tables failed: %s", error->text);
  return 0;
}

/* Tables have come into doubt.  They are copied when all that is committed now
 * has been read: by then, a change of several steps is over. */
static int
stream_plan_copy (struct stream *stream, struct error *error)
{
  if (!stream->gather.doubt)
    return 0;
  stream->gather.doubt = false;
  for (size_t i = 0; i < stream->pipeline->tables.count; i++)
    stream->pipeline->tables.tables[i]->deferred = false;
  return pipeline_source_position (stream->pipeline, &stream->copy_at, error);
}

/* One turn of the loop. */
static int
stream_turn (struct stream *stream, struct error *error)
{
  struct pipeline *pipeline = stream->pipeline;
  struct gather *gather = &stream->gather;
  bool tight = pool_is_tight (&pipeline->pool);
  int64_t timeout = STREAM_READ_IDLE;
  int result;

  if (tight && stream_seal (stream, error) < 0)
    return error->code;
  if (tight)
    timeout = STREAM_READ_BLOCKED;
  else if (!gather_is_empty (gather) || stream->target != NULL
           || stream->copy_at.length > 0)
    timeout = STREAM_READ_BUSY;
  result = stream_read (stream, !tight, timeout, error);
  if (result < 0 || stream_look (stream, error) < 0
      || stream_plan_copy (stream, error) < 0)
    return error->code;
  if (stream_is_due (stream, clock_monotonic ())
      && stream_seal (stream, error) < 0)
    return error->code;
  if (gather_is_empty (gather) && !gather->in_transaction
      && rounds_advance (&pipeline->rounds, &gather->complete))
    pipeline_wake (pipeline);
  stream_note (stream, false);
  return stream_confirm (stream, error);
}

/* position NULL or empty: there is nothing to reach. */
static bool
stream_reached (const struct stream *stream,
                const struct ezcdc_position *position)
{
  return position != NULL && position->length > 0
         && !stream->gather.in_transaction
         && position_compare (&stream->gather.complete, position) >= 0;
}

/* Makes everything durable that was read, and confirms it, keeping the
 * connection alive meanwhile. */
static int
stream_finish (struct stream *stream, int64_t limit, struct error *error)
{
  struct pipeline *pipeline = stream->pipeline;
  int64_t deadline = clock_monotonic () + limit;

  if (stream_seal (stream, error) < 0)
    return error->code;
  for (;;) {
    struct ezcdc_position stored;
    int64_t commit_time;
    struct ezcdc_position durable;

    if (rounds_advance (&pipeline->rounds, &stream->gather.complete))
      pipeline_wake (pipeline);
    stored = rounds_stored (&pipeline->rounds);
    durable = rounds_durable (&pipeline->rounds, &commit_time);
    if (rounds_empty (&pipeline->rounds)
        && position_compare (&stored, &durable) >= 0)
      break;
    if (pipeline_stopping (pipeline) == STOP_FAIL)
      return error_set (error, EZCDC_E_STOPPED, "the pipeline fails");
    if (limit > 0 && clock_monotonic () >= deadline)
      return error_set (error, EZCDC_E_STOPPED, "the drain takes too long");
    if (stream_read (stream, false, STREAM_READ_BLOCKED, error) < 0
        || stream_confirm (stream, error) < 0)
      return error->code;
  }
  return stream_confirm (stream, error);
}

/* Whether it ends here, well. A copy goes first: a bounded run has not caught
 * up without it. */
static bool
stream_is_done (const struct stream *stream)
{
  if (stream->gather.doubt)
    return false;
  if (stream->copy_at.length > 0)
    return stream_reached (stream, &stream->copy_at);
  return stream_reached (stream, stream->target);
}

int
stream_follow (struct pipeline *pipeline, const struct ezcdc_position *start,
               const struct ezcdc_position *target, bool doubt,
               struct error *error)
{
  struct stream stream = { .pipeline = pipeline, .target = target };
  int result = 0;

  gather_init (&stream.gather, pipeline, start);
  stream.looked = clock_monotonic ();
  stream.gather.doubt = doubt;
  while (result == 0 && pipeline->stop == STOP_NONE
         && !stream_is_done (&stream))
    result = stream_turn (&stream, error);

  if (result == 0 && stream_is_done (&stream)) {
    result = stream_finish (&stream, 0, error);
    if (result == 0 && stream.copy_at.length > 0)
      result = STREAM_COPY;
  }
  else if (result == 0 && pipeline->stop == STOP_DRAIN) {
    log_message (LEVEL_INFO, "stopping: writing what was read");
    result = stream_finish (&stream, STREAM_DRAIN, error);
  }
  stream_note (&stream, result >= 0);
  stream_disconnect (&stream);
  gather_destroy (&stream.gather);
  /* Being stopped is no failure: what was not durable comes again. */
  return result == EZCDC_E_STOPPED ? 0 : result;
}
