/* SPDX-License-Identifier: Apache-2.0 */
/* Which names of files are recognised, and which are not. */

#include <config.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/keeper/guard.h"
#include "core/keeper/watch.h"
#include "tests/unit/unit.h"

static char folder[] = "/tmp/ezcdc-guard-XXXXXX";
static char state_dir[64];
static char audit_log[64];
static struct key_source *source;
static struct guard *guard;

static void
make_file (const char *name)
{
  int descriptor = open (name, O_WRONLY | O_CREAT, 0600);

  assert_true (descriptor >= 0);
  close (descriptor);
}

/* The current folder is the one with the files. */
static int
before_each (void **state)
{
  static char name[] = "shop";
  struct pipeline_settings settings = { .name = name,
                                        .state_dir = state_dir,
                                        .folder = state_dir,
                                        .audit_log = audit_log };

  (void) state;
  guard = guard_new (&settings, "shop.ini", source, NULL);
  if (guard == NULL)
    return 1;
  guard_begin (guard, getpid ());
  return 0;
}

static int
after_each (void **state)
{
  (void) state;
  guard_free (guard);
  return 0;
}

static int
set_up (void **state)
{
  char key[64];

  (void) state;
  if (mkdtemp (folder) == NULL || chdir (folder) != 0)
    return 1;
  snprintf (state_dir, sizeof state_dir, "%s/state", folder);
  snprintf (audit_log, sizeof audit_log, "%s/log/audit.jsonl", folder);
  snprintf (key, sizeof key, "%s/key", folder);
  make_file ("key");
  make_file ("shop.ini");
  if (mkdir ("log", 0700) != 0 || mkdir ("sub", 0700) != 0
      || symlink ("../key", "sub/link") != 0
      || symlink ("sub", "folder-link") != 0 || symlink ("loop", "loop") != 0)
    return 1;
  setenv ("CONFIG_ENCRYPTION_KEY_FILE", key, 1);
  source = key_source_take (NULL);
  return source == NULL;
}

static int
tear_down (void **state)
{
  static const char *const names[] = { "key",  "shop.ini",    "sub/link",
                                       "loop", "folder-link", "sub",
                                       "log" };

  (void) state;
  key_source_free (source);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    remove (names[i]);
  return chdir ("/") != 0 || rmdir (folder) != 0;
}

static const char *recognised (bool in_folder, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* What a path is recognised as; "" if it is not. */
static const char *
recognised (bool in_folder, const char *format, ...)
{
  char path[8192];
  static struct guarded guarded;
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (path, sizeof path, format, arguments);
  va_end (arguments);
  return guard_recognises (guard, in_folder, path, &guarded) ? guarded.what
                                                             : "";
}

#define KEY "an encryption key"
#define LOG "the audit log"

static void
by_every_name (void **state)
{
  (void) state;
  assert_string_equal (recognised (false, "%s/key", folder), KEY);
  assert_string_equal (recognised (true, "%s/key", folder), KEY);
  assert_string_equal (recognised (false, "key"), KEY);
  assert_string_equal (recognised (false, "./sub/..//key"), KEY);
  assert_string_equal (recognised (false, "sub/link"), KEY);
  assert_string_equal (recognised (false, "folder-link/../key"), KEY);
  assert_string_equal (recognised (false, "/proc/self/cwd/key"), KEY);
  assert_string_equal (recognised (false, "/proc/%d/task/%d/root%s/key",
                                   (int) getpid (), (int) getpid (), folder),
                       KEY);
  assert_string_equal (recognised (false, "shop.ini"), "the configuration");
  assert_string_equal (recognised (false, "%s.lock", audit_log), LOG);
  assert_string_equal (recognised (false, "%s-20260101", audit_log), LOG);
}

static void
not_by_others (void **state)
{
  (void) state;
  assert_string_equal (recognised (false, "%s/keys", folder), "");
  assert_string_equal (recognised (false, "%s/key/more", folder), "");
  assert_string_equal (recognised (false, "/key"), "");
  assert_string_equal (recognised (false, "sub/key"), "");
  assert_string_equal (recognised (false, "%sold", audit_log), "");
  assert_string_equal (recognised (false, "loop"), "");
  assert_string_equal (recognised (false, "loop/key"), "");
  assert_string_equal (recognised (false, "%s", ""), "");
  assert_string_equal (recognised (false, "/"), "");
  assert_string_equal (recognised (false, "..%02000d", 0), "");
}

/* Who has not asked for a folder above it cannot mean it. */
static void
below_a_descriptor (void **state)
{
  (void) state;
  assert_string_equal (recognised (true, "key"), "");
  assert_string_equal (recognised (true, "1/mem"), "");
  assert_string_equal (recognised (false, "/"), "");
  assert_string_equal (recognised (true, "key"), KEY);
  assert_string_equal (recognised (true, "..%s/key", folder), KEY);
  assert_string_equal (recognised (true, "audit.jsonl.1"), LOG);
  assert_string_equal (recognised (false, "/proc/self/fd/5/key"), KEY);
  assert_string_equal (recognised (false, "/dev/fd/5/../key"), KEY);
  assert_string_equal (recognised (true, "y"), "");
  assert_string_equal (recognised (true, "key2"), "");
  assert_string_equal (recognised (true, "proc/1/mem"), "another process");
  assert_string_equal (recognised (true, "1/mem"), "another process");
  assert_string_equal (recognised (true, "%d/mem", (int) getpid ()), "");
  guard_begin (guard, getpid ());
  assert_string_equal (recognised (true, "key"), "");
}

static void
processes (void **state)
{
  (void) state;
  assert_string_equal (recognised (false, "/proc/1/mem"), "another process");
  assert_string_equal (recognised (false, "/proc/thread-self/../../../1/maps"),
                       "another process");
  assert_string_equal (recognised (false, "/proc/%d/mem", (int) getppid ()),
                       "another process");
  assert_string_equal (recognised (false, "/proc/%d/mem", (int) getpid ()),
                       "");
  assert_string_equal (recognised (false, "/proc/self/maps"), "");
  assert_string_equal (recognised (false, "/proc/self/fd/3"), "");
  assert_string_equal (recognised (false, "/proc/mounts"), "");
  assert_string_equal (recognised (false, "/proc/1x/mem"), "");
}

static void
other_pipelines (void **state)
{
  (void) state;
  assert_string_equal (recognised (false, "%s/web/state.db-wal", state_dir),
                       "of another pipeline");
  assert_string_equal (recognised (false, "%s/shop/state.db", state_dir), "");
  assert_string_equal (recognised (false, "%s/web/other", state_dir), "");
}

#define GUARD_TEST(name)                                                      \
  cmocka_unit_test_setup_teardown (name, before_each, after_each)

/* ---- Reading a name from a runner's memory ------------------------------ */

static void
nothing_behind_a_name_is_kept (void **state)
{
  static char heap[256] = "the/name\0the password behind it";
  static const char nothing[PATH_MAX];
  int memory = open ("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  char path[PATH_MAX] = "";

  (void) state;
  assert_true (memory >= 0);
  assert_true (watch_read_path (memory, (uint64_t) (uintptr_t) heap, path));
  assert_string_equal (path, "the/name");
  assert_memory_equal (path + sizeof "the/name", nothing,
                       sizeof path - sizeof "the/name");
  close (memory);
}

static void
long_names_are_read_and_longer_ones_are_not (void **state)
{
  static char heap[PATH_MAX + 100];
  int memory = open ("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  char path[PATH_MAX];

  (void) state;
  assert_true (memory >= 0);
  memset (heap, 'n', sizeof heap - 1);
  assert_false (watch_read_path (memory, (uint64_t) (uintptr_t) heap, path));
  heap[PATH_MAX - 1] = '\0';
  assert_true (watch_read_path (memory, (uint64_t) (uintptr_t) heap, path));
  assert_string_equal (path, heap);
  assert_false (watch_read_path (memory, 16, path));
  close (memory);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    GUARD_TEST (by_every_name),
    GUARD_TEST (not_by_others),
    GUARD_TEST (below_a_descriptor),
    GUARD_TEST (processes),
    GUARD_TEST (other_pipelines),
    cmocka_unit_test (nothing_behind_a_name_is_kept),
    cmocka_unit_test (long_names_are_read_and_longer_ones_are_not),
  };

  return cmocka_run_group_tests (tests, set_up, tear_down);
}
