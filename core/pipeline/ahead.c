/* SPDX-License-Identifier: Apache-2.0 */
/* How far the target may be ahead of the stored position. */
#include <config.h>

#include <pthread.h>

#include "core/pipeline/ahead.h"
#include "core/pipeline/batch.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/position.h"

int
ahead_load (struct pipeline *pipeline, struct error *error)
{
  return state_get_ahead (pipeline->state, &pipeline->ahead, error);
}

/* What the reader is up to is stored if that is more: then the other batches
 * of the round find it there. */
int
ahead_reach (struct pipeline *pipeline, const struct batch *batch,
             struct error *error)
{
  struct ezcdc_position reached;
  int result = 0;

  if (batch->kind == BATCH_SNAPSHOT)
    return 0;
  pthread_mutex_lock (&pipeline->lock);
  reached = pipeline->read;
  pthread_mutex_unlock (&pipeline->lock);
  if (position_compare (&reached, &batch->last) < 0)
    reached = batch->last;
  /* With the lock: what another writer relies on is on the disk. */
  pthread_mutex_lock (&pipeline->ahead_lock);
  if (position_compare (&batch->last, &pipeline->ahead) > 0) {
    result = state_set_ahead (pipeline->state, &reached, error);
    if (result == 0)
      pipeline->ahead = reached;
  }
  pthread_mutex_unlock (&pipeline->ahead_lock);
  return result;
}

bool
ahead_is_lost (struct pipeline *pipeline, void *stream,
               const struct ezcdc_position *complete)
{
  const struct ezcdc_source *source = pipeline->source_calls;
  struct ezcdc_position ahead;

  pthread_mutex_lock (&pipeline->ahead_lock);
  ahead = pipeline->ahead;
  pthread_mutex_unlock (&pipeline->ahead_lock);
  return source->stream_holds != NULL
         && position_compare (&ahead, complete) > 0
         && source->stream_holds (stream, &ahead) == EZCDC_END;
}

int
ahead_forget (struct pipeline *pipeline, struct error *error)
{
  static const struct ezcdc_position nowhere = { 0 };
  int result;

  pthread_mutex_lock (&pipeline->ahead_lock);
  result = state_set_ahead (pipeline->state, &nowhere, error);
  if (result == 0)
    pipeline->ahead = nowhere;
  pthread_mutex_unlock (&pipeline->ahead_lock);
  return result;
}
