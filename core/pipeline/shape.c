/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a table's columns. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/log.h"
#include "core/pipeline/discovery.h"
#include "core/pipeline/missed.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/shape.h"
#include "core/pipeline/table.h"

/* ---- comparing --------------------------------------------------------- */

static const struct ezcdc_column *
column_named (const struct ezcdc_column *columns, uint32_t count,
              const char *name)
{
  for (uint32_t i = 0; i < count; i++)
    if (strcmp (columns[i].name, name) == 0)
      return &columns[i];
  return NULL;
}

/* Whether both are numbered, and with what result. */
static bool
numbers_differ (const struct ezcdc_column *one,
                const struct ezcdc_column *other)
{
  uint32_t a = EZCDC_COLUMN_NUMBER (one->flags);
  uint32_t b = EZCDC_COLUMN_NUMBER (other->flags);

  return a != 0 && b != 0 && a != b;
}

/* "numeric(10,2)" and "numeric(12,2)": the same type with more room. That of
 * SQL's CHARACTER is filled with blanks: all values change. */
static bool
type_has_grown (const struct ezcdc_column *before,
                const struct ezcdc_column *after)
{
  size_t word = strcspn (before->type_name, "(");

  if (strncasecmp (before->type_name, "character(", 10) == 0)
    return false;
  if (strcspn (after->type_name, "(") != word
      || strncmp (before->type_name, after->type_name, word) != 0
      || before->type != after->type)
    return false;
  if (after->type == EZCDC_TYPE_STRING)
    return after->length == -1
           || (before->length != -1 && before->length <= after->length);
  return after->type == EZCDC_TYPE_DECIMAL && before->precision != -1
         && before->scale == after->scale
         && (after->precision == -1 || before->precision <= after->precision);
}

/* A column that stayed, by its name. */
static bool
column_is_doubtful (const struct ezcdc_column *before,
                    const struct ezcdc_column *after, struct text *ret_reason)
{
  if (numbers_differ (before, after))
    text_printf (ret_reason, "its column %s is not the one it was",
                 after->name);
  else if (strcmp (before->type_name, after->type_name) != 0
           && !type_has_grown (before, after))
    text_printf (ret_reason, "its column %s was %s and is %s", after->name,
                 before->type_name, after->type_name);
  return ret_reason->length > 0;
}

/* The column that this new one may have been, under another name. */
static const struct ezcdc_column *
column_before_rename (const struct ezcdc_column *before, uint32_t count,
                      const struct ezcdc_table *after,
                      const struct ezcdc_column *added)
{
  for (uint32_t i = 0; i < count; i++)
    if (column_named (after->columns, after->column_count, before[i].name)
          == NULL
        && !numbers_differ (&before[i], added))
      return &before[i];
  return NULL;
}

static bool
added_is_doubtful (const struct ezcdc_column *before, uint32_t count,
                   const struct ezcdc_table *after,
                   const struct ezcdc_column *added, struct text *ret_reason)
{
  const struct ezcdc_column *old = column_before_rename (before, count, after,
                                                         added);

  if (old != NULL)
    text_printf (ret_reason, "its column %s has become %s", old->name,
                 added->name);
  else if (added->flags & EZCDC_COLUMN_FILLED)
    text_printf (ret_reason, "its column %s was added with values",
                 added->name);
  return ret_reason->length > 0;
}

bool
shape_is_doubtful (const struct ezcdc_column *before, uint32_t count,
                   const struct ezcdc_table *after, struct text *ret_reason)
{
  for (uint32_t i = 0; i < after->column_count; i++) {
    const struct ezcdc_column *column = &after->columns[i];
    const struct ezcdc_column *old = column_named (before, count,
                                                   column->name);

    if (old != NULL
          ? column_is_doubtful (old, column, ret_reason)
          : added_is_doubtful (before, count, after, column, ret_reason))
      return true;
  }
  return false;
}

int
shape_doubt (struct pipeline *pipeline, const struct ezcdc_column *before,
             uint32_t count, const struct ezcdc_table *after,
             struct text *ret_reason, struct error *error)
{
  if (shape_is_doubtful (before, count, after, ret_reason))
    return 0;
  for (uint32_t i = 0; i < after->column_count; i++) {
    const char *name = after->columns[i].name;
    bool dropped;

    if (column_named (before, count, name) != NULL)
      continue;
    if (state_has_dropped (pipeline->state, after->id, name, &dropped, error)
        < 0)
      return error->code;
    if (dropped) {
      text_printf (ret_reason, "its column %s has come back", name);
      return 0;
    }
  }
  return 0;
}

bool
shape_has_another_key (const struct ezcdc_table *before,
                       const struct ezcdc_table *after)
{
  if (before->key_count != after->key_count)
    return true;
  for (uint32_t i = 0; i < after->column_count; i++) {
    const struct ezcdc_column *column = &after->columns[i];
    const struct ezcdc_column *old;

    if (column->key_ordinal == 0)
      continue;
    old = column_named (before->columns, before->column_count, column->name);
    if (old == NULL || old->key_ordinal != column->key_ordinal)
      return true;
  }
  return false;
}

bool
shape_has_another_type (const struct ezcdc_table *before,
                        const struct ezcdc_table *after)
{
  for (uint32_t i = 0; i < after->column_count; i++) {
    const struct ezcdc_column *column = &after->columns[i];
    const struct ezcdc_column *old = column_named (
      before->columns, before->column_count, column->name);

    if (old != NULL && strcmp (old->type_name, column->type_name) != 0
        && !type_has_grown (old, column) && !type_has_grown (column, old))
      return true;
  }
  return false;
}

/* ---- remembering ------------------------------------------------------- */

/* The columns of a table as the state has them. */
struct remembered {
  struct ezcdc_column *columns;
  uint32_t count;
  uint32_t capacity;
};

static int
remember_column (void *context, const struct ezcdc_column *column)
{
  struct remembered *remembered = context;
  struct ezcdc_column *place;

  if (remembered->count == remembered->capacity) {
    uint32_t capacity = remembered->capacity * 2 + 16;
    struct ezcdc_column *columns = reallocarray (remembered->columns, capacity,
                                                 sizeof *columns);

    if (columns == NULL)
      return EZCDC_E_MEMORY;
    remembered->columns = columns;
    remembered->capacity = capacity;
  }
  place = &remembered->columns[remembered->count++];
  *place = *column;
  place->name = strdup (column->name);
  place->type_name = strdup (column->type_name);
  return place->name == NULL || place->type_name == NULL ? EZCDC_E_MEMORY : 0;
}

static void
remembered_free (struct remembered *remembered)
{
  for (uint32_t i = 0; i < remembered->count; i++) {
    free ((char *) remembered->columns[i].name);
    free ((char *) remembered->columns[i].type_name);
  }
  free (remembered->columns);
}

static bool
remembered_is (const struct remembered *remembered,
               const struct ezcdc_table *table)
{
  if (remembered->count != table->column_count)
    return false;
  for (uint32_t i = 0; i < table->column_count; i++) {
    const struct ezcdc_column *one = &remembered->columns[i];
    const struct ezcdc_column *other = &table->columns[i];

    if (strcmp (one->name, other->name) != 0
        || strcmp (one->type_name, other->type_name) != 0
        || one->flags != other->flags)
      return false;
  }
  return true;
}

int
shape_forget_rows (struct pipeline *pipeline, struct table *table,
                   struct error *error)
{
  static const struct ezcdc_position nowhere = { 0 };
  struct state_table stored = pipeline_stored_table (table);

  stored.phase = TABLE_WAITING;
  stored.rows = 0;
  stored.repair_before = nowhere;
  if (state_clear_chunks (pipeline->state, table->id, error) < 0
      || state_set_table (pipeline->state, &stored, error) < 0)
    return error->code;
  table->phase = TABLE_WAITING;
  return 0;
}

int
shape_begin_doubt (struct pipeline *pipeline, struct table *table,
                   const char *reason, struct error *error)
{
  log_message (LEVEL_WARNING, "table %s: %s; it is copied again", table->name,
               reason);
  return shape_forget_rows (pipeline, table, error);
}

int
shape_forget_copy (struct pipeline *pipeline, struct table *table,
                   struct error *error)
{
  static const struct ezcdc_position never = { 0 };

  if (state_begin (pipeline->state, error) < 0)
    return error->code;
  if (state_set_copied (pipeline->state, table->id, &never, error) < 0
      || shape_forget_rows (pipeline, table, error) < 0) {
    state_rollback (pipeline->state);
    return error->code;
  }
  return state_commit (pipeline->state, error);
}

int
shape_pass_over (struct pipeline *pipeline, struct table *table,
                 struct error *error)
{
  table->left_out = true;
  if (state_set_mark (pipeline->state, table->id, STATE_MARK_LEFT_OUT, true,
                      error)
      < 0)
    return error->code;
  return shape_forget_copy (pipeline, table, error);
}

int
shape_leave_out (struct pipeline *pipeline, struct table *table,
                 const char *reason, struct error *error)
{
  log_message (LEVEL_WARNING,
               "table %s: %s; its changes are left out until it is copied "
               "again",
               table->name, reason);
  return shape_pass_over (pipeline, table, error);
}

static int
shape_check (struct pipeline *pipeline, struct table *table,
             const struct remembered *remembered, struct error *error)
{
  const struct ezcdc_table *now = &table->version->description;
  CLEANUP_TEXT struct text reason = { 0 };

  if (table->phase != TABLE_WAITING && remembered->count > 0
      && pipeline_copies (pipeline)
      && shape_doubt (pipeline, remembered->columns, remembered->count, now,
                      &reason, error)
           < 0)
    return error->code;
  if (reason.length > 0
      && shape_begin_doubt (pipeline, table, text_string (&reason), error) < 0)
    return error->code;
  if (remembered_is (remembered, now))
    return 0;
  return state_set_columns (pipeline->state, now, error);
}

int
shapes_check (struct pipeline *pipeline, struct error *error)
{
  int result = 0;

  for (size_t i = 0; i < pipeline->tables.count && result >= 0; i++) {
    struct table *table = pipeline->tables.tables[i];
    struct remembered remembered = { 0 };

    result = state_each_column (pipeline->state, table->id, remember_column,
                                &remembered, error);
    if (result == EZCDC_E_MEMORY)
      error_set (error, result, "compare the tables: out of memory");
    if (result >= 0)
      result = shape_check (pipeline, table, &remembered, error);
    remembered_free (&remembered);
  }
  return result;
}

/* ---- asking again ------------------------------------------------------ */

static int
refresh_table (struct pipeline *pipeline, struct table *table,
               const struct table_set *now, struct error *error)
{
  const struct table *found = table_set_find (now, table->id);
  CLEANUP_TEXT struct text reason = { 0 };
  const struct ezcdc_table *known;

  if (found == NULL)
    return error_set (error, EZCDC_E_OPERATOR,
                      "table %s is to be copied again, but the source does "
                      "not have it any more; start the pipeline again to go "
                      "on without it",
                      table->name);
  if (missed_by_source (table, found)) {
    /* What the stream still brings of it is older than the gap, and would be
     * written over the copy. */
    table->deferred = pipeline->settings.snapshot != SNAPSHOT_ONLY;
    if (shape_leave_out (pipeline, table, MISSED_BY_SOURCE, error) < 0
        || missed_note (pipeline, table, found, error) < 0)
      return error->code;
  }
  known = &table->version->description;
  if (shape_doubt (pipeline, known->columns, known->column_count,
                   &found->version->description, &reason, error)
      < 0)
    return error->code;
  if (reason.length > 0) {
    table->again = true;
    if (state_clear_chunks (pipeline->state, table->id, error) < 0)
      return error->code;
  }
  if (reason.length == 0
      && table_same_shape (known, &found->version->description))
    return 0;
  if (table_revise (table, &found->version->description) < 0)
    return error_set (error, EZCDC_E_MEMORY, "table %s: out of memory",
                      table->name);
  return state_set_columns (pipeline->state, &table->version->description,
                            error);
}

int
shapes_refresh (struct pipeline *pipeline, struct error *error)
{
  struct table_set now = { 0 };
  int result = pipeline_list_tables (pipeline, &now, &pipeline->tables, error);

  for (size_t i = 0; i < pipeline->tables.count && result >= 0; i++)
    if (pipeline->tables.tables[i]->phase != TABLE_STREAMING)
      result = refresh_table (pipeline, pipeline->tables.tables[i], &now,
                              error);
  table_set_free (&now);
  return result;
}

/* ---- looking now and then ---------------------------------------------- */

static void
tell_where_it_is (struct table *table, const struct table *found)
{
  bool renamed = found != NULL && strcmp (found->target, table->target) != 0;

  if (found == NULL && !table->gone)
    log_message (LEVEL_WARNING,
                 "table %s is not in the source any more; its rows stay in %s",
                 table->name, table->target);
  if (renamed && !table->renamed)
    log_message (LEVEL_WARNING,
                 "table %s is called %s now; its rows go to %s until the next "
                 "start, which copies it to %s",
                 table->name, found->name, table->target, found->target);
  table->gone = found == NULL;
  table->renamed = renamed;
}

static int
look_at_table (struct pipeline *pipeline, struct table *table,
               const struct table_set *now, bool *ret_doubt,
               struct error *error)
{
  const struct table *found = table_set_find (now, table->id);
  const struct ezcdc_table *known = &table->version->description;
  CLEANUP_TEXT struct text reason = { 0 };

  tell_where_it_is (table, found);
  if (found == NULL || !pipeline_copies (pipeline))
    return 0;
  if (missed_by_source (table, found)) {
    *ret_doubt = true;
    if (shape_leave_out (pipeline, table, MISSED_BY_SOURCE, error) < 0)
      return error->code;
    return missed_note (pipeline, table, found, error);
  }
  if (table->phase != TABLE_STREAMING)
    return 0;
  if (shape_doubt (pipeline, known->columns, known->column_count,
                   &found->version->description, &reason, error)
      < 0)
    return error->code;
  if (reason.length == 0)
    return 0;
  *ret_doubt = true;
  return shape_begin_doubt (pipeline, table, text_string (&reason), error);
}

int
shapes_look (struct pipeline *pipeline, bool *ret_doubt, struct error *error)
{
  struct table_set now = { 0 };
  int result = pipeline_list_tables (pipeline, &now, &pipeline->tables, error);

  *ret_doubt = false;
  if (result >= 0 && missed_exchange (pipeline, &now))
    pipeline_begin_again (pipeline);
  for (size_t i = 0; i < pipeline->tables.count && result >= 0; i++)
    result = look_at_table (pipeline, pipeline->tables.tables[i], &now,
                            ret_doubt, error);
  table_set_free (&now);
  return result;
}
