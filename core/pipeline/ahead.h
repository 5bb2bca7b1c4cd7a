/* SPDX-License-Identifier: Apache-2.0 */
/* How far the target may be ahead of the stored position.
 *
 * Tables load side by side: while a load of one hangs, the position stays
 * before it, and others go on.  Where the sink was taken to is in the state
 * before it is taken there.  A start that finds another server, promoted
 * without the last changes, can tell thereby that the target has them.
 */
#ifndef EZCDC_PIPELINE_AHEAD_H
#define EZCDC_PIPELINE_AHEAD_H

#include <stdbool.h>

#include "core/base/error.h"

struct batch;
struct ezcdc_position;
struct pipeline;

/* At the start. */
int ahead_load (struct pipeline *pipeline, struct error *error);

/* Before a batch is handed to the sink; by any writer. */
int ahead_reach (struct pipeline *pipeline, const struct batch *batch,
                 struct error *error);

/* When a stream was opened behind complete: whether the sink was taken further
 * than that, to where this stream's history has never been. */
bool ahead_is_lost (struct pipeline *pipeline, void *stream,
                    const struct ezcdc_position *complete);

/* All tables are copied anew, or it cannot be helped. */
int ahead_forget (struct pipeline *pipeline, struct error *error);

#endif
