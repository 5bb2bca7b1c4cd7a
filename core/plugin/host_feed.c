/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector hands over, looked at before anybody uses it. */

#include <config.h>

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/utf8.h"
#include "core/plugin/feed.h"
#include "core/plugin/host_feed.h"
#include "core/plugin/instance.h"

static int
refuse (struct ezcdc_instance *instance, const char *function,
        const char *fault)
{
  return instance == NULL
           ? EZCDC_E_BUG
           : instance_fail (instance, EZCDC_E_BUG, "%s: %s", function, fault);
}

/* ---- Tables and chunks ------------------------------------------------- */

static const char *
column_fault (const struct ezcdc_column *column)
{
  if (column->name == NULL || column->name[0] == '\0')
    return "a column has no name";
  if (column->type_name == NULL)
    return "a column has no type_name";
  if (column->type < EZCDC_TYPE_BOOL || column->type > EZCDC_TYPE_OTHER)
    return "a column has a type that this host does not know";
  return NULL;
}

/* Which rule the description of a table breaks; NULL if none. One with a
 * refusal need not have columns. */
static const char *
table_fault (const struct ezcdc_table *table)
{
  const char *fault = NULL;
  uint32_t keys = 0;

  if (table == NULL)
    return "there is no table";
  if (table->id == 0)
    return "the id is 0";
  if (table->schema == NULL)
    return "schema is NULL";
  if (table->name == NULL || table->name[0] == '\0')
    return "there is no name";
  if (table->columns == NULL && table->column_count > 0)
    return "columns is NULL";
  for (uint32_t i = 0; fault == NULL && i < table->column_count; i++) {
    fault = column_fault (&table->columns[i]);
    keys += (table->columns[i].flags & EZCDC_COLUMN_KEY) != 0;
  }
  if (fault != NULL || table->refusal != NULL)
    return fault;
  if (table->column_count == 0)
    return "there is no column";
  return keys == table->key_count
           ? NULL
           : "key_count is not the number of columns with EZCDC_COLUMN_KEY";
}

static int
refuse_table (struct ezcdc_instance *instance, const char *function,
              const struct ezcdc_table *table, const char *fault)
{
  if (instance == NULL || table == NULL)
    return refuse (instance, function, fault);
  return instance_fail (instance, EZCDC_E_BUG,
                        "%s: the table with the id %" PRIu64 ": %s", function,
                        table->id, fault);
}

static bool
is_text (const char *name)
{
  return utf8_valid (name, strlen (name));
}

/* Names go into messages, JSON and statements: a table is refused for one that
 * is not UTF-8. */
static struct ezcdc_table
look_at_names (const struct ezcdc_table *table)
{
  struct ezcdc_table looked_at = *table;
  bool good = is_text (table->schema) && is_text (table->name);

  for (uint32_t i = 0; good && i < table->column_count; i++)
    good = is_text (table->columns[i].name)
           && is_text (table->columns[i].type_name);
  if (!good && table->refusal == NULL)
    looked_at.refusal = "the name of it, of a column or of a type is not "
                        "valid UTF-8; rename that, or leave the table out";
  return looked_at;
}

int
host_list_table (struct ezcdc_list *list, const struct ezcdc_table *table)
{
  const char *fault = list->table == NULL ? "only discover lists tables"
                                          : table_fault (table);
  struct ezcdc_table looked_at;

  if (fault != NULL)
    return refuse_table (list->instance, "list_table", table, fault);
  looked_at = look_at_names (table);
  return list->table (list, &looked_at);
}

int
host_list_chunk (struct ezcdc_list *list, const char *chunk,
                 int64_t estimated_rows)
{
  if (list->chunk == NULL)
    return refuse (list->instance, "list_chunk",
                   "only snapshot_plan lists chunks");
  if (chunk == NULL)
    return refuse (list->instance, "list_chunk", "chunk is NULL");
  return list->chunk (list, chunk, estimated_rows);
}

/* ---- Rows -------------------------------------------------------------- */

/* For a chunk, a scan or a fetch, which have no transactions. */
#define ROWS_ALONE "only a stream is fed that, this call is fed rows alone"

int
host_feed_begin (struct ezcdc_feed *feed, const struct ezcdc_position *commit,
                 int64_t commit_time)
{
  if (feed->operations->begin == NULL)
    return refuse (feed->instance, "feed_begin", ROWS_ALONE);
  if (commit == NULL)
    return refuse (feed->instance, "feed_begin", "commit is NULL");
  return feed->operations->begin (feed, commit, commit_time);
}

/* Apart, so that the way of good rows is short. */
static int
refuse_row (const struct ezcdc_feed *feed, uint32_t operation,
            const struct ezcdc_value *values)
{
  if (feed->operations->row == NULL)
    return refuse (feed->instance, "feed_row", "no rows are read here");
  if (values == NULL)
    return refuse (feed->instance, "feed_row", "values is NULL");
  if (operation == EZCDC_TRUNCATE)
    return refuse (feed->instance, "feed_row",
                   "a truncate has no row, feed_truncate tells of it");
  return refuse (feed->instance, "feed_row", "the operation is none of a row");
}

int
host_feed_row (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
               const struct ezcdc_value *values,
               const struct ezcdc_value *old_values, const char *message,
               size_t length)
{
  if (feed->operations->row == NULL || values == NULL
      || operation < EZCDC_INSERT || operation > EZCDC_READ
      || operation == EZCDC_TRUNCATE)
    return refuse_row (feed, operation, values);
  return feed->operations->row (feed, table_id, operation, values, old_values,
                                message, length);
}

int
host_feed_truncate (struct ezcdc_feed *feed, uint64_t table_id)
{
  return feed->operations->truncate == NULL
           ? refuse (feed->instance, "feed_truncate", ROWS_ALONE)
           : feed->operations->truncate (feed, table_id);
}

int
host_feed_table (struct ezcdc_feed *feed, const struct ezcdc_table *table)
{
  const char *fault = feed->operations->table == NULL ? ROWS_ALONE
                                                      : table_fault (table);
  struct ezcdc_table looked_at;

  if (fault != NULL)
    return refuse_table (feed->instance, "feed_table", table, fault);
  looked_at = look_at_names (table);
  return feed->operations->table (feed, &looked_at);
}

int
host_feed_commit (struct ezcdc_feed *feed, const struct ezcdc_position *end)
{
  if (feed->operations->commit == NULL)
    return refuse (feed->instance, "feed_commit", ROWS_ALONE);
  if (end == NULL)
    return refuse (feed->instance, "feed_commit", "end is NULL");
  return feed->operations->commit (feed, end);
}

int
host_feed_progress (struct ezcdc_feed *feed,
                    const struct ezcdc_position *position)
{
  if (feed->operations->progress == NULL)
    return refuse (feed->instance, "feed_progress", ROWS_ALONE);
  if (position == NULL)
    return refuse (feed->instance, "feed_progress", "position is NULL");
  return feed->operations->progress (feed, position);
}
