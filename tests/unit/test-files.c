/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/files: reading within a limit, replacing, making folders. */

#include <config.h>

#include <ezcdc/connector.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/files.h"
#include "core/base/memory.h"
#include "tests/unit/unit.h"

static char folder[] = "/tmp/ezcdc-test-files.XXXXXX";
static char path[200];

static const char *
in_folder (const char *name)
{
  snprintf (path, sizeof path, "%s/%s", folder, name);
  return path;
}

static int
make_folder (void **state)
{
  (void) state;
  umask (022);
  return mkdtemp (folder) == NULL ? -1 : 0;
}

static int
remove_one (const char *name, const struct stat *status, int type,
            struct FTW *place)
{
  (void) status;
  (void) type;
  (void) place;
  return remove (name);
}

static int
remove_folder (void **state)
{
  (void) state;
  return nftw (folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
test_replace_and_read (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct error error = { 0 };
  struct stat status;

  (void) state;
  assert_int_equal (
    file_replace (in_folder ("new"), "one\0two", 7, 0640, &error), 0);
  assert_int_equal (stat (path, &status), 0);
  assert_int_equal (status.st_mode & 07777, 0640);
  assert_int_equal (file_read (path, 7, &text, &error), 0);
  assert_int_equal (text.length, 7);
  assert_memory_equal (text.data, "one\0two", 8);

  /* Mode and content of an existing file. */
  assert_int_equal (chmod (path, 0604), 0);
  assert_int_equal (file_replace (path, "three", 5, 0640, &error), 0);
  assert_int_equal (stat (path, &status), 0);
  assert_int_equal (status.st_mode & 07777, 0604);
  assert_int_equal (file_read (path, 100, &text, &error), 0);
  assert_memory_equal (text.data, "one\0twothree", 13);
}

static void
test_read_limit (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct error error = { 0 };

  (void) state;
  text_append_string (&text, "before");
  assert_int_equal (
    file_replace (in_folder ("long"), "0123456789", 10, 0600, &error), 0);
  assert_int_equal (file_read (path, 9, &text, &error), EZCDC_E_CONFIG);
  assert_contains (error.text, "longer than 9 bytes");
  assert_contains (error.text, path);
  assert_string_equal (text_string (&text), "before");
  assert_int_equal (file_read (path, 10, &text, &error), 0);
  assert_string_equal (text_string (&text), "before0123456789");
  assert_int_equal (file_read (path, SIZE_MAX, &text, &error), 0);
}

static void
test_read_missing (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct error error = { 0 };

  (void) state;
  assert_int_equal (file_read (in_folder ("missing"), 9, &text, &error),
                    EZCDC_E_CONFIG);
  assert_contains (error.text, "No such file");
  assert_int_equal (file_read (folder, 9, &text, &error), EZCDC_E_CONFIG);
  assert_contains (error.text, "is not a regular file");
}

static void *
fill_pipe (void *descriptor)
{
  static char block[3000];

  memset (block, 'x', sizeof block);
  for (int i = 0; i < 100; i++)
    if (write (*(int *) descriptor, block, sizeof block) != sizeof block)
      break;
  close (*(int *) descriptor);
  return NULL;
}

/* A pipe has no size that could be known before. */
static void
test_read_pipe (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct error error = { 0 };
  pthread_t writer;
  int ends[2];

  (void) state;
  assert_int_equal (pipe (ends), 0);
  assert_int_equal (pthread_create (&writer, NULL, fill_pipe, &ends[1]), 0);
  snprintf (path, sizeof path, "/proc/self/fd/%d", ends[0]);
  assert_int_equal (file_read (path, 300000, &text, &error), 0);
  assert_int_equal (text.length, 300000);
  pthread_join (writer, NULL);
  close (ends[0]);
}

/* Nobody writes into it: whoever waited would wait for ever. */
static void
test_named_pipe_is_not_waited_for (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct error error = { 0 };

  (void) state;
  assert_int_equal (mkfifo (in_folder ("pipe"), 0600), 0);
  assert_int_equal (file_read (path, 9, &text, &error), EZCDC_E_CONFIG);
  assert_contains (error.text, "/pipe is not a regular file");
  assert_int_equal (file_read ("/dev/null", 9, &text, &error), EZCDC_E_CONFIG);
  assert_int_equal (unlink (path), 0);
}

static size_t
count_entries (void)
{
  DIR *entries = opendir (folder);
  size_t count = 0;

  assert_non_null (entries);
  while (readdir (entries) != NULL)
    count++;
  closedir (entries);
  return count;
}

static void
test_replace_through_link (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct error error = { 0 };
  struct stat status;

  (void) state;
  assert_int_equal (
    file_replace (in_folder ("target"), "old", 3, 0600, &error), 0);
  assert_int_equal (symlink ("target", in_folder ("link")), 0);
  assert_int_equal (file_replace (path, "fresh", 5, 0600, &error), 0);
  assert_int_equal (lstat (path, &status), 0);
  assert_true (S_ISLNK (status.st_mode));
  assert_int_equal (file_read (in_folder ("target"), 9, &text, &error), 0);
  assert_string_equal (text_string (&text), "fresh");
}

static void
test_replace_fails_clean (void **state)
{
  struct error error = { 0 };
  size_t before = count_entries ();

  (void) state;
  /* A folder cannot be replaced by a file. */
  assert_int_equal (mkdir (in_folder ("sub"), 0700), 0);
  assert_true (file_replace (path, "x", 1, 0600, &error) < 0);
  assert_contains (error.text, path);
  assert_int_equal (count_entries (), before + 1);
  assert_true (file_replace (in_folder ("no/where"), "x", 1, 0600, &error)
               < 0);
  assert_contains (error.text, "No such file");
}

/* Begins to replace a file, and is killed while it writes the new one. */
static void
be_killed_while_replacing (const char *name)
{
  static const char content[10000];
  const struct rlimit limit = { 5000, 5000 };
  const struct rlimit no_core = { 0, 0 };
  int status;
  pid_t child = fork ();

  if (child == 0) {
    signal (SIGXFSZ, SIG_DFL);
    setrlimit (RLIMIT_CORE, &no_core);
    setrlimit (RLIMIT_FSIZE, &limit);
    file_replace (name, content, sizeof content, 0600, NULL);
    _exit (1);
  }
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_true (WIFSIGNALED (status));
  assert_int_equal (WTERMSIG (status), SIGXFSZ);
}

static void
test_sweep_removes_what_was_left (void **state)
{
  char name[200];
  size_t before;

  (void) state;
  snprintf (name, sizeof name, "%s", in_folder ("swept"));
  assert_int_equal (file_replace (name, "old", 3, 0600, NULL), 0);
  before = count_entries ();
  be_killed_while_replacing (name);
  be_killed_while_replacing (name);
  assert_int_equal (count_entries (), before + 2);
  /* Another file's are not its business. */
  file_sweep (in_folder ("swep"));
  assert_int_equal (count_entries (), before + 2);
  file_sweep (name);
  assert_int_equal (count_entries (), before);
  assert_int_equal (access (name, F_OK), 0);
}

static void
test_sweep_keeps_everything_else (void **state)
{
  static const char *const names[] = {
    "kept",
    "kept.backup",
    "kept.ezcdc-",
    "kept.ezcdc-12345",
    "kept.ezcdc-1234567",
    "kept.ezcdc-12-456",
    "kept.ezcdc-123456~",
    "old.kept.ezcdc-123456",
  };
  size_t before = count_entries ();

  (void) state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal (file_replace (in_folder (names[i]), "x", 1, 0600, NULL),
                      0);
  assert_int_equal (mkdir (in_folder ("kept.ezcdc-folder"), 0700), 0);
  assert_int_equal (symlink ("kept", in_folder ("kept.ezcdc-link00")), 0);
  assert_int_equal (mkfifo (in_folder ("kept.ezcdc-pipe00"), 0600), 0);
  file_sweep (in_folder ("kept"));
  assert_int_equal (count_entries (),
                    before + sizeof names / sizeof *names + 3);
}

/* Only root can give files away. */
static void
test_sweep_looks_at_owners (void **state)
{
  (void) state;
  if (geteuid () != 0)
    skip ();
  assert_int_equal (file_replace (in_folder ("owned"), "x", 1, 0600, NULL), 0);
  assert_int_equal (chown (path, 1001, 1001), 0);
  assert_int_equal (
    file_replace (in_folder ("owned.ezcdc-theirs"), "x", 1, 0600, NULL), 0);
  assert_int_equal (chown (path, 1002, 1002), 0);
  file_sweep (in_folder ("owned"));
  assert_int_equal (access (in_folder ("owned.ezcdc-theirs"), F_OK), 0);
  assert_int_equal (chown (path, 1001, 1001), 0);
  file_sweep (in_folder ("owned"));
  assert_int_equal (access (in_folder ("owned.ezcdc-theirs"), F_OK), -1);
}

static void
test_folder_make (void **state)
{
  struct error error = { 0 };
  struct stat status;

  (void) state;
  assert_int_equal (folder_make (in_folder ("a/b//c/"), &error), 0);
  assert_int_equal (stat (in_folder ("a/b/c"), &status), 0);
  assert_true (S_ISDIR (status.st_mode));
  assert_int_equal (status.st_mode & 07777, 0700);
  assert_int_equal (chmod (path, 0755), 0);
  assert_int_equal (folder_make (path, &error), 0);
  assert_int_equal (stat (path, &status), 0);
  assert_int_equal (status.st_mode & 07777, 0755);
  assert_int_equal (folder_make ("/", &error), 0);
  assert_int_equal (folder_sync (path, &error), 0);

  assert_int_equal (file_replace (in_folder ("a/file"), "x", 1, 0600, &error),
                    0);
  assert_true (folder_make (path, &error) < 0);
  assert_contains (error.text, "Not a directory");
  assert_true (folder_make (in_folder ("a/file/b"), &error) < 0);
  assert_contains (error.text, "Not a directory");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_replace_and_read),
    cmocka_unit_test (test_read_limit),
    cmocka_unit_test (test_read_missing),
    cmocka_unit_test (test_read_pipe),
    cmocka_unit_test (test_named_pipe_is_not_waited_for),
    cmocka_unit_test (test_replace_through_link),
    cmocka_unit_test (test_replace_fails_clean),
    cmocka_unit_test (test_sweep_removes_what_was_left),
    cmocka_unit_test (test_sweep_keeps_everything_else),
    cmocka_unit_test (test_sweep_looks_at_owners),
    cmocka_unit_test (test_folder_make),
  };

  return cmocka_run_group_tests (tests, make_folder, remove_folder);
}
