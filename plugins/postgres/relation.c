/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as the stream describes them. */

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "query.h"
#include "relation.h"
#include "text.h"

static void
relation_free (struct relation *relation)
{
  if (relation == NULL)
    return;
  PQclear (relation->types);
  catalog_clear (&relation->catalog);
  description_clear (&relation->description);
  value_rules_clear (&relation->rules);
  free (relation->message);
  free (relation->columns);
  free (relation->values);
  free (relation->old_values);
  free (relation->keys);
  free (relation);
}

void
relations_clear (struct relations *relations)
{
  size_t i;

  for (i = 0; i < relations->count; i++)
    relation_free (relations->items[i]);
  free (relations->items);
  memset (relations, 0, sizeof *relations);
}

/* Where the OID is, or where it belongs. */
static size_t
relations_place (const struct relations *relations, uint32_t oid)
{
  size_t low = 0, high = relations->count, middle;

  while (low < high) {
    middle = low + (high - low) / 2;
    if (relations->items[middle]->oid < oid)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct relation *
relations_find (struct relations *relations, uint32_t oid)
{
  size_t place;

  if (relations->last != NULL && relations->last->oid == oid)
    return relations->last;
  place = relations_place (relations, oid);
  if (place == relations->count || relations->items[place]->oid != oid)
    return NULL;
  relations->last = relations->items[place];
  return relations->last;
}

static struct relation *
relations_add (struct relations *relations, uint32_t oid)
{
  struct relation *relation = calloc (1, sizeof *relation), **items;
  size_t place = relations_place (relations, oid);

  items = realloc (relations->items, (relations->count + 1) * sizeof *items);
  if (items != NULL)
    relations->items = items;
  if (items == NULL || relation == NULL) {
    free (relation);
    return NULL;
  }
  memmove (items + place + 1, items + place,
           (relations->count - place) * sizeof *items);
  items[place] = relation;
  relations->count++;
  relation->oid = oid;
  return relation;
}

/* Room for the columns, of the table and of its rows. */
static bool
relation_reserve (struct relation *relation, uint32_t count)
{
  /* One more, so that a table without columns is no special case. */
  size_t space = (size_t) count + 1;

  free (relation->columns);
  free (relation->values);
  free (relation->old_values);
  free (relation->keys);
  relation->columns = calloc (space, sizeof *relation->columns);
  relation->values = calloc (space, sizeof *relation->values);
  relation->old_values = calloc (space, sizeof *relation->old_values);
  relation->keys = calloc (space, sizeof *relation->keys);
  relation->count = count;
  return relation->columns != NULL && relation->values != NULL
         && relation->old_values != NULL && relation->keys != NULL;
}

/* The core's tables stay wanted under any name; others may be once it makes a
 * new list. */
static bool
relation_is_wanted (struct postgres *self,
                    const struct pgoutput_message *message)
{
  bool listed;

  pthread_mutex_lock (&self->lock);
  listed = oids_have (&self->listed, message->relation);
  pthread_mutex_unlock (&self->lock);
  return listed
         || patterns_find (&self->patterns, message->schema, message->name)
              != NULL;
}

int
relations_update (struct relations *relations, struct postgres *self,
                  const struct pgoutput_message *message, const char *data)
{
  struct relation *relation = relations_find (relations, message->relation);
  size_t length = (size_t) (message->end - data);
  char *copy;

  if (relation != NULL && relation->length == length
      && memcmp (relation->message, data, length) == 0) {
    /* It comes again when something has changed: perhaps a column was dropped
     * and made anew. */
    relation->described = false;
    return EZCDC_OK;
  }
  if (relation == NULL)
    relation = relations_add (relations, message->relation);
  copy = malloc (length);
  if (relation == NULL || copy == NULL
      || !relation_reserve (relation, message->column_count)) {
    free (copy);
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  }
  memcpy (copy, data, length);
  free (relation->message);
  relation->message = copy;
  relation->length = length;
  relation->described = false;
  relation->wanted = relation_is_wanted (self, message);
  return EZCDC_OK;
}

/* The index of a column of that name in the catalog, -1 if there is none. */
static int
relation_in_catalog (const struct relation *relation, const char *name,
                     uint32_t hint)
{
  const struct description *description = &relation->description;
  uint32_t i, count = description->table.column_count;

  if (hint < count && strcmp (description->columns[hint].name, name) == 0)
    return (int) hint;
  for (i = 0; i < count; i++)
    if (strcmp (description->columns[i].name, name) == 0)
      return (int) i;
  return -1;
}

/* Columns that the catalog knows under this name with this type take over
 * what it says; all_known tells whether all do. */
static bool
relation_set_columns (struct relation *relation,
                      const struct pgoutput_message *message, bool *all_known)
{
  const struct description *description = &relation->description;
  const char *at = message->body;
  struct pgoutput_column source;
  uint32_t i;
  int known;

  *all_known = true;
  for (i = 0; i < relation->count; i++) {
    struct ezcdc_column *column = &relation->columns[i];

    if (!pgoutput_column (&at, message->end, &source))
      return false;
    known = relation_in_catalog (relation, source.name, i);
    if (known >= 0 && description->types[known] == source.type
        && description->modifiers[known] == source.modifier)
      *column = description->columns[known];
    else {
      memset (column, 0, sizeof *column);
      if (known >= 0) {
        column->key_ordinal = description->columns[known].key_ordinal;
        column->flags = description->columns[known].flags;
      }
      *all_known = false;
    }
    column->name = source.name;
    /* With identity FULL every column is flagged, so the catalog decides;
     * else the message knows best. */
    column->flags &= ~(EZCDC_COLUMN_KEY | EZCDC_COLUMN_NOT_NULL);
    column->flags |= relation->catalog.column_flags;
    if (message->identity == 'f' ? column->key_ordinal != 0 : source.key)
      column->flags |= EZCDC_COLUMN_KEY | EZCDC_COLUMN_NOT_NULL;
  }
  return true;
}

/* The key's columns in the catalog's order if it has just these, else in the
 * table's. */
static void
relation_set_key (struct relation *relation)
{
  uint32_t i, ordinal = 0, agreed = 0;

  for (i = 0; i < relation->count; i++) {
    bool key = relation->columns[i].flags & EZCDC_COLUMN_KEY;

    relation->table.key_count += key;
    agreed += key && relation->columns[i].key_ordinal != 0;
  }
  for (i = 0; i < relation->count; i++) {
    struct ezcdc_column *column = &relation->columns[i];

    if (!(column->flags & EZCDC_COLUMN_KEY))
      column->key_ordinal = 0;
    else if (agreed != relation->table.key_count
             || agreed != relation->description.table.key_count)
      column->key_ordinal = ++ordinal;
  }
}

/* Asks what the types of the message are. */
static int
relation_look_up_types (struct relation *relation, struct session *session,
                        const struct pgoutput_message *message)
{
  struct text oids = { .data = NULL }, modifiers = { .data = NULL };
  const char *at = message->body;
  struct pgoutput_column source;
  int code = EZCDC_OK;
  uint32_t i;

  for (i = 0; i < relation->count; i++) {
    (void) pgoutput_column (&at, message->end, &source);
    text_format (&oids, "%c%u", i > 0 ? ',' : '{', source.type);
    text_format (&modifiers, "%c%d", i > 0 ? ',' : '{', source.modifier);
  }
  text_add (&oids, "}");
  text_add (&modifiers, "}");
  PQclear (relation->types);
  relation->types = NULL;
  if (oids.failed || modifiers.failed)
    code = host->fail (session->instance, EZCDC_E_MEMORY, "out of memory");
  else
    code = catalog_types (session, oids.data, modifiers.data,
                          &relation->types);
  for (i = 0; code == EZCDC_OK && i < relation->count; i++) {
    relation->columns[i].type_name = PQgetvalue (relation->types, (int) i, 0);
    catalog_type (relation->types, (int) i, 1, &relation->columns[i]);
  }
  text_free (&oids);
  text_free (&modifiers);
  return code;
}

/* Reads the catalog's description of the one table; an empty one if it is
 * gone. */
static int
relation_read_catalog (struct relation *relation, struct postgres *self,
                       struct session *session)
{
  char oids[16];
  int code;

  catalog_clear (&relation->catalog);
  description_clear (&relation->description);
  snprintf (oids, sizeof oids, "{%u}", relation->oid);
  code = catalog_read (self, session, oids, &relation->catalog);
  if (code == EZCDC_OK)
    code = catalog_next (self, &relation->catalog, &relation->description);
  return code == EZCDC_END ? EZCDC_OK : code;
}

static int
relation_build (struct relation *relation, struct postgres *self,
                struct session *session,
                const struct pgoutput_message *message)
{
  bool all_known;
  int code;

  code = relation_read_catalog (relation, self, session);
  if (code != EZCDC_OK)
    return code;
  memset (&relation->table, 0, sizeof relation->table);
  if (!relation_set_columns (relation, message, &all_known))
    return host->fail (self->instance, EZCDC_E_BUG,
                       "table %s.%s: a relation message that makes no sense",
                       message->schema, message->name);
  if (!all_known)
    code = relation_look_up_types (relation, session, message);
  if (code != EZCDC_OK)
    return code;
  relation_set_key (relation);
  relation->table.id = relation->oid;
  relation->table.schema = message->schema;
  relation->table.name = message->name;
  relation->table.columns = relation->columns;
  relation->table.column_count = relation->count;
  relation->table.estimated_rows = -1;
  relation->table.estimated_bytes = -1;
  if (relation->table.key_count == 0)
    relation->table.refusal =
      "it has no usable key: updates and deletes cannot be told; give it"
      " a primary key, or a replica identity";
  if (!value_rules_set (&relation->rules, relation->columns, relation->count))
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  return EZCDC_OK;
}

int
relation_describe (struct relation *relation, struct postgres *self)
{
  struct pgoutput_message message;
  struct session *session;
  int code;

  if (!pgoutput_parse (relation->message, relation->message + relation->length,
                       &message))
    return host->fail (self->instance, EZCDC_E_BUG,
                       "a relation message that makes no sense");
  code = session_take (self, &session);
  if (code != EZCDC_OK)
    return code;
  code = relation_build (relation, self, session, &message);
  session_give (self, session);
  return code;
}
