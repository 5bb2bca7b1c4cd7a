/* SPDX-License-Identifier: Apache-2.0 */
/* Reading unchanged values again from the source. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/pipeline/batch.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/repair.h"
#include "core/plugin/feed.h"
#include "core/plugin/instance.h"

/* Keys of one request to the source. */
#define REPAIR_KEYS 500

/* How a row was found; a better way replaces a worse one. */
enum found {
  FOUND_NOT,
  FOUND_BY_OLD_KEY, /* the source does not show the change yet */
  FOUND_BY_KEY,
};

struct wanted {
  struct ezcdc_row *row;
  const struct ezcdc_value *key; /* what to look for */
  uint64_t hash;
  enum found way; /* what finding this key means */
};

struct repair {
  struct ezcdc_feed feed; /* first: the source is given its address */
  struct batch *batch;
  struct wanted *wanted;
  size_t count;
  unsigned char *found; /* enum found, one a row of the batch */
};

static struct ezcdc_value *
row_values (const struct ezcdc_row *row)
{
  /* They lie in the batch's arena, which is ours to change. */
  return (struct ezcdc_value *) row->values;
}

static bool
row_is_wanted (const struct ezcdc_row *row)
{
  return row->unchanged > 0 && row->old_values != NULL;
}

/* Takes the unchanged values from the row that the source has now. */
static int
repair_fill (struct repair *repair, const struct wanted *wanted,
             const struct ezcdc_value *fresh)
{
  const struct ezcdc_table *table = wanted->row->table;
  struct ezcdc_value *values = row_values (wanted->row);

  for (uint32_t i = 0; i < table->column_count; i++) {
    /* A value found by the old key may be replaced by a better one, so the
     * state stays UNCHANGED until repair_finish. */
    if (values[i].state != EZCDC_UNCHANGED)
      continue;
    values[i].data = NULL;
    values[i].length = 0;
    if (fresh[i].state == EZCDC_VALUE) {
      values[i].data = arena_copy (&repair->batch->arena, fresh[i].data,
                                   fresh[i].length);
      values[i].length = fresh[i].length;
      if (values[i].data == NULL)
        return EZCDC_E_MEMORY;
    }
  }
  return 0;
}

static int
compare_wanted (const void *one, const void *other)
{
  uint64_t a = ((const struct wanted *) one)->hash;
  uint64_t b = ((const struct wanted *) other)->hash;

  return (a > b) - (a < b);
}

static size_t
wanted_first (const struct repair *repair, uint64_t hash)
{
  size_t low = 0, high = repair->count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (repair->wanted[middle].hash < hash)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static int
repair_row (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
            const struct ezcdc_value *values,
            const struct ezcdc_value *old_values, const char *message,
            size_t length)
{
  struct repair *repair = (struct repair *) feed;
  const struct ezcdc_table *table = repair->batch->description;
  uint64_t hash = batch_key_hash (table, values);

  (void) table_id;
  (void) operation;
  (void) old_values;
  (void) message;
  (void) length;
  for (size_t i = wanted_first (repair, hash);
       i < repair->count && repair->wanted[i].hash == hash; i++) {
    const struct wanted *wanted = &repair->wanted[i];
    size_t row = (size_t) (wanted->row - repair->batch->rows);

    if (!batch_same_key (table, wanted->key, values)
        || repair->found[row] >= wanted->way)
      continue;
    if (repair_fill (repair, wanted, values) < 0)
      return EZCDC_E_MEMORY;
    repair->found[row] = (unsigned char) wanted->way;
  }
  return EZCDC_OK;
}

static const struct feed_operations repair_operations = {
  .row = repair_row,
};

static void
repair_want (struct repair *repair, struct ezcdc_row *row,
             const struct ezcdc_value *key, enum found way)
{
  struct wanted *wanted = &repair->wanted[repair->count++];

  wanted->row = row;
  wanted->key = key;
  wanted->hash = batch_key_hash (row->table, key);
  wanted->way = way;
}

/* Asks the source for all wanted keys, some hundred at a time. */
static int
repair_fetch (struct pipeline *pipeline, struct repair *repair,
              struct error *error)
{
  const struct ezcdc_table *table = repair->batch->description;
  struct ezcdc_instance *source = pipeline->source;
  size_t width = table->column_count;
  struct ezcdc_value *keys = calloc (REPAIR_KEYS,
                                     width * sizeof (struct ezcdc_value));
  int result = 0;

  if (keys == NULL)
    return error_set (error, EZCDC_E_MEMORY, "read rows again: out of memory");
  for (size_t done = 0; done < repair->count && result >= 0;) {
    size_t count = 0;

    for (; done < repair->count && count < REPAIR_KEYS; done++, count++)
      memcpy (keys + count * width, repair->wanted[done].key,
              width * sizeof *keys);
    instance_lock (source);
    result = pipeline->source_calls->fetch (source->self, table, keys, count,
                                            &repair->feed);
    if (result < 0)
      instance_error (source, result, error);
    instance_unlock (source);
  }
  free (keys);
  return result < 0 ? result : 0;
}

/* Fills the values in, leaves out the rows that are gone. */
static void
repair_finish (struct repair *repair)
{
  struct batch *batch = repair->batch;
  unsigned char *gone = repair->found;

  for (size_t i = 0; i < batch->row_count; i++) {
    struct ezcdc_row *row = &batch->rows[i];
    struct ezcdc_value *values = row_values (row);

    gone[i] = row_is_wanted (row) && gone[i] == FOUND_NOT;
    if (!row_is_wanted (row) || gone[i])
      continue;
    for (uint32_t k = 0; k < row->table->column_count; k++)
      if (values[k].state == EZCDC_UNCHANGED)
        values[k].state = values[k].data == NULL ? EZCDC_NULL : EZCDC_VALUE;
    row->unchanged = 0;
    row->old_values = NULL;
  }
  batch_remove (batch, gone);
  batch->repair_count = 0;
}

int
repair_batch (struct pipeline *pipeline, struct batch *batch,
              struct error *error)
{
  struct repair repair = {
    .feed = { &repair_operations, pipeline->source },
    .batch = batch,
  };
  int result;

  repair.wanted = calloc (batch->repair_count * 2, sizeof *repair.wanted);
  repair.found = calloc (batch->row_count, 1);
  if (repair.wanted == NULL || repair.found == NULL) {
    free (repair.wanted);
    free (repair.found);
    return error_set (error, EZCDC_E_MEMORY, "read rows again: out of memory");
  }
  for (size_t i = 0; i < batch->row_count; i++) {
    struct ezcdc_row *row = &batch->rows[i];

    if (!row_is_wanted (row))
      continue;
    repair_want (&repair, row, row->values, FOUND_BY_KEY);
    if (!batch_same_key (row->table, row->old_values, row->values))
      repair_want (&repair, row, row->old_values, FOUND_BY_OLD_KEY);
  }
  qsort (repair.wanted, repair.count, sizeof *repair.wanted, compare_wanted);
  result = repair_fetch (pipeline, &repair, error);
  if (result >= 0)
    repair_finish (&repair);
  else
    error_prefix (error, "reading changed rows again");
  free (repair.wanted);
  free (repair.found);
  return result;
}
