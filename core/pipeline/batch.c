/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: gathering changes into one final operation per key. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/pipeline/batch.h"
#include "core/pipeline/hash.h"
#include "core/pipeline/position.h"

#define BATCH_ROWS_FIRST 32
/* Above this a 32-bit row number would not do. */
#define BATCH_ROWS_MAX ((size_t) 1 << 30)

struct batch *
batch_new (enum batch_kind kind, struct table *table, struct pool *pool)
{
  struct batch *batch = calloc (1, sizeof *batch);

  if (batch == NULL)
    return NULL;
  batch->kind = kind;
  batch->table = table;
  if (table != NULL)
    batch->description = &table->version->description;
  batch->opened = clock_monotonic ();
  arena_init (&batch->arena, pool);
  return batch;
}

void
batch_free (struct batch *batch)
{
  if (batch == NULL)
    return;
  free (batch->rows);
  free (batch->hashes);
  free (batch->slots);
  pool_discharge (batch->arena.pool, batch->charged);
  arena_clear (&batch->arena);
  free (batch);
}

/* ---- keys -------------------------------------------------------------- */

uint64_t
batch_key_hash (const struct ezcdc_table *table,
                const struct ezcdc_value *values)
{
  uint64_t hash = UINT64_C (0x2545f4914f6cdd1d);

  for (uint32_t i = 0; i < table->column_count; i++)
    if (table->columns[i].flags & EZCDC_COLUMN_KEY)
      hash = hash_bytes (
        hash, values[i].state == EZCDC_VALUE ? values[i].data : "",
        values[i].state == EZCDC_VALUE ? values[i].length : 0);
  return hash;
}

static bool
value_equal (const struct ezcdc_value *one, const struct ezcdc_value *other)
{
  return one->state == other->state
         && (one->state != EZCDC_VALUE
             || (one->length == other->length
                 && memcmp (one->data, other->data, one->length) == 0));
}

bool
batch_same_key (const struct ezcdc_table *table, const struct ezcdc_value *one,
                const struct ezcdc_value *other)
{
  for (uint32_t i = 0; i < table->column_count; i++)
    if ((table->columns[i].flags & EZCDC_COLUMN_KEY)
        && !value_equal (&one[i], &other[i]))
      return false;
  return true;
}

static bool
key_is_complete (const struct ezcdc_table *table,
                 const struct ezcdc_value *values)
{
  for (uint32_t i = 0; i < table->column_count; i++)
    if ((table->columns[i].flags & EZCDC_COLUMN_KEY)
        && values[i].state != EZCDC_VALUE)
      return false;
  return true;
}

/* ---- rows and the index ------------------------------------------------ */

static void
batch_charge (struct batch *batch, size_t bytes)
{
  pool_charge (batch->arena.pool, bytes);
  batch->charged += bytes;
}

static void
index_put (struct batch *batch, size_t row)
{
  size_t mask = batch->slot_count - 1;
  size_t slot = batch->hashes[row] & mask;

  while (batch->slots[slot] != 0)
    slot = (slot + 1) & mask;
  batch->slots[slot] = (uint32_t) row + 1;
}

static int
index_build (struct batch *batch, size_t slot_count)
{
  uint32_t *slots = calloc (slot_count, sizeof *slots);

  if (slots == NULL)
    return EZCDC_E_MEMORY;
  batch_charge (batch, (slot_count - batch->slot_count) * sizeof *slots);
  free (batch->slots);
  batch->slots = slots;
  batch->slot_count = slot_count;
  for (size_t row = 0; row < batch->row_count; row++)
    index_put (batch, row);
  return 0;
}

/* Room for one more row, twice as much each time. */
static int
rows_grow (struct batch *batch)
{
  size_t capacity = batch->row_capacity == 0 ? BATCH_ROWS_FIRST
                                             : batch->row_capacity * 2;
  size_t more = capacity - batch->row_capacity;
  struct ezcdc_row *rows;
  uint32_t *hashes;

  if (capacity > BATCH_ROWS_MAX)
    return EZCDC_E_MEMORY;
  rows = reallocarray (batch->rows, capacity, sizeof *rows);
  if (rows == NULL)
    return EZCDC_E_MEMORY;
  batch->rows = rows;
  batch_charge (batch, more * sizeof *rows);
  if (batch->kind == BATCH_KEYED) {
    hashes = reallocarray (batch->hashes, capacity, sizeof *hashes);
    if (hashes == NULL)
      return EZCDC_E_MEMORY;
    batch->hashes = hashes;
    batch_charge (batch, more * sizeof *hashes);
    if (index_build (batch, capacity * 2) < 0)
      return EZCDC_E_MEMORY;
  }
  batch->row_capacity = capacity;
  return 0;
}

/* The row that holds this key, or NULL. */
static struct ezcdc_row *
index_find (const struct batch *batch, uint32_t hash,
            const struct ezcdc_value *values)
{
  size_t mask, slot;

  if (batch->slot_count == 0)
    return NULL;
  mask = batch->slot_count - 1;
  for (slot = hash & mask; batch->slots[slot] != 0; slot = (slot + 1) & mask) {
    size_t row = batch->slots[slot] - 1;

    if (batch->hashes[row] == hash
        && batch_same_key (batch->description, batch->rows[row].values,
                           values))
      return &batch->rows[row];
  }
  return NULL;
}

static struct ezcdc_row *
row_append (struct batch *batch)
{
  if (batch->row_count == batch->row_capacity && rows_grow (batch) < 0)
    return NULL;
  return &batch->rows[batch->row_count++];
}

/* ---- copying values ---------------------------------------------------- */

/* Where the bytes of a change's message lie now. */
struct copied {
  const char *from; /* the message as it was lent */
  size_t length;
  const char *to; /* its copy in the arena */
};

static int
copy_value (struct batch *batch, const struct copied *copied,
            struct ezcdc_value *value)
{
  uintptr_t from = (uintptr_t) copied->from;
  uintptr_t data = (uintptr_t) value->data;

  if (value->state != EZCDC_VALUE)
    return value->state <= EZCDC_UNCHANGED ? 0 : EZCDC_E_BUG;
  batch->bytes += value->length;
  if (copied->to != NULL && data >= from && data <= from + copied->length
      && value->length <= from + copied->length - data) {
    value->data = copied->to + (data - from);
    return 0;
  }
  if (value->data == NULL && value->length > 0)
    return EZCDC_E_BUG;
  value->data = arena_copy (&batch->arena, value->data, value->length);
  return value->data == NULL ? EZCDC_E_MEMORY : 0;
}

/* Why values could not be copied: one is none, or memory is out. */
static int
copy_failure (const struct ezcdc_table *table,
              const struct ezcdc_value *values)
{
  for (uint32_t i = 0; i < table->column_count; i++)
    if (values[i].state > EZCDC_UNCHANGED
        || (values[i].state == EZCDC_VALUE && values[i].data == NULL
            && values[i].length > 0))
      return EZCDC_E_BUG;
  return EZCDC_E_MEMORY;
}

/* NULL: see copy_failure. */
static struct ezcdc_value *
copy_values (struct batch *batch, const struct ezcdc_table *table,
             const struct copied *copied, const struct ezcdc_value *values)
{
  struct ezcdc_value *copy = arena_take (&batch->arena,
                                         table->column_count * sizeof *copy);

  if (copy == NULL)
    return NULL;
  memcpy (copy, values, table->column_count * sizeof *copy);
  for (uint32_t i = 0; i < table->column_count; i++)
    if (copy_value (batch, copied, &copy[i]) < 0)
      return NULL;
  return copy;
}

static int
copy_message (struct batch *batch, const struct change *change,
              struct copied *ret_copied)
{
  struct copied copied = { change->message, change->length, NULL };

  if (change->message != NULL) {
    copied.to = arena_copy (&batch->arena, change->message, change->length);
    if (copied.to == NULL)
      return EZCDC_E_MEMORY;
  }
  *ret_copied = copied;
  return 0;
}

/* ---- gathering --------------------------------------------------------- */

int
batch_begin (struct batch *batch, const struct ezcdc_position *commit)
{
  struct ezcdc_position *copy;

  if (batch->commit != NULL && position_compare (batch->commit, commit) == 0)
    return 0;
  copy = arena_take (&batch->arena, sizeof *copy);
  if (copy == NULL)
    return EZCDC_E_MEMORY;
  if (!position_copy (copy, commit))
    return EZCDC_E_BUG;
  batch->commit = copy;
  return 0;
}

/* The batch now reaches as far as this change. */
static void
batch_extend (struct batch *batch, const struct change *change)
{
  if (batch->changes == 0) {
    batch->first = *batch->commit;
    batch->first_ordinal = change->ordinal;
  }
  batch->last = *batch->commit;
  batch->last_ordinal = change->ordinal;
  batch->commit_time = change->commit_time;
  batch->changes++;
}

static uint32_t
count_unchanged (const struct ezcdc_table *table,
                 const struct ezcdc_value *values)
{
  uint32_t count = 0;

  for (uint32_t i = 0; i < table->column_count; i++)
    count += values[i].state == EZCDC_UNCHANGED;
  return count;
}

static void
row_fill (struct batch *batch, struct ezcdc_row *row,
          const struct change *change)
{
  row->table = change->table;
  row->values = NULL;
  row->old_values = NULL;
  row->commit = batch->commit;
  row->commit_time = change->commit_time;
  row->ordinal = change->ordinal;
  row->operation = change->operation;
  row->unchanged = 0;
}

static bool
row_needs_repair (const struct ezcdc_row *row)
{
  return row->old_values != NULL && row->unchanged > 0;
}

/* Unchanged values of an update come from the row it replaces, if this
 * batch has that row. */
static void
take_over (const struct ezcdc_table *table, const struct ezcdc_row *from,
           struct ezcdc_value *values)
{
  for (uint32_t i = 0; i < table->column_count; i++)
    if (values[i].state == EZCDC_UNCHANGED)
      values[i] = from->values[i];
}

/* Makes operation the last word on the key of values, which lie in the
 * arena.  old_key: NULL, or the values to find the row by in the source if
 * it is not there under its new key; such a row must be repaired. */
static int
keyed_put (struct batch *batch, const struct change *change,
           uint32_t operation, struct ezcdc_value *values,
           const struct ezcdc_value *old_key, bool repair)
{
  const struct ezcdc_table *table = change->table;
  uint32_t hash = (uint32_t) batch_key_hash (table, values);
  struct ezcdc_row *row = index_find (batch, hash, values);

  if (row == NULL) {
    row = row_append (batch);
    if (row == NULL)
      return EZCDC_E_MEMORY;
    batch->hashes[batch->row_count - 1] = hash;
    row_fill (batch, row, change);
    row->values = values;
    index_put (batch, batch->row_count - 1);
  }
  else {
    if (row_needs_repair (row)) {
      /* What the source had under the older key is still the way to find
       * values that nothing in this batch has told us. */
      if (operation != EZCDC_DELETE && old_key == NULL)
        old_key = row->old_values;
      batch->repair_count--;
    }
    if (operation == EZCDC_UPDATE && row->operation != EZCDC_DELETE)
      take_over (table, row, values);
    row_fill (batch, row, change);
    row->values = values;
  }
  row->operation = operation;
  if (operation != EZCDC_DELETE)
    row->unchanged = count_unchanged (table, values);
  if (row->unchanged > 0 && (repair || old_key != NULL)) {
    row->old_values = old_key != NULL ? old_key : values;
    batch->repair_count++;
  }
  return 0;
}

/* A changed key is a delete of the old key and an upsert of the new one. */
static int
keyed_move (struct batch *batch, const struct change *change,
            struct ezcdc_value *old_values, struct ezcdc_value *values)
{
  const struct ezcdc_table *table = change->table;
  uint32_t hash = (uint32_t) batch_key_hash (table, old_values);
  const struct ezcdc_row *from = index_find (batch, hash, old_values);
  const struct ezcdc_value *source_key = old_values;
  int result;

  if (from != NULL && from->operation != EZCDC_DELETE) {
    take_over (table, from, values);
    if (row_needs_repair (from))
      source_key = from->old_values;
  }
  for (uint32_t i = 0; i < table->column_count; i++)
    if (!(table->columns[i].flags & EZCDC_COLUMN_KEY)) {
      old_values[i].state = EZCDC_NULL;
      old_values[i].data = NULL;
      old_values[i].length = 0;
    }
  result = keyed_put (batch, change, EZCDC_DELETE, old_values, NULL, false);
  if (result < 0)
    return result;
  /* INSERT: whatever the new key meant before has nothing to do with it. */
  return keyed_put (batch, change, EZCDC_INSERT, values, source_key, true);
}

static int
keyed_add (struct batch *batch, const struct change *change)
{
  const struct ezcdc_table *table = change->table;
  struct ezcdc_value *values = NULL;
  struct ezcdc_value *old_values = NULL;
  struct copied copied;

  if (copy_message (batch, change, &copied) < 0)
    return EZCDC_E_MEMORY;
  if (change->old_values != NULL) {
    old_values = copy_values (batch, table, &copied, change->old_values);
    if (old_values == NULL)
      return copy_failure (table, change->old_values);
  }
  if (change->operation == EZCDC_DELETE) {
    if (old_values == NULL)
      old_values = copy_values (batch, table, &copied, change->values);
    if (old_values == NULL)
      return copy_failure (table, change->values);
    if (!key_is_complete (table, old_values))
      return EZCDC_E_BUG;
    return keyed_put (batch, change, EZCDC_DELETE, old_values, NULL, false);
  }
  values = copy_values (batch, table, &copied, change->values);
  if (values == NULL)
    return copy_failure (table, change->values);
  if (old_values != NULL)
    /* A key column that was too large to be sent again. */
    for (uint32_t i = 0; i < table->column_count; i++)
      if (values[i].state == EZCDC_UNCHANGED
          && old_values[i].state == EZCDC_VALUE)
        values[i] = old_values[i];
  if (!key_is_complete (table, values))
    return EZCDC_E_BUG;
  if (change->operation == EZCDC_UPDATE && old_values != NULL
      && !batch_same_key (table, old_values, values)) {
    if (!key_is_complete (table, old_values))
      return EZCDC_E_BUG;
    return keyed_move (batch, change, old_values, values);
  }
  return keyed_put (batch, change, change->operation, values, NULL,
                    change->repair);
}

/* Snapshot rows and logs: every row is kept as it came. */
static int
plain_add (struct batch *batch, const struct change *change)
{
  struct ezcdc_row *row = row_append (batch);
  struct copied copied;
  int result = EZCDC_E_MEMORY;

  if (row == NULL)
    return EZCDC_E_MEMORY;
  row_fill (batch, row, change);
  if (copy_message (batch, change, &copied) < 0)
    goto error;
  if (change->values != NULL) {
    row->values = copy_values (batch, change->table, &copied, change->values);
    if (row->values == NULL) {
      result = copy_failure (change->table, change->values);
      goto error;
    }
    row->unchanged = count_unchanged (change->table, row->values);
  }
  if (change->old_values != NULL) {
    row->old_values = copy_values (batch, change->table, &copied,
                                   change->old_values);
    if (row->old_values == NULL) {
      result = copy_failure (change->table, change->old_values);
      goto error;
    }
  }
  return 0;

error:
  batch->row_count--;
  return result;
}

int
batch_add (struct batch *batch, const struct change *change)
{
  int result;

  if (batch->kind == BATCH_KEYED)
    result = keyed_add (batch, change);
  else
    result = plain_add (batch, change);
  if (result == 0)
    batch_extend (batch, change);
  return result;
}

int
batch_truncate (struct batch *batch, const struct change *change)
{
  if (batch->kind == BATCH_LOG) {
    int result = plain_add (batch, change);

    if (result < 0)
      return result;
  }
  else {
    batch->row_count = 0;
    batch->repair_count = 0;
    if (batch->slots != NULL)
      memset (batch->slots, 0, batch->slot_count * sizeof *batch->slots);
    batch->truncate = true;
  }
  batch_extend (batch, change);
  return 0;
}

void
batch_repair_all (struct batch *batch)
{
  for (size_t i = 0; i < batch->row_count; i++) {
    struct ezcdc_row *row = &batch->rows[i];

    if (row->unchanged == 0 || row->old_values != NULL)
      continue;
    row->old_values = row->values;
    batch->repair_count++;
  }
}

void
batch_remove (struct batch *batch, const unsigned char *gone)
{
  size_t kept = 0;

  for (size_t i = 0; i < batch->row_count; i++)
    if (!gone[i])
      batch->rows[kept++] = batch->rows[i];
    else if (row_needs_repair (&batch->rows[i]) && batch->repair_count > 0)
      batch->repair_count--;
  batch->row_count = kept;
}

size_t
batch_footprint (const struct batch *batch)
{
  return batch->charged + batch->arena.taken;
}

bool
batch_is_empty (const struct batch *batch)
{
  return batch->row_count == 0 && !batch->truncate;
}

struct ezcdc_batch
batch_view (const struct batch *batch)
{
  struct ezcdc_batch view = {
    .table = batch->description,
    .rows = batch->rows,
    .row_count = batch->row_count,
    .bytes = batch->bytes,
    .label = batch->label,
    .first = &batch->first,
    .last = &batch->last,
    .truncate = batch->truncate,
    .snapshot = batch->kind == BATCH_SNAPSHOT,
  };

  return view;
}
