/* SPDX-License-Identifier: Apache-2.0 */
/* How the columns of one source table lie in its target table. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "body.h"
#include "identifiers.h"
#include "layout.h"

int
target_column_read (const char *const *row, int generation,
                    struct target_column *ret_column)
{
  struct target_column column = { 0 };

  if (row[0] == NULL || row[1] == NULL)
    return -1;
  column.name = strdup (row[0]);
  if (column.name == NULL)
    return -1;
  type_parse (row[1], &column.type);
  column.nullable = row[2] != NULL && strcasecmp (row[2], "NO") != 0;
  column.key = row[3] != NULL && strcasecmp (row[3], "PRI") == 0;
  column.other_key = !column.key && row[3] != NULL && row[3][0] != '\0';
  if (row[4] != NULL && strcasecmp (row[4], "NULL") != 0) {
    column.default_value = strdup (row[4]);
    if (column.default_value == NULL) {
      free (column.name);
      return -1;
    }
  }
  column.generated = generation && row[5] != NULL && row[5][0] != '\0'
                     && strcasecmp (row[5], "NULL") != 0;
  *ret_column = column;
  return 0;
}

void
target_columns_free (struct target_columns *columns)
{
  for (uint32_t i = 0; i < columns->count; i++) {
    free (columns->items[i].name);
    free (columns->items[i].default_value);
  }
  free (columns->items);
  memset (columns, 0, sizeof *columns);
}

const struct target_column *
target_columns_find (const struct target_columns *columns, const char *name)
{
  for (uint32_t i = 0; i < columns->count; i++)
    if (strcasecmp (columns->items[i].name, name) == 0)
      return &columns->items[i];
  return NULL;
}

static enum encoding
encoding_for (enum column_kind kind)
{
  switch (kind) {
  case KIND_BOOLEAN:
  case KIND_TINYINT:
  case KIND_SMALLINT:
  case KIND_INT:
  case KIND_BIGINT:
  case KIND_LARGEINT:
  case KIND_JSON:
    return ENCODE_PLAIN;
  case KIND_FLOAT:
  case KIND_DOUBLE:
    return ENCODE_FLOAT;
  case KIND_DECIMAL:
  case KIND_DATE:
  case KIND_DATETIME:
    return ENCODE_ASCII;
  default:
    return ENCODE_TEXT;
  }
}

/* A name for the text that a function turns into the column; it must not be
 * the name of a column itself. */
static char *
name_of_source (const struct target_columns *target, uint32_t index)
{
  char name[64];

  for (unsigned attempt = 0;; attempt++) {
    snprintf (name, sizeof name, "ezcdc_hex_%u_%u", index, attempt);
    if (target_columns_find (target, name) == NULL)
      return strdup (name);
  }
}

static int
make_prefix (struct layout_column *column)
{
  struct buffer prefix = { 0 };
  const char *name = column->source_name != NULL ? column->source_name
                                                 : column->name;

  buffer_text (&prefix, ",");
  json_append_text (&prefix, name, strlen (name));
  buffer_text (&prefix, ":");
  column->prefix_length = prefix.length;
  column->prefix_room = (prefix.length + PREFIX_BLOCK - 1) / PREFIX_BLOCK
                        * PREFIX_BLOCK;
  while (prefix.length < column->prefix_room && !prefix.failed)
    buffer_text (&prefix, " ");
  if (prefix.failed) {
    buffer_free (&prefix);
    return -1;
  }
  column->prefix = prefix.data;
  return 0;
}

static int
make_column (const struct ezcdc_column *source, uint32_t index,
             const struct target_columns *target, struct layout_column *column)
{
  const struct target_column *found = target_columns_find (target,
                                                           source->name);

  if (found == NULL)
    return -1;
  column->name = strdup (found->name);
  column->type = found->type;
  column->logical = source->type;
  column->logical_scale = source->type == EZCDC_TYPE_DECIMAL
                              && source->precision >= 0
                            ? (source->scale < 0 ? 0 : source->scale)
                            : -1;
  column->key_ordinal = source->flags & EZCDC_COLUMN_KEY ? source->key_ordinal
                                                         : 0;
  column->encoding = encoding_for (found->type.kind);
  if (found->type.kind == KIND_VARBINARY) {
    column->source_name = name_of_source (target, index);
    if (column->source_name == NULL)
      return -1;
  }
  return column->name == NULL ? -1 : make_prefix (column);
}

/* Without a list of columns an absent one becomes NULL, not its default, and
 * functions have no place to stand. */
static int
must_list_columns (const struct ezcdc_table *table,
                   const struct target_columns *target)
{
  for (uint32_t i = 0; i < target->count; i++) {
    const struct target_column *column = &target->items[i];
    int known = 0;

    for (uint32_t j = 0; j < table->column_count && !known; j++)
      known = strcasecmp (column->name, table->columns[j].name) == 0;
    if (known ? column->type.kind == KIND_VARBINARY
              : column->generated || !column->nullable
                  || column->default_value != NULL)
      return 1;
  }
  return 0;
}

static void
collect_keys (struct layout *layout)
{
  for (uint32_t ordinal = 1; ordinal <= layout->column_count; ordinal++)
    for (uint32_t i = 0; i < layout->column_count; i++)
      if (layout->columns[i].key_ordinal == ordinal)
        layout->keys[layout->key_count++] = i;
}

int
layout_make (const struct ezcdc_table *table,
             const struct target_columns *target, int64_t key_bytes,
             struct layout **ret_layout)
{
  struct layout *layout = calloc (1, sizeof *layout);

  if (layout == NULL)
    return -1;
  layout->columns = calloc (table->column_count, sizeof *layout->columns);
  layout->keys = calloc (table->column_count, sizeof *layout->keys);
  if (layout->columns == NULL || layout->keys == NULL)
    goto failed;
  layout->column_count = table->column_count;
  for (uint32_t i = 0; i < table->column_count; i++)
    if (make_column (&table->columns[i], i, target, &layout->columns[i]) == -1)
      goto failed;
  for (uint32_t i = 0; i < layout->column_count; i++)
    layout->row_overhead += layout->columns[i].prefix_length + 3;
  collect_keys (layout);
  layout->version = table->version;
  layout->mapped = must_list_columns (table, target);
  layout->key_bytes = key_bytes;
  *ret_layout = layout;
  return 0;

failed:
  layout_free (layout);
  return -1;
}

void
layout_free (struct layout *layout)
{
  if (layout == NULL)
    return;
  for (uint32_t i = 0; i < layout->column_count; i++) {
    free (layout->columns[i].name);
    free (layout->columns[i].prefix);
    free (layout->columns[i].source_name);
  }
  free (layout->columns);
  free (layout->keys);
  free (layout);
}

int
layout_equal (const struct layout *one, const struct layout *other)
{
  if (one->column_count != other->column_count || one->mapped != other->mapped)
    return 0;
  for (uint32_t i = 0; i < one->column_count; i++) {
    const struct layout_column *a = &one->columns[i], *b = &other->columns[i];

    if (strcmp (a->name, b->name) != 0 || a->type.kind != b->type.kind
        || a->type.precision != b->type.precision
        || a->type.scale != b->type.scale || a->type.length != b->type.length)
      return 0;
  }
  return 1;
}

void
layout_header (const struct layout *layout, const uint8_t *skip, int deletes,
               struct buffer *ret_header)
{
  const char *comma = "";

  for (uint32_t i = 0; i < layout->column_count; i++) {
    const struct layout_column *column = &layout->columns[i];

    if (skip != NULL && skip[i])
      continue;
    buffer_text (ret_header, comma);
    if (column->source_name != NULL) {
      buffer_text (ret_header, column->source_name);
      buffer_text (ret_header, ",");
      identifier_append (ret_header, column->name);
      buffer_printf (ret_header, "=to_binary(%s,'hex')", column->source_name);
    }
    else
      identifier_append (ret_header, column->name);
    comma = ",";
  }
  if (deletes)
    buffer_text (ret_header, ",__op");
}
