/* SPDX-License-Identifier: Apache-2.0 */
/* Following the stream: the reader's loop. */
#ifndef EZCDC_PIPELINE_STREAM_H
#define EZCDC_PIPELINE_STREAM_H

#include <ezcdc/connector.h>

#include "core/base/error.h"

struct pipeline;

/* Reads changes after start until the pipeline stops, or, in a bounded run,
 * until everything up to target is durable and confirmed (target NULL: for
 * ever).  0 if it ended well; below zero with error set. */
int stream_follow (struct pipeline *pipeline,
                   const struct ezcdc_position *start,
                   const struct ezcdc_position *target, struct error *error);

#endif
