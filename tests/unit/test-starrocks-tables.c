/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/starrocks: types, names, statements, endpoints. */

#include <config.h>

#include "plugins/starrocks/ddl.h"
#include "plugins/starrocks/host.h"
#include "plugins/starrocks/identifiers.h"
#include "plugins/starrocks/settings.h"
#include "plugins/starrocks/types.h"
#include "tests/unit/unit.h"

const struct ezcdc_host *host;

static const struct settings settings = { .database = "shop",
                                          .key_bytes = 128,
                                          .decimal_scale = 9 };

static const char *
wanted (const struct settings *with, int version, struct ezcdc_column column)
{
  static char text[TYPE_TEXT_SIZE];
  struct column_type type;

  type_wanted (with, version, &column, &type);
  type_print (&type, text, sizeof text);
  return text;
}

#define WANTED(expected_, ...)                                                \
  assert_string_equal (                                                       \
    wanted (&settings, 30311, (struct ezcdc_column){ __VA_ARGS__ }),          \
    expected_)

static void
test_wanted (void **state)
{
  struct settings other = settings;

  (void) state;
  WANTED ("BOOLEAN", .type = EZCDC_TYPE_BOOL);
  WANTED ("SMALLINT", .type = EZCDC_TYPE_INT16);
  WANTED ("INT", .type = EZCDC_TYPE_INT32);
  WANTED ("BIGINT", .type = EZCDC_TYPE_INT64);
  WANTED ("DECIMAL(10,2)", .type = EZCDC_TYPE_DECIMAL, .precision = 10,
          .scale = 2);
  WANTED ("DECIMAL(5,0)", .type = EZCDC_TYPE_DECIMAL, .precision = 2,
          .scale = -3);
  WANTED ("DECIMAL(5,5)", .type = EZCDC_TYPE_DECIMAL, .precision = 3,
          .scale = 5);
  WANTED ("DECIMAL(38,38)", .type = EZCDC_TYPE_DECIMAL, .precision = 38,
          .scale = 38);
  WANTED ("VARCHAR(43)", .type = EZCDC_TYPE_DECIMAL, .precision = 40,
          .scale = 2);
  WANTED ("VARCHAR(65533)", .type = EZCDC_TYPE_DECIMAL, .precision = -1);
  WANTED ("FLOAT", .type = EZCDC_TYPE_FLOAT32);
  WANTED ("DOUBLE", .type = EZCDC_TYPE_FLOAT64);
  WANTED ("VARCHAR(1048576)", .type = EZCDC_TYPE_STRING, .length = -1);
  WANTED ("VARCHAR(40)", .type = EZCDC_TYPE_STRING, .length = 10);
  WANTED ("VARCHAR(1048576)", .type = EZCDC_TYPE_STRING,
          .length = 10 * 1024 * 1024);
  WANTED ("VARBINARY", .type = EZCDC_TYPE_BYTES);
  WANTED ("DATE", .type = EZCDC_TYPE_DATE);
  WANTED ("DATETIME", .type = EZCDC_TYPE_TIMESTAMP);
  WANTED ("DATETIME", .type = EZCDC_TYPE_TIMESTAMPTZ);
  WANTED ("VARCHAR(36)", .type = EZCDC_TYPE_UUID);
  WANTED ("VARCHAR(1048576)", .type = EZCDC_TYPE_JSON);
  WANTED ("VARCHAR(1048576)", .type = EZCDC_TYPE_ARRAY);
  WANTED ("VARCHAR(1048576)", .type = 99);
  /* Keys. */
  WANTED ("VARCHAR(128)", .type = EZCDC_TYPE_STRING, .length = -1,
          .flags = EZCDC_COLUMN_KEY);
  WANTED ("VARCHAR(40)", .type = EZCDC_TYPE_STRING, .length = 10,
          .flags = EZCDC_COLUMN_KEY);
  WANTED ("VARCHAR(128)", .type = EZCDC_TYPE_DECIMAL, .precision = 10,
          .scale = 2, .flags = EZCDC_COLUMN_KEY);
  WANTED ("VARCHAR(128)", .type = EZCDC_TYPE_FLOAT64,
          .flags = EZCDC_COLUMN_KEY);
  WANTED ("VARCHAR(128)", .type = EZCDC_TYPE_BYTES, .flags = EZCDC_COLUMN_KEY);
  WANTED ("DATETIME", .type = EZCDC_TYPE_TIMESTAMP, .flags = EZCDC_COLUMN_KEY);
  /* Options and versions. */
  assert_string_equal (
    wanted (&settings, 20513,
            (struct ezcdc_column){ .type = EZCDC_TYPE_BYTES }),
    "VARCHAR(1048576)");
  other.json_native = 1;
  other.decimal_native = 1;
  assert_string_equal (
    wanted (&other, 30311, (struct ezcdc_column){ .type = EZCDC_TYPE_JSON }),
    "JSON");
  assert_string_equal (
    wanted (
      &other, 30311,
      (struct ezcdc_column){ .type = EZCDC_TYPE_DECIMAL, .precision = -1 }),
    "DECIMAL(38,9)");
}

static const char *
parsed (const char *text)
{
  static char printed[TYPE_TEXT_SIZE];
  struct column_type type;

  type_parse (text, &type);
  type_print (&type, printed, sizeof printed);
  return printed;
}

static void
test_parse (void **state)
{
  (void) state;
  /* Numbers that no server means. */
  assert_string_equal (parsed ("decimal(2147483648,1)"), "(unknown)");
  assert_string_equal (parsed ("decimal(5,99999999999)"), "(unknown)");
  assert_string_equal (parsed ("tinyint(1)"), "BOOLEAN");
  assert_string_equal (parsed ("boolean"), "BOOLEAN");
  assert_string_equal (parsed ("tinyint(4)"), "TINYINT");
  assert_string_equal (parsed ("int(11)"), "INT");
  assert_string_equal (parsed ("int"), "INT");
  assert_string_equal (parsed ("bigint(20)"), "BIGINT");
  assert_string_equal (parsed ("bigint(20) unsigned"), "LARGEINT");
  assert_string_equal (parsed ("largeint(40)"), "LARGEINT");
  assert_string_equal (parsed ("decimal(10, 2)"), "DECIMAL(10,2)");
  assert_string_equal (parsed ("decimal64(10,2)"), "DECIMAL(10,2)");
  assert_string_equal (parsed ("VARCHAR(65533)"), "VARCHAR(65533)");
  assert_string_equal (parsed ("varbinary"), "VARBINARY");
  assert_string_equal (parsed ("array<int(11)>"), "(unknown)");
  assert_string_equal (parsed ("char(10)"), "(unknown)");
  assert_string_equal (parsed ("json"), "JSON");
}

static enum type_fit
fit (struct ezcdc_column source, const char *existing)
{
  struct column_type wants, has;

  type_wanted (&settings, 30311, &source, &wants);
  type_parse (existing, &has);
  type_complete (&wants, &has);
  return type_fit (&source, &wants, &has);
}

#define FIT(expected_, existing_, ...)                                        \
  assert_int_equal (fit ((struct ezcdc_column){ __VA_ARGS__ }, existing_),    \
                    expected_)

static void
test_fit (void **state)
{
  (void) state;
  FIT (TYPE_FITS, "int(11)", .type = EZCDC_TYPE_INT32);
  FIT (TYPE_FITS, "bigint(20)", .type = EZCDC_TYPE_INT32);
  FIT (TYPE_WIDENS, "int(11)", .type = EZCDC_TYPE_INT64);
  FIT (TYPE_CLASHES, "tinyint(1)", .type = EZCDC_TYPE_INT64);
  FIT (TYPE_CLASHES, "double", .type = EZCDC_TYPE_INT64);
  FIT (TYPE_FITS, "varchar(65533)", .type = EZCDC_TYPE_INT64);
  FIT (TYPE_WIDENS, "varchar(10)", .type = EZCDC_TYPE_STRING, .length = -1);
  FIT (TYPE_FITS, "varchar(10)", .type = EZCDC_TYPE_STRING, .length = -1,
       .flags = EZCDC_COLUMN_KEY);
  FIT (TYPE_FITS, "decimal(12,2)", .type = EZCDC_TYPE_DECIMAL, .precision = 10,
       .scale = 2);
  FIT (TYPE_WIDENS, "decimal(8,2)", .type = EZCDC_TYPE_DECIMAL,
       .precision = 10, .scale = 2);
  FIT (TYPE_CLASHES, "decimal(10,1)", .type = EZCDC_TYPE_DECIMAL,
       .precision = 10, .scale = 2);
  FIT (TYPE_FITS, "decimal(38,9)", .type = EZCDC_TYPE_DECIMAL,
       .precision = -1);
  FIT (TYPE_WIDENS, "int(11)", .type = EZCDC_TYPE_STRING, .length = -1);
  FIT (TYPE_CLASHES, "datetime", .type = EZCDC_TYPE_STRING, .length = -1);
  FIT (TYPE_WIDENS, "float", .type = EZCDC_TYPE_FLOAT64);
  FIT (TYPE_FITS, "double", .type = EZCDC_TYPE_FLOAT32);
  FIT (TYPE_FITS, "json", .type = EZCDC_TYPE_JSON);
  FIT (TYPE_CLASHES, "json", .type = EZCDC_TYPE_STRING, .length = -1);
  FIT (TYPE_CLASHES, "array<int(11)>", .type = EZCDC_TYPE_ARRAY);
}

static void
test_version (void **state)
{
  (void) state;
  assert_int_equal (version_parse ("3.3.11 abc1234"), 30311);
  assert_int_equal (version_parse ("2.5.0"), 20500);
  assert_int_equal (version_parse ("4.1"), 40100);
  assert_int_equal (version_parse ("4.0.0-rc01"), 40000);
  assert_int_equal (version_parse ("main-abc"), VERSION_UNKNOWN);
  assert_int_equal (version_parse (""), VERSION_UNKNOWN);
  assert_int_equal (version_parse ("7"), VERSION_UNKNOWN);
}

static const struct ezcdc_column columns[] = {
  { .name = "note", .type = EZCDC_TYPE_STRING, .length = -1 },
  { .name = "b`d",
    .type = EZCDC_TYPE_INT64,
    .flags = EZCDC_COLUMN_KEY,
    .key_ordinal = 2 },
  { .name = "a",
    .type = EZCDC_TYPE_INT32,
    .flags = EZCDC_COLUMN_KEY,
    .key_ordinal = 1 }
};

static const struct ezcdc_table table = { .schema = "public",
                                          .name = "orders",
                                          .target = "orders",
                                          .columns = columns,
                                          .column_count = 3,
                                          .key_count = 2 };

static void
test_create (void **state)
{
  struct settings more = settings;
  struct buffer sql = { 0 };

  (void) state;
  ddl_create_text (&settings, 30311, 0, &table, &sql);
  assert_string_equal (
    buffer_string (&sql),
    "CREATE TABLE IF NOT EXISTS `shop`.`orders` (`a` INT NOT NULL, "
    "`b``d` BIGINT NOT NULL, `note` VARCHAR(1048576) NULL) "
    "PRIMARY KEY (`a`, `b``d`) DISTRIBUTED BY HASH (`a`, `b``d`) "
    "PROPERTIES (\"enable_persistent_index\" = \"true\", "
    "\"fast_schema_evolution\" = \"true\")");
  more.replication_num = 1;
  more.buckets = 4;
  buffer_clear (&sql);
  ddl_create_text (&more, 30106, 1, &table, &sql);
  assert_contains (buffer_string (&sql),
                   ") BUCKETS 4 PROPERTIES (\"enable_persistent_index\" = "
                   "\"true\", \"replication_num\" = \"1\")");
  buffer_clear (&sql);
  ddl_create_text (&settings, 30200, 3, &table, &sql);
  assert_contains (buffer_string (&sql), "fast_schema_evolution");
  assert_null (strstr (buffer_string (&sql), "replication_num"));
  buffer_clear (&sql);
  /* Fewer backends than StarRocks wants copies. */
  ddl_create_text (&settings, 30200, 2, &table, &sql);
  assert_contains (buffer_string (&sql), "\"replication_num\" = \"2\"");
  buffer_clear (&sql);
  ddl_create_text (&settings, 30200, 0, &table, &sql);
  assert_null (strstr (buffer_string (&sql), "fast_schema_evolution"));
  buffer_free (&sql);
}

static void
compare (struct target_column *items, uint32_t count,
         struct ddl_changes *changes)
{
  struct target_columns target = { items, count };

  assert_int_equal (ddl_compare (&settings, 30311, &table, &target, changes),
                    0);
}

static void
test_compare (void **state)
{
  struct target_column items[] = {
    { .name = (char *) "a", .type = { .kind = KIND_INT }, .key = 1 },
    { .name = (char *) "b`d", .type = { .kind = KIND_BIGINT }, .key = 1 },
    { .name = (char *) "NOTE",
      .type = { .kind = KIND_VARCHAR, .length = VARCHAR_MAX },
      .nullable = 1 },
    { .name = (char *) "own",
      .type = { .kind = KIND_INT },
      .default_value = (char *) "5" },
  };
  struct ddl_changes changes = { { 0 }, { 0 }, { 0 } };

  (void) state;
  compare (items, 4, &changes);
  assert_int_equal (changes.additions.length, 0);
  assert_int_equal (changes.modifications.length, 0);
  assert_int_equal (changes.obstacles.length, 0);

  compare (items, 2, &changes);
  assert_string_equal (buffer_string (&changes.additions),
                       "ADD COLUMN `note` VARCHAR(1048576) NULL");

  items[2].type.length = 20;
  items[2].default_value = (char *) "it's";
  compare (items, 4, &changes);
  assert_string_equal (buffer_string (&changes.modifications),
                       "MODIFY COLUMN `NOTE` VARCHAR(1048576) NULL DEFAULT "
                       "'it\\'s'");
  assert_int_equal (changes.obstacles.length, 0);

  items[3].default_value = NULL;
  items[1].type.kind = KIND_INT;
  compare (items, 4, &changes);
  assert_contains (buffer_string (&changes.obstacles),
                   "column `b``d` is INT and can't become BIGINT");
  assert_contains (buffer_string (&changes.obstacles),
                   "column `own` is NOT NULL without a default");
  ddl_changes_free (&changes);

  items[1].key = 0;
  compare (items, 4, &changes);
  assert_contains (buffer_string (&changes.obstacles),
                   "its PRIMARY KEY is not (`a`, `b``d`)");
  ddl_changes_free (&changes);
  items[0].key = 0;
  items[0].other_key = 1;
  compare (items, 4, &changes);
  assert_contains (buffer_string (&changes.obstacles),
                   "not a PRIMARY KEY table");
  ddl_changes_free (&changes);
}

static void
test_names (void **state)
{
  static const struct ezcdc_column twins[] = { { .name = "Id" },
                                               { .name = "iD" } };
  static const struct ezcdc_column reserved[] = { { .name = "__OP" } };
  static const struct ezcdc_column compared[] = { { .name = "a=b" } };
  struct ezcdc_table bad = { .columns = twins, .column_count = 2 };
  struct buffer text = { 0 };

  (void) state;
  literal_append (&text, "a'b\\c");
  assert_string_equal (buffer_string (&text), "'a\\'b\\\\c'");
  buffer_clear (&text);
  percent_append (&text, "a b/\xc3\xa4-._~%");
  assert_string_equal (buffer_string (&text), "a%20b%2F%C3%A4-._~%25");
  buffer_clear (&text);
  assert_int_equal (identifiers_check (&bad, &text), -1);
  assert_contains (buffer_string (&text), "\"Id\" and \"iD\"");
  buffer_clear (&text);
  bad = (struct ezcdc_table){ .columns = reserved, .column_count = 1 };
  assert_int_equal (identifiers_check (&bad, &text), -1);
  assert_contains (buffer_string (&text), "reserved");
  buffer_clear (&text);
  bad.columns = compared;
  assert_int_equal (identifiers_check (&bad, &text), -1);
  assert_contains (buffer_string (&text), "holds one of");
  buffer_clear (&text);
  assert_int_equal (identifiers_check (&table, &text), 0);
  buffer_free (&text);
}

static void
test_endpoints (void **state)
{
  static const char *const bad[] = { "",
                                     ",",
                                     "fe:8030",
                                     "ftp://fe",
                                     "http://",
                                     "http://a:0",
                                     "http://a:65536",
                                     "http://a:80x",
                                     "http://u@fe",
                                     "http://fe/path",
                                     "http://[::1",
                                     "http://[::1]x" };
  struct endpoint *endpoints = NULL;
  const char *problem = NULL;
  size_t count = 0;

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (endpoints_parse (bad[i], &endpoints, &count, &problem) == 0)
      fail_msg ("\"%s\" was accepted", bad[i]);
  assert_int_equal (endpoints_parse ("https://one , two:8443,http://[::1]:80/",
                                     &endpoints, &count, &problem),
                    0);
  assert_int_equal (count, 3);
  assert_string_equal (endpoints[0].url, "https://one:443");
  assert_string_equal (endpoints[1].url, "https://two:8443");
  assert_true (endpoints[1].https);
  assert_string_equal (endpoints[2].url, "http://[::1]:80");
  assert_string_equal (endpoints[2].host, "::1");
  assert_true (endpoints[2].loopback);
  free (endpoints);
  assert_true (host_is_loopback ("LocalHost"));
  assert_true (host_is_loopback ("127.1.2.3"));
  assert_false (host_is_loopback ("10.0.0.1"));
  assert_false (host_is_loopback ("127.0.0.1.example.com"));
}

/* What is not told is as it was created. */
static void
test_bare (void **state)
{
  (void) state;
  FIT (TYPE_FITS, "tinyint", .type = EZCDC_TYPE_BOOL);
  FIT (TYPE_CLASHES, "tinyint(4)", .type = EZCDC_TYPE_BOOL);
  FIT (TYPE_WIDENS, "tinyint", .type = EZCDC_TYPE_INT32);
  FIT (TYPE_FITS, "decimal", .type = EZCDC_TYPE_DECIMAL, .precision = 10,
       .scale = 2);
  FIT (TYPE_FITS, "varchar", .type = EZCDC_TYPE_STRING, .length = -1);
  FIT (TYPE_FITS, "varchar", .type = EZCDC_TYPE_STRING, .length = 5);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_wanted),    cmocka_unit_test (test_parse),
    cmocka_unit_test (test_fit),       cmocka_unit_test (test_bare),
    cmocka_unit_test (test_version),   cmocka_unit_test (test_create),
    cmocka_unit_test (test_compare),   cmocka_unit_test (test_names),
    cmocka_unit_test (test_endpoints),
  };

  return cmocka_run_group_tests_name ("starrocks-tables", tests, NULL, NULL);
}
