/* SPDX-License-Identifier: Apache-2.0 */
/* Databases, tables and their growth. */
#ifndef STARROCKS_DDL_H
#define STARROCKS_DDL_H

#include "buffer.h"
#include "connect.h"
#include "layout.h"
#include "starrocks.h"

/* The columns of the target, none if the table does not exist. */
int ddl_read_columns (struct starrocks *self, struct connection *connection,
                      const struct ezcdc_table *table,
                      struct target_columns *ret_columns);
/* Whether the database exists. */
int ddl_database_exists (struct starrocks *self, struct connection *connection,
                         int *ret_exists);
int ddl_create (struct starrocks *self, struct connection *connection,
                const struct ezcdc_table *table);

/* What has to be done to an existing table. */
struct ddl_changes {
  struct buffer additions;     /* ADD COLUMN ..., ADD COLUMN ... */
  struct buffer modifications; /* MODIFY COLUMN ... */
  struct buffer obstacles;     /* sentences on what can't be done */
};

void ddl_changes_free (struct ddl_changes *changes);
/* Compares; changes nothing.  0, or -1 if memory ran out. */
int ddl_compare (const struct settings *settings, int version,
                 const struct ezcdc_table *table,
                 const struct target_columns *columns,
                 struct ddl_changes *ret_changes);
int ddl_alter (struct starrocks *self, struct connection *connection,
               const char *table, struct buffer *clauses, const char *what);
/* The text of CREATE TABLE; a pure function of its arguments. */
void ddl_create_text (const struct settings *settings, int version,
                      int backends, const struct ezcdc_table *table,
                      struct buffer *ret_sql);

#endif /* STARROCKS_DDL_H */
