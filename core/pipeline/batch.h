/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: rows on their way from the source to one load of the sink. */
#ifndef EZCDC_PIPELINE_BATCH_H
#define EZCDC_PIPELINE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/pipeline/pool.h"
#include "core/pipeline/table.h"

#define BATCH_LABEL_SIZE 101

struct pipeline;

/* How rows are gathered. */
enum batch_kind {
  BATCH_KEYED,    /* changes of one table, one final operation a key */
  BATCH_SNAPSHOT, /* rows of one table, no key twice */
  BATCH_LOG,      /* every change of every table, in order */
};

/* A change as the feed gets it; all is lent. */
struct change {
  const struct ezcdc_table *table;
  uint32_t operation;
  const struct ezcdc_value *values;
  const struct ezcdc_value *old_values; /* or NULL */
  const char *message;                  /* holds most of the values, or NULL */
  size_t length;
  int64_t commit_time;
  uint64_t ordinal;
  bool repair; /* read unchanged values again from the source */
};

/*   rows ──► values ──► bytes of the values
 *   (array)  (arena)    (arena)
 *
 * An index by key, beside the rows, finds the row that a later change of
 * the same key takes over.  Life: made empty, filled by one thread, sealed,
 * handed to the loader, freed when it is durable.
 */
struct batch {
  enum batch_kind kind;
  struct table *table; /* NULL for a log */
  const struct ezcdc_table *description;
  struct arena arena;

  struct ezcdc_row *rows;
  size_t row_count;
  size_t row_capacity;
  /* KEYED: for each row the hash of its key; slots hold row number + 1. */
  uint32_t *hashes;
  uint32_t *slots;
  size_t slot_count;
  /* Rows whose unchanged values must be read again from the source. */
  size_t repair_count;
  size_t charged; /* bytes of the arrays above in the pool's account */

  uint64_t bytes;   /* of the values */
  uint64_t changes; /* how many changes came in, collapsed or not */
  bool truncate;    /* the table is emptied before the rows */

  /* The range of the source that this batch covers; the label is made of
   * it. */
  struct ezcdc_position first;
  struct ezcdc_position last;
  uint64_t first_ordinal;
  uint64_t last_ordinal;
  const struct ezcdc_position *commit; /* of the newest row, in the arena */
  int64_t commit_time;                 /* of the newest row */
  int64_t opened;                      /* monotonic time of the first row */

  char label[BATCH_LABEL_SIZE];
  struct batch *next; /* in a queue */
  /* Called by a writer thread when all of it is durable; owner is the round
   * or the chunk that it belongs to. */
  void (*durable) (struct pipeline *pipeline, struct batch *batch);
  void *owner;
};

struct batch *batch_new (enum batch_kind kind, struct table *table,
                         struct pool *pool);
void batch_free (struct batch *batch);

/* Tells the batch which transaction the following changes belong to. */
int batch_begin (struct batch *batch, const struct ezcdc_position *commit);

/* Adds one change. 0, EZCDC_E_MEMORY or EZCDC_E_BUG (a key is missing). */
int batch_add (struct batch *batch, const struct change *change);

/* The table is emptied here: what was gathered before it is moot. */
int batch_truncate (struct batch *batch, const struct change *change);

/* Unchanged values of all rows are to be read again from the source: the target
 * may not have the rows that they would come from. */
void batch_repair_all (struct batch *batch);

/* Takes rows out (they were refused, or are gone): those for which gone, one
 * byte a row, is not 0. Only before a write. */
void batch_remove (struct batch *batch, const unsigned char *gone);

/* Whether there is nothing to write. */
bool batch_is_empty (const struct batch *batch);

/* Bytes of memory that it takes. */
size_t batch_footprint (const struct batch *batch);

/* Where the rows of a batch come from.
 *
 * A label says "these rows, at this place in the order of all loads".  What
 * is read again after a crash or a lost connection is cut in other pieces:
 * older rows are loaded over newer ones for a while.  A range that was loaded
 * before has to be loaded again then, so it must not have the label that
 * StarRocks knows already. */
struct label_origin {
  const char *pipeline;
  const char *identity; /* of the source */
  const char *chunk;    /* of a snapshot; NULL: of the stream */
  int64_t run;          /* counted in the state */
  uint64_t reading;     /* of this run: the view or stream that was opened */
  uint64_t attempt;     /* to read the chunk; 0 for the first */
};

/* Sets the label: a function of the origin, the table and the range of
 * positions. */
int batch_set_label (struct batch *batch, const struct label_origin *origin);

/* What the sink gets; valid as long as the batch stays as it is. */
struct ezcdc_batch batch_view (const struct batch *batch);

/* Whether two sets of values have the same key. */
bool batch_same_key (const struct ezcdc_table *table,
                     const struct ezcdc_value *one,
                     const struct ezcdc_value *other);

/* Hash of the key columns; equal keys have equal hashes. */
uint64_t batch_key_hash (const struct ezcdc_table *table,
                         const struct ezcdc_value *values);

#endif
