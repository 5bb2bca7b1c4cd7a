/* SPDX-License-Identifier: Apache-2.0 */
/* Reads rows again by key. */

#ifndef POSTGRES_FETCH_H
#define POSTGRES_FETCH_H

#include "postgres.h"

/* The source's function. */
int postgres_fetch (void *self, const struct ezcdc_table *table,
                    const struct ezcdc_value *keys, uint64_t count,
                    struct ezcdc_feed *feed);

#endif /* POSTGRES_FETCH_H */
