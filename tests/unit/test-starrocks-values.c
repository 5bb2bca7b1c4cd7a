/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/starrocks: what can be stored, and what comes back. */

#include <config.h>

#include <float.h>
#include <math.h>

#include "plugins/starrocks/canonical.h"
#include "plugins/starrocks/host.h"
#include "plugins/starrocks/values.h"
#include "tests/unit/unit.h"

const struct ezcdc_host *host;

static const char *
problem (enum column_kind kind, const char *text)
{
  struct layout_column column = {
    .type = { .kind = kind, .precision = 5, .scale = 2, .length = 4 }
  };

  return value_problem (&column, text, strlen (text));
}

struct one {
  enum column_kind kind;
  const char *text;
  const char *part; /* of the reason; NULL: fits */
};

static const struct one values[] = {
  { KIND_VARCHAR, "", NULL },
  { KIND_VARCHAR, "abcd", NULL },
  { KIND_VARCHAR, "abc\xc3\xa4", "more bytes" },
  { KIND_DECIMAL, "123.45", NULL },
  { KIND_DECIMAL, "-123.45", NULL },
  { KIND_DECIMAL, "0.10", NULL },
  { KIND_DECIMAL, "000123.450000", NULL },
  { KIND_DECIMAL, "1234", "before the point" },
  { KIND_DECIMAL, "-1000.00", "before the point" },
  { KIND_DECIMAL, "1.005", "behind the point" },
  { KIND_DECIMAL, "0.0001", "behind the point" },
  { KIND_DECIMAL, "NaN", "not a number" },
  { KIND_DECIMAL, "-Infinity", "not a number" },
  { KIND_DECIMAL, "", "not a number" },
  { KIND_DECIMAL, "-", "not a number" },
  { KIND_DECIMAL, "1e5", "plain decimal" },
  { KIND_DECIMAL, "1.5\"", "plain decimal" },
  { KIND_DATE, "2024-02-29", NULL },
  { KIND_DATE, "0000-01-01", NULL },
  { KIND_DATE, "9999-12-31", NULL },
  { KIND_DATE, "10000-01-01", "outside" },
  { KIND_DATE, "0044-03-15 BC", "outside" },
  { KIND_DATE, "infinity", "infinite" },
  { KIND_DATE, "-infinity", "infinite" },
  { KIND_DATETIME, "2024-01-02 03:04:05", NULL },
  { KIND_DATETIME, "2024-01-02 03:04:05.123456", NULL },
  { KIND_DATETIME, "2024-01-02 03:04:05.1", NULL },
  { KIND_DATETIME, "2024-01-02 03:04:05.", "outside" },
  { KIND_DATETIME, "2024-01-02 03:04:05+01", "outside" },
  { KIND_DATETIME, "2024-01-02 03:04:05 BC", "outside" },
  { KIND_DATETIME, "2024-01-02 24:00:00", "hour" },
  { KIND_DATETIME, "12024-01-02 03:04:05", "outside" },
  { KIND_DATETIME, "infinity", "infinite" },
  { KIND_VARBINARY, "00112233", NULL },
  { KIND_VARBINARY, "0011223344", "more bytes" },
  { KIND_JSON, "{\"a\":null}", NULL },
  { KIND_JSON, " null ", "JSON null" },
  { KIND_JSON, "  ", "not a JSON" },
  { KIND_BOOLEAN, "true", NULL },
  { KIND_BOOLEAN, "t", "true or false" },
  { KIND_BIGINT, "-9223372036854775808", NULL },
  { KIND_INT, "1,\"__op\":1", "not an integer" },
  { KIND_INT, "", "not an integer" },
  { KIND_INT, "-", "not an integer" },
  { KIND_DOUBLE, "1e-05", NULL },
  { KIND_DOUBLE, "-Infinity", NULL },
  { KIND_DOUBLE, "NaN", NULL },
  { KIND_DOUBLE, "", "not a number" },
  { KIND_DOUBLE, "1\"", "not a number" },
};

static void
test_problems (void **state)
{
  (void) state;
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    const char *found = problem (values[i].kind, values[i].text);

    if (values[i].part == NULL
          ? found != NULL
          : found == NULL || strstr (found, values[i].part) == NULL)
      fail_msg ("\"%s\": %s", values[i].text, found ? found : "fits");
  }
}

static void
test_key (void **state)
{
  struct layout_column columns[] = {
    { .type = { .kind = KIND_VARCHAR, .length = 128 } },
    { .type = { .kind = KIND_BIGINT } },
    { .type = { .kind = KIND_VARCHAR, .length = 128 } }
  };
  uint32_t keys[] = { 0, 1, 2 };
  struct layout layout = { .columns = columns,
                           .column_count = 3,
                           .keys = keys,
                           .key_count = 3,
                           .key_bytes = 128 };
  static const char text[128]; /* zero bytes: each counts twice */
  struct ezcdc_value row[] = { { text, 9, EZCDC_VALUE },
                               { "1", 1, EZCDC_VALUE },
                               { text, 100, EZCDC_VALUE } };

  (void) state;
  assert_null (key_problem (&layout, row)); /* 18 + 2 + 8 + 100 = 128 */
  row[2].length = 101;
  assert_non_null (key_problem (&layout, row));
  row[2].state = EZCDC_NULL;
  assert_contains (key_problem (&layout, row), "NULL");
}

static const char *
canonical (enum column_kind kind, uint32_t logical, const char *text)
{
  static char result[128];
  struct layout_column column = { .type = { .kind = kind },
                                  .logical = logical,
                                  .logical_scale = 2 };
  struct buffer out = { 0 };
  struct ezcdc_value value = { NULL, 0, EZCDC_NULL };

  assert_int_equal (buffer_reserve (&out, canonical_bound (strlen (text))), 0);
  if (canonical_value (&column, text, strlen (text), &out, &value) == -1)
    snprintf (result, sizeof result, "refused");
  else
    snprintf (result, sizeof result, "%.*s", (int) value.length, value.data);
  buffer_free (&out);
  return result;
}

#define DOUBLE(from_, to_)                                                    \
  assert_string_equal (canonical (KIND_DOUBLE, EZCDC_TYPE_FLOAT64, from_), to_)
#define FLOAT(from_, to_)                                                     \
  assert_string_equal (canonical (KIND_FLOAT, EZCDC_TYPE_FLOAT32, from_), to_)

static void
test_floats (void **state)
{
  (void) state;
  DOUBLE ("0.1", "0.1");
  DOUBLE ("0.10000000000000001", "0.1");
  DOUBLE ("-0", "-0");
  DOUBLE ("0", "0");
  DOUBLE ("1E20", "1e+20");
  DOUBLE ("100000000000000", "100000000000000");
  DOUBLE ("1e15", "1e+15");
  DOUBLE ("123456.789", "123456.789");
  DOUBLE ("0.0001", "0.0001");
  DOUBLE ("0.00001", "1e-05");
  DOUBLE ("1.7976931348623157e308", "1.7976931348623157e+308");
  DOUBLE ("5e-324", "5e-324");
  DOUBLE ("4.9406564584124654e-324", "5e-324");
  DOUBLE ("0.30000000000000004", "0.30000000000000004");
  DOUBLE ("nan", "NaN");
  DOUBLE ("-inf", "-Infinity");
  DOUBLE ("Infinity", "Infinity");
  DOUBLE ("x", "refused");
  FLOAT ("0.1", "0.1");
  FLOAT ("3.4028235e38", "3.4028235e+38");
  FLOAT ("1234567", "1.234567e+06");
  FLOAT ("123456", "123456");
  FLOAT ("1e-45", "1e-45");
  FLOAT ("16777216", "1.6777216e+07");
  /* A FLOAT in a DOUBLE column came as the shortest text of the FLOAT. */
  assert_string_equal (canonical (KIND_DOUBLE, EZCDC_TYPE_FLOAT32, "0.1"),
                       "0.1");
}

/* Whatever is printed reads back as the same number. */
static void
test_round_trip (void **state)
{
  uint64_t seed = 42;

  (void) state;
  for (int i = 0; i < 20000; i++) {
    char text[64];
    double number, again;

    seed = seed * UINT64_C (6364136223846793005) + 1442695040888963407u;
    memcpy (&number, &seed, sizeof number);
    if (!isfinite (number))
      continue;
    snprintf (text, sizeof text, "%.17g", number);
    again = strtod (canonical (KIND_DOUBLE, EZCDC_TYPE_FLOAT64, text), NULL);
    assert_memory_equal (&again, &number, sizeof number);
  }
}

static void
test_others (void **state)
{
  (void) state;
  assert_string_equal (canonical (KIND_BOOLEAN, EZCDC_TYPE_BOOL, "1"), "true");
  assert_string_equal (canonical (KIND_BOOLEAN, EZCDC_TYPE_BOOL, "0"),
                       "false");
  assert_string_equal (canonical (KIND_BOOLEAN, EZCDC_TYPE_BOOL, "2"),
                       "refused");
  assert_string_equal (canonical (KIND_DATETIME, EZCDC_TYPE_TIMESTAMP,
                                  "2024-01-02 03:04:05.120000"),
                       "2024-01-02 03:04:05.12");
  assert_string_equal (canonical (KIND_DATETIME, EZCDC_TYPE_TIMESTAMP,
                                  "2024-01-02 03:04:00.000000"),
                       "2024-01-02 03:04:00");
  assert_string_equal (
    canonical (KIND_DATETIME, EZCDC_TYPE_TIMESTAMP, "2024-01-02 03:04:00"),
    "2024-01-02 03:04:00");
  assert_string_equal (canonical (KIND_VARBINARY, EZCDC_TYPE_BYTES, "00FFA1"),
                       "00ffa1");
  assert_string_equal (canonical (KIND_DECIMAL, EZCDC_TYPE_DECIMAL, "1.5000"),
                       "1.50");
  assert_string_equal (canonical (KIND_DECIMAL, EZCDC_TYPE_DECIMAL, "1.5001"),
                       "1.5001");
  assert_string_equal (canonical (KIND_VARCHAR, EZCDC_TYPE_DECIMAL, "1.5000"),
                       "1.5000");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_problems), cmocka_unit_test (test_key),
    cmocka_unit_test (test_floats),   cmocka_unit_test (test_round_trip),
    cmocka_unit_test (test_others),
  };

  return cmocka_run_group_tests_name ("starrocks-values", tests, NULL, NULL);
}
