/* SPDX-License-Identifier: Apache-2.0 */
/* From PostgreSQL's text of a value, under the settings that connect.c pins,
 * to the canonical text of the connector ABI.
 *
 * For most types they are the same. Booleans are spelled out, bytea loses its
 * \x, timestamptz its +00, and so do the elements of arrays of these.
 */

#ifndef POSTGRES_VALUE_H
#define POSTGRES_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

struct value_rule {
  uint32_t column;
  uint32_t type;         /* EZCDC_TYPE_... */
  uint32_t element_type; /* of an array */
};

/* How the rows of one table become canonical. */
struct value_rules {
  struct value_rule *items; /* only the columns that need something */
  uint32_t count;
  bool arrays;
  char *scratch; /* for arrays, which may grow; until the next row */
  size_t scratch_size;
};

/* Zeroed rules are the rules of a table that needs nothing. */
bool value_rules_set (struct value_rules *rules,
                      const struct ezcdc_column *columns, uint32_t count);
void value_rules_clear (struct value_rules *rules);

/* Makes one or two rows (second may be NULL) canonical; bytes are moved in
 * place. False if memory is short. */
bool value_rules_apply (struct value_rules *rules, struct ezcdc_value *first,
                        struct ezcdc_value *second);

#endif /* POSTGRES_VALUE_H */
