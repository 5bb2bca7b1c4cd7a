/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, canonical values, types, positions and chunks. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/postgres/chunk.h"
#include "plugins/postgres/pattern.h"
#include "plugins/postgres/position.h"
#include "plugins/postgres/type.h"
#include "plugins/postgres/value.h"

static bool
fits (const char *text, const char *schema, const char *name)
{
  struct patterns patterns;
  char problem[100];
  bool found;

  assert_true (patterns_parse (text, &patterns, problem, sizeof problem));
  found = patterns_find (&patterns, schema, name) != NULL;
  patterns_free (&patterns);
  return found;
}

static void
test_patterns (void **state)
{
  (void) state;
  assert_true (fits ("public.orders", "public", "orders"));
  assert_false (fits ("public.orders", "public", "orders2"));
  assert_false (fits ("public.orders", "other", "orders"));
  assert_true (fits ("orders", "public", "orders"));
  assert_true (fits ("*.*", "any", "thing"));
  assert_true (fits ("a.*b*c", "a", "xbybzc"));
  assert_false (fits ("a.*b*c", "a", "xbybz"));
  assert_true (fits ("a.?", "a", "\xc3\xbc"));
  assert_false (fits ("a.?", "a", "ab"));
  assert_false (fits ("a.?", "a", ""));
  assert_true (fits ("a.*", "a", ""));
  /* Exclusions count wherever they stand. */
  assert_false (fits ("!a.x, a.*", "a", "x"));
  assert_false (fits ("a.*, ! a.x", "a", "x"));
  assert_true (fits ("a.*,!a.x", "a", "y"));
  assert_false (fits ("!a.x", "a", "y"));
  /* As it is written, or as SQL would read it. */
  assert_true (fits ("a.Orders", "a", "Orders"));
  assert_true (fits ("a.Orders", "a", "orders"));
  assert_false (fits ("a.orders", "a", "Orders"));
  /* Quotes make all of it literal. */
  assert_true (fits ("\"A b\".\"x*\"\"y\"", "A b", "x*\"y"));
  assert_false (fits ("a.\"x*\"", "a", "xy"));
  assert_false (fits ("a.\"Orders\"", "a", "orders"));
  assert_true (fits ("a.\"b.c\"", "a", "b.c"));
  /* A backslash is a character like others. */
  assert_true (fits ("a.x\\y", "a", "x\\y"));
}

static void
test_patterns_keep_their_text (void **state)
{
  struct patterns patterns;
  char problem[100];

  (void) state;
  assert_true (
    patterns_parse (" a.b ,\n !c.*", &patterns, problem, sizeof problem));
  assert_int_equal (patterns.count, 2);
  assert_string_equal (patterns.items[0].text, "a.b");
  assert_true (patterns.items[0].exact);
  assert_false (patterns.items[0].exclude);
  assert_string_equal (patterns.items[1].text, "!c.*");
  assert_false (patterns.items[1].exact);
  assert_true (patterns.items[1].exclude);
  patterns_free (&patterns);
}

static void
test_patterns_that_are_wrong (void **state)
{
  static const char *const wrong[] = { "",    " ",      "a.b,",  ",a.b",
                                       "a.",  ".b",     "a.b.c", "a b",
                                       "\"a", "a\"b\"", "!",     "\"\".a" };
  struct patterns patterns;
  char problem[100];
  size_t i;

  (void) state;
  for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    *problem = '\0';
    assert_false (
      patterns_parse (wrong[i], &patterns, problem, sizeof problem));
    assert_string_not_equal (problem, "");
  }
}

/* The canonical text of a value of that type. */
static void
check_value (uint32_t type, uint32_t element, const char *from,
             const char *expected)
{
  struct ezcdc_column column = { .type = type, .element_type = element };
  struct value_rules rules = { .items = NULL };
  struct ezcdc_value value = { .state = EZCDC_VALUE };
  size_t length = strlen (from);
  char *copy = malloc (length + 1);

  assert_non_null (copy);
  memcpy (copy, from, length);
  value.data = copy;
  value.length = (uint32_t) length;
  assert_true (value_rules_set (&rules, &column, 1));
  assert_true (value_rules_apply (&rules, &value, NULL));
  assert_int_equal (value.length, strlen (expected));
  assert_memory_equal (value.data, expected, value.length);
  value_rules_clear (&rules);
  free (copy);
}

static void
test_values (void **state)
{
  (void) state;
  check_value (EZCDC_TYPE_BOOL, 0, "t", "true");
  check_value (EZCDC_TYPE_BOOL, 0, "f", "false");
  check_value (EZCDC_TYPE_BYTES, 0, "\\x", "");
  check_value (EZCDC_TYPE_BYTES, 0, "\\x00ff", "00ff");
  check_value (EZCDC_TYPE_TIMESTAMPTZ, 0, "2024-03-31 01:30:00.5+00",
               "2024-03-31 01:30:00.5");
  check_value (EZCDC_TYPE_TIMESTAMPTZ, 0, "0044-03-15 12:00:00+00 BC",
               "0044-03-15 12:00:00 BC");
  check_value (EZCDC_TYPE_TIMESTAMPTZ, 0, "-infinity", "-infinity");
  check_value (EZCDC_TYPE_TIMESTAMP, 0, "2024-03-31 01:30:00",
               "2024-03-31 01:30:00");
  check_value (EZCDC_TYPE_STRING, 0, "t", "t");
}

static void
test_arrays (void **state)
{
  const uint32_t array = EZCDC_TYPE_ARRAY;

  (void) state;
  check_value (array, EZCDC_TYPE_BOOL, "{}", "{}");
  check_value (array, EZCDC_TYPE_BOOL, "{f,f,f,f}",
               "{false,false,false,false}");
  check_value (array, EZCDC_TYPE_BOOL, "[0:1]={t,NULL}", "[0:1]={true,NULL}");
  check_value (array, EZCDC_TYPE_BOOL, "{{t},{f}}", "{{true},{false}}");
  check_value (array, EZCDC_TYPE_BYTES, "{\"\\\\x6162\",NULL,\"\\\\x\"}",
               "{6162,NULL,\"\"}");
  check_value (array, EZCDC_TYPE_TIMESTAMPTZ,
               "{\"2024-01-01 00:00:00+00\",infinity,"
               "\"0044-01-01 00:00:00+00 BC\"}",
               "{\"2024-01-01 00:00:00\",infinity,"
               "\"0044-01-01 00:00:00 BC\"}");
  check_value (array, EZCDC_TYPE_STRING, "{t,\"a b\"}", "{t,\"a b\"}");
  /* Not what a server sends, but nothing is read behind the end. */
  check_value (array, EZCDC_TYPE_BYTES, "{\"abc", "{\"abc");
  check_value (array, EZCDC_TYPE_BYTES, "{\"\\", "{\"\\");
  check_value (array, EZCDC_TYPE_TIMESTAMPTZ, "x", "x");
}

static void
test_two_rows_at_once (void **state)
{
  struct ezcdc_column columns[2] = {
    { .type = EZCDC_TYPE_ARRAY, .element_type = EZCDC_TYPE_BOOL },
    { .type = EZCDC_TYPE_BYTES },
  };
  struct value_rules rules = { .items = NULL };
  char first[] = "{t}", second[] = "{f}", bytes[] = "\\xab";
  struct ezcdc_value rows[2][2] = {
    { { first, 3, EZCDC_VALUE }, { NULL, 0, EZCDC_UNCHANGED } },
    { { second, 3, EZCDC_VALUE }, { bytes, 4, EZCDC_VALUE } },
  };

  (void) state;
  assert_true (value_rules_set (&rules, columns, 2));
  assert_true (value_rules_apply (&rules, rows[0], rows[1]));
  assert_memory_equal (rows[0][0].data, "{true}", 6);
  assert_memory_equal (rows[1][0].data, "{false}", 7);
  assert_memory_equal (rows[1][1].data, "ab", 2);
  assert_int_equal (rows[0][1].state, EZCDC_UNCHANGED);
  value_rules_clear (&rules);
}

static void
check_decimal (int32_t modifier, int32_t precision, int32_t scale)
{
  struct type type = { .oid = 1700, .modifier = modifier, .category = 'N' };
  struct ezcdc_column column;

  memset (&column, 0, sizeof column);
  type_describe (&type, &column);
  assert_int_equal (column.type, EZCDC_TYPE_DECIMAL);
  assert_int_equal (column.precision, precision);
  assert_int_equal (column.scale, scale);
}

static void
test_decimals (void **state)
{
  (void) state;
  check_decimal (-1, -1, 0);
  check_decimal ((10 << 16 | 2) + 4, 10, 2);
  check_decimal ((1000 << 16 | 1000) + 4, 1000, 1000);
  /* numeric(3,-2) and numeric(2,4) of PostgreSQL 15 */
  check_decimal ((3 << 16 | (-2 & 0x7ff)) + 4, 5, 0);
  check_decimal ((2 << 16 | 4) + 4, 4, 4);
}

static void
test_types (void **state)
{
  struct type enumeration = { .oid = 99999, .modifier = -1, .category = 'E' };
  struct type citext = { .oid = 99999, .modifier = -1, .category = 'S' };
  struct type varchar = { .oid = 1043, .modifier = 24, .category = 'S' };
  struct type array = {
    .oid = 1001, .modifier = -1, .element = 17, .category = 'A'
  };
  struct type vector = {
    .oid = 30, .modifier = -1, .element = 26, .category = 'A'
  };
  struct ezcdc_column column;

  (void) state;
  memset (&column, 0, sizeof column);
  type_describe (&enumeration, &column);
  assert_int_equal (column.type, EZCDC_TYPE_OTHER);
  type_describe (&citext, &column);
  assert_int_equal (column.type, EZCDC_TYPE_STRING);
  assert_int_equal (column.length, -1);
  type_describe (&varchar, &column);
  assert_int_equal (column.length, 20);
  type_describe (&array, &column);
  assert_int_equal (column.type, EZCDC_TYPE_ARRAY);
  assert_int_equal (column.element_type, EZCDC_TYPE_BYTES);
  type_describe (&vector, &column);
  assert_int_equal (column.type, EZCDC_TYPE_OTHER);
}

static void
test_positions (void **state)
{
  struct ezcdc_position low = position_of_lsn (0xffffffff);
  struct ezcdc_position high = position_of_lsn (0x100000000);
  struct ezcdc_position top = position_of_lsn (UINT64_MAX);
  char text[64];
  uint64_t lsn;

  (void) state;
  assert_true (memcmp (low.bytes, high.bytes, 8) < 0);
  assert_true (memcmp (high.bytes, top.bytes, 8) < 0);
  assert_int_equal (position_lsn (&high), 0x100000000);
  assert_int_equal (position_distance (&low, &high), 1);
  assert_int_equal (position_distance (&high, &low), 0);
  position_text (&top, text);
  assert_string_equal (text, "FFFFFFFF/FFFFFFFF");
  assert_int_equal (position_timeline (&top), 0);
  top = position_on_timeline (0x100000000, 0x01020304);
  assert_int_equal (position_lsn (&top), 0x100000000);
  assert_int_equal (position_timeline (&top), 0x01020304);
  assert_memory_equal (top.bytes, high.bytes, 8);
  assert_true (lsn_parse ("1/2a", &lsn));
  assert_int_equal (lsn, 0x10000002a);
  assert_false (lsn_parse ("1/", &lsn));
  assert_false (lsn_parse ("/1", &lsn));
  assert_false (lsn_parse ("1/2 ", &lsn));
  assert_false (lsn_parse ("123456789/0", &lsn));
  assert_false (lsn_parse ("", &lsn));
}

static void
test_chunks (void **state)
{
  struct chunk chunk = {
    .table = UINT32_MAX, .file = 2, .first = 3, .end = 4
  };
  struct chunk read;
  char text[CHUNK_TEXT_SIZE];

  (void) state;
  chunk_text (&chunk, text);
  assert_string_equal (text, "4294967295 2 3 4");
  assert_true (chunk_parse (text, &read));
  assert_memory_equal (&chunk, &read, sizeof chunk);
  assert_false (chunk_parse ("1 2 3", &read));
  assert_false (chunk_parse ("1 2 3 4 ", &read));
  assert_false (chunk_parse ("1 2 3 4294967296", &read));
  assert_false (chunk_parse ("1 2 -3 4", &read));
  assert_false (chunk_parse ("", &read));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_patterns),
    cmocka_unit_test (test_patterns_keep_their_text),
    cmocka_unit_test (test_patterns_that_are_wrong),
    cmocka_unit_test (test_values),
    cmocka_unit_test (test_arrays),
    cmocka_unit_test (test_two_rows_at_once),
    cmocka_unit_test (test_decimals),
    cmocka_unit_test (test_types),
    cmocka_unit_test (test_positions),
    cmocka_unit_test (test_chunks),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
