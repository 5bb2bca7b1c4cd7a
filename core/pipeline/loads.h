/* SPDX-License-Identifier: Apache-2.0 */
/* Loads that may outlive us.
 *
 * A server that has got a load whole finishes it, also when the client has
 * been killed meanwhile.  If that happens after the next run has written, old
 * rows lie over new ones for good.  So each load is noted on the disk before
 * it is sent, and before anything newer is written to a table, the end of its
 * noted loads is waited for.
 *
 *   announce (state) - send - over
 *                          \\ killed, or no answer - settle - over
 *
 * What is over is forgotten with the table's next load, or at the end.
 */
#ifndef EZCDC_PIPELINE_LOADS_H
#define EZCDC_PIPELINE_LOADS_H

#include <ezcdc/connector.h>

#include "core/base/error.h"

struct pipeline;
struct table;

/* Looks what an earlier run has left of a table. */
int loads_begin (struct pipeline *pipeline, struct table *table,
                 struct error *error);

/* The service behind host->announce; table is NULL for a log, which is an
 * error. */
int loads_announce (struct pipeline *pipeline, const struct ezcdc_table *table,
                    const char *load, struct error *error);

/* Waits for the loads of a table whose end nobody has seen; table may be NULL.
 * 0, or the sink's code with error set. */
int loads_settle (struct pipeline *pipeline, struct table *table,
                  struct error *error);

/* All loads of the table so far are over; table may be NULL. */
void loads_are_over (struct table *table);

/* At the end of a run, when nothing is written any more. */
int loads_forget (struct pipeline *pipeline, struct error *error);

#endif
