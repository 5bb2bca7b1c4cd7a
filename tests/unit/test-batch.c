/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: one final operation a key, whatever came before. */
#include <config.h>

#include "tests/unit/unit.h"

#include <string.h>

#include "core/pipeline/batch.h"

static const struct ezcdc_column columns[] = {
  { .name = "id",
    .type_name = "bigint",
    .type = EZCDC_TYPE_INT64,
    .flags = EZCDC_COLUMN_KEY,
    .key_ordinal = 1 },
  { .name = "name", .type_name = "text", .type = EZCDC_TYPE_STRING },
  { .name = "big", .type_name = "text", .type = EZCDC_TYPE_STRING },
};

static const struct ezcdc_table description = {
  .id = 7,
  .schema = "public",
  .name = "t",
  .target = "t",
  .columns = columns,
  .column_count = 3,
  .key_count = 1,
};

struct fixture {
  struct pool pool;
  struct table_set tables;
  struct table *table;
  struct batch *batch;
  uint64_t ordinal;
};

/* A value: a string, NULL for SQL NULL, "~" for unchanged. */
static struct ezcdc_value
value (const char *text)
{
  struct ezcdc_value result = { .state = EZCDC_NULL };

  if (text != NULL && strcmp (text, "~") == 0)
    result.state = EZCDC_UNCHANGED;
  else if (text != NULL) {
    result.state = EZCDC_VALUE;
    result.data = text;
    result.length = (uint32_t) strlen (text);
  }
  return result;
}

static void
commit (struct fixture *fixture, uint8_t position)
{
  struct ezcdc_position at = { .length = 1, .bytes = { position } };

  assert_int_equal (batch_begin (fixture->batch, &at), 0);
  fixture->ordinal = 0;
}

/* old: NULL, or the old key. */
static int
add (struct fixture *fixture, uint32_t operation, const char *id,
     const char *name, const char *big, const char *old)
{
  struct ezcdc_value values[3] = { value (id), value (name), value (big) };
  struct ezcdc_value olds[3] = { value (old), value (NULL), value (NULL) };
  struct change change = {
    .table = &fixture->table->version->description,
    .operation = operation,
    .values = values,
    .old_values = old == NULL ? NULL : olds,
    .ordinal = fixture->ordinal++,
  };

  return batch_add (fixture->batch, &change);
}

/* The row with this key; fails if there is not exactly one. */
static const struct ezcdc_row *
row (const struct fixture *fixture, const char *id)
{
  const struct ezcdc_row *found = NULL;

  for (size_t i = 0; i < fixture->batch->row_count; i++) {
    const struct ezcdc_value *key = &fixture->batch->rows[i].values[0];

    if (key->length == strlen (id)
        && memcmp (key->data, id, key->length) == 0) {
      assert_null (found);
      found = &fixture->batch->rows[i];
    }
  }
  assert_non_null (found);
  return found;
}

static void
assert_value (const struct ezcdc_row *found, int column, const char *text)
{
  struct ezcdc_value expected = value (text);
  const struct ezcdc_value *got = &found->values[column];

  assert_int_equal (got->state, expected.state);
  if (expected.state == EZCDC_VALUE) {
    assert_int_equal (got->length, expected.length);
    assert_memory_equal (got->data, expected.data, expected.length);
  }
}

static int
set_up (void **state)
{
  static struct fixture fixture;

  memset (&fixture, 0, sizeof fixture);
  assert_int_equal (pool_init (&fixture.pool, 1 << 20), 0);
  fixture.table = table_set_add (&fixture.tables, &description, "t");
  assert_non_null (fixture.table);
  fixture.batch = batch_new (BATCH_KEYED, fixture.table, &fixture.pool);
  assert_non_null (fixture.batch);
  commit (&fixture, 1);
  *state = &fixture;
  return 0;
}

static int
tear_down (void **state)
{
  struct fixture *fixture = *state;

  batch_free (fixture->batch);
  assert_int_equal (fixture->pool.used, 0);
  table_set_free (&fixture->tables);
  pool_destroy (&fixture->pool);
  return 0;
}

static void
test_last_operation_wins (void **state)
{
  struct fixture *f = *state;

  add (f, EZCDC_INSERT, "1", "a", "A", NULL);
  add (f, EZCDC_UPDATE, "1", "b", "B", NULL);
  add (f, EZCDC_DELETE, "1", NULL, NULL, "1");
  add (f, EZCDC_INSERT, "1", "c", "C", NULL);
  add (f, EZCDC_INSERT, "2", "d", NULL, NULL);
  add (f, EZCDC_DELETE, "2", NULL, NULL, "2");
  assert_int_equal (f->batch->row_count, 2);
  assert_int_equal (row (f, "1")->operation, EZCDC_INSERT);
  assert_value (row (f, "1"), 1, "c");
  assert_int_equal (row (f, "2")->operation, EZCDC_DELETE);
  assert_int_equal (f->batch->changes, 6);
}

static void
test_unchanged_is_merged (void **state)
{
  struct fixture *f = *state;

  add (f, EZCDC_INSERT, "1", "a", "BIG", NULL);
  add (f, EZCDC_UPDATE, "1", "b", "~", NULL);
  assert_value (row (f, "1"), 1, "b");
  assert_value (row (f, "1"), 2, "BIG");
  assert_int_equal (row (f, "1")->unchanged, 0);
  /* Nothing here knows the value: it stays unchanged, never NULL. */
  add (f, EZCDC_UPDATE, "2", "x", "~", NULL);
  assert_value (row (f, "2"), 2, "~");
  assert_int_equal (row (f, "2")->unchanged, 1);
  assert_int_equal (f->batch->repair_count, 0);
  /* A NULL is a value. */
  add (f, EZCDC_UPDATE, "2", "x", NULL, NULL);
  add (f, EZCDC_UPDATE, "2", "y", "~", NULL);
  assert_value (row (f, "2"), 2, NULL);
  assert_int_equal (row (f, "2")->unchanged, 0);
}

static void
test_insert_after_delete_forgets (void **state)
{
  struct fixture *f = *state;

  add (f, EZCDC_INSERT, "1", "a", "OLD", NULL);
  add (f, EZCDC_DELETE, "1", NULL, NULL, "1");
  add (f, EZCDC_INSERT, "1", "b", NULL, NULL);
  assert_value (row (f, "1"), 2, NULL);
}

static void
test_key_change (void **state)
{
  struct fixture *f = *state;

  add (f, EZCDC_INSERT, "1", "a", "BIG", NULL);
  add (f, EZCDC_UPDATE, "2", "a", "~", "1");
  assert_int_equal (row (f, "1")->operation, EZCDC_DELETE);
  assert_value (row (f, "2"), 2, "BIG");
  assert_int_equal (f->batch->repair_count, 0);
}

static void
test_key_change_needs_repair (void **state)
{
  struct fixture *f = *state;

  add (f, EZCDC_UPDATE, "2", "a", "~", "1");
  assert_int_equal (row (f, "1")->operation, EZCDC_DELETE);
  assert_int_equal (row (f, "2")->unchanged, 1);
  assert_int_equal (f->batch->repair_count, 1);
  assert_value (row (f, "2"), 1, "a");
  /* A chain: the source is asked by the first key. */
  add (f, EZCDC_UPDATE, "3", "b", "~", "2");
  assert_int_equal (row (f, "2")->operation, EZCDC_DELETE);
  assert_int_equal (f->batch->repair_count, 1);
  assert_memory_equal (row (f, "3")->old_values[0].data, "1", 1);
  /* A later update keeps the need, one that knows the value ends it. */
  add (f, EZCDC_UPDATE, "3", "c", "~", NULL);
  assert_int_equal (f->batch->repair_count, 1);
  add (f, EZCDC_UPDATE, "3", "c", "NOW", NULL);
  assert_int_equal (f->batch->repair_count, 0);
  assert_int_equal (row (f, "3")->unchanged, 0);
}

/* The new key's former row has nothing to do with the one that moves in. */
static void
test_key_change_onto_deleted_key (void **state)
{
  struct fixture *f = *state;

  add (f, EZCDC_INSERT, "2", "other", "OTHER", NULL);
  add (f, EZCDC_DELETE, "2", NULL, NULL, "2");
  add (f, EZCDC_UPDATE, "2", "moved", "~", "1");
  assert_value (row (f, "2"), 2, "~");
  assert_int_equal (f->batch->repair_count, 1);
}

static void
test_truncate (void **state)
{
  struct fixture *f = *state;
  struct change change = {
    .table = &f->table->version->description,
    .operation = EZCDC_TRUNCATE,
    .ordinal = 2,
  };

  add (f, EZCDC_INSERT, "1", "a", NULL, NULL);
  add (f, EZCDC_UPDATE, "9", "a", "~", "8");
  assert_int_equal (batch_truncate (f->batch, &change), 0);
  assert_int_equal (f->batch->row_count, 0);
  assert_int_equal (f->batch->repair_count, 0);
  assert_true (f->batch->truncate);
  assert_false (batch_is_empty (f->batch));
  add (f, EZCDC_INSERT, "1", "b", NULL, NULL);
  assert_int_equal (f->batch->row_count, 1);
  assert_value (row (f, "1"), 1, "b");
}

static void
test_key_is_required (void **state)
{
  struct fixture *f = *state;

  assert_int_equal (add (f, EZCDC_DELETE, NULL, NULL, NULL, NULL),
                    EZCDC_E_BUG);
  assert_int_equal (add (f, EZCDC_INSERT, NULL, "a", NULL, NULL), EZCDC_E_BUG);
}

static void
test_many_rows (void **state)
{
  struct fixture *f = *state;
  char id[16];

  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 5000; i++) {
      snprintf (id, sizeof id, "%d", i);
      assert_int_equal (add (f, EZCDC_INSERT, id, "a", id, NULL), 0);
    }
  assert_int_equal (f->batch->row_count, 5000);
  assert_value (row (f, "4999"), 2, "4999");
}

static const char *
label_of (struct fixture *f, struct label_origin origin)
{
  assert_int_equal (batch_set_label (f->batch, &origin), 0);
  return f->batch->label;
}

/* The same range from the same reading is the same label; anything else is
 * another. */
static void
test_labels (void **state)
{
  struct fixture *f = *state;
  struct label_origin origin = { "shop", "system", NULL, 7, 1, 0 };
  struct label_origin other = origin;
  char first[BATCH_LABEL_SIZE];

  add (f, EZCDC_INSERT, "1", "a", NULL, NULL);
  memcpy (first, label_of (f, origin), sizeof first);
  assert_string_equal (label_of (f, origin), first);
  other.identity = "other";
  assert_string_not_equal (label_of (f, other), first);
  other = origin;
  other.chunk = "blocks 0";
  assert_string_not_equal (label_of (f, other), first);
  other = origin;
  other.run = 8;
  assert_string_not_equal (label_of (f, other), first);
  other = origin;
  other.reading = 2;
  assert_string_not_equal (label_of (f, other), first);
  other = origin;
  other.attempt = 1;
  assert_string_not_equal (label_of (f, other), first);
  add (f, EZCDC_INSERT, "2", "a", NULL, NULL);
  assert_string_not_equal (label_of (f, origin), first);
  assert_true (strlen (first) <= 100);
  assert_int_equal (strspn (first, "abcdefghijklmnopqrstuvwxyz0123456789_-"),
                    strlen (first));
}

/* Values inside the message are copied with it, others by themselves. */
static void
test_message_span (void **state)
{
  struct fixture *f = *state;
  char message[] = "1|alpha";
  struct ezcdc_value values[3] = {
    { .data = message, .length = 1 },
    { .data = message + 2, .length = 5 },
    { .data = "elsewhere", .length = 9 },
  };
  struct change change = {
    .table = &f->table->version->description,
    .operation = EZCDC_INSERT,
    .values = values,
    .message = message,
    .length = 7,
  };

  assert_int_equal (batch_add (f->batch, &change), 0);
  memset (message, 'x', sizeof message);
  assert_value (row (f, "1"), 1, "alpha");
  assert_value (row (f, "1"), 2, "elsewhere");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
#define BATCH_TEST(test_)                                                     \
  cmocka_unit_test_setup_teardown (test_, set_up, tear_down)
    BATCH_TEST (test_last_operation_wins),
    BATCH_TEST (test_unchanged_is_merged),
    BATCH_TEST (test_insert_after_delete_forgets),
    BATCH_TEST (test_key_change),
    BATCH_TEST (test_key_change_needs_repair),
    BATCH_TEST (test_key_change_onto_deleted_key),
    BATCH_TEST (test_truncate),
    BATCH_TEST (test_key_is_required),
    BATCH_TEST (test_many_rows),
    BATCH_TEST (test_labels),
    BATCH_TEST (test_message_span),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
