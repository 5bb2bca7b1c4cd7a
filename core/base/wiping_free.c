/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator's free and realloc, which wipe what they give back.
 *
 * libpq, Connector/C, libcurl and OpenSSL free copies of passwords and of
 * what is derived from them without wiping them. The dynamic linker lets the
 * program's own free and realloc take the place of the C library's for all
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

#define EXPORTED __attribute__ ((visibility ("default")))

/* glibc's own names for what is replaced here. */
extern void __libc_free (void *block);
extern void *__libc_malloc (size_t size);
extern void *__libc_realloc (void *block, size_t size);

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

/* Wipes a block. Most are small: for them a call of memset would cost more
 * than the stores. Sizes are 8 less than a multiple of 16, and at least 24; the
 * last stores may overlap the ones before.
 *
 * Not explicit_bzero: the compiler knows nothing of __libc_free that would let
 * it drop the stores. */
static inline void
wipe (void *block, size_t size)
{
  char *at = block;

  if (size > 512 || size < 24) {
    memset (block, 0, size);
    return;
  }
  if (size >= 64) {
    char *last = at + size - 64;

    for (; at < last; at += 64)
      memset (at, 0, 64);
    memset (last, 0, 64);
    return;
  }
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

void
free (void *block)
{
  if (block == NULL)
    return;
  wipe (block, bytes_to_wipe (block));
  give_back (block);
}

/* Moves a block itself where glibc would leave the old one as it is. */
static void *
move (void *block, size_t old_size, size_t size)
{
  void *moved = __libc_malloc (size);

  if (moved == NULL)
    return NULL;
  memcpy (moved, block, old_size);
  free (block);
  return moved;
}

void *
realloc (void *block, size_t size)
{
  if (block == NULL)
    return __libc_malloc (size);
  if (size == 0) {
    free (block);
    return NULL;
  }
  size_t old_size = bytes_to_wipe (block);
  if (old_size == 0)
    return __libc_realloc (block, size);
  if (size > old_size)
    return move (block, old_size, size);
  /* What is cut off goes back to the heap. */
  memset ((char *) block + size, 0, old_size - size);
  return __libc_realloc (block, size);
}

#else

typedef int nothing_is_replaced;

#endif
