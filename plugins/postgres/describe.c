/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog says about tables, with all that speaks against one. */

#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include "describe.h"
#include "query.h"
#include "type.h"

/* Base types of domains, through any number of them. */
#define SQL_DOMAINS                                                           \
  "WITH RECURSIVE domain (oid, base, modifier, depth) AS ("                   \
  " SELECT t.oid, t.typbasetype, t.typtypmod, 1 FROM pg_type t"               \
  " WHERE t.typtype = 'd'"                                                    \
  " UNION ALL"                                                                \
  " SELECT d.oid, t.typbasetype, CASE WHEN d.modifier = -1"                   \
  "  THEN t.typtypmod ELSE d.modifier END, d.depth + 1"                       \
  " FROM domain d JOIN pg_type t ON t.oid = d.base"                           \
  " WHERE t.typtype = 'd'),"                                                  \
  " base AS (SELECT DISTINCT ON (oid) oid, base, modifier FROM domain"        \
  " ORDER BY oid, depth DESC)"

/* What type_describe wants to know of the type x.type, x.modifier. */
#define SQL_TYPE_COLUMNS                                                      \
  " format_type(x.type, x.modifier),"                                         \
  " COALESCE(t.oid, 0), COALESCE(b.modifier, x.modifier),"                    \
  " COALESCE(eb.base, t.typelem, 0), COALESCE(t.typcategory, ' ')"

#define SQL_TYPE_JOINS                                                        \
  " LEFT JOIN base b ON b.oid = x.type"                                       \
  " LEFT JOIN pg_type t ON t.oid = COALESCE(b.base, x.type)"                  \
  " LEFT JOIN base eb ON eb.oid = t.typelem"

/* The table itself and, of a partitioned one, all its leaves. */
#define SQL_TREE                                                              \
  "(SELECT c.oid AS oid UNION ALL"                                            \
  " SELECT l.relid::oid FROM pg_partition_tree(c.oid) l"                      \
  " WHERE c.relkind = 'p' AND l.isleaf)"

enum {
  TABLE_OID,
  TABLE_SCHEMA,
  TABLE_NAME,
  TABLE_KIND,
  TABLE_PERSISTENCE,
  TABLE_IDENTITY,
  TABLE_KEY,       /* attribute numbers, "1 3" */
  TABLE_IMMEDIATE, /* the key's index can't be deferred */
  TABLE_SECURED,   /* row-level security applies */
  TABLE_ROWS,
  TABLE_BYTES,
  TABLE_ODD_LEAF,     /* a leaf that can't be replicated */
  TABLE_ODD_IDENTITY, /* a leaf that identifies its rows otherwise */
  TABLE_PUBLISHED,
  TABLE_FILTER,
  TABLE_MEMBERSHIP, /* how it has come into the publication, as a number */
};

/* How a table has come into the publication, as a number: what of it is made
 * anew when the table is taken out and put back, when its row filter or its
 * columns are replaced, when it leaves a published schema and comes back, or
 * when the publication itself is altered, perhaps to leave out updates for a
 * while. If any of that is another one, changes may have been left out. */
#define SQL_MEMBERSHIP                                                        \
  "hashtextextended(concat_ws('/', u.xmin, (SELECT r.oid"                     \
  " FROM pg_publication_rel r"                                                \
  " WHERE r.prpubid = u.oid AND r.prrelid = c.oid)"
#define SQL_MEMBERSHIP_BY_SCHEMA                                              \
  ", (SELECT s.oid::text || '/' || d.xmin FROM pg_publication_namespace s"    \
  " JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid" \
  "  AND d.objsubid = 0 AND d.refclassid = 'pg_namespace'::regclass"          \
  " WHERE s.pnpubid = u.oid AND s.pnnspid = n.oid LIMIT 1)"
#define SQL_MEMBERSHIP_END "), 0)"

/* $1 the OIDs, $2 the publication; %s the row filter, and the membership by
 * schema (from 15 on). How many
 * rows a table has that was never analyzed is guessed as the planner does it:
 * from its size, and 32 bytes for what has no fixed length. */
static const char describe_tables[] =
  "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence,"
  " c.relreplident, k.columns, COALESCE(k.indimmediate, true),"
  " s.secured, s.rows, s.bytes, s.odd, s.identity,"
  " p.tablename IS NOT NULL, %s, " SQL_MEMBERSHIP "%s" SQL_MEMBERSHIP_END
  " FROM unnest($1::oid[]) WITH ORDINALITY w (oid, place)"
  " JOIN pg_class c ON c.oid = w.oid"
  " JOIN pg_namespace n ON n.oid = c.relnamespace"
  " LEFT JOIN LATERAL (SELECT i.indimmediate,"
  "  (SELECT string_agg(i.indkey[g]::text, ' ' ORDER BY g)"
  "   FROM generate_series(0, i.indnkeyatts - 1) g) AS columns"
  "  FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid"
  "  AND CASE c.relreplident WHEN 'i' THEN i.indisreplident"
  "   ELSE i.indisprimary END LIMIT 1) k ON true"
  " CROSS JOIN LATERAL (SELECT COALESCE(sum(CASE WHEN a.attlen > 0"
  "   THEN a.attlen ELSE 32 END), 0)::bigint AS width FROM pg_attribute a"
  "  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) t"
  " CROSS JOIN LATERAL (SELECT"
  "  bool_or(row_security_active(l.oid)) AS secured,"
  "  COALESCE(sum(CASE WHEN lc.reltuples > 0 THEN lc.reltuples"
  "   ELSE pg_relation_size(l.oid) / (28 + t.width) END)"
  "   FILTER (WHERE lc.relkind = 'r'), 0)::bigint AS rows,"
  "  COALESCE(sum(pg_table_size(l.oid)), 0)::bigint AS bytes,"
  "  min(l.oid::regclass::text) FILTER (WHERE l.oid <> c.oid AND"
  "   (lc.relkind <> 'r' OR lc.relpersistence <> 'p')) AS odd,"
  "  min(l.oid::regclass::text) FILTER (WHERE l.oid <> c.oid AND"
  "   lc.relreplident <> 'f' AND (lc.relreplident = 'n' OR"
  "   (lc.relreplident = 'i') <> (c.relreplident = 'i'))) AS identity"
  "  FROM " SQL_TREE " l JOIN pg_class lc ON lc.oid = l.oid) s"
  " LEFT JOIN pg_publication_tables p ON p.pubname = $2"
  "  AND p.schemaname = n.nspname AND p.tablename = c.relname"
  " LEFT JOIN pg_publication u ON u.pubname = $2"
  " ORDER BY w.place";

enum {
  COLUMN_TABLE,
  COLUMN_NUMBER,
  COLUMN_NAME,
  COLUMN_TYPE,
  COLUMN_MODIFIER,
  COLUMN_FILLED,     /* it has or had a default, or counts by itself */
  COLUMN_UNREADABLE, /* a relation in which the role may not read it */
  COLUMN_TYPE_NAME,  /* and what SQL_TYPE_COLUMNS adds */
};

/* The publication names the columns of the table: one that it names from now
 * on was there before. */
#define SQL_NAMED_COLUMNS                                                     \
  "EXISTS (SELECT FROM pg_publication_rel r"                                  \
  " JOIN pg_publication u ON u.oid = r.prpubid"                               \
  " WHERE u.pubname = $2 AND r.prrelid = a.attrelid"                          \
  " AND r.prattrs IS NOT NULL)"

/* The condition for a column that the publication carries. Generated ones are
 * carried from 18 on, if it says so; 15 to 17 list them all the same, among
 * the columns of a table whose columns the publication does not name. */
static const char *
describe_carried (int version)
{
  if (version >= 180000)
    return "CASE WHEN p.tablename IS NULL THEN a.attgenerated = ''"
           " ELSE a.attname = ANY (p.attnames) END";
  if (version >= 150000)
    return "a.attgenerated = '' AND (p.tablename IS NULL"
           " OR a.attname = ANY (p.attnames))";
  return "a.attgenerated = ''";
}

/* The first %s adds a condition for a column that has values in old rows, the
 * second is describe_carried. */
static const char describe_columns[] = SQL_DOMAINS
  " SELECT x.oid, x.number, x.name, x.type, x.modifier, x.filled,"
  " (SELECT min(l.oid::regclass::text) FROM " SQL_TREE " l"
  "  JOIN pg_attribute la ON la.attrelid = l.oid AND la.attname = x.name"
  "  WHERE NOT has_table_privilege(l.oid, 'SELECT')"
  "  AND NOT has_column_privilege(l.oid, la.attnum, 'SELECT')),"
  " " SQL_TYPE_COLUMNS
  " FROM (SELECT w.place, a.attrelid AS oid, a.attnum AS number,"
  "  a.attname AS name, a.atttypid AS type, a.atttypmod AS modifier,"
  "  a.atthasdef OR a.atthasmissing OR a.attnotnull"
  "   OR a.attidentity <> ''"
  "   OR EXISTS (SELECT FROM pg_type d WHERE d.oid = a.atttypid"
  "    AND d.typdefault IS NOT NULL) %s AS filled"
  "  FROM unnest($1::oid[]) WITH ORDINALITY w (oid, place)"
  "  JOIN pg_class c ON c.oid = w.oid"
  "  JOIN pg_namespace n ON n.oid = c.relnamespace"
  "  JOIN pg_attribute a ON a.attrelid = c.oid"
  "  LEFT JOIN pg_publication_tables p ON p.pubname = $2"
  "   AND p.schemaname = n.nspname AND p.tablename = c.relname"
  "  WHERE a.attnum > 0 AND NOT a.attisdropped AND %s) x"
  " JOIN pg_class c ON c.oid = x.oid" SQL_TYPE_JOINS
  " ORDER BY x.place, x.number";

int
catalog_types (struct session *session, const char *oids,
               const char *modifiers, PGresult **ret_result)
{
  const char *const parameters[] = { oids, modifiers };

  return session_query (session, "look up types",
                        SQL_DOMAINS
                        " SELECT" SQL_TYPE_COLUMNS
                        " FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY"
                        " x (type, modifier, place)" SQL_TYPE_JOINS
                        " ORDER BY x.place",
                        2, parameters, ret_result);
}

void
catalog_type (const PGresult *result, int row, int first,
              struct ezcdc_column *column)
{
  struct type type;

  type.oid = (uint32_t) field_number (result, row, first);
  type.modifier = (int32_t) field_number (result, row, first + 1);
  type.element = (uint32_t) field_number (result, row, first + 2);
  type.category = *PQgetvalue (result, row, first + 3);
  type_describe (&type, column);
}

int
catalog_read (struct postgres *self, struct session *session, const char *oids,
              struct catalog *ret_catalog)
{
  const char *const parameters[] = { oids, self->publication };
  struct catalog catalog = { .version = session->version };
  /* From 15 on a publication may choose columns and rows. */
  bool choosy = session->version >= 150000;
  char sql[sizeof describe_tables + sizeof describe_columns];
  int code;

  if (session_texts_are_bytes (session))
    catalog.column_flags = EZCDC_COLUMN_UNCHECKED;
  code = publication_read (self, session, &catalog.publication);
  if (code != EZCDC_OK)
    return code;
  snprintf (sql, sizeof sql, describe_tables, choosy ? "p.rowfilter" : "NULL",
            choosy ? SQL_MEMBERSHIP_BY_SCHEMA : "");
  code = session_query (session, "read the catalog", sql, 2, parameters,
                        &catalog.tables);
  if (code != EZCDC_OK)
    return code;
  snprintf (sql, sizeof sql, describe_columns,
            choosy ? "OR " SQL_NAMED_COLUMNS : "",
            describe_carried (session->version));
  code = session_query (session, "read the catalog", sql, 2, parameters,
                        &catalog.columns);
  if (code != EZCDC_OK) {
    PQclear (catalog.tables);
    return code;
  }
  *ret_catalog = catalog;
  return EZCDC_OK;
}

void
catalog_clear (struct catalog *catalog)
{
  PQclear (catalog->tables);
  PQclear (catalog->columns);
  memset (catalog, 0, sizeof *catalog);
}

void
description_clear (struct description *description)
{
  free (description->columns);
  free (description->types);
  free (description->modifiers);
  memset (description, 0, sizeof *description);
}

static bool
description_reserve (struct description *description, uint32_t space)
{
  struct ezcdc_column *columns;
  uint32_t *types;
  int32_t *modifiers;

  if (space <= description->column_space)
    return true;
  columns = realloc (description->columns, space * sizeof *columns);
  if (columns != NULL)
    description->columns = columns;
  types = realloc (description->types, space * sizeof *types);
  if (types != NULL)
    description->types = types;
  modifiers = realloc (description->modifiers, space * sizeof *modifiers);
  if (modifiers != NULL)
    description->modifiers = modifiers;
  if (columns == NULL || types == NULL || modifiers == NULL)
    return false;
  description->column_space = space;
  return true;
}

/* The place of an attribute number in "1 3", from 1; 0 if it isn't there. */
static uint32_t
describe_key_ordinal (const char *key, long number)
{
  uint32_t ordinal = 0;
  char *end;

  while (key != NULL && *key != '\0') {
    ordinal++;
    if (strtol (key, &end, 10) == number)
      return ordinal;
    key = end;
  }
  return 0;
}

static uint32_t
describe_key_length (const char *key)
{
  uint32_t length = 0;

  for (; key != NULL && *key != '\0'; key += strspn (key, " ")) {
    length++;
    key += strcspn (key, " ");
  }
  return length;
}

static void
describe_column (const struct catalog *catalog, int row, const char *key,
                 struct ezcdc_column *column)
{
  const PGresult *result = catalog->columns;
  /* At most 1600. */
  long number = (long) field_number (result, row, COLUMN_NUMBER);

  column->name = PQgetvalue (result, row, COLUMN_NAME);
  column->type_name = PQgetvalue (result, row, COLUMN_TYPE_NAME);
  column->flags = EZCDC_COLUMN_NUMBERED (number) | catalog->column_flags;
  if (field_true (result, row, COLUMN_FILLED))
    column->flags |= EZCDC_COLUMN_FILLED;
  column->key_ordinal = describe_key_ordinal (key, number);
  /* Other columns may lose their NOT NULL at any time, and the stream would
   * not say so. */
  if (column->key_ordinal != 0)
    column->flags |= EZCDC_COLUMN_KEY | EZCDC_COLUMN_NOT_NULL;
  catalog_type (result, row, COLUMN_TYPE_NAME + 1, column);
}

#define REFUSE(...) snprintf (refusal, REFUSAL_SIZE, __VA_ARGS__)

/* Against the kind of relation. */
static void
describe_refuse_kind (const struct catalog *catalog, int row, char *refusal)
{
  const PGresult *result = catalog->tables;
  const char *odd = field_text (result, row, TABLE_ODD_LEAF);
  char persistence = *PQgetvalue (result, row, TABLE_PERSISTENCE);

  switch (*PQgetvalue (result, row, TABLE_KIND)) {
  case 'v':
  case 'm':
    REFUSE ("it is a view: its changes are not in the log; name the tables"
            " behind it");
    return;
  case 'f':
    REFUSE ("it is a foreign table: replicate it from its own server");
    return;
  case 'p':
    if (catalog->version < 130000)
      REFUSE ("servers before version 13 cannot publish a partitioned table"
              " as one: name its partitions, and exclude it with !");
    else if (odd != NULL)
      REFUSE ("its partition %s is a foreign or unlogged table, whose"
              " changes are not in the log",
              odd);
    return;
  }
  if (persistence != 'p')
    REFUSE ("it is %s: its changes are not in the log%s",
            persistence == 'u' ? "unlogged" : "temporary",
            persistence == 'u' ? "; ALTER TABLE ... SET LOGGED" : "");
}

/* Against the key. */
static void
describe_refuse_key (const struct catalog *catalog, int row,
                     const struct description *description, char *refusal)
{
  const PGresult *result = catalog->tables;
  char identity = *PQgetvalue (result, row, TABLE_IDENTITY);
  const char *key = field_text (result, row, TABLE_KEY);
  const char *leaf = field_text (result, row, TABLE_ODD_IDENTITY);

  if (identity == 'n')
    REFUSE ("its replica identity is NOTHING, so updates and deletes cannot"
            " be told; ALTER TABLE ... REPLICA IDENTITY DEFAULT");
  else if (key == NULL && identity == 'i')
    REFUSE ("the index of its replica identity is gone; ALTER TABLE ..."
            " REPLICA IDENTITY DEFAULT, or USING INDEX another one");
  else if (key == NULL)
    REFUSE ("it has no usable key; add a primary key, or a unique index on"
            " NOT NULL columns and ALTER TABLE ... REPLICA IDENTITY USING"
            " INDEX it");
  else if (!field_true (result, row, TABLE_IMMEDIATE))
    REFUSE ("its primary key is deferrable: rows may swap their keys in a"
            " transaction, which changes one by one cannot tell; make it NOT"
            " DEFERRABLE, or ALTER TABLE ... REPLICA IDENTITY USING INDEX"
            " another unique index");
  else if (leaf != NULL)
    REFUSE ("its partition %s has a replica identity of another kind; ALTER"
            " TABLE %s REPLICA IDENTITY DEFAULT (or FULL)",
            leaf, leaf);
  else if (description->table.key_count < describe_key_length (key))
    REFUSE ("the publication's column list leaves out a column of its key");
}

/* A table that the core knows may get a partition that the role may not read.
 * The stream needs no right to it: whoever copies the table will be told. */
static bool
describe_goes_on (struct postgres *self, const struct catalog *catalog,
                  int row, int unreadable)
{
  uint32_t oid = (uint32_t) field_number (catalog->tables, row, TABLE_OID);
  bool listed, told;

  pthread_mutex_lock (&self->lock);
  listed = oids_have (&self->listed, oid);
  told = oids_have (&self->unreadable, oid);
  if (listed && !told)
    told = !oids_add (&self->unreadable, oid);
  pthread_mutex_unlock (&self->lock);
  if (listed && !told)
    host->log (self->instance, EZCDC_LOG_WARNING,
               "role %s may not read all of table %s.%s: its changes arrive,"
               " but the next start or copy will fail; GRANT SELECT ON %s TO"
               " %s",
               self->user, PQgetvalue (catalog->tables, row, TABLE_SCHEMA),
               PQgetvalue (catalog->tables, row, TABLE_NAME),
               PQgetvalue (catalog->columns, unreadable, COLUMN_UNREADABLE),
               self->user);
  return listed;
}

/* Against the rights and the publication. */
static void
describe_refuse_access (struct postgres *self, const struct catalog *catalog,
                        int row, const struct description *description,
                        char *refusal)
{
  const PGresult *result = catalog->tables;
  int unreadable = description->unreadable;

  if (field_true (result, row, TABLE_SECURED))
    REFUSE ("row-level security hides rows from role %s; ALTER ROLE %s"
            " BYPASSRLS",
            self->user, self->user);
  else if (catalog->publication.exists
           && !field_true (result, row, TABLE_PUBLISHED)) {
    if (description->partitioned && !catalog->publication.via_root)
      REFUSE ("publication %s has its partitions instead of it; ALTER"
              " PUBLICATION %s SET (publish_via_partition_root = true)",
              self->publication, self->publication);
    else
      REFUSE ("it is not in publication %s; ALTER PUBLICATION %s ADD TABLE"
              " it, or leave it out with ! (a partition may be in it through"
              " its partitioned table: name that)",
              self->publication, self->publication);
  }
  else if (unreadable >= 0
           && !describe_goes_on (self, catalog, row, unreadable))
    REFUSE ("role %s may not read column %s; GRANT SELECT ON %s TO %s",
            self->user, PQgetvalue (catalog->columns, unreadable, COLUMN_NAME),
            PQgetvalue (catalog->columns, unreadable, COLUMN_UNREADABLE),
            self->user);
}

static void
describe_refuse (struct postgres *self, struct catalog *catalog, int row,
                 struct description *description)
{
  char *refusal = description->refusal;

  describe_refuse_kind (catalog, row, refusal);
  if (*refusal == '\0')
    describe_refuse_key (catalog, row, description, refusal);
  if (*refusal == '\0')
    describe_refuse_access (self, catalog, row, description, refusal);
}

/* The columns of one table, which lie together. */
static int
describe_all_columns (struct catalog *catalog, const char *oid,
                      const char *key, struct description *description)
{
  int rows = PQntuples (catalog->columns), row = catalog->next_column;
  uint32_t count = 0;

  for (; row < rows; row++, count++) {
    if (strcmp (PQgetvalue (catalog->columns, row, COLUMN_TABLE), oid) != 0)
      break;
    if (!description_reserve (description, count + 1))
      return EZCDC_E_MEMORY;
    describe_column (catalog, row, key, &description->columns[count]);
    description->types[count] = (uint32_t) field_number (catalog->columns, row,
                                                         COLUMN_TYPE);
    description->modifiers[count] = (int32_t) field_number (
      catalog->columns, row, COLUMN_MODIFIER);
    if (description->columns[count].flags & EZCDC_COLUMN_KEY)
      description->table.key_count++;
    if (description->unreadable < 0
        && field_text (catalog->columns, row, COLUMN_UNREADABLE) != NULL)
      description->unreadable = row;
  }
  catalog->next_column = row;
  description->table.column_count = count;
  return EZCDC_OK;
}

/* A table has at least one column for the core; this one is refused. */
static int
describe_no_columns (struct description *description)
{
  static const struct ezcdc_column none = {
    .name = "(none)",
    .type_name = "none",
    .type = EZCDC_TYPE_OTHER,
    .precision = -1,
    .length = -1,
  };

  if (!description_reserve (description, 1))
    return EZCDC_E_MEMORY;
  description->columns[0] = none;
  description->table.column_count = 1;
  snprintf (description->refusal, REFUSAL_SIZE, "it has no columns");
  return EZCDC_OK;
}

int
catalog_next (struct postgres *self, struct catalog *catalog,
              struct description *description)
{
  const PGresult *result = catalog->tables;
  int row = catalog->next_table, code;
  struct ezcdc_table *table = &description->table;

  if (row >= PQntuples (result))
    return EZCDC_END;
  catalog->next_table++;
  *description->refusal = '\0';
  description->unreadable = -1;
  memset (table, 0, sizeof *table);
  table->id = (uint64_t) field_number (result, row, TABLE_OID);
  table->schema = PQgetvalue (result, row, TABLE_SCHEMA);
  table->name = PQgetvalue (result, row, TABLE_NAME);
  table->estimated_bytes = field_number (result, row, TABLE_BYTES);
  table->estimated_rows = field_number (result, row, TABLE_ROWS);
  table->version = (uint64_t) field_number (result, row, TABLE_MEMBERSHIP);
  description->filter = field_text (result, row, TABLE_FILTER);
  description->partitioned = *PQgetvalue (result, row, TABLE_KIND) == 'p';
  code = describe_all_columns (catalog, PQgetvalue (result, row, TABLE_OID),
                               field_text (result, row, TABLE_KEY),
                               description);
  if (code == EZCDC_OK)
    describe_refuse (self, catalog, row, description);
  if (code == EZCDC_OK && table->column_count == 0)
    code = describe_no_columns (description);
  if (code != EZCDC_OK)
    return host->fail (self->instance, code, "out of memory");
  table->columns = description->columns;
  table->refusal = *description->refusal ? description->refusal : NULL;
  return EZCDC_OK;
}
