/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/text and core/base/memory: growing, failing, giving away. */

#include <config.h>

#include "core/base/memory.h"
#include "core/base/text.h"
#include "tests/unit/unit.h"

static void
test_append (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };

  (void) state;
  assert_string_equal (text_string (&text), "");
  text_append (&text, "ab\0c", 4);
  text_append (&text, NULL, 0);
  text_char (&text, '!');
  text_append_string (&text, "xyz");
  text_printf (&text, "%d", 42);
  assert_int_equal (text.length, 10);
  assert_memory_equal (text_string (&text), "ab\0c!xyz42", 11);
  assert_int_equal (text.failed, 0);
}

static void
test_grows (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };

  (void) state;
  for (int i = 0; i < 10000; i++) {
    text_char (&text, (char) ('a' + i % 26));
    assert_int_equal (text.data[text.length], '\0');
    assert_true (text.capacity > text.length);
  }
  for (int i = 0; i < 10000; i++)
    assert_int_equal (text.data[i], 'a' + i % 26);
}

static void
test_clear_keeps_memory (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  char *data;

  (void) state;
  text_append_string (&text, "something");
  data = text.data;
  text_clear (&text);
  assert_string_equal (text_string (&text), "");
  text_append_string (&text, "else");
  assert_ptr_equal (text.data, data);
}

static void
test_out_of_memory (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };

  (void) state;
  text_append_string (&text, "kept");
  text_reserve (&text, SIZE_MAX - 2);
  assert_int_equal (text.failed, 1);
  text_append_string (&text, " lost");
  text_printf (&text, "%s", " lost");
  assert_string_equal (text_string (&text), "kept");
  assert_null (text_take (&text));
  assert_int_equal (text.failed, 0);
}

static void
test_take (void **state)
{
  struct text text = { 0 };
  char *string;

  (void) state;
  string = text_take (&text);
  assert_string_equal (string, "");
  free (string);
  text_append_string (&text, "mine");
  string = text_take (&text);
  assert_string_equal (string, "mine");
  assert_null (text.data);
  free (string);
}

static void
test_wipe (void **state)
{
  struct text text = { 0 };

  (void) state;
  text_wipe_free (&text);
  text_append_string (&text, "secret");
  text_wipe_free (&text);
  assert_null (text.data);
  assert_int_equal (text.capacity, 0);
}

static void
test_sizes (void **state)
{
  size_t size = 7;

  (void) state;
  assert_true (size_add (2, 3, &size));
  assert_int_equal (size, 5);
  assert_false (size_add (SIZE_MAX, 1, &size));
  assert_int_equal (size, 5);
  assert_true (size_multiply (6, 7, &size));
  assert_int_equal (size, 42);
  assert_false (size_multiply (SIZE_MAX / 2, 3, &size));
  assert_int_equal (size, 42);
}

static void
test_array_reserve (void **state)
{
  CLEANUP_FREE uint32_t *array = NULL;
  size_t capacity = 0;

  (void) state;
  for (size_t count = 0; count < 1000; count++) {
    assert_true (array_reserve (&array, &capacity, count + 1, sizeof *array));
    assert_true (capacity > count);
    array[count] = (uint32_t) count;
  }
  for (size_t i = 0; i < 1000; i++)
    assert_int_equal (array[i], i);
  assert_false (
    array_reserve (&array, &capacity, SIZE_MAX / 2, sizeof *array));
  assert_int_equal (array[999], 999);
}

static void
test_take_pointer (void **state)
{
  char *first = strdup ("x");
  char *second = TAKE_POINTER (first);
  int descriptor = 5;

  (void) state;
  assert_null (first);
  assert_string_equal (second, "x");
  free (second);
  assert_int_equal (TAKE_DESCRIPTOR (descriptor), 5);
  assert_int_equal (descriptor, -1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_append),
    cmocka_unit_test (test_grows),
    cmocka_unit_test (test_clear_keeps_memory),
    cmocka_unit_test (test_out_of_memory),
    cmocka_unit_test (test_take),
    cmocka_unit_test (test_wipe),
    cmocka_unit_test (test_sizes),
    cmocka_unit_test (test_array_reserve),
    cmocka_unit_test (test_take_pointer),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
