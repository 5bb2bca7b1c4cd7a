/* SPDX-License-Identifier: Apache-2.0 */
/* Pages for secrets: what the kernel does with them when a process dies or
 * has a child. Both kinds of pages, hidden and locked. */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/allocations.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/crypto/secret.h"
#include "tests/unit/unit.h"

#define SIZE 256
#define IN_SECRET 0x5a
#define IN_HEAP 0xa5

static char folder[] = "/tmp/ezcdc-secret-XXXXXX";

/* What is looked for is this with a mask, so that nobody but who is asked to
 * has it in memory. */
static unsigned char random_bytes[SIZE];

static int
begin (void **state)
{
  (void) state;
  if (getrandom (random_bytes, SIZE, 0) != SIZE)
    return -1;
  return mkdtemp (folder) == NULL || chdir (folder) != 0;
}

static int
end (void **state)
{
  (void) state;
  return chdir ("/") != 0 || rmdir (folder) != 0;
}

static void
fill (volatile unsigned char *bytes, unsigned char mask)
{
  for (size_t i = 0; i < SIZE; i++)
    bytes[i] = random_bytes[i] ^ mask;
}

static bool
is_in (const struct text *text, unsigned char mask)
{
  unsigned char bytes[SIZE];

  fill (bytes, mask);
  return memmem (text->data, text->length, bytes, SIZE) != NULL;
}

/* ---- Core dumps -------------------------------------------------------- */

/* A child with a secret in pages of its own, and another in the heap, that
 * dumps core into the present folder if the kernel lets it. */
static void
die_with_secrets (void)
{
  const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
  struct secret secret = { 0 };
  unsigned char *heap = malloc (SIZE);

  if (heap == NULL || setrlimit (RLIMIT_CORE, &unlimited) != 0
      || prctl (PR_SET_DUMPABLE, 1, 0, 0, 0) != 0
      || secret_create (&secret, SIZE, NULL) != 0)
    _exit (1);
  fill (secret.data, IN_SECRET);
  fill (heap, IN_HEAP);
  signal (SIGABRT, SIG_DFL);
  raise (SIGABRT);
}

/* Reads the one file of the folder and removes it; false if there is none. */
static bool
take_core (struct text *core)
{
  DIR *listing = opendir (".");
  const struct dirent *entry;
  char name[sizeof entry->d_name] = "";
  char piece[65536];
  ssize_t got;

  assert_non_null (listing);
  while ((entry = readdir (listing)) != NULL)
    if (entry->d_name[0] != '.')
      snprintf (name, sizeof name, "%s", entry->d_name);
  closedir (listing);
  if (name[0] == '\0')
    return false;
  CLEANUP_CLOSE int descriptor = open (name, O_RDONLY | O_CLOEXEC);
  while ((got = read (descriptor, piece, sizeof piece)) > 0)
    text_append (core, piece, (size_t) got);
  assert_int_equal (got, 0);
  assert_int_equal (unlink (name), 0);
  assert_false (core->failed);
  return true;
}

static void __attribute__ ((unused)) a_core_dump_has_no_secret (void **state)
{
  CLEANUP_TEXT struct text core = { 0 };
  int status;

  (void) state;
  pid_t child = fork ();
  if (child == 0)
    die_with_secrets ();
  assert_int_equal (waitpid (child, &status, 0), child);
  /* kernel.core_pattern may send cores elsewhere, or the limit be fixed. */
  if (!WIFSIGNALED (status) || !WCOREDUMP (status) || !take_core (&core)) {
    /* Not skip(), which the TAP driver takes for a failure. */
    print_message ("# the kernel writes no core file into this folder: there "
                   "is nothing to look at\n");
    return;
  }
  assert_true (is_in (&core, IN_HEAP));
  assert_false (is_in (&core, IN_SECRET));
}

/* ---- Children ---------------------------------------------------------- */

/* Writes what a child sees at an address, or nothing if it sees nothing. */
static void
show_to (int descriptor, const void *address)
{
  ssize_t written = write (descriptor, address, SIZE);

  _exit (written == SIZE || written < 0 ? 0 : 1);
}

static void
a_child_has_no_secret (void **state)
{
  static const unsigned char zeros[SIZE];
  struct secret secret = { 0 };
  unsigned char seen[SIZE];
  int ends[2], status;

  (void) state;
  assert_int_equal (pipe (ends), 0);
  assert_int_equal (secret_create (&secret, SIZE, NULL), 0);
  fill (secret.data, IN_SECRET);
  pid_t child = fork ();
  if (child == 0)
    show_to (ends[1], secret.data);
  close (ends[1]);
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_int_equal (status, 0);
  /* Locked pages are wiped for it, hidden pages are not there at all. */
  ssize_t got = read (ends[0], seen, SIZE);
  close (ends[0]);
  assert_true (got == 0 || got == SIZE);
  assert_memory_equal (seen, zeros, (size_t) got);
  secret_free (&secret);
}

static void __attribute__ ((unused)) nor_with_locked_pages (void **state)
{
  secret_refuse_hidden ();
  a_child_has_no_secret (state);
  a_core_dump_has_no_secret (state);
}

/* This program has not got the allocator of ours. */
static void
the_self_test_finds_out (void **state)
{
  (void) state;
  assert_false (allocations_work ());
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (the_self_test_finds_out),
    cmocka_unit_test (a_child_has_no_secret),
#ifndef WITH_SANITIZERS /* they die in another way */
    cmocka_unit_test (a_core_dump_has_no_secret),
    cmocka_unit_test (nor_with_locked_pages),
#endif
  };

  return cmocka_run_group_tests_name ("secret", tests, begin, end);
}
