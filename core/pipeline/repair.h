/* SPDX-License-Identifier: Apache-2.0 */
/* Unchanged values that the sink cannot keep by itself are read again from
 * the source.
 *
 * That happens when a row's key has changed (the sink would have to copy from
 * the row it deletes), when the sink cannot update single columns, and in
 * the part of the stream that a resumed snapshot overlaps (the row may not
 * be there).  A row that the source no longer has, under its new key or its
 * old one, was deleted or moved by a later transaction of the stream, which
 * decides about it; until then it is left out.
 */
#ifndef EZCDC_PIPELINE_REPAIR_H
#define EZCDC_PIPELINE_REPAIR_H

#include "core/base/error.h"

struct batch;
struct pipeline;

/* Fills in the unchanged values of the rows that need it.  May be called
 * again after a failure. */
int repair_batch (struct pipeline *pipeline, struct batch *batch,
                  struct error *error);

#endif
