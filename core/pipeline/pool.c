/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a pipeline's batches. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/pipeline/pool.h"

/* Free chunks beyond this share of the budget go back to the system. */
#define POOL_CACHE_DIVISOR 4

int
pool_init (struct pool *pool, size_t budget)
{
  pthread_condattr_t attributes;

  memset (pool, 0, sizeof *pool);
  pool->budget = budget;
  if (pthread_mutex_init (&pool->lock, NULL) != 0)
    return -1;
  if (pthread_condattr_init (&attributes) != 0)
    return -1;
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  if (pthread_cond_init (&pool->released, &attributes) != 0)
    return -1;
  pthread_condattr_destroy (&attributes);
  return 0;
}

void
pool_destroy (struct pool *pool)
{
  while (pool->free != NULL) {
    struct pool_chunk *chunk = pool->free;

    pool->free = chunk->next;
    free_unwiped (chunk);
  }
  pthread_cond_destroy (&pool->released);
  pthread_mutex_destroy (&pool->lock);
}

static void
pool_account (struct pool *pool, size_t bytes)
{
  pool->used += bytes;
  if (pool->used > pool->peak)
    pool->peak = pool->used;
}

struct pool_chunk *
pool_take (struct pool *pool, size_t size)
{
  size_t wanted = size > POOL_CHUNK_SIZE ? size : POOL_CHUNK_SIZE;
  struct pool_chunk *chunk = NULL;

  pthread_mutex_lock (&pool->lock);
  if (wanted == POOL_CHUNK_SIZE && pool->free != NULL) {
    chunk = pool->free;
    pool->free = chunk->next;
    pool->cached -= wanted;
  }
  pool_account (pool, wanted);
  pthread_mutex_unlock (&pool->lock);

  if (chunk == NULL)
    chunk = malloc (sizeof *chunk + wanted);
  if (chunk == NULL) {
    pool_discharge (pool, wanted);
    return NULL;
  }
  chunk->next = NULL;
  chunk->size = wanted;
  chunk->used = 0;
  return chunk;
}

void
pool_give (struct pool *pool, struct pool_chunk *chunk)
{
  pthread_mutex_lock (&pool->lock);
  pool->used -= chunk->size;
  if (chunk->size == POOL_CHUNK_SIZE
      && pool->cached + chunk->size <= pool->budget / POOL_CACHE_DIVISOR) {
    chunk->next = pool->free;
    pool->free = chunk;
    pool->cached += chunk->size;
    chunk = NULL;
  }
  pthread_cond_broadcast (&pool->released);
  pthread_mutex_unlock (&pool->lock);
  free_unwiped (chunk);
}

void
pool_charge (struct pool *pool, size_t bytes)
{
  pthread_mutex_lock (&pool->lock);
  pool_account (pool, bytes);
  pthread_mutex_unlock (&pool->lock);
}

void
pool_discharge (struct pool *pool, size_t bytes)
{
  pthread_mutex_lock (&pool->lock);
  pool->used -= bytes;
  pthread_cond_broadcast (&pool->released);
  pthread_mutex_unlock (&pool->lock);
}

bool
pool_is_tight (struct pool *pool)
{
  bool tight;

  pthread_mutex_lock (&pool->lock);
  tight = pool->used >= pool->budget;
  pthread_mutex_unlock (&pool->lock);
  return tight;
}

bool
pool_wait (struct pool *pool, int64_t timeout)
{
  struct timespec deadline = clock_deadline (timeout);
  bool tight;

  pthread_mutex_lock (&pool->lock);
  if (pool->used >= pool->budget)
    pthread_cond_timedwait (&pool->released, &pool->lock, &deadline);
  tight = pool->used >= pool->budget;
  pthread_mutex_unlock (&pool->lock);
  return !tight;
}

void
pool_wake (struct pool *pool)
{
  pthread_mutex_lock (&pool->lock);
  pthread_cond_broadcast (&pool->released);
  pthread_mutex_unlock (&pool->lock);
}

void
arena_init (struct arena *arena, struct pool *pool)
{
  arena->pool = pool;
  arena->chunks = NULL;
  arena->taken = 0;
}

static char *
arena_room (struct arena *arena, size_t size, size_t alignment)
{
  struct pool_chunk *chunk = arena->chunks;
  size_t start;

  if (size > SIZE_MAX / 2)
    return NULL;
  if (chunk != NULL) {
    start = (chunk->used + alignment - 1) & ~(alignment - 1);
    if (start <= chunk->size && chunk->size - start >= size) {
      chunk->used = start + size;
      return chunk->bytes + start;
    }
  }
  chunk = pool_take (arena->pool, size);
  if (chunk == NULL)
    return NULL;
  chunk->used = size;
  arena->taken += chunk->size;
  /* A value with a chunk of its own must not end the half-full one. */
  if (size > POOL_CHUNK_SIZE / 4 && arena->chunks != NULL) {
    chunk->next = arena->chunks->next;
    arena->chunks->next = chunk;
  }
  else {
    chunk->next = arena->chunks;
    arena->chunks = chunk;
  }
  return chunk->bytes;
}

void *
arena_take (struct arena *arena, size_t size)
{
  return arena_room (arena, size, sizeof (void *));
}

char *
arena_copy (struct arena *arena, const char *data, size_t length)
{
  char *copy = arena_room (arena, length, 1);

  if (copy != NULL && length > 0)
    memcpy (copy, data, length);
  return copy;
}

void
arena_clear (struct arena *arena)
{
  while (arena->chunks != NULL) {
    struct pool_chunk *chunk = arena->chunks;

    arena->chunks = chunk->next;
    pool_give (arena->pool, chunk);
  }
  arena->taken = 0;
}
