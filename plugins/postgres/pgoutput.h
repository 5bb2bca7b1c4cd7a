/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of PostgreSQL's output plugin pgoutput, protocol version 1.
 *
 * Pure functions on (pointer, end): no state, no allocation, and no length is
 * believed before it was checked. All results point into the message.
 */

#ifndef POSTGRES_PGOUTPUT_H
#define POSTGRES_PGOUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include <ezcdc/connector.h>

/* The most columns a table of PostgreSQL can have. */
#define PGOUTPUT_COLUMNS_MAX 1664

/* The type is the first byte of the message; members that a type does not
 * have are 0. */
struct pgoutput_message {
  char type;     /* B C R I U D T; other types have nothing else set */
  char identity; /* R: d n f i */
  char old;      /* U, D: K or O before the old tuple, 0 if there is none */
  uint16_t column_count;   /* R */
  uint32_t relation;       /* R I U D */
  uint32_t relation_count; /* T: as many numbers stand at body */
  uint64_t lsn;            /* B, C: of the commit record */
  uint64_t end_lsn;        /* C: behind the commit record */
  int64_t commit_time;     /* B, C: microseconds since 1970 */
  const char *schema;      /* R */
  const char *name;        /* R */
  const char *body; /* R: the columns; I U D: the tuples; T: the numbers */
  const char *end;
};

struct pgoutput_column {
  const char *name;
  uint32_t type;
  int32_t modifier;
  bool key;
};

/* False if the message is cut short or otherwise not what it should be. */
bool pgoutput_parse (const char *data, const char *end,
                     struct pgoutput_message *ret_message);

/* Each reads one item at *at and moves *at behind it. */
bool pgoutput_column (const char **at, const char *end,
                      struct pgoutput_column *ret_column);
bool pgoutput_relation (const char **at, const char *end,
                        uint32_t *ret_relation);
/* A tuple with exactly count values. */
bool pgoutput_tuple (const char **at, const char *end, uint32_t count,
                     struct ezcdc_value *ret_values);
/* Between the old tuple of an update and the new one stands an N. */
bool pgoutput_new (const char **at, const char *end);

/* Big-endian numbers; the caller has checked that the bytes are there. */
uint32_t pgoutput_uint32 (const char *at);
uint64_t pgoutput_uint64 (const char *at);

#endif /* POSTGRES_PGOUTPUT_H */
