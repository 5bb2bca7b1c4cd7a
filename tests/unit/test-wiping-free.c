/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/wiping_free: what is given back is wiped. */

#include <config.h>

#include <dlfcn.h>

#include "tests/unit/unit.h"

#define SIZE 400
/* The heap keeps its own notes in a free block, at its beginning. */
#define NOTES 32

#ifdef WITH_WIPING_FREE

/* Reads memory that is the heap's again, behind the compiler's back. */
static size_t
count_bytes (uintptr_t address, size_t length, unsigned char value)
{
  size_t count = 0;

  for (size_t i = 0; i < length; i++)
    if (((volatile unsigned char *) address)[i] == value)
      count++;
  return count;
}

/* A block behind it keeps it from being merged with the rest of the heap. */
static void *
make_block (void)
{
  char *block = malloc (SIZE);

  assert_non_null (block);
  memset (block, 'S', SIZE);
  return block;
}

static void
test_freed_block (void **state)
{
  char *block = make_block ();
  uintptr_t address = (uintptr_t) block;
  void *behind = malloc (SIZE);

  (void) state;
  free (block);
  assert_int_equal (count_bytes (address + NOTES, SIZE - NOTES, 'S'), 0);
  assert_int_equal (count_bytes (address + NOTES, SIZE - NOTES, 0),
                    SIZE - NOTES);
  free (behind);
  free (NULL);
}

/* Small blocks are wiped by other means than large ones. */
static void
test_blocks_of_every_size (void **state)
{
  (void) state;
  for (size_t size = 24; size < 2048; size += 16) {
    char *block = malloc (size);
    void *behind = malloc (size);
    uintptr_t address = (uintptr_t) block;

    assert_non_null (block);
    memset (block, 'S', size);
    free (block);
    /* The notes of a small block are two words, of any value. */
    size_t notes = size < 2 * NOTES ? 16 : NOTES;
    assert_int_equal (count_bytes (address + notes, size - notes, 'S'), 0);
    free (behind);
  }
}

static void
test_realloc_that_moves (void **state)
{
  char *block = make_block ();
  uintptr_t address = (uintptr_t) block;
  void *behind = malloc (SIZE);
  char *grown = realloc (block, (size_t) 4 * SIZE);

  (void) state;
  assert_non_null (grown);
  assert_int_equal (count_bytes ((uintptr_t) grown, SIZE, 'S'), SIZE);
  assert_int_equal (count_bytes (address + NOTES, SIZE - NOTES, 'S'), 0);
  free (grown);
  free (behind);
}

static void
test_realloc_that_shrinks (void **state)
{
  char *block = make_block ();
  uintptr_t address = (uintptr_t) block;
  char *shrunk = realloc (block, SIZE / 4);

  (void) state;
  assert_non_null (shrunk);
  /* The rest is a free block of its own now, with notes at its beginning. */
  assert_int_equal (
    count_bytes (address + SIZE / 4 + 2 * NOTES, SIZE / 2 - NOTES, 'S'), 0);
  assert_int_equal (count_bytes ((uintptr_t) shrunk, SIZE / 4, 'S'), SIZE / 4);
  free (shrunk);
}

/* Blocks with pages of their own are not touched, and grow as before. */
static void
test_large_blocks (void **state)
{
  const size_t large = (size_t) 64 << 20;
  char *block = malloc (large);

  (void) state;
  assert_non_null (block);
  block[large - 1] = 'S';
  block = realloc (block, 2 * large);
  assert_non_null (block);
  assert_int_equal (block[large - 1], 'S');
  free (block);
}

/* All blocks begin where glibc puts them: aligned ones, too. */
static void
test_aligned_blocks (void **state)
{
  void *block = NULL;
  uintptr_t address;
  void *behind;

  (void) state;
  assert_int_equal (posix_memalign (&block, 512, SIZE), 0);
  behind = malloc (SIZE);
  memset (block, 'S', SIZE);
  address = (uintptr_t) block;
  free (block);
  assert_int_equal (count_bytes (address + NOTES, SIZE - NOTES, 'S'), 0);
  free (behind);
}

/* Every library of the process finds these two first. */
static void
test_everybody_s_free (void **state)
{
  void *ours = dlsym (RTLD_DEFAULT, "free");
  void *libc = dlsym (RTLD_NEXT, "free");

  (void) state;
  assert_non_null (ours);
  assert_non_null (libc);
  assert_ptr_not_equal (ours, libc);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_freed_block),
    cmocka_unit_test (test_blocks_of_every_size),
    cmocka_unit_test (test_realloc_that_moves),
    cmocka_unit_test (test_realloc_that_shrinks),
    cmocka_unit_test (test_large_blocks),
    cmocka_unit_test (test_aligned_blocks),
    cmocka_unit_test (test_everybody_s_free),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}

#else

int
main (void)
{
  puts ("1..0 # SKIP built without wiping free");
  return 0;
}

#endif
