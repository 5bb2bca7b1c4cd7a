/* SPDX-License-Identifier: Apache-2.0 */
/* From logical types to column types of StarRocks. */
#ifndef STARROCKS_TYPES_H
#define STARROCKS_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "settings.h"

enum column_kind {
  KIND_OTHER, /* one that this sink does not write */
  KIND_BOOLEAN,
  KIND_TINYINT,
  KIND_SMALLINT,
  KIND_INT,
  KIND_BIGINT,
  KIND_LARGEINT,
  KIND_FLOAT,
  KIND_DOUBLE,
  KIND_DECIMAL,
  KIND_DATE,
  KIND_DATETIME,
  KIND_VARCHAR,
  KIND_VARBINARY,
  KIND_JSON,
};

struct column_type {
  enum column_kind kind;
  int precision;  /* DECIMAL */
  int scale;      /* DECIMAL */
  int64_t length; /* VARCHAR, VARBINARY: bytes */
  int bare;       /* 1: as read, without the (...) that tells the rest */
};

#define VARCHAR_MAX INT64_C (1048576)

/* 30211 for 3.2.11; what can't be read counts as new. */
#define VERSION_UNKNOWN 990000
int version_parse (const char *text);

/* The type that a new column for source gets. */
void type_wanted (const struct settings *settings, int version,
                  const struct ezcdc_column *source,
                  struct column_type *ret_type);
/* COLUMN_TYPE of information_schema.columns. */
void type_parse (const char *text, struct column_type *ret_type);
/* As DDL says it. */
void type_print (const struct column_type *type, char *ret_text, size_t size);

#define TYPE_TEXT_SIZE 64

enum type_fit {
  TYPE_FITS,   /* holds the source's values, or refuses them row by row */
  TYPE_WIDENS, /* StarRocks can change the column to the wanted type */
  TYPE_CLASHES,
};

/* Fills in what the server has not told of a type. */
void type_complete (const struct column_type *wanted,
                    struct column_type *existing);

enum type_fit type_fit (const struct ezcdc_column *source,
                        const struct column_type *wanted,
                        const struct column_type *existing);

#endif /* STARROCKS_TYPES_H */
