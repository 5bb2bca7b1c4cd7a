/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a target table what its source needs, and binds the two. */

#include <stdlib.h>
#include <string.h>

#include "ddl.h"
#include "identifiers.h"
#include "starrocks.h"

/* Adding and widening are two jobs; a third look confirms them. */
#define ROUNDS 4
/* StarRocks' frontend takes 32 KiB of headers in all. */
#define COLUMNS_HEADER_MAX (24 * 1024)

static int
refuse (struct starrocks *self, const struct ezcdc_table *table,
        struct buffer *reason)
{
  return host->fail (self->instance, EZCDC_E_OPERATOR,
                     "table \"%s\" can't take the rows of \"%s.%s\": %s: "
                     "alter or drop it, or choose another target",
                     table->target, table->schema, table->name,
                     buffer_string (reason));
}

/* What no target table can mend. */
static int
check_source (struct starrocks *self, const struct ezcdc_table *table)
{
  struct buffer problem = { 0 };
  int code = EZCDC_OK;

  if (table->key_count == 0)
    code = host->fail (self->instance, EZCDC_E_OPERATOR,
                       "table \"%s.%s\" has no key: give it a primary key or "
                       "a replica identity, or leave it out of the tables",
                       table->schema, table->name);
  else if (identifiers_check (table, &problem) == -1)
    code = host->fail (self->instance, EZCDC_E_OPERATOR,
                       "table \"%s.%s\": %s: rename the column in the source, "
                       "or leave the table out of the tables",
                       table->schema, table->name, buffer_string (&problem));
  buffer_free (&problem);
  return code;
}

static int
bind (struct starrocks *self, const struct ezcdc_table *table,
      const struct target_columns *columns, struct layout **ret_layout)
{
  struct buffer header = { 0 };
  struct layout *layout;

  if (layout_make (table, columns, self->settings.key_bytes, &layout) == -1)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  layout_header (layout, NULL, 1, &header);
  if (layout->mapped && header.length > COLUMNS_HEADER_MAX) {
    buffer_free (&header);
    layout_free (layout);
    return host->fail (self->instance, EZCDC_E_OPERATOR,
                       "table \"%s\": the names of its %u columns are longer "
                       "than StarRocks' limit for headers, which a table with "
                       "binary columns or with columns of its own needs",
                       table->target, table->column_count);
  }
  buffer_free (&header);
  *ret_layout = layout;
  return EZCDC_OK;
}

/* One look and one step.  *ret_done: nothing was left to do. */
static int
advance (struct starrocks *self, struct connection *connection,
         const struct ezcdc_table *table, struct target *target,
         struct layout **ret_layout, int *ret_done)
{
  struct target_columns columns = { 0 };
  struct ddl_changes changes = { { 0 }, { 0 }, { 0 } };
  int code = ddl_read_columns (self, connection, table, &columns);

  if (code != EZCDC_OK)
    return code;
  if (columns.count == 0) {
    code = ddl_create (self, connection, table);
    target->created |= code == EZCDC_OK;
  }
  else if (ddl_compare (&self->settings, starrocks_version (self), table,
                        &columns, &changes)
           == -1)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  else if (changes.obstacles.length > 0)
    code = refuse (self, table, &changes.obstacles);
  else if (changes.additions.length > 0) {
    host->log (self->instance, EZCDC_LOG_INFO, "table \"%s\": %s",
               table->target, buffer_string (&changes.additions));
    code = ddl_alter (self, connection, table->target, &changes.additions,
                      "add columns");
  }
  else if (changes.modifications.length > 0) {
    host->log (self->instance, EZCDC_LOG_INFO, "table \"%s\": %s",
               table->target, buffer_string (&changes.modifications));
    code = ddl_alter (self, connection, table->target, &changes.modifications,
                      "widen columns");
  }
  else {
    code = bind (self, table, &columns, ret_layout);
    *ret_done = 1;
  }
  ddl_changes_free (&changes);
  target_columns_free (&columns);
  return code;
}

int
target_prepare (struct starrocks *self, struct target *target,
                const struct ezcdc_table *table)
{
  struct connection *connection;
  struct layout *layout = NULL;
  int code = starrocks_ready (self), done = 0;

  if (code == EZCDC_OK && !compression_is_known (self))
    code = host->fail (self->instance, EZCDC_E_CONFIG,
                       "compression: this StarRocks takes none, as before "
                       "3.2.7; remove the option");
  if (code == EZCDC_OK)
    code = check_source (self, table);
  if (code == EZCDC_OK)
    code = connection_take (self, &connection);
  if (code != EZCDC_OK)
    return code;
  for (int round = 0; round < ROUNDS && code == EZCDC_OK && !done; round++)
    code = advance (self, connection, table, target, &layout, &done);
  connection_give (self, connection, code == EZCDC_OK);
  if (code != EZCDC_OK)
    return code;
  if (!done)
    return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                       "table \"%s\" does not show the columns that were "
                       "added or changed",
                       table->target);
  layout_free (target->layout);
  target->layout = layout;
  return EZCDC_OK;
}

int
target_bind (struct starrocks *self, const struct ezcdc_table *table,
             struct layout **ret_layout)
{
  struct target_columns columns = { 0 };
  struct connection *connection;
  int code = starrocks_ready (self);

  if (code == EZCDC_OK)
    code = connection_take (self, &connection);
  if (code != EZCDC_OK)
    return code;
  code = ddl_read_columns (self, connection, table, &columns);
  connection_give (self, connection, code == EZCDC_OK);
  if (code != EZCDC_OK)
    return code;
  if (columns.count == 0)
    code = host->fail (self->instance, EZCDC_E_SCHEMA,
                       "there is no table \"%s\" in database \"%s\": the "
                       "next run makes it and copies the rows",
                       table->target, self->settings.database);
  for (uint32_t i = 0; i < table->column_count && code == EZCDC_OK; i++)
    if (target_columns_find (&columns, table->columns[i].name) == NULL)
      code = host->fail (self->instance, EZCDC_E_SCHEMA,
                         "table \"%s\" has no column \"%s\"", table->target,
                         table->columns[i].name);
  if (code == EZCDC_OK)
    code = bind (self, table, &columns, ret_layout);
  target_columns_free (&columns);
  return code;
}
