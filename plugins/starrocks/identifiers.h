/* SPDX-License-Identifier: Apache-2.0 */
/* Names and literals in the forms that SQL and URLs want. */
#ifndef STARROCKS_IDENTIFIERS_H
#define STARROCKS_IDENTIFIERS_H

#include <ezcdc/connector.h>

#include "buffer.h"

/* `name`, a backtick inside doubled. */
void identifier_append (struct buffer *sql, const char *name);
/* `database`.`table` */
void identifier_table (struct buffer *sql, const char *database,
                       const char *table);
/* 'text', with backslash escapes. */
void literal_append (struct buffer *sql, const char *text);
/* A segment of a URL's path or a value in its query. */
void percent_append (struct buffer *url, const char *text);

/* Whether StarRocks can have columns of these names: ret_problem says
 * which can't and why. 0 or -1. */
int identifiers_check (const struct ezcdc_table *table,
                       struct buffer *ret_problem);

#endif /* STARROCKS_IDENTIFIERS_H */
