/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a pipeline. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pipeline/table.h"

#define TABLE_SLOTS_FIRST 64

static size_t
string_size (const char *string)
{
  return string == NULL ? 0 : strlen (string) + 1;
}

static const char *
string_put (char **cursor, const char *string)
{
  size_t size = string_size (string);
  char *place = *cursor;

  if (string == NULL)
    return NULL;
  memcpy (place, string, size);
  *cursor += size;
  return place;
}

/* One block: the version, its columns, then all strings. */
static struct table_version *
version_copy (const struct ezcdc_table *from, const char *target)
{
  size_t columns = from->column_count * sizeof (struct ezcdc_column);
  size_t size = sizeof (struct table_version) + columns;
  struct table_version *version;
  struct ezcdc_column *column;
  char *cursor;

  size += string_size (from->schema) + string_size (from->name)
          + string_size (from->refusal) + string_size (target);
  for (uint32_t i = 0; i < from->column_count; i++)
    size += string_size (from->columns[i].name)
            + string_size (from->columns[i].type_name);
  version = calloc (1, size);
  if (version == NULL)
    return NULL;

  version->description = *from;
  column = (struct ezcdc_column *) (version + 1);
  cursor = (char *) (column + from->column_count);
  version->description.columns = column;
  version->description.schema = string_put (&cursor, from->schema);
  version->description.name = string_put (&cursor, from->name);
  version->description.refusal = string_put (&cursor, from->refusal);
  version->description.target = string_put (&cursor, target);
  for (uint32_t i = 0; i < from->column_count; i++) {
    column[i] = from->columns[i];
    column[i].name = string_put (&cursor, from->columns[i].name);
    column[i].type_name = string_put (&cursor, from->columns[i].type_name);
  }
  return version;
}

static void
table_free (struct table *table)
{
  if (table == NULL)
    return;
  while (table->version != NULL) {
    struct table_version *version = table->version;

    table->version = version->older;
    free (version);
  }
  free (table->name);
  free (table->target);
  free (table);
}

void
table_set_free (struct table_set *set)
{
  for (size_t i = 0; i < set->count; i++)
    table_free (set->tables[i]);
  free (set->tables);
  free (set->slots);
  memset (set, 0, sizeof *set);
}

static size_t
slot_of (const struct table_set *set, uint64_t id)
{
  return (size_t) ((id * UINT64_C (0x9e3779b97f4a7c15)) >> 32)
         & (set->slot_count - 1);
}

static void
slot_put (struct table_set *set, struct table *table)
{
  size_t slot = slot_of (set, table->id);

  while (set->slots[slot] != NULL)
    slot = (slot + 1) & (set->slot_count - 1);
  set->slots[slot] = table;
}

/* Keeps the slots at most half full and the array big enough for one more. */
static int
table_set_grow (struct table_set *set)
{
  if (set->count == set->capacity) {
    size_t capacity = set->capacity == 0 ? 16 : set->capacity * 2;
    struct table **tables = reallocarray (set->tables, capacity,
                                          sizeof (struct table *));

    if (tables == NULL)
      return -1;
    set->tables = tables;
    set->capacity = capacity;
  }
  if ((set->count + 1) * 2 > set->slot_count) {
    size_t count = set->slot_count == 0 ? TABLE_SLOTS_FIRST
                                        : set->slot_count * 2;
    struct table **slots = calloc (count, sizeof (struct table *));

    if (slots == NULL)
      return -1;
    free (set->slots);
    set->slots = slots;
    set->slot_count = count;
    for (size_t i = 0; i < set->count; i++)
      slot_put (set, set->tables[i]);
  }
  return 0;
}

struct table *
table_set_add (struct table_set *set, const struct ezcdc_table *description,
               const char *target)
{
  struct table *table;

  if (table_set_grow (set) < 0)
    return NULL;
  table = calloc (1, sizeof *table);
  if (table == NULL)
    return NULL;
  table->id = description->id;
  table->edition = description->version;
  table->rows_total = description->estimated_rows;
  table->target = strdup (target);
  if (description->schema[0] == '\0')
    table->name = strdup (description->name);
  else if (asprintf (&table->name, "%s.%s", description->schema,
                     description->name)
           < 0)
    table->name = NULL;
  table->version = version_copy (description, target);
  if (table->target == NULL || table->name == NULL || table->version == NULL) {
    table_free (table);
    return NULL;
  }
  table->version->description.version = 1;
  set->tables[set->count++] = table;
  slot_put (set, table);
  return table;
}

struct table *
table_set_find (const struct table_set *set, uint64_t id)
{
  size_t slot;

  if (set->slot_count == 0)
    return NULL;
  slot = slot_of (set, id);
  while (set->slots[slot] != NULL) {
    if (set->slots[slot]->id == id)
      return set->slots[slot];
    slot = (slot + 1) & (set->slot_count - 1);
  }
  return NULL;
}

struct table *
table_set_find_target (const struct table_set *set, const char *target)
{
  for (size_t i = 0; i < set->count; i++)
    if (strcmp (set->tables[i]->target, target) == 0)
      return set->tables[i];
  return NULL;
}

bool
table_same_shape (const struct ezcdc_table *one,
                  const struct ezcdc_table *other)
{
  if (one->column_count != other->column_count
      || one->key_count != other->key_count)
    return false;
  for (uint32_t i = 0; i < one->column_count; i++) {
    const struct ezcdc_column *a = &one->columns[i];
    const struct ezcdc_column *b = &other->columns[i];

    if (strcmp (a->name, b->name) != 0 || a->type != b->type
        || a->element_type != b->element_type || a->precision != b->precision
        || a->scale != b->scale || a->length != b->length
        || a->key_ordinal != b->key_ordinal
        || strcmp (a->type_name, b->type_name) != 0)
      return false;
  }
  return true;
}

int
table_revise (struct table *table, const struct ezcdc_table *description)
{
  struct table_version *version = version_copy (description, table->target);

  if (version == NULL)
    return -1;
  version->description.version = table->version->description.version + 1;
  version->older = table->version;
  table->version = version;
  return 0;
}

bool
table_awaits_copy (const struct table *table, bool again)
{
  return table->phase != TABLE_STREAMING && !table->deferred
         && (again || (table->copied.length == 0 && !table->left_out));
}

const char *
table_phase_name (uint32_t phase)
{
  switch ((enum table_phase) phase) {
  case TABLE_WAITING:
    return "waiting";
  case TABLE_SNAPSHOT:
    return "snapshot";
  case TABLE_STREAMING:
    return "streaming";
  }
  return "unknown";
}
