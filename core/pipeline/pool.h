/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a pipeline's batches: one budget, shared by all threads. */
#ifndef EZCDC_PIPELINE_POOL_H
#define EZCDC_PIPELINE_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values lie in chunks of this size, header and all; a larger value gets a
 * chunk of its own.  Small enough that 500 open tables fit in a small
 * budget. */
#define POOL_CHUNK_SIZE ((size_t) 64 * 1024)

struct pool_chunk {
  struct pool_chunk *next;
  size_t size; /* of the bytes that follow */
  size_t used;
  _Alignas(max_align_t) char bytes[];
};

/* Chunks have pages of their own, so that what one thread gives back another
 * one can use, and what nobody uses goes back to the system: the heaps of
 * threads keep theirs.
 *
 * Taking memory never waits: the reader of a stream must not.  Instead
 * pool_is_tight says when the budget is spent, and whoever fills batches
 * stops doing so until something was given back.  So the budget can be
 * overrun by one row per thread. */
struct pool {
  pthread_mutex_t lock;
  pthread_cond_t released; /* something was given back */
  struct pool_chunk *free; /* chunks of POOL_CHUNK_SIZE, ready for use */
  size_t budget;           /* bytes, of all that follows */
  size_t used;             /* bytes in use by arenas and arrays */
  size_t cached;           /* bytes on the free list */
  size_t peak;             /* most ever used */
};

int pool_init (struct pool *pool, size_t budget);
void pool_destroy (struct pool *pool);

/* A chunk with room for at least size bytes; NULL if out of memory.  Goes
 * back with pool_give. */
struct pool_chunk *pool_take (struct pool *pool, size_t size);
void pool_give (struct pool *pool, struct pool_chunk *chunk);

/* Accounts memory that lies elsewhere (arrays of rows, indexes). */
void pool_charge (struct pool *pool, size_t bytes);
void pool_discharge (struct pool *pool, size_t bytes);

bool pool_is_tight (struct pool *pool);

/* Waits until the pool is not tight any more or timeout has passed
 * (microseconds); false for the timeout.  pool_wake ends every wait. */
bool pool_wait (struct pool *pool, int64_t timeout);
void pool_wake (struct pool *pool);

/* An arena: bytes that live until the arena is cleared. */
struct arena {
  struct pool *pool;
  struct pool_chunk *chunks; /* the newest first */
  size_t taken;              /* bytes of all its chunks */
};

void arena_init (struct arena *arena, struct pool *pool);
/* size bytes, aligned for pointers; NULL if out of memory. */
void *arena_take (struct arena *arena, size_t size);
/* A copy of length bytes, not aligned; NULL if out of memory. */
char *arena_copy (struct arena *arena, const char *data, size_t length);
void arena_clear (struct arena *arena);

#endif
