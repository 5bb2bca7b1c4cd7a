/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables a pipeline has, and where their rows go. */
#ifndef EZCDC_PIPELINE_DISCOVERY_H
#define EZCDC_PIPELINE_DISCOVERY_H

#include "core/base/error.h"

struct ezcdc_table;
struct pipeline;
struct table_set;

/* Why a table cannot be replicated to this pipeline's sink: the source's
 * refusal, or that it has no key and only a log does without one. NULL if it
 * can. */
const char *pipeline_refusal (const struct pipeline *pipeline,
                              const struct ezcdc_table *table);

/* Lists the tables of the source into pipeline->tables; refused tables and
 * clashing targets are an error that names them all. */
int pipeline_discover (struct pipeline *pipeline, struct error *error);
/* The same into an empty set of the caller's, who frees it.  among is NULL, or
 * the pipeline's tables: then only those of them that are refused count, and
 * are to be copied anew (see missed.h), and one that is refused and has taken
 * the place of one of them. */
int pipeline_list_tables (struct pipeline *pipeline, struct table_set *ret_set,
                          const struct table_set *among, struct error *error);

#endif
