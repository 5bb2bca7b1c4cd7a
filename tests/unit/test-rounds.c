/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: nothing is durable before everything in front of it is. */
#include <config.h>

#include "tests/unit/unit.h"

#include "core/pipeline/position.h"
#include "core/pipeline/round.h"

static struct ezcdc_position
at (uint8_t byte)
{
  struct ezcdc_position position = { .length = 1, .bytes = { byte } };

  return position;
}

static void
assert_durable (struct rounds *rounds, uint8_t byte)
{
  struct ezcdc_position expected = at (byte);
  struct ezcdc_position position;
  int64_t commit_time;

  position = rounds_durable (rounds, &commit_time);
  assert_int_equal (position_compare (&position, &expected), 0);
}

static struct round *
round_with (struct rounds *rounds, int batches, uint8_t end)
{
  struct round *round = rounds_open (rounds);
  struct ezcdc_position position = at (end);

  assert_non_null (round);
  for (int i = 0; i < batches; i++)
    rounds_expect (rounds, round);
  rounds_seal (rounds, round, &position, end);
  return round;
}

static void
test_order (void **state)
{
  struct rounds rounds;
  struct ezcdc_position start = at (1);
  struct round *first, *second;

  (void) state;
  rounds_init (&rounds);
  rounds_set_start (&rounds, &start);
  first = round_with (&rounds, 2, 5);
  second = round_with (&rounds, 1, 9);
  assert_false (rounds_settle (&rounds, second));
  assert_durable (&rounds, 1);
  assert_false (rounds_settle (&rounds, first));
  assert_durable (&rounds, 1);
  assert_true (rounds_settle (&rounds, first));
  assert_durable (&rounds, 9);
  assert_true (rounds_empty (&rounds));
  rounds_destroy (&rounds);
}

/* A round that is still open holds everything back. */
static void
test_open_round (void **state)
{
  struct rounds rounds;
  struct ezcdc_position start = at (1), end = at (4), later = at (8);
  struct round *round;

  (void) state;
  rounds_init (&rounds);
  rounds_set_start (&rounds, &start);
  round = rounds_open (&rounds);
  rounds_expect (&rounds, round);
  assert_false (rounds_settle (&rounds, round));
  assert_false (rounds_advance (&rounds, &later));
  assert_durable (&rounds, 1);
  assert_true (rounds_seal (&rounds, round, &end, 0));
  assert_durable (&rounds, 4);
  assert_true (rounds_advance (&rounds, &later));
  assert_durable (&rounds, 8);
  rounds_destroy (&rounds);
}

/* The position never goes back. */
static void
test_monotonic (void **state)
{
  struct rounds rounds;
  struct ezcdc_position start = at (7), earlier = at (3);

  (void) state;
  rounds_init (&rounds);
  rounds_set_start (&rounds, &start);
  assert_false (rounds_advance (&rounds, &earlier));
  round_with (&rounds, 0, 5);
  assert_durable (&rounds, 7);
  rounds_destroy (&rounds);
}

static void
test_positions (void **state)
{
  struct ezcdc_position high = { .length = 8, .bytes = { 0x80 } };
  struct ezcdc_position low = { .length = 8, .bytes = { 0x7f, 0xff } };
  struct ezcdc_position prefix = { .length = 1, .bytes = { 0x80 } };
  struct ezcdc_position nothing = { .length = 0 };

  (void) state;
  assert_true (position_compare (&high, &low) > 0);
  assert_true (position_compare (&prefix, &high) < 0);
  assert_true (position_compare (&nothing, &low) < 0);
  assert_int_equal (position_compare (&high, &high), 0);
  high.length = EZCDC_POSITION_MAX + 1;
  assert_false (position_copy (&low, &high));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_order),
    cmocka_unit_test (test_open_round),
    cmocka_unit_test (test_monotonic),
    cmocka_unit_test (test_positions),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
