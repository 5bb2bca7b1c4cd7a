/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/error: setting, prefixing, cutting. */

#include <config.h>

#include <errno.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "tests/unit/unit.h"

static void
test_set (void **state)
{
  struct error error = { 0 };

  (void) state;
  assert_int_equal (error_set (&error, -3, "open %s: %d", "x", 7), -3);
  assert_int_equal (error.code, -3);
  assert_string_equal (error.text, "open x: 7");
}

static void
test_null (void **state)
{
  (void) state;
  assert_int_equal (error_set (NULL, -2, "open"), -2);
  assert_int_equal (error_prefix (NULL, "open"), 0);
}

static void
test_keeps_errno (void **state)
{
  struct error error = { 0 };

  (void) state;
  errno = ENOENT;
  error_set (&error, -1, "open x: %m");
  assert_string_equal (error.text, "open x: No such file or directory");
  assert_int_equal (errno, ENOENT);
}

static void
test_own_text_as_argument (void **state)
{
  struct error error = { 0 };

  (void) state;
  error_set (&error, -1, "inner");
  error_set (&error, -4, "outer (%s)", error.text);
  assert_string_equal (error.text, "outer (inner)");
  assert_int_equal (error.code, -4);
}

static void
test_prefix (void **state)
{
  struct error error = { 0 };

  (void) state;
  error_set (&error, -5, "inner");
  assert_int_equal (error_prefix (&error, "row %d", 3), -5);
  assert_string_equal (error.text, "row 3: inner");
  assert_int_equal (error.code, -5);
}

static void
test_no_pem (void **state)
{
  struct error error = { 0 };

  (void) state;
  error_set (&error, -3, "open %s: no", "-----BEGIN PRIVATE KEY-----\\nMC4C");
  assert_string_equal (error.text, "open [PEM]");
  error_set (&error, -3, "-----BEGIN ");
  assert_string_equal (error.text, "[PEM]");
  error_set (&error, -3, "no");
  error_prefix (&error, "a -----BEGIN X-----");
  assert_string_equal (error.text, "a [PEM]: no");
}

static void
test_cut_between_characters (void **state)
{
  struct error error = { 0 };
  char long_text[2000];

  (void) state;
  for (size_t shift = 0; shift < 3; shift++) {
    memset (long_text, 'a', shift);
    for (size_t i = shift; i + 4 <= sizeof long_text; i += 3)
      memcpy (long_text + i, "\xe2\x82\xac", 4);
    error_set (&error, -1, "%s", long_text);
    assert_true (strlen (error.text) >= sizeof error.text - 3);
    assert_true (utf8_valid (error.text, strlen (error.text)));
    error_prefix (&error, "%s", "prefix");
    assert_true (utf8_valid (error.text, strlen (error.text)));
    assert_memory_equal (error.text, "prefix: ", 8);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_set),
    cmocka_unit_test (test_null),
    cmocka_unit_test (test_keeps_errno),
    cmocka_unit_test (test_own_text_as_argument),
    cmocka_unit_test (test_prefix),
    cmocka_unit_test (test_no_pem),
    cmocka_unit_test (test_cut_between_characters),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
