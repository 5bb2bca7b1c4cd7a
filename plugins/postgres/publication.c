/* SPDX-License-Identifier: Apache-2.0 */
/* The publication: which changes of which tables the stream carries. */

#include <stdio.h>
#include <string.h>

#include "describe.h"
#include "discover.h"
#include "publication.h"
#include "query.h"

int
publication_read (struct postgres *self, struct session *session,
                  struct publication *ret_publication)
{
  const char *const parameters[] = { self->publication };
  struct publication publication;
  PGresult *result;
  int code;

  code = session_query (
    session, "look at the publication",
    session->version >= 130000
      ? "SELECT puballtables, pubinsert, pubupdate, pubdelete,"
        " pubtruncate, pubviaroot FROM pg_publication WHERE pubname = $1"
      : "SELECT puballtables, pubinsert, pubupdate, pubdelete,"
        " pubtruncate, false FROM pg_publication WHERE pubname = $1",
    1, parameters, &result);
  if (code != EZCDC_OK)
    return code;
  memset (&publication, 0, sizeof publication);
  if (PQntuples (result) == 1) {
    publication.exists = true;
    publication.all_tables = field_true (result, 0, 0);
    publication.inserts = field_true (result, 0, 1);
    publication.updates = field_true (result, 0, 2);
    publication.deletes = field_true (result, 0, 3);
    publication.truncates = field_true (result, 0, 4);
    publication.via_root = field_true (result, 0, 5);
  }
  PQclear (result);
  *ret_publication = publication;
  return EZCDC_OK;
}

const char *
publication_problem (const struct publication *publication)
{
  if (!publication->inserts)
    return "it does not publish inserts";
  if (!publication->updates)
    return "it does not publish updates";
  if (!publication->deletes)
    return "it does not publish deletes";
  if (!publication->truncates)
    return "it does not publish truncates";
  return NULL;
}

static void
publication_add (struct text *sql, const struct description *description,
                 bool first)
{
  text_add (sql, first ? "" : ", ");
  /* Children of an inherited table are tables of their own. */
  if (!description->partitioned)
    text_add (sql, "ONLY ");
  text_add_name (sql, description->table.schema);
  text_add (sql, ".");
  text_add_name (sql, description->table.name);
}

/* Writes CREATE PUBLICATION for all tables of the catalog. */
static int
publication_statement (struct postgres *self, struct catalog *catalog,
                       struct text *sql)
{
  struct description description = { .columns = NULL };
  bool first = true;
  int code;

  text_add (sql, "CREATE PUBLICATION ");
  text_add_name (sql, self->publication);
  text_add (sql, " FOR TABLE ");
  while ((code = catalog_next (self, catalog, &description)) == EZCDC_OK) {
    if (description.table.refusal != NULL) {
      code = host->fail (self->instance, EZCDC_E_OPERATOR, "table %s.%s: %s",
                         description.table.schema, description.table.name,
                         description.table.refusal);
      break;
    }
    publication_add (sql, &description, first);
    first = false;
  }
  description_clear (&description);
  text_add (sql, " WITH (publish = 'insert, update, delete, truncate'");
  if (catalog->version >= 130000)
    text_add (sql, ", publish_via_partition_root = true");
  text_add (sql, ")");
  if (code == EZCDC_END && sql->failed)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  return code == EZCDC_END ? EZCDC_OK : code;
}

static int
publication_create (struct postgres *self, struct session *session)
{
  struct text oids = { .data = NULL }, sql = { .data = NULL };
  struct catalog catalog;
  char what[256];
  int code;

  code = discover_oids (self, session, &oids);
  if (code == EZCDC_OK)
    code = catalog_read (self, session, oids.data, &catalog);
  if (code == EZCDC_OK) {
    code = publication_statement (self, &catalog, &sql);
    catalog_clear (&catalog);
  }
  if (code == EZCDC_OK) {
    snprintf (what, sizeof what,
              "create publication %s (the role must own the tables and have"
              " CREATE on the database, or their owner creates it first)",
              self->publication);
    code = session_command (session, what, sql.data);
  }
  if (code == EZCDC_OK)
    host->log (self->instance, EZCDC_LOG_INFO, "created publication %s",
               self->publication);
  text_free (&oids);
  text_free (&sql);
  return code;
}

int
publication_prepare (struct postgres *self, struct session *session)
{
  struct publication publication;
  const char *problem;
  int code;

  code = publication_read (self, session, &publication);
  if (code != EZCDC_OK)
    return code;
  if (!publication.exists)
    return publication_create (self, session);
  problem = publication_problem (&publication);
  if (problem != NULL)
    return host->fail (self->instance, EZCDC_E_OPERATOR,
                       "publication %s: %s; ALTER PUBLICATION %s SET (publish"
                       " = 'insert, update, delete, truncate')",
                       self->publication, problem, self->publication);
  return EZCDC_OK;
}
