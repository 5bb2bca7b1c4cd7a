/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of pgoutput and rows of COPY, good and broken. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/postgres/copy.h"
#include "plugins/postgres/pgoutput.h"

/* A message as the server sends it; the NUL of the literal is left out. */
#define PARSE(literal_, message_)                                             \
  parse (literal_, sizeof literal_ - 1, message_)

#define BEGIN                                                                 \
  "B"                                                                         \
  "\0\0\0\1\2\3\4\5"                                                          \
  "\0\0\0\0\0\0\0\7"                                                          \
  "\0\0\3\352"
#define COMMIT                                                                \
  "C\0"                                                                       \
  "\0\0\0\1\2\3\4\5"                                                          \
  "\0\0\0\1\2\3\4\65"                                                         \
  "\0\0\0\0\0\0\0\7"
#define RELATION                                                              \
  "R\0\0\100\1public\0orders\0d\0\2"                                          \
  "\1id\0\0\0\0\27\377\377\377\377"                                           \
  "\0note\0\0\0\4\23\0\0\0\16"
#define INSERT                                                                \
  "I\0\0\100\1N\0\2t\0\0\0\1"                                                 \
  "7t\0\0\0\3abc"
#define UPDATE                                                                \
  "U\0\0\100\1K\0\2t\0\0\0\1"                                                 \
  "7nN\0\2t\0\0\0\1"                                                          \
  "8u"
#define TRUNCATE "T\0\0\0\2\1\0\0\100\1\0\0\100\2"

static bool
parse (const char *data, size_t length, struct pgoutput_message *message)
{
  return pgoutput_parse (data, data + length, message);
}

static void
test_begin_and_commit (void **state)
{
  struct pgoutput_message message;

  (void) state;
  assert_true (PARSE (BEGIN, &message));
  assert_int_equal (message.type, 'B');
  assert_int_equal (message.lsn, 0x102030405);
  assert_int_equal (message.commit_time, 946684800000007);
  assert_true (PARSE (COMMIT, &message));
  assert_int_equal (message.lsn, 0x102030405);
  assert_int_equal (message.end_lsn, 0x102030435);
  assert_int_equal (message.commit_time, 946684800000007);
}

static void
test_relation (void **state)
{
  struct pgoutput_message message;
  struct pgoutput_column column;
  const char *at;

  (void) state;
  assert_true (PARSE (RELATION, &message));
  assert_int_equal (message.relation, 0x4001);
  assert_string_equal (message.schema, "public");
  assert_string_equal (message.name, "orders");
  assert_int_equal (message.identity, 'd');
  assert_int_equal (message.column_count, 2);
  at = message.body;
  assert_true (pgoutput_column (&at, message.end, &column));
  assert_string_equal (column.name, "id");
  assert_true (column.key);
  assert_int_equal (column.type, 23);
  assert_int_equal (column.modifier, -1);
  assert_true (pgoutput_column (&at, message.end, &column));
  assert_string_equal (column.name, "note");
  assert_false (column.key);
  assert_int_equal (column.type, 1043);
  assert_int_equal (column.modifier, 14);
  assert_false (pgoutput_column (&at, message.end, &column));
  /* The catalog's own schema is written as nothing. */
  assert_true (PARSE ("R\0\0\0\1\0t\0d\0\0", &message));
  assert_string_equal (message.schema, "pg_catalog");
}

static void
test_insert (void **state)
{
  struct pgoutput_message message;
  struct ezcdc_value values[2];
  const char *at;

  (void) state;
  assert_true (PARSE (INSERT, &message));
  assert_int_equal (message.relation, 0x4001);
  assert_int_equal (message.old, 0);
  at = message.body;
  assert_true (pgoutput_tuple (&at, message.end, 2, values));
  assert_ptr_equal (at, message.end);
  assert_int_equal (values[0].state, EZCDC_VALUE);
  assert_memory_equal (values[0].data, "7", 1);
  assert_int_equal (values[1].length, 3);
  assert_memory_equal (values[1].data, "abc", 3);
  /* The table has another number of columns than the tuple. */
  at = message.body;
  assert_false (pgoutput_tuple (&at, message.end, 3, values));
  assert_false (pgoutput_tuple (&at, message.end, 1, values));
}

static void
test_update (void **state)
{
  struct pgoutput_message message;
  struct ezcdc_value old[2], values[2];
  const char *at;

  (void) state;
  assert_true (PARSE (UPDATE, &message));
  assert_int_equal (message.old, 'K');
  at = message.body;
  assert_true (pgoutput_tuple (&at, message.end, 2, old));
  assert_true (pgoutput_new (&at, message.end));
  assert_true (pgoutput_tuple (&at, message.end, 2, values));
  assert_memory_equal (old[0].data, "7", 1);
  assert_int_equal (old[1].state, EZCDC_NULL);
  assert_null (old[1].data);
  assert_memory_equal (values[0].data, "8", 1);
  assert_int_equal (values[1].state, EZCDC_UNCHANGED);
  assert_true (PARSE ("D\0\0\100\1O\0\1n", &message));
  assert_int_equal (message.old, 'O');
  assert_false (PARSE ("D\0\0\100\1N\0\1n", &message));
  assert_false (PARSE ("I\0\0\100\1K\0\1n", &message));
  /* Binary values were not asked for. */
  assert_true (PARSE ("I\0\0\100\1N\0\1b\0\0\0\1x", &message));
  at = message.body;
  assert_false (pgoutput_tuple (&at, message.end, 1, values));
}

static void
test_truncate (void **state)
{
  struct pgoutput_message message;
  const char *at;
  uint32_t relation;

  (void) state;
  assert_true (PARSE (TRUNCATE, &message));
  assert_int_equal (message.relation_count, 2);
  at = message.body;
  assert_true (pgoutput_relation (&at, message.end, &relation));
  assert_int_equal (relation, 0x4001);
  assert_true (pgoutput_relation (&at, message.end, &relation));
  assert_int_equal (relation, 0x4002);
  assert_false (pgoutput_relation (&at, message.end, &relation));
  assert_false (PARSE ("T\377\377\377\377\0\0\0\100\1", &message));
}

static void
test_unknown_types (void **state)
{
  struct pgoutput_message message;

  (void) state;
  assert_true (PARSE ("Yxyz", &message));
  assert_true (PARSE ("?", &message));
  assert_int_equal (message.type, '?');
  assert_false (PARSE ("", &message));
}

/* Walks a message as the source does. Returns whether all of it is good. */
static bool
walk (const char *data, const char *end)
{
  struct pgoutput_message message;
  struct pgoutput_column column;
  struct ezcdc_value values[2];
  const char *at;
  uint32_t relation;
  int i;

  if (!pgoutput_parse (data, end, &message))
    return false;
  at = message.body;
  switch (message.type) {
  case 'R':
    for (i = 0; i < message.column_count; i++)
      if (!pgoutput_column (&at, end, &column))
        return false;
    return true;
  case 'T':
    return pgoutput_relation (&at, end, &relation)
           && pgoutput_relation (&at, end, &relation);
  case 'U':
    return pgoutput_tuple (&at, end, 2, values) && pgoutput_new (&at, end)
           && pgoutput_tuple (&at, end, 2, values);
  case 'I':
    return pgoutput_tuple (&at, end, 2, values);
  }
  return true;
}

/* Each message, cut short at each place, in memory of just that size, so that
 * a tool that watches memory sees a byte too much being read. */
static void
test_cut_short (void **state)
{
  static const struct {
    const char *data;
    size_t length;
  } messages[] = {
    { BEGIN, sizeof BEGIN - 1 },       { COMMIT, sizeof COMMIT - 1 },
    { RELATION, sizeof RELATION - 1 }, { INSERT, sizeof INSERT - 1 },
    { UPDATE, sizeof UPDATE - 1 },     { TRUNCATE, sizeof TRUNCATE - 1 },
  };
  size_t i, length;

  (void) state;
  for (i = 0; i < sizeof messages / sizeof *messages; i++) {
    for (length = 1; length <= messages[i].length; length++) {
      char *copy = malloc (length);

      assert_non_null (copy);
      memcpy (copy, messages[i].data, length);
      assert_int_equal (walk (copy, copy + length),
                        length == messages[i].length);
      free (copy);
    }
  }
}

static void
test_lengths_that_lie (void **state)
{
  struct pgoutput_message message;
  struct ezcdc_value value;
  const char *at;

  (void) state;
  assert_true (PARSE ("I\0\0\100\1N\0\1t\377\377\377\377x", &message));
  at = message.body;
  assert_false (pgoutput_tuple (&at, message.end, 1, &value));
  assert_true (PARSE ("I\0\0\100\1N\0\1t\0\0\0\2x", &message));
  at = message.body;
  assert_false (pgoutput_tuple (&at, message.end, 1, &value));
  assert_false (PARSE ("R\0\0\0\1s\0t\0d\377\377", &message));
  /* A commit that ends before it begins. */
  assert_false (PARSE ("C\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1"
                       "\0\0\0\0\0\0\0\0",
                       &message));
}

/* Decodes a copy of the row and compares with count texts; NULL is NULL. */
static void
check_row (const char *row, uint32_t count, const char *const *texts)
{
  struct ezcdc_value values[4];
  size_t length = strlen (row);
  char *copy = malloc (length + 1);
  uint32_t i;

  assert_non_null (copy);
  memcpy (copy, row, length);
  assert_true (copy_row (copy, length, count, values));
  for (i = 0; i < count; i++) {
    if (texts[i] == NULL) {
      assert_int_equal (values[i].state, EZCDC_NULL);
      assert_null (values[i].data);
      continue;
    }
    assert_int_equal (values[i].state, EZCDC_VALUE);
    assert_int_equal (values[i].length, strlen (texts[i]));
    assert_memory_equal (values[i].data, texts[i], values[i].length);
    assert_in_range ((uintptr_t) values[i].data, (uintptr_t) copy,
                     (uintptr_t) copy + length);
  }
  free (copy);
}

static void
test_copy_rows (void **state)
{
  (void) state;
  check_row ("1\tabc\n", 2, (const char *const[]){ "1", "abc" });
  check_row ("1\t\\N\t\n", 3, (const char *const[]){ "1", NULL, "" });
  check_row ("\n", 1, (const char *const[]){ "" });
  check_row ("\\N", 1, (const char *const[]){ NULL });
  check_row ("a\\tb\\nc\\rd\\be\\ff\\vg\\\\h\tx\n", 2,
             (const char *const[]){ "a\tb\nc\rd\be\ff\vg\\h", "x" });
  /* The text \N, and one that begins with it. */
  check_row ("\\\\N\t\\\\Nx\t\\\\\n", 3,
             (const char *const[]){ "\\N", "\\Nx", "\\" });
  check_row ("\\\\x6162\tno escape\n", 2,
             (const char *const[]){ "\\x6162", "no escape" });
}

static void
test_copy_rows_that_are_wrong (void **state)
{
  struct ezcdc_value values[4];
  char few[] = "a\tb\n", many[] = "a\tb\tc\td\n", cut[] = "a\tb\tc\\";

  (void) state;
  assert_false (copy_row (few, sizeof few - 1, 3, values));
  assert_false (copy_row (many, sizeof many - 1, 3, values));
  assert_false (copy_row (cut, sizeof cut - 1, 3, values));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_begin_and_commit),
    cmocka_unit_test (test_relation),
    cmocka_unit_test (test_insert),
    cmocka_unit_test (test_update),
    cmocka_unit_test (test_truncate),
    cmocka_unit_test (test_unknown_types),
    cmocka_unit_test (test_cut_short),
    cmocka_unit_test (test_lengths_that_lie),
    cmocka_unit_test (test_copy_rows),
    cmocka_unit_test (test_copy_rows_that_are_wrong),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
