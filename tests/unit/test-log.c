/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/log: form of a line, escapes, levels, one write a line. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/utf8.h"
#include "tests/unit/unit.h"

static char output[16384];

/* Standard error goes to a file between these two. */
static int saved_stderr = -1;
static FILE *capture;

static void
capture_begin (void)
{
  capture = tmpfile ();
  assert_non_null (capture);
  saved_stderr = dup (STDERR_FILENO);
  assert_true (saved_stderr >= 0);
  assert_true (dup2 (fileno (capture), STDERR_FILENO) >= 0);
}

static void
capture_end (void)
{
  size_t length;

  assert_true (dup2 (saved_stderr, STDERR_FILENO) >= 0);
  close (saved_stderr);
  rewind (capture);
  length = fread (output, 1, sizeof output - 1, capture);
  output[length] = '\0';
  fclose (capture);
}

static void
test_line (void **state)
{
  (void) state;
  capture_begin ();
  log_message (LEVEL_ERROR, "open %s: failed", "x");
  capture_end ();
  assert_string_equal (output, "ezcdc: error: open x: failed\n");
}

static void
test_levels (void **state)
{
  (void) state;
  capture_begin ();
  log_message (LEVEL_DEBUG, "unseen");
  log_message (LEVEL_INFO, "seen");
  log_set_level (LEVEL_ERROR);
  log_message (LEVEL_WARNING, "unseen");
  log_set_level (LEVEL_DEBUG);
  log_message (LEVEL_DEBUG, "seen too");
  log_set_level (LEVEL_INFO);
  capture_end ();
  assert_string_equal (output, "ezcdc: info: seen\nezcdc: debug: seen too\n");
}

static void
test_escapes (void **state)
{
  (void) state;
  capture_begin ();
  log_message (LEVEL_WARNING, "a\nb\x1b[31m\x7f\xff\xc3\xa4\xc2\x9b%s",
               "\xe2\x82");
  capture_end ();
  assert_string_equal (output, "ezcdc: warning: a\\x0ab\\x1b[31m\\x7f\\xff"
                               "\xc3\xa4\\xc2\\x9b\\xe2\\x82\n");
  capture_begin ();
  log_message (LEVEL_ERROR, "\xe2\x80\xa8|\xe2\x80\xae|\xd8\x9c|\xe2\x80\xa7");
  capture_end ();
  assert_string_equal (output, "ezcdc: error: \\xe2\\x80\\xa8|\\xe2\\x80\\xae|"
                               "\\xd8\\x9c|\xe2\x80\xa7\n");
}

static void
test_long_line (void **state)
{
  static char text[9000];

  (void) state;
  for (size_t i = 0; i + 4 <= sizeof text; i += 3)
    memcpy (text + i, "\xe2\x82\xac", 4);
  capture_begin ();
  log_message (LEVEL_INFO, "%s", text);
  log_message (LEVEL_INFO, "x%s", text);
  log_message (LEVEL_INFO, "xx%s", text);
  capture_end ();
  for (char *line = output, *end; *line != '\0'; line = end + 1) {
    end = strchr (line, '\n');
    assert_non_null (end);
    assert_true (end - line < 4096);
    assert_true (end - line > 4000);
    assert_true (utf8_valid (line, (size_t) (end - line)));
    assert_memory_equal (line, "ezcdc: info: ", 13);
    assert_null (memchr (line, '\\', (size_t) (end - line)));
  }
}

static void
test_prefix (void **state)
{
  (void) state;
  capture_begin ();
  log_set_prefix ("ezcdc[shop]");
  log_message (LEVEL_INFO, "x");
  log_set_prefix ("ezcdc");
  capture_end ();
  assert_string_equal (output, "ezcdc[shop]: info: x\n");
}

static void
test_keeps_errno (void **state)
{
  (void) state;
  capture_begin ();
  errno = EACCES;
  log_message (LEVEL_INFO, "open: %m");
  assert_int_equal (errno, EACCES);
  capture_end ();
  assert_string_equal (output, "ezcdc: info: open: Permission denied\n");
}

static void *
write_lines (void *word)
{
  for (int i = 0; i < 50; i++)
    log_message (LEVEL_INFO, "%s", (const char *) word);
  return NULL;
}

static void
test_threads (void **state)
{
  static const char *const words[] = { "aaaaaaaaaaaaaaaaaaaa",
                                       "bbbbbbbbbbbbbbbbbbbbbbbbbbb" };
  pthread_t threads[2];
  int lines = 0;

  (void) state;
  capture_begin ();
  for (int i = 0; i < 2; i++)
    assert_int_equal (
      pthread_create (&threads[i], NULL, write_lines, (void *) words[i]), 0);
  for (int i = 0; i < 2; i++)
    pthread_join (threads[i], NULL);
  capture_end ();
  for (char *line = output, *end; *line != '\0'; line = end + 1, lines++) {
    end = strchr (line, '\n');
    *end = '\0';
    assert_true (strcmp (line + strlen ("ezcdc: info: "), words[0]) == 0
                 || strcmp (line + strlen ("ezcdc: info: "), words[1]) == 0);
  }
  assert_int_equal (lines, 100);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_line),    cmocka_unit_test (test_levels),
    cmocka_unit_test (test_escapes), cmocka_unit_test (test_long_line),
    cmocka_unit_test (test_prefix),  cmocka_unit_test (test_keeps_errno),
    cmocka_unit_test (test_threads),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
