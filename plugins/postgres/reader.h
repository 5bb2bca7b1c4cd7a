/* SPDX-License-Identifier: Apache-2.0 */
/* Reads chunks of a snapshot. */

#ifndef POSTGRES_READER_H
#define POSTGRES_READER_H

#include "rows.h"
#include "snapshot.h"

/* The source's functions. */
int postgres_reader_open (void *snapshot, void **ret_reader);
void postgres_reader_close (void *reader);
int postgres_reader_begin (void *reader, const struct ezcdc_table *table,
                           const char *chunk);
int postgres_reader_read (void *reader, struct ezcdc_feed *feed,
                          int64_t timeout_ms);

#endif /* POSTGRES_READER_H */
