/* SPDX-License-Identifier: Apache-2.0 */
/* Which changes of columns leave rows that the stream does not bring. */
#include <config.h>

#include "tests/unit/unit.h"

#include "core/pipeline/shape.h"

#define ID                                                                    \
  {                                                                           \
    .name = "id", .type_name = "integer", .type = EZCDC_TYPE_INT32,           \
    .flags = EZCDC_COLUMN_KEY | EZCDC_COLUMN_NUMBERED (1)                     \
  }

/* A column of text. */
static struct ezcdc_column
text_column (const char *name, const char *type_name, int64_t length,
             uint32_t number)
{
  struct ezcdc_column column = {
    .name = name,
    .type_name = type_name,
    .type = EZCDC_TYPE_STRING,
    .length = length,
    .flags = EZCDC_COLUMN_NUMBERED (number),
  };

  return column;
}

static struct ezcdc_column
decimal (const char *type_name, int32_t precision, int32_t scale)
{
  struct ezcdc_column column = {
    .name = "d",
    .type_name = type_name,
    .type = EZCDC_TYPE_DECIMAL,
    .precision = precision,
    .scale = scale,
    .flags = EZCDC_COLUMN_NUMBERED (2),
  };

  return column;
}

/* An "id" and one more column on each side; name NULL: none. */
static void
assert_doubt (struct ezcdc_column before, struct ezcdc_column after,
              const char *reason)
{
  struct ezcdc_column old[] = { ID, before };
  struct ezcdc_column new[] = { ID, after };
  struct ezcdc_table table = {
    .columns = new,
    .column_count = after.name == NULL ? 1 : 2,
  };
  CLEANUP_TEXT struct text text = { 0 };

  assert_int_equal (
    shape_is_doubtful (old, before.name == NULL ? 1 : 2, &table, &text),
    reason != NULL);
  if (reason != NULL)
    assert_string_equal (text_string (&text), reason);
  else
    assert_int_equal (text.length, 0);
}

static const struct ezcdc_column none;

static void
test_same (void **state)
{
  (void) state;
  assert_doubt (text_column ("a", "text", -1, 2),
                text_column ("a", "text", -1, 2), NULL);
  /* Who does not know the number says nothing about it. */
  assert_doubt (text_column ("a", "text", -1, 2),
                text_column ("a", "text", -1, 0), NULL);
}

static void
test_added (void **state)
{
  struct ezcdc_column column = text_column ("a", "text", -1, 2);

  (void) state;
  assert_doubt (none, column, NULL);
  column.flags |= EZCDC_COLUMN_FILLED;
  assert_doubt (none, column, "its column a was added with values");
  /* A default that came later fills nothing. */
  assert_doubt (text_column ("a", "text", -1, 2), column, NULL);
}

static void
test_dropped (void **state)
{
  (void) state;
  assert_doubt (text_column ("a", "text", -1, 2), none, NULL);
  assert_doubt (text_column ("a", "text", -1, 2),
                text_column ("b", "text", -1, 3), NULL);
  assert_doubt (text_column ("a", "text", -1, 2),
                text_column ("a", "text", -1, 3),
                "its column a is not the one it was");
}

static void
test_renamed (void **state)
{
  (void) state;
  assert_doubt (text_column ("a", "text", -1, 2),
                text_column ("b", "text", -1, 2), "its column a has become b");
  /* Without numbers it may be. */
  assert_doubt (text_column ("a", "text", -1, 2),
                text_column ("b", "text", -1, 0), "its column a has become b");
}

static void
test_types (void **state)
{
  (void) state;
  assert_doubt (text_column ("a", "character varying(10)", 10, 2),
                text_column ("a", "character varying(20)", 20, 2), NULL);
  assert_doubt (text_column ("a", "character varying(10)", 10, 2),
                text_column ("a", "character varying", -1, 2), NULL);
  assert_doubt (text_column ("a", "character varying(20)", 20, 2),
                text_column ("a", "character varying(10)", 10, 2),
                "its column a was character varying(20) and is character "
                "varying(10)");
  assert_doubt (text_column ("a", "character(5)", 5, 2),
                text_column ("a", "text", -1, 2),
                "its column a was character(5) and is text");
  assert_doubt (decimal ("numeric(10,2)", 10, 2),
                decimal ("numeric(12,2)", 12, 2), NULL);
  assert_doubt (decimal ("numeric(10,2)", 10, 2),
                decimal ("numeric(10,3)", 10, 3),
                "its column d was numeric(10,2) and is numeric(10,3)");
  assert_doubt (decimal ("numeric", -1, 0), decimal ("numeric(10,0)", 10, 0),
                "its column d was numeric and is numeric(10,0)");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_same),    cmocka_unit_test (test_added),
    cmocka_unit_test (test_dropped), cmocka_unit_test (test_renamed),
    cmocka_unit_test (test_types),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
