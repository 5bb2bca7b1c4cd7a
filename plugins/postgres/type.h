/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's types to the logical types of the connector ABI. */

#ifndef POSTGRES_TYPE_H
#define POSTGRES_TYPE_H

#include <stdint.h>

#include <ezcdc/connector.h>

/* A type with its domains resolved. */
struct type {
  uint32_t oid;     /* 0 if the catalog no longer knows it */
  int32_t modifier; /* -1: none */
  uint32_t element; /* OID of the elements of an array, else 0 */
  char category;    /* pg_type.typcategory; 0 if unknown */
};

/* Sets type, element_type, precision, scale and length of the column. */
void type_describe (const struct type *type, struct ezcdc_column *column);

#endif /* POSTGRES_TYPE_H */
