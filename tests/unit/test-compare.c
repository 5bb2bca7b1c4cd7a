/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two sets of rows in bounded memory. */
#include <config.h>

#include "tests/unit/unit.h"

#include "core/runner/compare.h"

static const struct ezcdc_column columns[] = {
  { .name = "id",
    .type_name = "integer",
    .type = EZCDC_TYPE_INT32,
    .flags = EZCDC_COLUMN_KEY },
  { .name = "v", .type_name = "text", .type = EZCDC_TYPE_STRING },
};

static const struct ezcdc_table table = {
  .name = "t",
  .columns = columns,
  .column_count = 2,
};

/* Rows 0 to rows - 1 of each side, but for those that this side does not
 * have. */
struct sides {
  int rows;
  bool (*has) (enum compare_side side, int row);
  const char *value[2]; /* of "v", by side */
};

static void
read_side (struct compare *compare, const struct sides *sides,
           enum compare_side side, bool second)
{
  char id[16];
  struct ezcdc_value values[2] = {
    { .state = EZCDC_VALUE, .data = id },
    { .state = EZCDC_VALUE,
      .data = sides->value[side],
      .length = (uint32_t) strlen (sides->value[side]) },
  };

  for (int row = 0; row < sides->rows; row++) {
    if (!sides->has (side, row))
      continue;
    values[0].length = (uint32_t) snprintf (id, sizeof id, "%d", row);
    if (second)
      assert_int_equal (compare_look (compare, side, values), 0);
    else
      compare_add (compare, side, values);
  }
}

/* Both looks, as verify makes them. */
static void
look (struct compare *compare, const struct sides *sides)
{
  struct error error = { 0 };
  bool more;

  assert_int_equal (compare_init (compare, &table, &error), 0);
  read_side (compare, sides, COMPARE_SOURCE, false);
  read_side (compare, sides, COMPARE_TARGET, false);
  assert_int_equal (compare_pass_begin (compare, &more, &error), 0);
  while (more) {
    read_side (compare, sides, COMPARE_SOURCE, true);
    read_side (compare, sides, COMPARE_TARGET, true);
    compare_pass_end (compare);
    assert_int_equal (compare_pass_begin (compare, &more, &error), 0);
  }
}

static bool
all (enum compare_side side, int row)
{
  (void) side;
  (void) row;
  return true;
}

static bool
source_lacks_tens (enum compare_side side, int row)
{
  return side == COMPARE_TARGET || row % 10 != 0;
}

static bool
target_lacks_the_last (enum compare_side side, int row)
{
  return side == COMPARE_SOURCE || row < 590000;
}

static bool
only_one_side (enum compare_side side, int row)
{
  return (row % 2 == 0) == (side == COMPARE_SOURCE);
}

static void
test_equal (void **state)
{
  struct sides sides = { 100000, all, { "x", "x" } };
  struct compare compare;

  (void) state;
  look (&compare, &sides);
  assert_false (compare_differs (&compare));
  assert_int_equal (compare.passes, 0);
  compare_free (&compare);
}

/* However many equal rows stand before them. */
static void
test_the_last_rows_are_missing (void **state)
{
  struct sides sides = { 600000, target_lacks_the_last, { "x", "x" } };
  struct compare compare;

  (void) state;
  look (&compare, &sides);
  assert_true (compare_differs (&compare));
  assert_false (compare.truncated);
  assert_int_equal (compare.key_count, 10000);
  for (size_t i = 0; i < compare.key_count; i++)
    assert_false (compare.keys[i].present[COMPARE_TARGET]);
  compare_free (&compare);
}

static void
test_more_rows_than_one_pass_holds (void **state)
{
  struct sides sides = { 400000, source_lacks_tens, { "x", "x" } };
  struct compare compare;

  (void) state;
  look (&compare, &sides);
  assert_in_range (compare.passes, 2, COMPARE_PASSES);
  assert_false (compare.truncated);
  assert_int_equal (compare.key_count, 40000);
  compare_free (&compare);
}

static void
test_more_keys_than_are_held (void **state)
{
  struct sides sides = { 400000, only_one_side, { "x", "x" } };
  struct compare compare;

  (void) state;
  look (&compare, &sides);
  assert_true (compare_differs (&compare));
  assert_true (compare.truncated);
  assert_in_range (compare.key_count, COMPARE_KEYS,
                   COMPARE_KEYS + COMPARE_PASS_ROWS);
  compare_free (&compare);
}

/* What changed meanwhile does not count; what no pass came to does. */
static void
test_settling (void **state)
{
  struct sides moving = { 1000, all, { "x", "y" } };
  struct sides moved = { 1000, all, { "x", "z" } };
  struct sides still = { 1000, all, { "x", "x" } };
  struct sides many = { 400000, only_one_side, { "x", "x" } };
  struct compare first, second;

  (void) state;
  look (&first, &moving);
  look (&second, &moved);
  assert_false (compare_settle (&second, &first));
  assert_false (compare_differs (&second));
  compare_free (&second);

  look (&second, &moving);
  assert_true (compare_settle (&second, &first));
  assert_true (compare_differs (&second));
  assert_int_equal (second.key_count, 1000);
  compare_free (&second);
  compare_free (&first);

  look (&first, &many);
  look (&second, &still);
  assert_false (compare_settle (&second, &first));
  assert_true (compare_differs (&second));
  assert_int_equal (second.key_count, 0);
  compare_free (&second);
  compare_free (&first);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_equal),
    cmocka_unit_test (test_the_last_rows_are_missing),
    cmocka_unit_test (test_more_rows_than_one_pass_holds),
    cmocka_unit_test (test_more_keys_than_are_held),
    cmocka_unit_test (test_settling),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
