/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving end of a stream: changes become batches, batches rounds. */
#ifndef EZCDC_PIPELINE_GATHER_H
#define EZCDC_PIPELINE_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/pipeline/batch.h"
#include "core/plugin/feed.h"

struct pipeline;

/* Used by the stream's reader thread alone. */
struct gather {
  struct ezcdc_feed feed; /* first: the source is given its address */
  struct pipeline *pipeline;

  uint64_t reading;    /* the stream that the rows come from */
  struct round *round; /* the open one; NULL: nothing gathered */
  struct table **open; /* tables with an open batch; owned array */
  size_t open_count;
  size_t open_capacity;
  struct batch *log;    /* the open batch of a log sink */
  struct table *recent; /* the table of the last row, found fast */
  int64_t opened;       /* monotonic time of the round's first row */
  uint64_t *strangers;  /* tables that nobody has listed, as was told; owned */
  size_t stranger_count;

  /* The transaction that is arriving. */
  bool in_transaction;
  struct ezcdc_position commit;
  int64_t commit_time;
  uint64_t ordinal;

  /* Everything up to here has arrived. */
  struct ezcdc_position complete;
  int64_t complete_commit_time;
  bool doubt; /* a table has come into doubt: see shape.h */
};

void gather_init (struct gather *gather, struct pipeline *pipeline,
                  const struct ezcdc_position *start);
/* Drops what was not handed on. */
void gather_destroy (struct gather *gather);

bool gather_is_empty (const struct gather *gather);

/* Hands on everything that is open as one round. */
int gather_seal (struct gather *gather);

/* The connection is gone: the open transaction will come again. */
void gather_interrupted (struct gather *gather);

#endif
