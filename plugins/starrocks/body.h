/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a load: rows as a JSON array, compressed while it grows. */
#ifndef STARROCKS_BODY_H
#define STARROCKS_BODY_H

#include <stdint.h>

#include <ezcdc/connector.h>

#include "buffer.h"
#include "compress.h"
#include "layout.h"

/* Reused from load to load, used by one thread at a time. */
struct body {
  struct body *next; /* in the list of idle ones */
  struct buffer raw; /* JSON, all of it or what is not compressed yet */
  struct buffer packed;
  struct compressor *compressor; /* NULL: uncompressed */
  uint64_t raw_total;            /* JSON bytes, raw ones included */
  size_t row_start;              /* in raw, of the row being written */
  uint64_t row_count;
  /* What else one write needs, kept for the next one. */
  struct buffer header;  /* the list of columns */
  struct buffer scratch; /* groups of rows */
};

/* Begins an empty array.  0, or -1 if memory ran out. */
int body_begin (struct body *body, int method);
/* Makes room for that much JSON at once, if it is not compressed.  Only a
 * hint: what is missing later is got later. */
void body_expect (struct body *body, uint64_t size);
/* Adds a row: all columns, but those in skip (NULL: none), or for a delete
 * the key columns and __op.  0, or -1 if memory ran out. */
int body_row (struct body *body, const struct layout *layout,
              const struct ezcdc_row *row, const uint8_t *skip);
/* Takes the last row back; only directly after body_row. */
void body_undo (struct body *body);
/* The most bytes that the finished body would have now. */
uint64_t body_size (const struct body *body);
/* Keeps the row: it can't be taken back any more. 0 or -1. */
int body_keep (struct body *body);
/* Ends the array; ret_data is lent until the next body_begin. 0 or -1. */
int body_end (struct body *body, const char **ret_data, size_t *ret_length);
/* Gives back memory that lately was not needed. */
void body_relax (struct body *body);
void body_free (struct body *body);

/* text as a JSON string, with the quotes. */
void json_append_text (struct buffer *json, const char *text, size_t length);
/* One value; what ENCODE_FLOAT makes of it is in quotes as well. */
void json_append_value (struct buffer *json, enum encoding encoding,
                        const struct ezcdc_value *value);

#endif /* STARROCKS_BODY_H */
