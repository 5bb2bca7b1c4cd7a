/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts tables into chunks. */

#include <stdio.h>

#include "chunk.h"
#include "query.h"
#include "snapshot.h"

/* 128 MiB with PostgreSQL's usual blocks of 8 KiB. */
#define PLAN_CHUNK_BLOCKS 16384

/* The table, or its leaves: OID, relfilenode, blocks, rows, whether it is a
 * heap, whose rows lie in numbered blocks. */
static const char plan_leaves[] =
  "SELECT l.oid, pg_relation_filenode(l.oid),"
  " pg_relation_size(l.oid) / current_setting('block_size')::int,"
  " lc.reltuples::bigint, m.amname = 'heap'"
  " FROM pg_class c CROSS JOIN LATERAL"
  " (SELECT c.oid AS oid WHERE c.relkind <> 'p' UNION ALL"
  "  SELECT t.relid::oid FROM pg_partition_tree(c.oid) t"
  "  WHERE c.relkind = 'p' AND t.isleaf) l"
  " JOIN pg_class lc ON lc.oid = l.oid"
  " LEFT JOIN pg_am m ON m.oid = lc.relam"
  " WHERE c.oid = $1 AND pg_relation_filenode(l.oid) IS NOT NULL"
  " ORDER BY l.oid";

static int
plan_leaf (struct session *session, const PGresult *result, int row,
           struct ezcdc_list *list)
{
  struct chunk chunk = { .first = 0 };
  int64_t blocks = field_number (result, row, 2);
  int64_t rows = field_number (result, row, 3);
  char text[CHUNK_TEXT_SIZE];
  int64_t part, from;
  int code;

  chunk.table = (uint32_t) field_number (result, row, 0);
  chunk.file = (uint32_t) field_number (result, row, 1);
  part = blocks;
  /* Before version 14 each range of blocks would be a scan of the whole
   * table. */
  if (field_true (result, row, 4) && session->version >= 140000)
    part = PLAN_CHUNK_BLOCKS;
  from = 0;
  do {
    chunk.first = (uint32_t) from;
    from += part;
    /* The last one takes whatever has been added meanwhile. */
    chunk.end = from < blocks ? (uint32_t) from : 0;
    chunk_text (&chunk, text);
    code = host->list_chunk (list, text,
                             rows <= 0 && blocks > 0 ? -1
                             : blocks == 0           ? 0
                             : chunk.end != 0
                               ? rows * part / blocks
                               : rows * (blocks - chunk.first) / blocks);
  } while (code >= 0 && from < blocks);
  return code;
}

int
postgres_snapshot_plan (void *opaque, const struct ezcdc_table *table,
                        struct ezcdc_list *list)
{
  struct snapshot *snapshot = opaque;
  struct postgres *self = snapshot->self;
  struct session *session;
  char oid[24];
  const char *const parameters[] = { oid };
  PGresult *result;
  int code, row;

  code = session_take (self, &session);
  if (code != EZCDC_OK)
    return code;
  snprintf (oid, sizeof oid, "%llu", (unsigned long long) table->id);
  code = session_query (session, "measure the table", plan_leaves, 1,
                        parameters, &result);
  if (code == EZCDC_OK) {
    for (row = 0; row < PQntuples (result) && code >= 0; row++)
      code = plan_leaf (session, result, row, list);
    PQclear (result);
  }
  session_give (self, session);
  return code < 0 ? code : EZCDC_OK;
}
