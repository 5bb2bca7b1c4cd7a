/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the blocks that the heap gives to a thread. */

#include <config.h>

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/allocations.h"

/* Sign-in to a database over TLS leaves some 7,000 blocks behind. */
#define SLOTS_BITS 16
#define SLOTS ((size_t) 1 << SLOTS_BITS)
#define BLOCKS_MAX (SLOTS / 4 * 3)

/* Has pages of its own, since it is used inside of malloc. A hash table with
 * open addressing: a block is in the first free slot from its home on, and
 * there is no free slot between its home and it. */
struct allocations {
  struct allocations *outer; /* of the same thread, or NULL */
  struct allocations *next;  /* of any thread, or NULL */
  size_t count;
  bool incomplete; /* there was no room for a block */
  void *slots[SLOTS];
};

_Thread_local struct allocations *allocations_mine;
atomic_uint allocations_open;

/* Guards the list and all that is in the records. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct allocations *records;

/* ---- One table --------------------------------------------------------- */

static size_t
next_slot (size_t slot)
{
  return (slot + 1) % SLOTS;
}

/* Multiplied by 2^64 over the golden ratio, neighbours lie far apart. */
static size_t
home_of (const void *block)
{
  uint64_t number = (uint64_t) (uintptr_t) block
                    * UINT64_C (0x9e3779b97f4a7c15);

  return (size_t) (number >> (64 - SLOTS_BITS));
}

/* Where the block is, or else where it would have to go. */
static size_t
find_slot (const struct allocations *record, const void *block)
{
  size_t slot = home_of (block);

  while (record->slots[slot] != NULL && record->slots[slot] != block)
    slot = next_slot (slot);
  return slot;
}

static void
table_add (struct allocations *record, void *block)
{
  size_t slot = find_slot (record, block);

  if (record->slots[slot] != NULL)
    return;
  if (record->count == BLOCKS_MAX) {
    record->incomplete = true;
    return;
  }
  record->slots[slot] = block;
  record->count++;
}

/* Moves up what could not be found any more behind the free slot. */
static void
close_gap (struct allocations *record, size_t gap)
{
  size_t slot = gap;

  while (record->slots[slot = next_slot (slot)] != NULL) {
    size_t home = home_of (record->slots[slot]);

    /* From its home to where it is, is the gap on the way? */
    if ((slot - home) % SLOTS < (slot - gap) % SLOTS)
      continue;
    record->slots[gap] = record->slots[slot];
    record->slots[slot] = NULL;
    gap = slot;
  }
}

static void
table_remove (struct allocations *record, const void *block)
{
  size_t slot = find_slot (record, block);

  if (record->slots[slot] == NULL)
    return;
  record->slots[slot] = NULL;
  record->count--;
  close_gap (record, slot);
}

/* ---- All records ------------------------------------------------------- */

void
allocations_add (void *block)
{
  pthread_mutex_lock (&lock);
  for (struct allocations *record = allocations_mine; record != NULL;
       record = record->outer)
    table_add (record, block);
  pthread_mutex_unlock (&lock);
}

void
allocations_remove (const void *block)
{
  pthread_mutex_lock (&lock);
  for (struct allocations *record = records; record != NULL;
       record = record->next)
    table_remove (record, block);
  pthread_mutex_unlock (&lock);
}

struct allocations *
allocations_begin (void)
{
  struct allocations *record = mmap (NULL, sizeof *record,
                                     PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (record == MAP_FAILED)
    return NULL;
  pthread_mutex_lock (&lock);
  record->next = records;
  records = record;
  atomic_fetch_add (&allocations_open, 1);
  pthread_mutex_unlock (&lock);
  record->outer = allocations_mine;
  allocations_mine = record;
  return record;
}

static void
remove_record (const struct allocations *record)
{
  struct allocations **place = &records;

  while (*place != record)
    place = &(*place)->next;
  *place = record->next;
  atomic_fetch_sub (&allocations_open, 1);
}

bool
allocations_end (struct allocations *record, allocations_function function,
                 void *context)
{
  if (record == NULL)
    return false;
  allocations_mine = record->outer;
  pthread_mutex_lock (&lock);
  for (size_t slot = 0; slot < SLOTS && function != NULL; slot++)
    if (record->slots[slot] != NULL)
      function (context, record->slots[slot],
                malloc_usable_size (record->slots[slot]));
  remove_record (record);
  pthread_mutex_unlock (&lock);
  bool complete = !record->incomplete;
  munmap (record, sizeof *record);
  return complete;
}

size_t
allocations_count (const struct allocations *record)
{
  pthread_mutex_lock (&lock);
  size_t count = record->count;
  pthread_mutex_unlock (&lock);
  return count;
}

/* ---- Whether it works -------------------------------------------------- */

/* open_memstream's buffer is allocated, grown and, when the stream closes, cut
 * to size inside the C library, as what libraries allocate: through the
 * dynamic linker. */
static bool
library_allocates (const struct allocations *record, char **ret_text)
{
  size_t length, before = allocations_count (record);
  FILE *stream = open_memstream (ret_text, &length);

  if (stream == NULL)
    return false;
  size_t open = allocations_count (record);
  fclose (stream);
  /* The stream itself was given back by the library, the text is ours. */
  return open >= before + 2 && allocations_count (record) == before + 1;
}

bool
allocations_work (void)
{
  struct allocations *record = allocations_begin ();
  char *text = NULL;

  if (record == NULL)
    return false;
  bool work = library_allocates (record, &text);
  free (text);
  work = work && allocations_count (record) == 0;
  allocations_end (record, NULL, NULL);
  return work;
}
