/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of which changes were missed, so that they have to be copied anew.
 *
 * A position says what was read of the tables that the pipeline had then.  It
 * says nothing about a table
 *
 *   that was not among them for a while: the stream went on without it;
 *   whose changes the source has not kept for a while: see version of struct
 *   ezcdc_table;
 *   that goes to another target now;
 *   whose copy is ahead of the stream, and the server has lost what it shows:
 *   another one was promoted, which never had it;
 *   that was copied before anybody kept its changes: snapshot = only.
 *
 * What the target has of such a table is old, and rows that were deleted
 * meanwhile are still there: the copy goes into a target that is emptied.
 */
#ifndef EZCDC_PIPELINE_MISSED_H
#define EZCDC_PIPELINE_MISSED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

#define MISSED_BY_SOURCE "the source has not kept its changes for a while"

struct ezcdc_position;
struct pipeline;
struct table;
struct table_set;

/* At the start, before anything is copied: finds those tables.  first: the
 * source keeps no changes for this pipeline yet. */
int missed_check (struct pipeline *pipeline, bool first, struct error *error);

/* At the first start, once the source is prepared: it may say only now what it
 * keeps of the tables. */
int missed_begin (struct pipeline *pipeline, struct error *error);

/* Once all is prepared, before anything is read: the state forgets the tables
 * that are not among the pipeline's any more, so that they are new when they
 * come back. */
int missed_forget (struct pipeline *pipeline, struct error *error);

/* While streaming: whether the source has left out changes of the table since
 * it was described last.  found is how it is described now. */
bool missed_by_source (const struct table *table, const struct table *found);
/* That was dealt with. */
int missed_note (struct pipeline *pipeline, struct table *table,
                 const struct table *found, struct error *error);

/* The table that has had this target, if the one with that id has it now; else
 * NULL. */
const struct table *missed_predecessor (const struct table_set *tables,
                                        const struct table_set *now,
                                        uint64_t id, const char *target);
/* While streaming: whether the copy of the table has shown what the stream's
 * history does not have. */
bool missed_by_promotion (const struct pipeline *pipeline, void *stream,
                          const struct table *table,
                          const struct ezcdc_position *complete);
/* While streaming: whether the table that belongs into a target is another one
 * now, or two have changed their names, so that the pipeline has to begin again
 * with a new list of tables.  Says so. */
bool missed_exchange (const struct pipeline *pipeline,
                      const struct table_set *now);

#endif
