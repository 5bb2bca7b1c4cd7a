/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/allocations: which blocks are still there. */

#include <config.h>

#include <pthread.h>

#include "core/base/allocations.h"
#include "core/base/memory.h"
#include "tests/unit/unit.h"

#ifdef WITH_WIPING_FREE

/* ---- What a record has ------------------------------------------------- */

struct sought {
  const void *block;
  size_t size; /* at least */
  unsigned found;
  unsigned others;
};

static void
seek (void *context, char *block, size_t size)
{
  struct sought *sought = context;

  if (block != sought->block)
    sought->others++;
  else if (size >= sought->size)
    sought->found++;
}

/* Ends the record; it must have had this one block. */
static void
assert_only (struct allocations *record, const void *block, size_t size)
{
  struct sought sought = { .block = block, .size = size };

  assert_int_equal (allocations_count (record), 1);
  assert_true (allocations_end (record, seek, &sought));
  assert_int_equal (sought.found, 1);
  assert_int_equal (sought.others, 0);
}

static void
test_every_way_to_a_block (void **state)
{
  struct allocations *record = allocations_begin ();
  char *block = malloc (100);

  (void) state;
  assert_only (record, block, 100);
  free (block);

  record = allocations_begin ();
  block = calloc (10, 10);
  assert_only (record, block, 100);
  record = allocations_begin ();
  block = realloc (block, 5000);
  assert_only (record, block, 5000);
  record = allocations_begin ();
  block = realloc (block, 50);
  assert_only (record, block, 50);
  free (block);

  record = allocations_begin ();
  block = realloc (NULL, 100);
  free (malloc (100));
  free (NULL);
  assert_only (record, block, 100);
  free (block);

  /* Pages of its own, which may move. */
  record = allocations_begin ();
  block = malloc ((size_t) 1 << 22);
  block = realloc (block, (size_t) 1 << 26);
  assert_only (record, block, (size_t) 1 << 26);
  free (block);

  record = allocations_begin ();
  block = strdup ("by the C library");
  assert_only (record, block, strlen (block));
  free (block);
}

static void
test_every_way_back (void **state)
{
  struct allocations *record = allocations_begin ();

  (void) state;
  free (malloc (100));
  assert_null (realloc (malloc (100), 0));
  free (realloc (malloc (100), 10000));
  assert_int_equal (allocations_count (record), 0);
  assert_true (allocations_end (record, NULL, NULL));
  assert_false (allocations_end (NULL, NULL, NULL));
}

static void
test_record_in_a_record (void **state)
{
  struct allocations *outer = allocations_begin ();
  char *early = malloc (10);
  struct allocations *inner = allocations_begin ();
  char *late = malloc (10);

  (void) state;
  assert_int_equal (allocations_count (outer), 2);
  assert_only (inner, late, 10);
  free (late);
  assert_only (outer, early, 10);
  free (early);
}

/* ---- Many blocks ------------------------------------------------------- */

#define MANY 40000

static char *many[MANY];

static void
count_marks (void *context, char *block, size_t size)
{
  assert_true (size >= sizeof (unsigned));
  (*(unsigned *) block)++;
  ++*(unsigned *) context;
}

/* In an order that looks like none. */
static size_t
shuffled (size_t i)
{
  return (i * 7919 + 13) % MANY;
}

static void
test_many_blocks (void **state)
{
  struct allocations *record = allocations_begin ();
  unsigned count = 0;

  (void) state;
  for (size_t i = 0; i < MANY; i++)
    many[i] = calloc (1, 16 + i % 100);
  for (size_t i = 0; i < MANY / 2; i++) {
    free (many[shuffled (i)]);
    many[shuffled (i)] = NULL;
  }
  for (size_t i = MANY / 4; i < MANY / 2; i++)
    many[shuffled (i)] = calloc (1, 200);
  assert_true (allocations_end (record, count_marks, &count));
  assert_int_equal (count, MANY / 4 * 3);
  for (size_t i = 0; i < MANY; i++)
    if (many[i] != NULL) {
      assert_int_equal (*(unsigned *) many[i], 1);
      free (many[i]);
    }
}

/* It says so, and goes on. */
static void
test_too_many_blocks (void **state)
{
  const size_t count = 70000;
  char **blocks = calloc (count, sizeof *blocks);
  struct allocations *record = allocations_begin ();

  (void) state;
  for (size_t i = 0; i < count; i++)
    blocks[i] = malloc (16);
  assert_true (allocations_count (record) > 40000);
  assert_true (allocations_count (record) < count);
  for (size_t i = 0; i < count; i++)
    free (blocks[i]);
  assert_int_equal (allocations_count (record), 0);
  assert_false (allocations_end (record, NULL, NULL));
  free (blocks);
}

/* ---- Several threads --------------------------------------------------- */

#define THREADS 4
#define ROUNDS 60
#define BLOCKS 400

/* Half of a thread's blocks go to the next one, which frees them while the
 * thread looks at them. */
static struct station {
  pthread_t thread;
  _Atomic (char *) handed[BLOCKS];
  atomic_bool done;
  atomic_uint freed;
  unsigned seen;
} stations[THREADS];

static const char mark[16] = "a living block!";

/* What was given back is wiped: here the mark would be gone. */
static void
look_at_mark (void *context, char *block, size_t size)
{
  struct station *station = context;

  if (size < sizeof mark || memcmp (block, mark, sizeof mark) != 0)
    abort ();
  station->seen++;
}

static bool
free_what_was_handed (struct station *from)
{
  bool done = atomic_load (&from->done);
  bool any = false;

  for (size_t i = 0; i < BLOCKS; i++) {
    char *block = atomic_exchange (&from->handed[i], NULL);

    if (block == NULL)
      continue;
    any = true;
    free (block);
    atomic_fetch_add (&from->freed, 1);
  }
  return any || !done;
}

static void
one_round (struct station *station, struct station *before)
{
  char *kept[BLOCKS];
  struct allocations *record = allocations_begin ();

  for (size_t i = 0; i < BLOCKS; i++) {
    char *block = malloc (32 + i);

    kept[i] = malloc (sizeof mark);
    memcpy (kept[i], mark, sizeof mark);
    memcpy (block, mark, sizeof mark);
    block = atomic_exchange (&station->handed[i], block);
    /* Nobody has fetched the one of the round before. */
    free (block);
  }
  free_what_was_handed (before);
  if (!allocations_end (record, look_at_mark, station))
    abort ();
  for (size_t i = 0; i < BLOCKS; i++)
    free (kept[i]);
}

static void *
work (void *argument)
{
  struct station *station = argument;
  struct station *before = station == stations ? &stations[THREADS - 1]
                                               : station - 1;

  for (unsigned round = 0; round < ROUNDS; round++)
    one_round (station, before);
  atomic_store (&station->done, true);
  while (free_what_was_handed (before))
    sched_yield ();
  return NULL;
}

static void
test_several_threads (void **state)
{
  unsigned freed = 0;

  (void) state;
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal (
      pthread_create (&stations[i].thread, NULL, work, &stations[i]), 0);
  for (size_t i = 0; i < THREADS; i++) {
    pthread_join (stations[i].thread, NULL);
    assert_true (stations[i].seen >= ROUNDS * BLOCKS);
    freed += stations[i].freed;
  }
  /* Or the threads have never met. */
  assert_true (freed > 0);
  assert_int_equal (atomic_load (&allocations_open), 0);
}

/* ---- The self-test ----------------------------------------------------- */

static void
test_that_it_works (void **state)
{
  (void) state;
  assert_true (allocations_work ());
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_every_way_to_a_block),
    cmocka_unit_test (test_every_way_back),
    cmocka_unit_test (test_record_in_a_record),
    cmocka_unit_test (test_many_blocks),
    cmocka_unit_test (test_too_many_blocks),
    cmocka_unit_test (test_several_threads),
    cmocka_unit_test (test_that_it_works),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}

#else

int
main (void)
{
  puts ("1..0 # SKIP the allocator cannot be replaced in this build");
  return 0;
}

#endif
