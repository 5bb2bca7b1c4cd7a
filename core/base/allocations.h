/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the blocks that the heap gives to a thread, from a moment on,
 * and that have not been given back.
 *
 * The heap's functions (core/base/wiping_free.c) tell of each block. Where
 * they are not in the program nobody does, and a record stays empty.
 *
 *   struct allocations *record = allocations_begin ();
 *   ... whatever allocates ...
 *   allocations_end (record, look_at_block, context);
 *
 * Blocks may be given back by any thread: that takes them out of every record
 * first, and waits for a look at them that is going on. So no function is ever
 * called with a block that is the heap's again.
 */

#ifndef EZCDC_BASE_ALLOCATIONS_H
#define EZCDC_BASE_ALLOCATIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct allocations;

/* May change the block, and may neither allocate nor free. Another thread that
 * has been lent the block may be writing it. */
typedef void (*allocations_function) (void *context, char *block, size_t size);

/* Begins a record of this thread; it may begin inside another one, and ends
 * before that. NULL if there is no memory for it. */
struct allocations *allocations_begin (void);

/* Calls function (NULL: nothing) with each block that is still there, and ends
 * the record, on the thread that has begun it. record may be NULL. Returns
 * whether it has all of them: a record has room for tens of thousands. */
bool allocations_end (struct allocations *record,
                      allocations_function function, void *context);

/* How many blocks a record has just now. */
size_t allocations_count (const struct allocations *record)
  __attribute__ ((nonnull));

/* Whether the heap's functions are ours for everybody in this process: a block
 * that the C library makes for us comes into a record, and leaves it when the
 * library gives it back. */
bool allocations_work (void);

/* ---- For the heap's functions ------------------------------------------ */

/* The innermost record of this thread, or NULL. */
extern _Thread_local struct allocations *allocations_mine;
/* How many records there are, of all threads. */
extern atomic_uint allocations_open;

void allocations_add (void *block);
void allocations_remove (const void *block);

/* Whether a block that is given back has to be removed from the records first.
 * Whoever gives back a block of a record knows of the block from the record's
 * thread, and therefore sees the record here. */
static inline bool
allocations_are_recorded (void)
{
  return __builtin_expect (
    atomic_load_explicit (&allocations_open, memory_order_acquire) != 0, 0);
}

#endif
