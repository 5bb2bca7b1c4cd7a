/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two sets of rows in bounded memory. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/pipeline/batch.h"
#include "core/pipeline/hash.h"
#include "core/runner/compare.h"

#define ROW_SEED UINT64_C (0x6a09e667f3bcc908)
#define OTHER_SEED UINT64_C (0xbb67ae8584caa73b)

/* A number without a fixed scale may have got one in the target: 1.10 and
 * 1.100000000 are the same. */
static size_t
significant_length (const struct ezcdc_column *column,
                    const struct ezcdc_value *value)
{
  size_t length = value->length;

  if (column->type != EZCDC_TYPE_DECIMAL || column->precision >= 0
      || memchr (value->data, '.', length) == NULL)
    return length;
  while (value->data[length - 1] == '0')
    length--;
  return value->data[length - 1] == '.' ? length - 1 : length;
}

static uint64_t
row_hash (const struct ezcdc_table *table, const struct ezcdc_value *values,
          uint64_t hash)
{
  for (uint32_t i = 0; i < table->column_count; i++)
    if (values[i].state == EZCDC_VALUE)
      hash = hash_bytes (hash + 1, values[i].data,
                         significant_length (&table->columns[i], &values[i]));
    else
      hash = hash_bytes (hash + 2, "", 0);
  return hash;
}

int
compare_init (struct compare *compare, const struct ezcdc_table *table,
              struct error *error)
{
  memset (compare, 0, sizeof *compare);
  compare->table = table;
  compare->buckets = calloc (COMPARE_BUCKETS, sizeof *compare->buckets);
  if (compare->buckets == NULL)
    return error_set (error, EZCDC_E_MEMORY, "compare: out of memory");
  return 0;
}

void
compare_free (struct compare *compare)
{
  for (size_t i = 0; i < compare->key_count; i++)
    free (compare->keys[i].text);
  free (compare->buckets);
  free (compare->keys);
  free (compare->slots);
  memset (compare, 0, sizeof *compare);
}

void
compare_add (struct compare *compare, enum compare_side side,
             const struct ezcdc_value *values)
{
  uint64_t key = batch_key_hash (compare->table, values);
  struct compare_bucket *bucket = &compare->buckets[key % COMPARE_BUCKETS];
  uint64_t sum = row_hash (compare->table, values, ROW_SEED);
  uint64_t other_sum = row_hash (compare->table, values, OTHER_SEED);

  compare->rows[side]++;
  bucket->rows[side]++;
  if (side == COMPARE_SOURCE) {
    bucket->sum += sum;
    bucket->other_sum += other_sum;
  }
  else {
    bucket->sum -= sum;
    bucket->other_sum -= other_sum;
  }
}

static bool
bucket_differs (const struct compare_bucket *bucket)
{
  return bucket->sum != 0 || bucket->other_sum != 0
         || bucket->rows[COMPARE_SOURCE] != bucket->rows[COMPARE_TARGET];
}

bool
compare_differs (const struct compare *compare)
{
  if (compare->settled)
    return compare->key_count > 0 || compare->truncated;
  for (size_t i = 0; i < COMPARE_BUCKETS; i++)
    if (bucket_differs (&compare->buckets[i]))
      return true;
  return false;
}

/* ---- the second look --------------------------------------------------- */

static char *
key_text (const struct ezcdc_table *table, const struct ezcdc_value *values)
{
  struct text text = { 0 };

  for (uint32_t i = 0; i < table->column_count; i++) {
    if (!(table->columns[i].flags & EZCDC_COLUMN_KEY))
      continue;
    if (text.length > 0)
      text_append_string (&text, ", ");
    text_printf (&text, "%s=", table->columns[i].name);
    if (values[i].state == EZCDC_VALUE)
      text_append (&text, values[i].data, values[i].length);
  }
  return text_take (&text);
}

/* The key with this text, or the place where it belongs. */
static size_t *
key_slot (const struct compare *compare, uint64_t hash, const char *text)
{
  size_t slot = hash % compare->slot_count;

  while (compare->slots[slot] != 0) {
    const struct compare_key *key = &compare->keys[compare->slots[slot] - 1];

    if (key->key_hash == hash && strcmp (key->text, text) == 0)
      break;
    slot = (slot + 1) % compare->slot_count;
  }
  return &compare->slots[slot];
}

static void
slots_fill (struct compare *compare)
{
  if (compare->slots == NULL)
    return;
  memset (compare->slots, 0, compare->slot_count * sizeof *compare->slots);
  for (size_t i = 0; i < compare->key_count; i++)
    *key_slot (compare, compare->keys[i].key_hash,
               compare->keys[i].text) = i + 1;
}

/* Keeps the keys that function wants, in order, and builds the slots anew. */
static size_t
compare_filter (struct compare *compare,
                bool (*function) (struct compare_key *key,
                                  const void *context),
                const void *context)
{
  size_t kept = 0, dropped;

  for (size_t i = 0; i < compare->key_count; i++) {
    struct compare_key key = compare->keys[i];

    if (function (&key, context))
      compare->keys[kept++] = key;
    else
      free (key.text);
  }
  dropped = compare->key_count - kept;
  compare->key_count = kept;
  slots_fill (compare);
  return dropped;
}

/* Room for so many keys beside those that are known. */
static bool
compare_reserve (struct compare *compare, size_t count)
{
  size_t capacity = compare->key_count + count;

  if (capacity <= compare->key_capacity)
    return true;
  if (!array_reserve (&compare->keys, &compare->key_capacity, capacity,
                      sizeof *compare->keys))
    return false;
  free (compare->slots);
  compare->slot_count = 2 * compare->key_capacity;
  compare->slots = calloc (compare->slot_count, sizeof *compare->slots);
  if (compare->slots == NULL)
    return false;
  slots_fill (compare);
  return true;
}

int
compare_pass_begin (struct compare *compare, bool *ret_more,
                    struct error *error)
{
  /* The target may have more rows than it had at the first look. */
  uint64_t room = COMPARE_PASS_ROWS;
  uint64_t rows = 0;
  size_t at = compare->pass_end;

  compare->pass_begin = at;
  for (; at < COMPARE_BUCKETS; at++) {
    const struct compare_bucket *bucket = &compare->buckets[at];
    uint64_t more = (uint64_t) (bucket->rows[0] + bucket->rows[1]);

    if (!bucket_differs (bucket))
      continue;
    if (rows > 0 && rows + more > COMPARE_PASS_ROWS)
      break;
    rows += more;
  }
  *ret_more = rows > 0 && compare->key_count < COMPARE_KEYS
              && compare->passes++ < COMPARE_PASSES;
  if (rows > 0 && !*ret_more)
    compare->truncated = true;
  compare->pass_end = at;
  if (*ret_more && !compare_reserve (compare, rows + room))
    return error_set (error, EZCDC_E_MEMORY, "compare: out of memory");
  return 0;
}

int
compare_look (struct compare *compare, enum compare_side side,
              const struct ezcdc_value *values)
{
  uint64_t hash = batch_key_hash (compare->table, values);
  size_t bucket = hash % COMPARE_BUCKETS;
  struct compare_key *key;
  size_t *slot;
  char *text;

  if (bucket < compare->pass_begin || bucket >= compare->pass_end
      || !bucket_differs (&compare->buckets[bucket]))
    return 0;
  text = key_text (compare->table, values);
  if (text == NULL)
    return -1;
  slot = key_slot (compare, hash, text);
  if (*slot == 0 && compare->key_count == compare->key_capacity) {
    compare->truncated = true;
    free (text);
    return 0;
  }
  if (*slot == 0) {
    key = &compare->keys[compare->key_count++];
    memset (key, 0, sizeof *key);
    key->text = text;
    key->key_hash = hash;
    *slot = compare->key_count;
  }
  else {
    key = &compare->keys[*slot - 1];
    free (text);
  }
  /* A sum, so that a key that is there twice does not look like one. */
  key->row_hash[side] += row_hash (compare->table, values, ROW_SEED);
  key->present[side] = true;
  return 0;
}

static bool
key_differs (struct compare_key *key, const void *context)
{
  (void) context;
  return key->present[0] != key->present[1]
         || key->row_hash[0] != key->row_hash[1];
}

void
compare_pass_end (struct compare *compare)
{
  compare_filter (compare, key_differs, NULL);
}

static bool
key_was_the_same (struct compare_key *key, const void *context)
{
  const struct compare *earlier = context;
  const struct compare_key *before;
  size_t slot;

  if (earlier->slots == NULL)
    return false;
  slot = *key_slot (earlier, key->key_hash, key->text);
  if (slot == 0)
    return false;
  before = &earlier->keys[slot - 1];
  return memcmp (before->row_hash, key->row_hash, sizeof key->row_hash) == 0
         && memcmp (before->present, key->present, sizeof key->present) == 0;
}

bool
compare_settle (struct compare *compare, const struct compare *earlier)
{
  size_t dropped = compare_filter (compare, key_was_the_same, earlier);

  compare->truncated = compare->truncated || earlier->truncated;
  compare->settled = true;
  return dropped == 0 && !compare->truncated;
}
