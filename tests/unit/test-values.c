/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/values, clock and names. */

#include <config.h>

#include <ezcdc/connector.h>

#include "core/base/clock.h"
#include "core/base/names.h"
#include "core/base/values.h"
#include "tests/unit/unit.h"

static void
test_integer (void **state)
{
  struct error error = { 0 };
  int64_t value = 99;

  (void) state;
  assert_int_equal (value_integer ("0", 0, 10, &value, &error), 0);
  assert_int_equal (value, 0);
  assert_int_equal (
    value_integer ("-9223372036854775808", INT64_MIN, INT64_MAX, &value, NULL),
    0);
  assert_true (value == INT64_MIN);
  assert_int_equal (
    value_integer ("9223372036854775807", INT64_MIN, INT64_MAX, &value, NULL),
    0);
  assert_true (value == INT64_MAX);

  value = 99;
  static const char *const bad[] = { "",
                                     "-",
                                     "1a",
                                     " 1",
                                     "1 ",
                                     "+1",
                                     "0x1",
                                     "1.0",
                                     "--1",
                                     "99999999999999999999",
                                     "9223372036854775808",
                                     "-9223372036854775809" };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal (
      value_integer (bad[i], INT64_MIN, INT64_MAX, &value, &error),
      EZCDC_E_CONFIG);
  assert_int_equal (value_integer ("11", 0, 10, &value, &error),
                    EZCDC_E_CONFIG);
  assert_string_equal (error.text, "11 is out of range, 0 to 10 are possible");
  assert_int_equal (value, 99);
}

static void
test_size (void **state)
{
  static const struct {
    const char *text;
    int64_t bytes;
  } good[] = {
    { "0", 0 },
    { "4096", 4096 },
    { "4096B", 4096 },
    { "64KiB", 65536 },
    { "32MiB", 33554432 },
    { "1GiB", 1073741824 },
    { "2TiB", INT64_C (2199023255552) },
  };
  static const char *const bad[] = {
    "",       "KiB",           "-1",
    "1KB",    "1 MiB",         "1kib",
    "1.5MiB", "9999999999TiB", "99999999999999999999",
    "1MiBx"
  };
  struct error error = { 0 };
  int64_t bytes = 7;

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    assert_int_equal (value_size (good[i].text, &bytes, &error), 0);
    assert_true (bytes == good[i].bytes);
  }
  bytes = 7;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal (value_size (bad[i], &bytes, &error), EZCDC_E_CONFIG);
  assert_int_equal (bytes, 7);
  assert_contains (error.text, "\"1MiBx\" is no size");
}

static void
test_duration (void **state)
{
  static const struct {
    const char *text;
    int64_t microseconds;
  } good[] = {
    { "0", 0 },
    { "0s", 0 },
    { "250us", 250 },
    { "500ms", 500000 },
    { "1s", 1000000 },
    { "5min", INT64_C (300000000) },
    { "1h", INT64_C (3600000000) },
    { "2d", INT64_C (172800000000) },
  };
  static const char *const bad[] = { "",    "1",    "s",
                                     "-1s", "1 s",  "1S",
                                     "1m",  "1.5s", "999999999999999h" };
  struct error error = { 0 };
  int64_t microseconds = 7;

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    assert_int_equal (value_duration (good[i].text, &microseconds, &error), 0);
    assert_true (microseconds == good[i].microseconds);
  }
  microseconds = 7;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal (value_duration (bad[i], &microseconds, &error),
                      EZCDC_E_CONFIG);
  assert_int_equal (microseconds, 7);
}

static void
test_boolean (void **state)
{
  static const char *const yes[] = { "yes", "true", "on", "YES", "True" };
  static const char *const no[] = { "no", "false", "off", "OFF" };
  static const char *const bad[] = { "", "1", "0", "y", "yes ", "enabled" };
  struct error error = { 0 };
  bool value;

  (void) state;
  for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
    value = false;
    assert_int_equal (value_boolean (yes[i], &value, &error), 0);
    assert_true (value);
  }
  for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
    value = true;
    assert_int_equal (value_boolean (no[i], &value, &error), 0);
    assert_false (value);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal (value_boolean (bad[i], &value, &error), EZCDC_E_CONFIG);
}

static void
test_rfc3339 (void **state)
{
  char buffer[CLOCK_TEXT_SIZE];

  (void) state;
  assert_string_equal (clock_rfc3339 (0, buffer),
                       "1970-01-01T00:00:00.000000Z");
  assert_string_equal (clock_rfc3339 (INT64_C (1769904000000001), buffer),
                       "2026-02-01T00:00:00.000001Z");
  assert_string_equal (clock_rfc3339 (-1, buffer),
                       "1969-12-31T23:59:59.999999Z");
  assert_string_equal (clock_rfc3339 (INT64_MAX, buffer),
                       "9999-12-31T23:59:59.999999Z");
  assert_string_equal (clock_rfc3339 (INT64_MIN, buffer),
                       "0000-01-01T00:00:00.000000Z");
}

static void
test_clocks (void **state)
{
  int64_t before = clock_monotonic ();

  (void) state;
  assert_true (clock_monotonic () >= before);
  /* Later than the day on which this was written. */
  assert_true (clock_realtime () > INT64_C (1700000000000000));
}

static void
test_nearest_name (void **state)
{
  static const char *const names[] = { "connector", "host", "port",
                                       "password",  NULL,   "ssl_mode",
                                       "tables" };
  size_t count = sizeof names / sizeof names[0];

  (void) state;
  assert_string_equal (nearest_name ("pasword", names, count), "password");
  assert_string_equal (nearest_name ("prot", names, count), "port");
  assert_string_equal (nearest_name ("sslmode", names, count), "ssl_mode");
  assert_string_equal (nearest_name ("TABLES", names, count), "tables");
  assert_string_equal (nearest_name ("conector", names, count), "connector");
  assert_null (nearest_name ("colour", names, count));
  assert_null (nearest_name ("", names, count));
  assert_null (nearest_name ("xy", names, count));
  assert_null (nearest_name ("pasword", NULL, 0));
  assert_null (nearest_name ("a_name_that_is_much_longer_than_any_name_that_"
                             "anybody_would_type_by_hand",
                             names, count));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_integer),      cmocka_unit_test (test_size),
    cmocka_unit_test (test_duration),     cmocka_unit_test (test_boolean),
    cmocka_unit_test (test_rfc3339),      cmocka_unit_test (test_clocks),
    cmocka_unit_test (test_nearest_name),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
