/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table through COPY, in canonical text. */

#ifndef POSTGRES_ROWS_H
#define POSTGRES_ROWS_H

#include "session.h"
#include "text.h"
#include "value.h"

struct rows {
  struct session *session; /* lent */
  uint64_t table;
  uint32_t count; /* of columns */
  struct ezcdc_value *values;
  struct value_rules rules;
  bool running;  /* the COPY has begun and not ended */
  int64_t heard; /* monotonic time of the newest row, or of the beginning */
  bool told;     /* the status says that none comes */
};

/* Begins COPY (SELECT the table's columns FROM source) TO STDOUT; source is
 * the rest of the statement. */
int rows_begin (struct rows *rows, struct session *session,
                const struct ezcdc_table *table, const char *source);
/* Feeds rows as the source's reader_read does. */
int rows_feed (struct rows *rows, struct ezcdc_feed *feed, int64_t timeout_ms);
void rows_clear (struct rows *rows);

/* Adds " AND (...)" with the publication's row filter of the table, if it
 * has one. */
int rows_add_filter (struct postgres *self, struct session *session,
                     const struct ezcdc_table *table, struct text *sql);

#endif /* POSTGRES_ROWS_H */
