/* SPDX-License-Identifier: Apache-2.0 */
/* How the columns of one source table lie in its target table. */
#ifndef STARROCKS_LAYOUT_H
#define STARROCKS_LAYOUT_H

#include <stdint.h>

#include <ezcdc/connector.h>

#include "buffer.h"
#include "types.h"

/* How a value is written into the JSON of a load. */
enum encoding {
  ENCODE_PLAIN, /* the canonical text is JSON: integers, true, documents */
  ENCODE_TEXT,  /* a string, escaped */
  ENCODE_ASCII, /* a string whose characters value_problem has checked */
  ENCODE_FLOAT, /* a string with an exponent: StarRocks reads only those
                   without loss */
};

#define PREFIX_BLOCK 16

struct layout_column {
  char *name;   /* in the target's spelling; owned */
  char *prefix; /* ,"name": as JSON, filled up to whole blocks; owned */
  size_t prefix_length;
  size_t prefix_room; /* of the blocks */
  char *source_name;  /* NULL, or the name in the JSON if a function makes the
                        column from it; owned */
  struct column_type type;
  enum encoding encoding;
  uint32_t logical;     /* EZCDC_TYPE_... */
  int logical_scale;    /* of a DECIMAL with a precision, else -1 */
  uint32_t key_ordinal; /* 1 ... or 0 */
};

struct layout {
  struct layout_column *columns; /* one a source column, in its order */
  uint32_t column_count;
  uint32_t *keys; /* indices of key columns in key order */
  uint32_t key_count;
  size_t row_overhead; /* bytes of JSON around the values of a row */
  uint64_t version;    /* of the source table */
  int mapped;          /* 1: every load must list its columns */
  int64_t key_bytes;   /* the most bytes of an encoded key */
};

/* One column as the server describes it. */
struct target_column {
  char *name;          /* owned */
  char *default_value; /* owned, NULL if there is none */
  struct column_type type;
  int nullable;
  int key;       /* part of a PRIMARY KEY */
  int other_key; /* part of a key of another table model */
  int generated;
};

struct target_columns {
  struct target_column *items; /* owned */
  uint32_t count;
};

/* One row of information_schema.columns: name, type, IS_NULLABLE, COLUMN_KEY,
 * default and, if generation is set, the generating expression; each may be
 * NULL.  0, or -1 if it is not usable or memory ran out. */
int target_column_read (const char *const *row, int generation,
                        struct target_column *ret_column);
void target_columns_free (struct target_columns *columns);
/* By name, whatever the case; NULL if there is none. */
const struct target_column *target_columns_find (
  const struct target_columns *columns, const char *name);

/* Binds a source table to the columns that its target has, all of which must
 * be there.  0, or -1 if memory ran out.  Freed with layout_free. */
int layout_make (const struct ezcdc_table *table,
                 const struct target_columns *target, int64_t key_bytes,
                 struct layout **ret_layout);
void layout_free (struct layout *layout);
/* Whether the target's columns look the same through both. */
int layout_equal (const struct layout *one, const struct layout *other);

/* The value of the header "columns" for a load of those columns whose entry
 * in skip is 0 (skip NULL: of all), with __op if deletes is set. */
void layout_header (const struct layout *layout, const uint8_t *skip,
                    int deletes, struct buffer *ret_header);

#endif /* STARROCKS_LAYOUT_H */
