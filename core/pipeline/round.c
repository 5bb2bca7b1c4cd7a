/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: which position may be confirmed. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/pipeline/position.h"
#include "core/pipeline/round.h"

void
rounds_init (struct rounds *rounds)
{
  memset (rounds, 0, sizeof *rounds);
  pthread_mutex_init (&rounds->lock, NULL);
}

void
rounds_destroy (struct rounds *rounds)
{
  while (rounds->first != NULL) {
    struct round *round = rounds->first;

    rounds->first = round->next;
    free (round);
  }
  pthread_mutex_destroy (&rounds->lock);
}

struct round *
rounds_open (struct rounds *rounds)
{
  struct round *round = calloc (1, sizeof *round);

  if (round == NULL)
    return NULL;
  pthread_mutex_lock (&rounds->lock);
  if (rounds->last == NULL)
    rounds->first = round;
  else
    rounds->last->next = round;
  rounds->last = round;
  rounds->count++;
  pthread_mutex_unlock (&rounds->lock);
  return round;
}

void
rounds_expect (struct rounds *rounds, struct round *round)
{
  pthread_mutex_lock (&rounds->lock);
  round->pending++;
  pthread_mutex_unlock (&rounds->lock);
}

static bool
durable_grow (struct rounds *rounds, const struct ezcdc_position *position)
{
  if (position_compare (position, &rounds->durable) <= 0)
    return false;
  rounds->durable = *position;
  return true;
}

/* Takes the finished rounds off the front. */
static bool
rounds_collect (struct rounds *rounds)
{
  bool grew = false;

  while (rounds->first != NULL && rounds->first->sealed
         && rounds->first->pending == 0) {
    struct round *round = rounds->first;

    grew |= durable_grow (rounds, &round->end);
    if (round->commit_time > rounds->durable_commit_time)
      rounds->durable_commit_time = round->commit_time;
    rounds->first = round->next;
    if (rounds->first == NULL)
      rounds->last = NULL;
    rounds->count--;
    free (round);
  }
  return grew;
}

bool
rounds_seal (struct rounds *rounds, struct round *round,
             const struct ezcdc_position *end, int64_t commit_time)
{
  bool grew;

  pthread_mutex_lock (&rounds->lock);
  round->end = *end;
  round->commit_time = commit_time;
  round->sealed = true;
  grew = rounds_collect (rounds);
  pthread_mutex_unlock (&rounds->lock);
  return grew;
}

bool
rounds_settle (struct rounds *rounds, struct round *round)
{
  bool grew;

  pthread_mutex_lock (&rounds->lock);
  round->pending--;
  grew = rounds_collect (rounds);
  pthread_mutex_unlock (&rounds->lock);
  return grew;
}

bool
rounds_advance (struct rounds *rounds, const struct ezcdc_position *position)
{
  bool grew = false;

  pthread_mutex_lock (&rounds->lock);
  if (rounds->first == NULL)
    grew = durable_grow (rounds, position);
  pthread_mutex_unlock (&rounds->lock);
  return grew;
}

bool
rounds_empty (struct rounds *rounds)
{
  bool empty;

  pthread_mutex_lock (&rounds->lock);
  empty = rounds->first == NULL;
  pthread_mutex_unlock (&rounds->lock);
  return empty;
}

size_t
rounds_count (struct rounds *rounds)
{
  size_t count;

  pthread_mutex_lock (&rounds->lock);
  count = rounds->count;
  pthread_mutex_unlock (&rounds->lock);
  return count;
}

void
rounds_set_start (struct rounds *rounds, const struct ezcdc_position *position)
{
  pthread_mutex_lock (&rounds->lock);
  rounds->durable = *position;
  rounds->stored = *position;
  pthread_mutex_unlock (&rounds->lock);
}

struct ezcdc_position
rounds_durable (struct rounds *rounds, int64_t *ret_commit_time)
{
  struct ezcdc_position position;

  pthread_mutex_lock (&rounds->lock);
  position = rounds->durable;
  *ret_commit_time = rounds->durable_commit_time;
  pthread_mutex_unlock (&rounds->lock);
  return position;
}

struct ezcdc_position
rounds_stored (struct rounds *rounds)
{
  struct ezcdc_position position;

  pthread_mutex_lock (&rounds->lock);
  position = rounds->stored;
  pthread_mutex_unlock (&rounds->lock);
  return position;
}

void
rounds_set_stored (struct rounds *rounds,
                   const struct ezcdc_position *position)
{
  pthread_mutex_lock (&rounds->lock);
  rounds->stored = *position;
  pthread_mutex_unlock (&rounds->lock);
}
