/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables the patterns take in. */

#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "discover.h"
#include "query.h"

/* A relation of the database. */
struct candidate {
  const char *oid; /* in the result, as is parent */
  const char *schema;
  const char *name;
  const char *parent; /* the OID of the table it is a partition of, or NULL */
  const struct pattern *pattern; /* what takes it in, or NULL */
  char kind;
};

static const char discover_relations[] =
  "SELECT c.oid, n.nspname, c.relname, c.relkind,"
  " (SELECT i.inhparent FROM pg_inherits i"
  "  WHERE c.relispartition AND i.inhrelid = c.oid LIMIT 1)"
  " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
  " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
  " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
  " ORDER BY n.nspname, c.relname";

static bool
discover_is_table (const struct candidate *candidate)
{
  return candidate->kind == 'r' || candidate->kind == 'p';
}

/* Views and foreign tables are refused if they are named, and no matter if a
 * wildcard happens to fit them. */
static void
discover_match (struct postgres *self, struct candidate *candidate)
{
  const struct pattern *pattern = patterns_find (
    &self->patterns, candidate->schema, candidate->name);

  if (pattern != NULL && !pattern->exact && !discover_is_table (candidate)) {
    host->log (self->instance, EZCDC_LOG_INFO,
               "%s.%s fits %s but is not a table of this database: left out",
               candidate->schema, candidate->name, pattern->text);
    pattern = NULL;
  }
  candidate->pattern = pattern;
}

static int
discover_compare (const void *left, const void *right)
{
  const struct candidate *const *first = left, *const *second = right;

  return strcmp ((*first)->oid, (*second)->oid);
}

/* Is a partitioned table above this one taken in? Then that stands for it. */
static bool
discover_is_covered (const struct candidate *candidate,
                     struct candidate **by_oid, size_t count)
{
  struct candidate key, *wanted = &key, **found;

  while (candidate->parent != NULL) {
    key.oid = candidate->parent;
    found = bsearch (&wanted, by_oid, count, sizeof *by_oid, discover_compare);
    if (found == NULL)
      return false;
    candidate = *found;
    if (candidate->pattern != NULL)
      return true;
  }
  return false;
}

/* Names of configuration that lead nowhere. */
static int
discover_check_patterns (struct postgres *self,
                         const struct candidate *candidates, size_t count)
{
  size_t i, j;

  for (i = 0; i < self->patterns.count; i++) {
    const struct pattern *pattern = &self->patterns.items[i];

    if (pattern->exclude)
      continue;
    for (j = 0; j < count; j++)
      if (pattern_matches (pattern, candidates[j].schema, candidates[j].name))
        break;
    if (j < count)
      continue;
    if (pattern->exact)
      return host->fail (self->instance, EZCDC_E_CONFIG,
                         "tables: database %s has no table %s (a name in"
                         " mixed case needs double quotes)",
                         self->database, pattern->text);
    host->log (self->instance, EZCDC_LOG_WARNING,
               "tables: no table of database %s fits %s", self->database,
               pattern->text);
  }
  return EZCDC_OK;
}

static void
discover_fill (struct postgres *self, const PGresult *result,
               struct candidate *candidates, struct candidate **by_oid)
{
  int row, rows = PQntuples (result);

  for (row = 0; row < rows; row++) {
    struct candidate *candidate = &candidates[row];

    candidate->oid = PQgetvalue (result, row, 0);
    candidate->schema = PQgetvalue (result, row, 1);
    candidate->name = PQgetvalue (result, row, 2);
    candidate->kind = *PQgetvalue (result, row, 3);
    candidate->parent = field_text (result, row, 4);
    discover_match (self, candidate);
    by_oid[row] = candidate;
  }
  qsort (by_oid, (size_t) rows, sizeof *by_oid, discover_compare);
}

/* Picks out of all relations. */
static int
discover_pick (struct postgres *self, const PGresult *result,
               struct text *oids)
{
  size_t count = (size_t) PQntuples (result), i, picked = 0;
  struct candidate *candidates = calloc (count + 1, sizeof *candidates);
  struct candidate **by_oid = calloc (count + 1, sizeof *by_oid);
  int code = EZCDC_OK;

  text_add (oids, "{");
  if (candidates == NULL || by_oid == NULL)
    oids->failed = true;
  else {
    discover_fill (self, result, candidates, by_oid);
    code = discover_check_patterns (self, candidates, count);
    for (i = 0; i < count; i++)
      if (candidates[i].pattern != NULL
          && !discover_is_covered (&candidates[i], by_oid, count))
        text_format (oids, "%s%s", picked++ ? "," : "", candidates[i].oid);
  }
  text_add (oids, "}");
  free (candidates);
  free (by_oid);
  if (code == EZCDC_OK && oids->failed)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  if (code == EZCDC_OK && picked == 0)
    code = host->fail (self->instance, EZCDC_E_CONFIG,
                       "tables: nothing in database %s fits", self->database);
  return code;
}

int
discover_oids (struct postgres *self, struct session *session,
               struct text *ret_oids)
{
  PGresult *result;
  int code;

  code = session_query (session, "list the tables", discover_relations, 0,
                        NULL, &result);
  if (code != EZCDC_OK)
    return code;
  text_clear (ret_oids);
  code = discover_pick (self, result, ret_oids);
  PQclear (result);
  return code;
}

/* Notes the table for relations_update, and hands it to the core. */
static int
discover_table (struct postgres *self, const struct ezcdc_table *table,
                struct ezcdc_list *list)
{
  bool noted;

  if (table->refusal != NULL)
    return host->list_table (list, table);
  pthread_mutex_lock (&self->lock);
  noted = oids_add (&self->listed, (uint32_t) table->id);
  pthread_mutex_unlock (&self->lock);
  if (!noted)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  return host->list_table (list, table);
}

static int
discover_list (struct postgres *self, struct session *session,
               const char *oids, struct ezcdc_list *list)
{
  struct description description = { .columns = NULL };
  struct catalog catalog;
  int code;

  code = catalog_read (self, session, oids, &catalog);
  if (code != EZCDC_OK)
    return code;
  while ((code = catalog_next (self, &catalog, &description)) == EZCDC_OK) {
    code = discover_table (self, &description.table, list);
    if (code < 0)
      break;
  }
  description_clear (&description);
  catalog_clear (&catalog);
  return code == EZCDC_END ? EZCDC_OK : code;
}

int
postgres_discover (void *opaque, struct ezcdc_list *list)
{
  struct postgres *self = opaque;
  struct session *session;
  struct text oids = { .data = NULL };
  int code;

  code = session_take (self, &session);
  if (code != EZCDC_OK)
    return code;
  code = discover_oids (self, session, &oids);
  if (code == EZCDC_OK)
    code = discover_list (self, session, oids.data, list);
  if (code == EZCDC_OK)
    retention_look (self, session, RETENTION_OFTEN);
  text_free (&oids);
  session_give (self, session);
  return code;
}
