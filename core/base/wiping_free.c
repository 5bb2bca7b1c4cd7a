/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator's functions: free and realloc wipe what they give back, and
 * all of them tell the records of allocations (core/base/allocations.h).
 *
 * libpq, Connector/C, libcurl and OpenSSL free copies of passwords and of
 * what is derived from them without wiping them. The dynamic linker lets the
 * program's own functions take the place of the C library's for all
 * of them, also for what connectors bring along (they are never opened with
 * RTLD_DEEPBIND, which would go past the program).
 *
 * This file is linked into the program itself, not into the core library.
 */

#include <config.h>

#ifdef WITH_WIPING_FREE

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/base/allocations.h"

#define EXPORTED __attribute__ ((visibility ("default")))

/* glibc's own names for what is replaced here. */
extern void __libc_free (void *block);
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *block, size_t size);

EXPORTED void *malloc (size_t size);
EXPORTED void *calloc (size_t count, size_t size);
EXPORTED void free (void *block);
EXPORTED void *realloc (void *block, size_t size);

/* How many bytes of a block have to be wiped: all, but none if it has pages
 * of its own. Those go back to the kernel, which hands out zeroed pages only;
 * to touch what nobody has used yet would make it resident.
 *
 * glibc notes both in the word in front of each block: the size with that
 * word, a multiple of 16, and flags in the lowest bits. */
static size_t
bytes_to_wipe (const void *block)
{
  const size_t flags = 7, mapped = 2;
  size_t word;

  memcpy (&word, (const char *) block - sizeof word, sizeof word);
  return (word & mapped) != 0 ? 0 : (word & ~flags) - sizeof word;
}

/* ---- What is given back ------------------------------------------------ */

/* Wipes a block. Most are small: for them a call of memset would cost more
 * than the stores. Sizes are 8 less than a multiple of 16, and at least 24, or
 * 0; the last stores may overlap the ones before.
 *
 * Not explicit_bzero: the compiler knows nothing of __libc_free that would let
 * it drop the stores. */
static inline void
wipe (void *block, size_t size)
{
  char *at = block;

  if (size >= 64) {
    char *last = at + size - 64;

    for (; at < last; at += 64)
      memset (at, 0, 64);
    memset (last, 0, 64);
    return;
  }
  if (size < 24)
    return;
  /* 24, 40 or 56 */
  if (size > 32)
    memset (at + 16, 0, 24);
  memset (at, 0, 16);
  memset (at + size - 16, 0, 16);
}

/* glibc's free leaves errno alone from 2.33 on. */
static void
give_back (void *block)
{
#if __GLIBC_PREREQ(2, 33)
  __libc_free (block);
#else
  int saved = errno;

  __libc_free (block);
  errno = saved;
#endif
}

/* What is done while there are records is kept out of the functions that are
 * called all the time. */
#define SELDOM __attribute__ ((noinline, cold))

static void SELDOM
free_recorded (void *block)
{
  allocations_remove (block);
  wipe (block, bytes_to_wipe (block));
  give_back (block);
}

void
free (void *block)
{
  if (__builtin_expect (block == NULL, 0))
    return;
  if (allocations_are_recorded ()) {
    free_recorded (block);
    return;
  }
  wipe (block, bytes_to_wipe (block));
  give_back (block);
}

/* ---- What is given out ------------------------------------------------- */

static void *SELDOM
recorded (void *block)
{
  if (block != NULL)
    allocations_add (block);
  return block;
}

/* Whether this thread has a record. */
static inline bool
records (void)
{
  return __builtin_expect (allocations_mine != NULL, 0);
}

static void *SELDOM
malloc_recorded (size_t size)
{
  return recorded (__libc_malloc (size));
}

static void *SELDOM
calloc_recorded (size_t count, size_t size)
{
  return recorded (__libc_calloc (count, size));
}

void *
malloc (size_t size)
{
  return records () ? malloc_recorded (size) : __libc_malloc (size);
}

void *
calloc (size_t count, size_t size)
{
  return records () ? calloc_recorded (count, size)
                    : __libc_calloc (count, size);
}

/* Moves a block itself where glibc would leave the old one as it is. */
static void *
move (void *block, size_t old_size, size_t size)
{
  void *moved = malloc (size);

  if (moved == NULL)
    return NULL;
  memcpy (moved, block, old_size);
  free (block);
  return moved;
}

/* The block may move, and be the heap's before glibc returns. */
static void *
resize (void *block, size_t size)
{
  if (allocations_are_recorded ())
    allocations_remove (block);
  void *resized = __libc_realloc (block, size);
  if (records ())
    recorded (resized == NULL ? block : resized);
  return resized;
}

void *
realloc (void *block, size_t size)
{
  if (block == NULL)
    return malloc (size);
  if (size == 0) {
    free (block);
    return NULL;
  }
  size_t old_size = bytes_to_wipe (block);
  if (old_size == 0)
    return resize (block, size);
  if (size > old_size)
    return move (block, old_size, size);
  /* What is cut off goes back to the heap. */
  memset ((char *) block + size, 0, old_size - size);
  return resize (block, size);
}

#else

typedef int nothing_is_replaced;

#endif
