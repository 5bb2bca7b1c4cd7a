/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a pipeline's batches. */
#include <config.h>

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/pipeline/pool.h"

/* When nothing is in use, free chunks beyond this share of the budget go back
 * to the system. */
#define POOL_IDLE_DIVISOR 4

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

/* Bytes of a chunk, header and all. */
static size_t
chunk_footprint (const struct pool_chunk *chunk)
{
  return sizeof *chunk + chunk->size;
}

static struct pool_chunk *
chunk_new (size_t footprint)
{
  struct pool_chunk *chunk = mmap (NULL, footprint, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (chunk == MAP_FAILED)
    return NULL;
  chunk->size = footprint - sizeof *chunk;
  return chunk;
}

static void
chunk_free (struct pool_chunk *chunk)
{
  munmap (chunk, chunk_footprint (chunk));
}

/* Gives free chunks back to the system until no more than so many bytes of
 * them are left. */
static void
pool_trim (struct pool *pool, size_t left)
{
  while (pool->cached > left && pool->free != NULL) {
    struct pool_chunk *chunk = pool->free;

    pool->free = chunk->next;
    pool->cached -= chunk_footprint (chunk);
    chunk_free (chunk);
  }
}

void
pool_destroy (struct pool *pool)
{
  pool_trim (pool, 0);
  pthread_cond_destroy (&pool->released);
  pthread_mutex_destroy (&pool->lock);
}

/* What is free must not take memory beyond the budget: what is in use comes
 * first. */
static void
pool_account (struct pool *pool, size_t bytes)
{
  pool->used += bytes;
  if (pool->used > pool->peak)
    pool->peak = pool->used;
  if (pool->used + pool->cached > pool->budget)
    pool_trim (pool,
               pool->budget > pool->used ? pool->budget - pool->used : 0);
}

static void
pool_return (struct pool *pool, size_t bytes)
{
  pool->used -= bytes;
  if (pool->used == 0)
    pool_trim (pool, pool->budget / POOL_IDLE_DIVISOR);
  pthread_cond_broadcast (&pool->released);
}

struct pool_chunk *
pool_take (struct pool *pool, size_t size)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  size_t footprint = POOL_CHUNK_SIZE;
  struct pool_chunk *chunk = NULL;

  if (size > POOL_CHUNK_SIZE - sizeof *chunk)
    footprint = (size + sizeof *chunk + page - 1) & ~(page - 1);
  pthread_mutex_lock (&pool->lock);
  if (footprint == POOL_CHUNK_SIZE && pool->free != NULL) {
    chunk = pool->free;
    pool->free = chunk->next;
    pool->cached -= footprint;
  }
  pool_account (pool, footprint);
  pthread_mutex_unlock (&pool->lock);

  if (chunk == NULL)
    chunk = chunk_new (footprint);
  if (chunk == NULL) {
    pool_discharge (pool, footprint);
    return NULL;
  }
  chunk->next = NULL;
  chunk->used = 0;
  return chunk;
}

void
pool_give (struct pool *pool, struct pool_chunk *chunk)
{
  size_t footprint = chunk_footprint (chunk);

  pthread_mutex_lock (&pool->lock);
  if (footprint == POOL_CHUNK_SIZE
      && pool->used + pool->cached <= pool->budget) {
    chunk->next = pool->free;
    pool->free = chunk;
    pool->cached += footprint;
    chunk = NULL;
  }
  pool_return (pool, footprint);
  pthread_mutex_unlock (&pool->lock);
  if (chunk != NULL)
    chunk_free (chunk);
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
  pool_return (pool, bytes);
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
  arena->taken += chunk_footprint (chunk);
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
