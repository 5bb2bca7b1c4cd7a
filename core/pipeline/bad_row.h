/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that the sink refuses: named, and stopped at or put aside. */
#ifndef EZCDC_PIPELINE_BAD_ROW_H
#define EZCDC_PIPELINE_BAD_ROW_H

#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"

struct batch;
struct instance_services;
struct pipeline;

struct bad_row {
  uint64_t row; /* its index in the batch */
  char *reason; /* owned */
};

/* What the sink refused during one write; one per writer thread. */
struct bad_rows {
  struct bad_row *rows;
  size_t count;
  size_t capacity;
  const struct ezcdc_batch *batch; /* the one being written */
  struct bad_rows *outer;          /* in the list of all that are collecting */
};

/* From here to the end, refuse_row for this batch is collected. */
void bad_rows_begin (struct bad_rows *bad_rows,
                     const struct ezcdc_batch *batch);
void bad_rows_end (struct bad_rows *bad_rows);
void bad_rows_free (struct bad_rows *bad_rows);

/* The service behind host->refuse_row. */
int bad_rows_refuse (const struct ezcdc_batch *batch, uint64_t row,
                     const char *reason, struct error *error);

/* Refuses the rows that no sink may see: with values that are not UTF-8, of
 * columns for which the source does not answer. EZCDC_E_ROW if there are any;
 * other batches are not looked at. Between begin and end. */
int bad_rows_find (const struct ezcdc_batch *batch, struct error *error);

/* Follows on_bad_row: stop is an error that names table, key, position and
 * reason; dead_letter stores the rows and takes them out of the batch. */
int bad_rows_apply (struct pipeline *pipeline, struct bad_rows *bad_rows,
                    struct batch *batch, struct error *error);

#endif
