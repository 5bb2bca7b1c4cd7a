/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/starrocks: rows as JSON, and their compression. */

#include <config.h>

#include <lz4frame.h>
#include <zstd.h>

#include "plugins/starrocks/body.h"
#include "plugins/starrocks/host.h"
#include "tests/unit/unit.h"

const struct ezcdc_host *host;

static const char *
json_of (struct buffer *json, enum encoding encoding, const char *data,
         size_t length)
{
  struct ezcdc_value value = { data, (uint32_t) length, EZCDC_VALUE };

  buffer_clear (json);
  json_append_value (json, encoding, &value);
  return buffer_string (json);
}

static void
test_text (void **state)
{
  struct buffer json = { 0 };

  (void) state;
  assert_string_equal (json_of (&json, ENCODE_TEXT, "", 0), "\"\"");
  assert_string_equal (json_of (&json, ENCODE_TEXT, "a\"b\\c", 5),
                       "\"a\\\"b\\\\c\"");
  assert_string_equal (json_of (&json, ENCODE_TEXT, "\n\r\t\b\x1f\0", 6),
                       "\"\\n\\r\\t\\u0008\\u001f\\u0000\"");
  assert_string_equal (json_of (&json, ENCODE_TEXT, "\x7f/\xc3\xa4", 4),
                       "\"\x7f/\xc3\xa4\"");
  buffer_free (&json);
}

/* Every byte at every place of a word: the fast scan must see it. */
static void
test_text_places (void **state)
{
  struct buffer json = { 0 }, slow = { 0 };
  char data[20];

  (void) state;
  for (int byte = 0; byte < 256; byte++)
    for (size_t place = 0; place < sizeof data; place++) {
      memset (data, 'x', sizeof data);
      data[place] = (char) byte;
      buffer_clear (&slow);
      buffer_text (&slow, "\"");
      for (size_t i = 0; i < sizeof data; i++) {
        unsigned char c = (unsigned char) data[i];

        if (c == '"' || c == '\\')
          buffer_printf (&slow, "\\%c", c);
        else if (c == '\n' || c == '\r' || c == '\t')
          buffer_printf (&slow, "\\%c",
                         c == '\n' ? 'n' : (c == '\r' ? 'r' : 't'));
        else if (c < 0x20)
          buffer_printf (&slow, "\\u%04x", c);
        else
          buffer_append (&slow, &data[i], 1);
      }
      buffer_text (&slow, "\"");
      json_of (&json, ENCODE_TEXT, data, sizeof data);
      assert_int_equal (json.length, slow.length);
      assert_memory_equal (json.data, slow.data, slow.length);
    }
  buffer_free (&json);
  buffer_free (&slow);
}

static void
test_floats (void **state)
{
  struct buffer json = { 0 };

  (void) state;
  assert_string_equal (json_of (&json, ENCODE_FLOAT, "0.1", 3), "\"0.1e0\"");
  assert_string_equal (json_of (&json, ENCODE_FLOAT, "-0", 2), "\"-0e0\"");
  assert_string_equal (json_of (&json, ENCODE_FLOAT, "1e+20", 5), "\"1e+20\"");
  assert_string_equal (json_of (&json, ENCODE_FLOAT, "NaN", 3), "\"NaN\"");
  assert_string_equal (json_of (&json, ENCODE_FLOAT, "-Infinity", 9),
                       "\"-Infinity\"");
  buffer_free (&json);
}

static struct layout_column columns[] = {
  { .name = (char *) "id",
    .prefix = (char *) ",\"id\":          ",
    .prefix_length = 6,
    .prefix_room = 16,
    .type = { .kind = KIND_BIGINT },
    .encoding = ENCODE_PLAIN,
    .key_ordinal = 1 },
  { .name = (char *) "v",
    .prefix = (char *) ",\"v\":           ",
    .prefix_length = 5,
    .prefix_room = 16,
    .type = { .kind = KIND_VARCHAR, .length = 10 },
    .encoding = ENCODE_TEXT }
};

static uint32_t keys[] = { 0 };

static const struct layout layout = {
  .columns = columns, .column_count = 2, .keys = keys, .key_count = 1
};

static struct ezcdc_row
make_row (struct ezcdc_value *values, uint32_t operation, const char *id,
          const char *v)
{
  values[0] = (struct ezcdc_value){ id, (uint32_t) strlen (id), EZCDC_VALUE };
  values[1] = v == NULL ? (struct ezcdc_value){ NULL, 0, EZCDC_NULL }
                        : (struct ezcdc_value){ v, (uint32_t) strlen (v),
                                                EZCDC_VALUE };
  return (struct ezcdc_row){ .values = values, .operation = operation };
}

static void
add (struct body *body, uint32_t operation, const char *id, const char *v,
     const uint8_t *skip)
{
  struct ezcdc_value values[2];
  struct ezcdc_row row = make_row (values, operation, id, v);

  assert_int_equal (body_row (body, &layout, &row, skip), 0);
}

static void
test_rows (void **state)
{
  static const uint8_t skip[] = { 0, 1 };
  struct body *body = calloc (1, sizeof *body);
  const char *data = NULL;
  size_t length = 0;
  static const char expected[] =
    "[{\"id\":1,\"v\":\"a\"},{\"id\":2,\"v\":null}"
    ",{\"id\":3,\"__op\":1},{\"id\":4}]";

  (void) state;
  assert_non_null (body);
  assert_int_equal (body_begin (body, COMPRESSION_NONE), 0);
  add (body, EZCDC_INSERT, "9", "taken back", NULL);
  body_undo (body);
  add (body, EZCDC_INSERT, "1", "a", NULL);
  add (body, EZCDC_UPDATE, "2", NULL, NULL);
  add (body, EZCDC_UPDATE, "9", "taken back", NULL);
  body_undo (body);
  add (body, EZCDC_DELETE, "3", NULL, NULL);
  add (body, EZCDC_UPDATE, "4", NULL, skip);
  assert_true (body_size (body) == sizeof expected - 1);
  assert_int_equal (body->row_count, 4);
  assert_int_equal (body_end (body, &data, &length), 0);
  assert_int_equal (length, sizeof expected - 1);
  assert_memory_equal (data, expected, length);
  assert_int_equal (body_begin (body, COMPRESSION_NONE), 0);
  assert_int_equal (body_end (body, &data, &length), 0);
  assert_int_equal (length, 2);
  body_free (body);
}

static size_t
unpack (int method, const char *data, size_t length, char *to, size_t size)
{
  LZ4F_dctx *context = NULL;
  size_t used = length, made = size;

  if (method == COMPRESSION_ZSTD)
    return ZSTD_decompress (to, size, data, length);
  assert_false (
    LZ4F_isError (LZ4F_createDecompressionContext (&context, LZ4F_VERSION)));
  assert_int_equal (LZ4F_decompress (context, to, &made, data, &used, NULL),
                    0);
  assert_int_equal (used, length);
  LZ4F_freeDecompressionContext (context);
  return made;
}

/* More than one piece, the same bytes as without compression, and never
 * more of them than body_size has promised. */
static void
compressed (int method)
{
  enum {
    ROWS = 60000,
    SIZE = 8 << 20
  };
  struct body *plain = calloc (1, sizeof *plain);
  struct body *body = calloc (1, sizeof *body);
  char *unpacked = malloc (SIZE), v[32];
  const char *data = NULL, *plain_data = NULL;
  size_t length = 0, plain_length = 0;

  assert_non_null (plain);
  assert_non_null (body);
  assert_non_null (unpacked);
  for (int round = 0; round < 2; round++) {
    uint64_t promised;

    assert_int_equal (body_begin (plain, COMPRESSION_NONE), 0);
    assert_int_equal (body_begin (body, method), 0);
    for (int i = 0; i < ROWS; i++) {
      snprintf (v, sizeof v, "%d.%d", i, i * 7919 % 65537);
      add (plain, EZCDC_INSERT, "1", v, NULL);
      add (body, EZCDC_INSERT, "1", v, NULL);
      assert_int_equal (body_keep (body), 0);
    }
    promised = body_size (body);
    assert_int_equal (body_end (plain, &plain_data, &plain_length), 0);
    assert_int_equal (body_end (body, &data, &length), 0);
    assert_true (length <= promised);
    assert_true (length < plain_length / 2);
    assert_true (body->raw_total == plain_length);
    assert_int_equal (unpack (method, data, length, unpacked, SIZE),
                      plain_length);
    assert_memory_equal (unpacked, plain_data, plain_length);
  }
  body_free (plain);
  body_free (body);
  free (unpacked);
}

/* Long values, escapes in them, and the columns behind them. */
static void
test_long_rows (void **state)
{
  struct body *body = calloc (1, sizeof *body);
  struct buffer expected = { 0 };
  char *text = malloc (100001);

  (void) state;
  assert_non_null (body);
  assert_non_null (text);
  for (size_t length = 1000; length <= 100000; length = length * 2 + 7) {
    memset (text, '\n', length);
    text[length] = '\0';
    assert_int_equal (body_begin (body, COMPRESSION_NONE), 0);
    buffer_clear (&expected);
    buffer_text (&expected, "[");
    for (int i = 0; i < 3; i++) {
      add (body, EZCDC_INSERT, "1", text, NULL);
      buffer_printf (&expected, "%s{\"id\":1,\"v\":\"", i > 0 ? "," : "");
      for (size_t j = 0; j < length; j++)
        buffer_text (&expected, "\\n");
      buffer_text (&expected, "\"}");
    }
    assert_int_equal (body->raw.length, expected.length);
    assert_memory_equal (body->raw.data, expected.data, expected.length);
  }
  buffer_free (&expected);
  body_free (body);
  free (text);
}

static void
test_zstd (void **state)
{
  (void) state;
  compressed (COMPRESSION_ZSTD);
}

static void
test_lz4 (void **state)
{
  (void) state;
  compressed (COMPRESSION_LZ4);
}

static void
test_relax (void **state)
{
  struct body *body = calloc (1, sizeof *body);
  char *text = malloc (3 << 20);

  (void) state;
  assert_non_null (body);
  assert_non_null (text);
  memset (text, 'x', 3 << 20);
  assert_int_equal (body_begin (body, COMPRESSION_NONE), 0);
  json_append_text (&body->raw, text, 3 << 20);
  body_relax (body);
  assert_true (body->raw.capacity > 3 << 20); /* it was needed */
  assert_int_equal (body_begin (body, COMPRESSION_NONE), 0);
  body_relax (body);
  assert_int_equal (body->raw.capacity, 0);
  body_free (body);
  free (text);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_text),      cmocka_unit_test (test_text_places),
    cmocka_unit_test (test_floats),    cmocka_unit_test (test_rows),
    cmocka_unit_test (test_long_rows), cmocka_unit_test (test_zstd),
    cmocka_unit_test (test_lz4),       cmocka_unit_test (test_relax),
  };

  return cmocka_run_group_tests_name ("starrocks-body", tests, NULL, NULL);
}
