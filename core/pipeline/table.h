/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a pipeline: what they look like and how far each one is. */
#ifndef EZCDC_PIPELINE_TABLE_H
#define EZCDC_PIPELINE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

struct batch;

enum table_phase {
  TABLE_WAITING,   /* its snapshot has not begun */
  TABLE_SNAPSHOT,  /* its rows are being copied */
  TABLE_STREAMING, /* copied; changes are followed */
};

/* What the state holds of the loads of a target. */
enum table_loads {
  LOADS_NONE,
  LOADS_OVER, /* all of them are over */
  LOADS_OPEN, /* nobody has seen the end of some */
};

/* One description of a table, as it was for some stretch of the stream.
 * Batches point at it, so it lives as long as the table set. */
struct table_version {
  struct ezcdc_table description; /* strings and columns lie behind it */
  struct table_version *older;
};

/* A table.  The members below "counters" are guarded by whoever is named;
 * the description is replaced by the stream's reader only. */
struct table {
  uint64_t id;
  char *name;                    /* schema.name, as people write it */
  char *target;                  /* its name in the sink */
  struct table_version *version; /* the newest */

  _Atomic uint32_t phase; /* enum table_phase */
  /* Partial rows of transactions before this position are read again from
   * the source: the snapshot was resumed there. Length 0: nothing. */
  struct ezcdc_position repair_before;
  /* The view that its rows were copied from; length 0: they were not, and the
   * target may hold rows of somebody else. */
  struct ezcdc_position copied;
  /* The latest view that any of it was copied from; the same, unless the copy
   * was broken off. */
  struct ezcdc_position viewed;
  _Atomic bool has_gaps; /* rows of it are among the dead letters: an update
                            cannot rely on the row in the target */
  _Atomic bool emptied;  /* its target was gone and has been made anew */
  uint64_t edition; /* what the source gave as version when it listed it */
  bool gone;        /* the source does not list it any more, as was told */
  bool renamed;     /* the source has it under another name, as was told */
  bool again;    /* its columns have changed under its copy: one more is due */
  bool left_out; /* its changes are, until it is copied: see shape.h */
  bool deferred; /* left out since the stream has stopped for a copy: it has
                    to go on before this one is copied */

  /* Counters for status. */
  _Atomic int64_t rows;       /* of the snapshot, durable */
  _Atomic int64_t rows_total; /* estimated, -1 if unknown */
  _Atomic int64_t changes;    /* of the stream, durable */

  struct batch *open; /* the stream's reader: rows not yet handed on */

  /* Of the thread that writes the table. */
  enum table_loads loads;

  /* The writers', under their lock. */
  struct batch *queue_head;
  struct batch *queue_tail;
  struct table *next_ready;  /* in the list of tables with work */
  bool ready;                /* it is in that list */
  bool busy;                 /* a batch of it is being written */
  _Atomic uint64_t prepared; /* the version that the sink has prepared */
  _Atomic int64_t asked;     /* monotonic time when the sink was asked to write
                                or prepare it; 0: it has answered */
};

/* All tables, found by id or by place. Owned by the pipeline. */
struct table_set {
  struct table **tables; /* in the order of their names as discovered */
  size_t count;
  size_t capacity;
  struct table **slots; /* open addressing by id; a power of two */
  size_t slot_count;
};

void table_set_free (struct table_set *set);

/* Adds a copy of the description; target is copied too. NULL if out of
 * memory. */
struct table *table_set_add (struct table_set *set,
                             const struct ezcdc_table *description,
                             const char *target);
/* NULL if there is none. */
struct table *table_set_find (const struct table_set *set, uint64_t id);

/* Looks at all of them.  NULL if there is none. */
struct table *table_set_find_target (const struct table_set *set,
                                     const char *target);

/* Whether two descriptions name the same columns, types and key. */
bool table_same_shape (const struct ezcdc_table *one,
                       const struct ezcdc_table *other);

/* Makes a copy of the description the table's newest version. -1 if out of
 * memory. */
int table_revise (struct table *table, const struct ezcdc_table *description);

/* Whether it has to be copied: again is whether the stream has reached the
 * present, so that those count whose changes are left out, or that have been
 * copied before. */
bool table_awaits_copy (const struct table *table, bool again);

const char *table_phase_name (uint32_t phase);

#endif
