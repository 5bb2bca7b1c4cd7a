/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog says about tables, with all that speaks against one. */

#ifndef POSTGRES_DESCRIBE_H
#define POSTGRES_DESCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include <ezcdc/connector.h>

#include "session.h"
#include "publication.h"

#define REFUSAL_SIZE 512

/* One table. All strings live as long as the catalog they come from. */
struct description {
  struct ezcdc_table table;
  struct ezcdc_column *columns; /* malloc'ed; grows from table to table */
  uint32_t column_space;
  uint32_t *types;    /* pg_attribute.atttypid of each column */
  int32_t *modifiers; /* pg_attribute.atttypmod of each column */
  const char *filter; /* the publication's row filter, NULL if none */
  bool partitioned;
  int unreadable; /* row of the first column that may not be read, or -1 */
  char refusal[REFUSAL_SIZE]; /* table.refusal points here or is NULL */
};

/* Descriptions are read one after another. */
struct catalog {
  int version;           /* of the server */
  uint32_t column_flags; /* that each column has */
  struct publication publication;
  PGresult *tables;
  PGresult *columns;
  int next_table;
  int next_column;
};

/* Reads what there is about these tables; oids is {16384,16390}. Tables that
 * are gone are left out. */
int catalog_read (struct postgres *self, struct session *session,
                  const char *oids, struct catalog *ret_catalog);
void catalog_clear (struct catalog *catalog);

/* EZCDC_OK, or EZCDC_END behind the last one. description is zeroed before
 * its first use and cleared by the caller after its last. */
int catalog_next (struct postgres *self, struct catalog *catalog,
                  struct description *description);
void description_clear (struct description *description);

/* Resolves the types of a relation message; oids and modifiers are {..}. The
 * result has one row for each with the columns that catalog_type takes, at
 * index first, and the type's name before them. */
int catalog_types (struct session *session, const char *oids,
                   const char *modifiers, PGresult **ret_result);
void catalog_type (const PGresult *result, int row, int first,
                   struct ezcdc_column *column);

#endif /* POSTGRES_DESCRIBE_H */
