/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as the stream describes them.
 *
 * A relation message has the columns as they were when the rows behind it
 * were written; the catalog only knows them as they are now. So names, types
 * and their order come from the message. The catalog adds what the message
 * lacks: the key's order and what a type is.
 */

#ifndef POSTGRES_RELATION_H
#define POSTGRES_RELATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "describe.h"
#include "pgoutput.h"
#include "value.h"

struct relation {
  uint32_t oid;
  bool wanted;    /* the patterns take it in */
  bool described; /* table is good, and the core knows it */
  char *message;  /* as it came */
  size_t length;
  uint32_t count; /* of columns */
  struct ezcdc_table table;
  struct ezcdc_column *columns;
  struct ezcdc_value *values; /* of the row at hand */
  struct ezcdc_value *old_values;
  struct ezcdc_value *keys; /* of a delete */
  struct value_rules rules;
  PGresult *types; /* own the strings of the table */
  struct catalog catalog;
  struct description description;
};

struct relations {
  struct relation **items; /* by OID */
  size_t count;
  struct relation *last; /* found; most rows are of the same table */
};

/* NULL if no message has described it. */
struct relation *relations_find (struct relations *relations, uint32_t oid);
/* Takes a relation message in; nothing happens if it says nothing new. */
int relations_update (struct relations *relations, struct postgres *self,
                      const struct pgoutput_message *message,
                      const char *data);
void relations_clear (struct relations *relations);

/* Makes relation->table; asks the catalog. */
int relation_describe (struct relation *relation, struct postgres *self);

#endif /* POSTGRES_RELATION_H */
