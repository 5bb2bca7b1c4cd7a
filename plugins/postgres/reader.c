/* SPDX-License-Identifier: Apache-2.0 */
/* Reads chunks of a snapshot. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "query.h"
#include "reader.h"

struct reader {
  struct snapshot *snapshot;
  struct snapshot_holder holder; /* has the session */
  struct rows rows;
};

int
postgres_reader_open (void *opaque, void **ret_reader)
{
  struct snapshot *snapshot = opaque;
  struct reader *reader = calloc (1, sizeof *reader);
  int code;

  if (reader == NULL)
    return host->fail (snapshot->self->instance, EZCDC_E_MEMORY,
                       "out of memory");
  reader->snapshot = snapshot;
  code = snapshot_join (snapshot, &reader->holder);
  if (code != EZCDC_OK) {
    free (reader);
    return code;
  }
  *ret_reader = reader;
  return EZCDC_OK;
}

void
postgres_reader_close (void *opaque)
{
  struct reader *reader = opaque;

  if (reader == NULL)
    return;
  snapshot_leave (reader->snapshot, &reader->holder);
  rows_clear (&reader->rows);
  free (reader);
}

/* Nobody rewrites the table from here to the end of the snapshot. Selecting
 * nothing takes the lock that reading does; LOCK TABLE would need more rights
 * than those on single columns. */
static int
reader_lock (struct reader *reader, const struct ezcdc_table *table,
             const struct chunk *chunk)
{
  struct session *session = reader->holder.session;
  char name[3 * POSTGRES_NAME_SIZE], statement[256];
  PGresult *result;
  int code;

  snprintf (statement, sizeof statement, "SELECT %" PRIu32 "::oid::regclass",
            chunk->table);
  code = session_text (session, "look at the table", statement, name,
                       sizeof name);
  if (code != EZCDC_OK)
    return code;
  /* A table that is gone is shown as its number. */
  if (strspn (name, "0123456789") == strlen (name))
    return host->fail (session->instance, EZCDC_E_SCHEMA,
                       "table %s.%s was dropped since its copy was planned",
                       table->schema, table->name);
  snprintf (statement, sizeof statement, "SELECT FROM ONLY %s LIMIT 0", name);
  code = session_query (session, "lock the table", statement, 0, NULL,
                        &result);
  if (code == EZCDC_OK)
    PQclear (result);
  return code;
}

/* Writes where the chunk's rows are: the name that the table has now, and the
 * blocks. Fails if the table was written anew since the plan. */
static int
reader_source (struct reader *reader, const struct ezcdc_table *table,
               const struct chunk *chunk, struct text *sql)
{
  struct session *session = reader->holder.session;
  char statement[128];
  PGresult *result;
  int code;

  code = reader_lock (reader, table, chunk);
  if (code != EZCDC_OK)
    return code;
  /* regclass and the function look at the catalog as it is now, pg_class
   * shows it as of the snapshot. A table that was written anew after the
   * snapshot seems empty to it; under the lock that can't happen any more. */
  snprintf (statement, sizeof statement,
            "SELECT oid::regclass, pg_relation_filenode(oid), relfilenode"
            " FROM pg_class WHERE oid = %" PRIu32,
            chunk->table);
  code = session_query (session, "look at the table", statement, 0, NULL,
                        &result);
  if (code != EZCDC_OK)
    return code;
  if (PQntuples (result) == 0 || field_number (result, 0, 1) != chunk->file
      || field_number (result, 0, 2) != chunk->file)
    code = host->fail (session->instance, EZCDC_E_SCHEMA,
                       "table %s.%s was rewritten or dropped since its copy"
                       " was planned",
                       table->schema, table->name);
  else
    text_format (sql, "ONLY %s WHERE true", PQgetvalue (result, 0, 0));
  PQclear (result);
  if (chunk->first > 0)
    text_format (sql, " AND ctid >= '(%" PRIu32 ",0)'::tid", chunk->first);
  if (chunk->end > 0)
    text_format (sql, " AND ctid < '(%" PRIu32 ",0)'::tid", chunk->end);
  if (code == EZCDC_OK)
    code = rows_add_filter (reader->snapshot->self, session, table, sql);
  return code;
}

int
postgres_reader_begin (void *opaque, const struct ezcdc_table *table,
                       const char *chunk_name)
{
  struct reader *reader = opaque;
  struct ezcdc_instance *instance = reader->snapshot->self->instance;
  struct text sql = { .data = NULL };
  struct chunk chunk;
  int code;

  if (!chunk_parse (chunk_name, &chunk))
    return host->fail (instance, EZCDC_E_BUG, "\"%s\" is no chunk of ours",
                       chunk_name);
  if (reader->rows.running)
    return host->fail (instance, EZCDC_E_BUG,
                       "a chunk was begun before the last one ended");
  retention_look_aside (reader->snapshot->self, RETENTION_SELDOM);
  code = reader_source (reader, table, &chunk, &sql);
  if (code == EZCDC_OK && sql.failed)
    code = host->fail (instance, EZCDC_E_MEMORY, "out of memory");
  if (code == EZCDC_OK)
    code = rows_begin (&reader->rows, reader->holder.session, table, sql.data);
  text_free (&sql);
  return code;
}

int
postgres_reader_read (void *opaque, struct ezcdc_feed *feed,
                      int64_t timeout_ms)
{
  struct reader *reader = opaque;

  return reader->rows.running ? rows_feed (&reader->rows, feed, timeout_ms)
                              : EZCDC_END;
}
