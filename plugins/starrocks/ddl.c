/* SPDX-License-Identifier: Apache-2.0 */
/* The text of statements that make a table and let it grow. */

#include <string.h>

#include "ddl.h"
#include "identifiers.h"

static void
append_column (const struct settings *settings, int version,
               const struct ezcdc_column *column, struct buffer *sql)
{
  struct column_type type;
  char text[TYPE_TEXT_SIZE];

  type_wanted (settings, version, column, &type);
  type_print (&type, text, sizeof text);
  identifier_append (sql, column->name);
  /* Non-key columns are nullable whatever the source says: the rows of
   * deletes have only keys, and a column that the source drops later stays
   * here with NULL. */
  buffer_printf (sql, " %s %s", text,
                 column->flags & EZCDC_COLUMN_KEY ? "NOT NULL" : "NULL");
}

static const struct ezcdc_column *
key_column (const struct ezcdc_table *table, uint32_t ordinal)
{
  for (uint32_t i = 0; i < table->column_count; i++)
    if ((table->columns[i].flags & EZCDC_COLUMN_KEY)
        && table->columns[i].key_ordinal == ordinal)
      return &table->columns[i];
  return NULL;
}

static void
append_key_names (const struct ezcdc_table *table, struct buffer *sql)
{
  for (uint32_t ordinal = 1; ordinal <= table->key_count; ordinal++) {
    const struct ezcdc_column *column = key_column (table, ordinal);

    if (column == NULL)
      continue;
    buffer_text (sql, ordinal > 1 ? ", " : "");
    identifier_append (sql, column->name);
  }
}

#define REPLICAS_DEFAULT 3

static void
append_properties (const struct settings *settings, int version, int backends,
                   struct buffer *sql)
{
  int replicas = settings->replication_num;

  buffer_text (sql, " PROPERTIES (\"enable_persistent_index\" = \"true\"");
  /* StarRocks wants three copies unless told otherwise, and refuses the
   * table where there are fewer backends. */
  if (replicas == 0 && backends > 0 && backends < REPLICAS_DEFAULT)
    replicas = backends;
  if (replicas > 0)
    buffer_printf (sql, ", \"replication_num\" = \"%d\"", replicas);
  /* Older servers refuse a property they do not know; 3.2 knows this one
   * only where data lies on the backends. */
  if (version >= 30300 || (version >= 30200 && backends))
    buffer_text (sql, ", \"fast_schema_evolution\" = \"true\"");
  buffer_text (sql, ")");
}

void
ddl_create_text (const struct settings *settings, int version, int backends,
                 const struct ezcdc_table *table, struct buffer *ret_sql)
{
  const char *comma = "";

  buffer_text (ret_sql, "CREATE TABLE IF NOT EXISTS ");
  identifier_table (ret_sql, settings->database, table->target);
  buffer_text (ret_sql, " (");
  for (uint32_t ordinal = 1; ordinal <= table->key_count; ordinal++) {
    const struct ezcdc_column *column = key_column (table, ordinal);

    if (column == NULL)
      continue;
    buffer_text (ret_sql, comma);
    append_column (settings, version, column, ret_sql);
    comma = ", ";
  }
  for (uint32_t i = 0; i < table->column_count; i++) {
    if (table->columns[i].flags & EZCDC_COLUMN_KEY)
      continue;
    buffer_text (ret_sql, comma);
    append_column (settings, version, &table->columns[i], ret_sql);
    comma = ", ";
  }
  buffer_text (ret_sql, ") PRIMARY KEY (");
  append_key_names (table, ret_sql);
  buffer_text (ret_sql, ") DISTRIBUTED BY HASH (");
  append_key_names (table, ret_sql);
  buffer_text (ret_sql, ")");
  if (settings->buckets > 0)
    buffer_printf (ret_sql, " BUCKETS %d", settings->buckets);
  append_properties (settings, version, backends, ret_sql);
}

static void
begin_sentence (struct buffer *obstacles)
{
  if (obstacles->length > 0)
    buffer_text (obstacles, "; ");
}

/* A table's key can't be changed, so it has to be the source's. */
static void
compare_key (const struct ezcdc_table *table,
             const struct target_columns *columns, struct buffer *obstacles)
{
  uint32_t keys = 0, same = 0;
  int other = 0;

  for (uint32_t i = 0; i < columns->count; i++) {
    const struct ezcdc_column *column;

    other |= columns->items[i].other_key;
    if (!columns->items[i].key)
      continue;
    keys++;
    column = key_column (table, keys);
    same += column != NULL
            && target_columns_find (columns, column->name)
                 == &columns->items[i];
  }
  if (keys == 0) {
    begin_sentence (obstacles);
    buffer_text (obstacles, other ? "it is not a PRIMARY KEY table, only "
                                    "those can take updates and deletes"
                                  : "it has no PRIMARY KEY");
  }
  else if (keys != table->key_count || same != keys) {
    begin_sentence (obstacles);
    buffer_text (obstacles, "its PRIMARY KEY is not (");
    append_key_names (table, obstacles);
    buffer_text (obstacles, ")");
  }
}

static void
modify (const struct target_column *target, const struct column_type *type,
        struct buffer *clauses)
{
  char text[TYPE_TEXT_SIZE];

  type_print (type, text, sizeof text);
  buffer_text (clauses, clauses->length > 0 ? ", " : "");
  buffer_text (clauses, "MODIFY COLUMN ");
  identifier_append (clauses, target->name);
  buffer_printf (clauses, " %s NULL", text);
  if (target->default_value != NULL) {
    buffer_text (clauses, " DEFAULT ");
    literal_append (clauses, target->default_value);
  }
}

static void
obstacle_type (const struct target_column *target,
               const struct column_type *wanted, struct buffer *obstacles)
{
  char has[TYPE_TEXT_SIZE], wants[TYPE_TEXT_SIZE];

  type_print (&target->type, has, sizeof has);
  type_print (wanted, wants, sizeof wants);
  begin_sentence (obstacles);
  buffer_text (obstacles, "column ");
  identifier_append (obstacles, target->name);
  buffer_printf (obstacles, " is %s and can't become %s", has, wants);
}

static void
compare_column (const struct settings *settings, int version,
                const struct ezcdc_column *source,
                const struct target_columns *columns,
                struct ddl_changes *changes)
{
  const struct target_column *target = target_columns_find (columns,
                                                            source->name);
  int is_key = (source->flags & EZCDC_COLUMN_KEY) != 0;
  struct column_type wanted;

  type_wanted (settings, version, source, &wanted);
  if (target == NULL) {
    if (is_key)
      return; /* compare_key has said it */
    buffer_text (&changes->additions,
                 changes->additions.length > 0 ? ", " : "");
    buffer_text (&changes->additions, "ADD COLUMN ");
    append_column (settings, version, source, &changes->additions);
    return;
  }
  if (target->generated) {
    begin_sentence (&changes->obstacles);
    buffer_text (&changes->obstacles, "column ");
    identifier_append (&changes->obstacles, target->name);
    buffer_text (&changes->obstacles, " is generated and can't be loaded");
    return;
  }
  switch (type_fit (source, &wanted, &target->type)) {
  case TYPE_FITS:
    if (!is_key && !target->nullable)
      modify (target, &target->type, &changes->modifications);
    break;
  case TYPE_WIDENS:
    if (is_key)
      obstacle_type (target, &wanted, &changes->obstacles);
    else
      modify (target, &wanted, &changes->modifications);
    break;
  case TYPE_CLASHES:
    obstacle_type (target, &wanted, &changes->obstacles);
    break;
  }
}

/* Columns that the source does not know must get along without a value. */
static void
compare_extra (const struct ezcdc_table *table,
               const struct target_columns *columns,
               struct ddl_changes *changes)
{
  for (uint32_t i = 0; i < columns->count; i++) {
    const struct target_column *target = &columns->items[i];
    int known = 0;

    for (uint32_t j = 0; j < table->column_count && !known; j++)
      known = target_columns_find (columns, table->columns[j].name) == target;
    if (known || target->nullable || target->generated || target->key
        || target->default_value != NULL)
      continue;
    begin_sentence (&changes->obstacles);
    buffer_text (&changes->obstacles, "column ");
    identifier_append (&changes->obstacles, target->name);
    buffer_text (&changes->obstacles, " is NOT NULL without a default, and "
                                      "the source has no such column");
  }
}

int
ddl_compare (const struct settings *settings, int version,
             const struct ezcdc_table *table,
             const struct target_columns *columns,
             struct ddl_changes *ret_changes)
{
  compare_key (table, columns, &ret_changes->obstacles);
  for (uint32_t i = 0; i < table->column_count; i++)
    compare_column (settings, version, &table->columns[i], columns,
                    ret_changes);
  compare_extra (table, columns, ret_changes);
  return ret_changes->additions.failed || ret_changes->modifications.failed
             || ret_changes->obstacles.failed
           ? -1
           : 0;
}

void
ddl_changes_free (struct ddl_changes *changes)
{
  buffer_free (&changes->additions);
  buffer_free (&changes->modifications);
  buffer_free (&changes->obstacles);
}
