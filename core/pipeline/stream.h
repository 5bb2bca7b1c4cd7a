/* SPDX-License-Identifier: Apache-2.0 */
/* Following the stream: the reader's loop. */
#ifndef EZCDC_PIPELINE_STREAM_H
#define EZCDC_PIPELINE_STREAM_H

#include <stdbool.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"

struct pipeline;

/* Reads changes after start until the pipeline stops, or, in a bounded run,
 * until everything up to target is durable and confirmed (target NULL: for
 * ever).  0 if it ended well; STREAM_COPY if tables have to be copied before it
 * can go on: everything it has read is durable and confirmed then; below zero
 * with error set.  doubt: tables are waiting for that already. */
#define STREAM_COPY 1
int stream_follow (struct pipeline *pipeline,
                   const struct ezcdc_position *start,
                   const struct ezcdc_position *target, bool doubt,
                   struct error *error);

#endif
