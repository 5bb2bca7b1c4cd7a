/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of PostgreSQL's output plugin pgoutput, protocol version 1. */

#include <string.h>

#include "pgoutput.h"

/* From 1970-01-01 to 2000-01-01, PostgreSQL's zero, in microseconds. */
#define PGOUTPUT_EPOCH INT64_C (946684800000000)

static uint16_t
pgoutput_uint16 (const char *at)
{
  const uint8_t *byte = (const uint8_t *) at;

  return (uint16_t) (byte[0] << 8 | byte[1]);
}

uint32_t
pgoutput_uint32 (const char *at)
{
  return (uint32_t) pgoutput_uint16 (at) << 16 | pgoutput_uint16 (at + 2);
}

uint64_t
pgoutput_uint64 (const char *at)
{
  return (uint64_t) pgoutput_uint32 (at) << 32 | pgoutput_uint32 (at + 4);
}

/* A time of PostgreSQL; values near the ends are not real ones. */
static int64_t
pgoutput_time (const char *at)
{
  int64_t time = (int64_t) pgoutput_uint64 (at);

  return time > INT64_MAX - PGOUTPUT_EPOCH ? 0 : time + PGOUTPUT_EPOCH;
}

/* A NUL-terminated string. */
static bool
pgoutput_string (const char **at, const char *end, const char **ret_string)
{
  const char *nul = memchr (*at, '\0', (size_t) (end - *at));

  if (nul == NULL)
    return false;
  *ret_string = *at;
  *at = nul + 1;
  return true;
}

static bool
pgoutput_parse_begin (const char *at, const char *end,
                      struct pgoutput_message *message)
{
  if (end - at < 8 + 8 + 4)
    return false;
  message->lsn = pgoutput_uint64 (at);
  message->commit_time = pgoutput_time (at + 8);
  return true;
}

static bool
pgoutput_parse_commit (const char *at, const char *end,
                       struct pgoutput_message *message)
{
  if (end - at < 1 + 8 + 8 + 8)
    return false;
  message->lsn = pgoutput_uint64 (at + 1);
  message->end_lsn = pgoutput_uint64 (at + 9);
  message->commit_time = pgoutput_time (at + 17);
  return message->end_lsn >= message->lsn;
}

static bool
pgoutput_parse_relation (const char *at, const char *end,
                         struct pgoutput_message *message)
{
  if (!pgoutput_relation (&at, end, &message->relation)
      || !pgoutput_string (&at, end, &message->schema)
      || !pgoutput_string (&at, end, &message->name) || end - at < 1 + 2)
    return false;
  message->identity = at[0];
  message->column_count = pgoutput_uint16 (at + 1);
  message->body = at + 3;
  /* PostgreSQL's word for its own schema is the empty one. */
  if (*message->schema == '\0')
    message->schema = "pg_catalog";
  return message->column_count <= PGOUTPUT_COLUMNS_MAX;
}

/* Insert, update and delete: a relation, then one or two tuples, each with a
 * letter before it. */
static bool
pgoutput_parse_change (const char *at, const char *end,
                       struct pgoutput_message *message)
{
  if (!pgoutput_relation (&at, end, &message->relation) || at == end)
    return false;
  if (message->type != 'I' && (*at == 'K' || *at == 'O'))
    message->old = *at;
  else if (message->type == 'D' || *at != 'N')
    return false;
  message->body = at + 1;
  return true;
}

static bool
pgoutput_parse_truncate (const char *at, const char *end,
                         struct pgoutput_message *message)
{
  if (!pgoutput_relation (&at, end, &message->relation_count) || at == end)
    return false;
  at++; /* CASCADE and RESTART IDENTITY have happened by other messages */
  message->body = at;
  return message->relation_count == (size_t) (end - at) / 4;
}

bool
pgoutput_parse (const char *data, const char *end,
                struct pgoutput_message *ret_message)
{
  struct pgoutput_message message;
  const char *at = data;
  bool good;

  if (at >= end)
    return false;
  memset (&message, 0, sizeof message);
  message.type = *at++;
  message.end = end;
  switch (message.type) {
  case 'B':
    good = pgoutput_parse_begin (at, end, &message);
    break;
  case 'C':
    good = pgoutput_parse_commit (at, end, &message);
    break;
  case 'R':
    good = pgoutput_parse_relation (at, end, &message);
    break;
  case 'I':
  case 'U':
  case 'D':
    good = pgoutput_parse_change (at, end, &message);
    break;
  case 'T':
    good = pgoutput_parse_truncate (at, end, &message);
    break;
  default:
    good = true;
    break;
  }
  if (good)
    *ret_message = message;
  return good;
}

bool
pgoutput_column (const char **at, const char *end,
                 struct pgoutput_column *ret_column)
{
  struct pgoutput_column column;
  const char *here = *at;

  if (here == end)
    return false;
  column.key = (*here & 1) != 0;
  here++;
  if (!pgoutput_string (&here, end, &column.name) || end - here < 4 + 4)
    return false;
  column.type = pgoutput_uint32 (here);
  column.modifier = (int32_t) pgoutput_uint32 (here + 4);
  *at = here + 8;
  *ret_column = column;
  return true;
}

bool
pgoutput_relation (const char **at, const char *end, uint32_t *ret_relation)
{
  if (end - *at < 4)
    return false;
  *ret_relation = pgoutput_uint32 (*at);
  *at += 4;
  return true;
}

bool
pgoutput_tuple (const char **at, const char *end, uint32_t count,
                struct ezcdc_value *ret_values)
{
  const char *here = *at;
  uint32_t i, length;

  if (end - here < 2 || pgoutput_uint16 (here) != count)
    return false;
  here += 2;
  for (i = 0; i < count; i++) {
    struct ezcdc_value *value = &ret_values[i];

    if (here == end)
      return false;
    value->data = NULL;
    value->length = 0;
    switch (*here++) {
    case 't':
      if (end - here < 4)
        return false;
      length = pgoutput_uint32 (here);
      here += 4;
      if (length > (size_t) (end - here))
        return false;
      value->data = here;
      value->length = length;
      value->state = EZCDC_VALUE;
      here += length;
      break;
    case 'n':
      value->state = EZCDC_NULL;
      break;
    case 'u':
      value->state = EZCDC_UNCHANGED;
      break;
    default:
      return false;
    }
  }
  *at = here;
  return true;
}

bool
pgoutput_new (const char **at, const char *end)
{
  if (*at == end || **at != 'N')
    return false;
  (*at)++;
  return true;
}
