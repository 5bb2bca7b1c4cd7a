/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a table's columns, and when its rows have to be copied again.
 *
 * The stream brings the rows that change, not those that were there when a
 * column was renamed, was added with a default, was dropped and made anew or
 * got another type: those are other in the source now, and no change says so.
 * Such a table is in doubt.  Its changes are followed as they come until the
 * stream has passed all that was committed when the doubt arose; then it is
 * copied once more, over the rows that it has.  Not before: changes from before
 * the copy would write values of old columns over it.
 *
 * Changes whose rows cannot go where the copied ones are, because the table had
 * another key then, or none, or a column of another type, are left out until
 * that copy.
 * It brings what they did, into a target that it empties first: a deleted row
 * must not stay.
 *
 * The columns that a table had are in the state, so that changes made while
 * nothing runs are seen too.
 */
#ifndef EZCDC_PIPELINE_SHAPE_H
#define EZCDC_PIPELINE_SHAPE_H

#include <stdbool.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/text.h"

struct pipeline;
struct table;

/* Whether rows that were stored under the columns before may be other under
 * the columns of after, although nobody has changed them.  Says why in
 * ret_reason. */
bool shape_is_doubtful (const struct ezcdc_column *before, uint32_t count,
                        const struct ezcdc_table *after,
                        struct text *ret_reason);

/* The same of a table of the pipeline; and a column that was dropped and has
 * come back is doubtful, too: the target has kept the values that it had. */
int shape_doubt (struct pipeline *pipeline, const struct ezcdc_column *before,
                 uint32_t count, const struct ezcdc_table *after,
                 struct text *ret_reason, struct error *error);

/* Whether the key consists of other columns, or of the same in another
 * order. */
bool shape_has_another_key (const struct ezcdc_table *before,
                            const struct ezcdc_table *after);
/* Whether a column of both has a type here that is not that of there with more
 * or with less room. */
bool shape_has_another_type (const struct ezcdc_table *before,
                             const struct ezcdc_table *after);

/* At the start: compares each table with what the state has of it.  What is in
 * doubt is waiting for its copy afterwards. */
int shapes_check (struct pipeline *pipeline, struct error *error);

/* The table has come into doubt: says so, and shape_forget_rows. */
int shape_begin_doubt (struct pipeline *pipeline, struct table *table,
                       const char *reason, struct error *error);

/* The same, but its changes are left out until the stream has reached the
 * present, and its target is emptied before it is copied then. */
int shape_leave_out (struct pipeline *pipeline, struct table *table,
                     const char *reason, struct error *error);
/* Without a word. */
int shape_pass_over (struct pipeline *pipeline, struct table *table,
                     struct error *error);

/* While streaming, now and then: looks for what the stream does not tell of.  A
 * table that cannot be replicated any more is an error; *ret_doubt is whether
 * any has come into doubt. */
int shapes_look (struct pipeline *pipeline, bool *ret_doubt,
                 struct error *error);

/* The table has to be copied again: it is waiting, in the state too. */
int shape_forget_rows (struct pipeline *pipeline, struct table *table,
                       struct error *error);

/* The same, and its target is to be emptied first. */
int shape_forget_copy (struct pipeline *pipeline, struct table *table,
                       struct error *error);

/* Before a copy: asks the source for the columns that the waiting tables have
 * now.  If they have changed since the stream or an earlier attempt saw them,
 * one more copy is due after this one. */
int shapes_refresh (struct pipeline *pipeline, struct error *error);

#endif
