/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/json: commas, escapes, numbers. */

#include <config.h>

#include <jansson.h>
#include <math.h>

#include "core/base/json.h"
#include "core/base/json_rewrite.h"
#include "tests/unit/unit.h"

static void
test_structure (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };

  (void) state;
  json_object_begin (&json);
  json_member_text (&json, "name", "shop");
  json_key (&json, "tables");
  json_array_begin (&json);
  json_object_begin (&json);
  json_object_end (&json);
  json_array_begin (&json);
  json_array_end (&json);
  json_int64 (&json, -1);
  json_none (&json);
  json_array_end (&json);
  json_member_bool (&json, "yes", true);
  json_member_bool (&json, "no", false);
  json_member_text (&json, "missing", NULL);
  json_key (&json, "raw");
  json_raw (&json, "[1]", 3);
  json_object_end (&json);
  assert_string_equal (text_string (&text),
                       "{\"name\":\"shop\",\"tables\":[{},[],-1,null],"
                       "\"yes\":true,\"no\":false,\"missing\":null,"
                       "\"raw\":[1]}");
}

static void
test_strings (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };

  (void) state;
  json_bytes (&json, "\"\\/\n\r\t\0\x01\x1f\x7f", 10);
  assert_string_equal (text_string (&text),
                       "\"\\\"\\\\/\\n\\r\\t\\u0000\\u0001\\u001f\\u007f\"");
  text_clear (&text);
  json = (struct json){ .text = &text };
  json_bytes (&json, "\xc3\xa4\xff\xe2\x82z", 6);
  assert_string_equal (text_string (&text),
                       "\"\xc3\xa4\\ufffd\\ufffd\\ufffdz\"");
  text_clear (&text);
  json = (struct json){ .text = &text };
  json_text (&json, "\xc2\x85|\xe2\x80\xa8|\xe2\x80\xae|\xe2\x82\xac");
  assert_string_equal (text_string (&text),
                       "\"\\u0085|\\u2028|\\u202e|\xe2\x82\xac\"");
  text_clear (&text);
  json = (struct json){ .text = &text };
  json_bytes (&json, NULL, 0);
  assert_string_equal (text_string (&text), "\"\"");
}

/* Every byte and every pair of bytes makes a text that a strict reader takes.
 */
static void
test_any_bytes (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };

  (void) state;
  for (unsigned first = 0; first < 256; first++)
    for (unsigned second = 0; second < 256; second++) {
      const char bytes[2] = { (char) first, (char) second };
      struct json json = { .text = &text };
      json_t *tree;

      text_clear (&text);
      json_array_begin (&json);
      json_bytes (&json, bytes, 2);
      json_array_end (&json);
      tree = json_loadb (text.data, text.length, JSON_ALLOW_NUL, NULL);
      assert_non_null (tree);
      json_decref (tree);
    }
}

static void
test_numbers (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };

  (void) state;
  json_array_begin (&json);
  json_int64 (&json, INT64_MIN);
  json_uint64 (&json, UINT64_MAX);
  json_double (&json, 0.1);
  json_double (&json, 1e300);
  json_double (&json, 1.0 / 3);
  json_double (&json, NAN);
  json_double (&json, -INFINITY);
  json_array_end (&json);
  assert_string_equal (text_string (&text),
                       "[-9223372036854775808,18446744073709551615,0.1,"
                       "1e+300,0.3333333333333333,null,null]");
}

static void
test_members (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };

  (void) state;
  json_object_begin (&json);
  json_member_int64 (&json, "a", -5);
  json_member_uint64 (&json, "b", 5);
  json_member_double (&json, "c", 0.5);
  json_object_end (&json);
  assert_string_equal (text_string (&text), "{\"a\":-5,\"b\":5,\"c\":0.5}");
}

static void
test_rewriting (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };

  (void) state;
  assert_true (
    json_rewrite_object (" { \"a\" : [ 1, \"\303\244\\u2028\" ] } ", &text));
  assert_string_equal (text.data, "{\"a\":[1,\"\\u00E4\\u2028\"]}");
  text_clear (&text);
  assert_true (json_rewrite_array ("[ \"\\u001b\177\", {} ]", &text));
  assert_string_equal (text.data, "[\"\\u001B\\u007f\",{}]");
  text_clear (&text);
  assert_false (json_rewrite_array ("{}", &text));
  static const char *const bad[] = { "",
                                     "1",
                                     "\"x\"",
                                     "[]",
                                     "{",
                                     "{}}",
                                     "{},{}",
                                     "{\"a\":1,\"a\":2}",
                                     "{\"a\":\"\377\"}",
                                     "{\"a\":\"\n\"}",
                                     "{a:1}",
                                     "null" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    text_clear (&text);
    assert_false (json_rewrite_object (bad[i], &text));
    assert_int_equal (text.length, 0);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_structure), cmocka_unit_test (test_strings),
    cmocka_unit_test (test_any_bytes), cmocka_unit_test (test_numbers),
    cmocka_unit_test (test_members),   cmocka_unit_test (test_rewriting),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
