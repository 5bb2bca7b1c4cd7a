/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables the patterns take in. */

#ifndef POSTGRES_DISCOVER_H
#define POSTGRES_DISCOVER_H

#include "session.h"
#include "text.h"

/* Writes the OIDs of the tables, {16384,16390}. A pattern without wildcards
 * that matches nothing, and no table at all, are errors of configuration. */
int discover_oids (struct postgres *self, struct session *session,
                   struct text *ret_oids);

/* The source's function. */
int postgres_discover (void *self, struct ezcdc_list *list);

#endif /* POSTGRES_DISCOVER_H */
