/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of which changes were missed. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/pipeline/discovery.h"
#include "core/pipeline/missed.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/position.h"
#include "core/pipeline/shape.h"
#include "core/pipeline/table.h"
#include "core/plugin/instance.h"

/* In place of a target: the table was not among the tables. */
#define MISSED_NOWHERE "nowhere"

/* ---- at the start ------------------------------------------------------ */

static int
missed_copy (struct pipeline *pipeline, struct table *table,
             const char *reason, struct error *error)
{
  if (pipeline_copies (pipeline))
    return shape_leave_out (pipeline, table, reason, error);
  log_message (LEVEL_WARNING,
               "table %s: %s; this pipeline does not copy it again: what was "
               "missed is missing",
               table->name, reason);
  return 0;
}

/* Where the table's rows go, with all that belongs to the name. */
static void
missed_target (const struct pipeline *pipeline, const struct table *table,
               struct text *ret_target)
{
  const char *destination = NULL;

  if (pipeline->sink_calls->destination != NULL)
    destination = pipeline->sink_calls->destination (pipeline->sink->self);
  if (destination != NULL)
    text_printf (ret_target, "%s.", destination);
  text_printf (ret_target, "%s", table->target);
}

static int
missed_store (struct pipeline *pipeline, const struct table *table,
              struct error *error)
{
  CLEANUP_TEXT struct text target = { 0 };

  missed_target (pipeline, table, &target);
  if (target.failed)
    return error_set (error, EZCDC_E_MEMORY, "table %s: out of memory",
                      table->name);
  return state_set_followed (pipeline->state, table->id, table->edition,
                             text_string (&target), error);
}

/* Why changes of the table were missed; nothing if they were not. */
static void
missed_reason (const struct pipeline *pipeline, const struct table *table,
               uint64_t edition, const char *before, struct text *ret_reason)
{
  CLEANUP_TEXT struct text target = { 0 };

  missed_target (pipeline, table, &target);
  /* A log has the rows of all tables, whatever they are called. */
  if (strcmp (before, text_string (&target)) != 0
      && !(pipeline->sink_capabilities & EZCDC_CAN_LOG))
    text_printf (ret_reason, "its rows went to %s so far, and go to %s now",
                 before, text_string (&target));
  else if (edition != 0 && table->edition != 0 && edition != table->edition)
    text_printf (ret_reason, MISSED_BY_SOURCE);
}

static int
missed_check_table (struct pipeline *pipeline, struct table *table,
                    struct error *error)
{
  CLEANUP_TEXT struct text target = { 0 }, reason = { 0 };
  uint64_t edition;

  if (state_get_followed (pipeline->state, table->id, &edition, &target, error)
      < 0)
    return error->code;
  if (target.length > 0)
    missed_reason (pipeline, table, edition, text_string (&target), &reason);
  if (reason.length > 0
      && missed_copy (pipeline, table, text_string (&reason), error) < 0)
    return error->code;
  return missed_store (pipeline, table, error);
}

static int
missed_check_copies (struct pipeline *pipeline, bool first,
                     struct error *error)
{
  bool only = pipeline->settings.snapshot == SNAPSHOT_ONLY;
  bool finished = true;

  if (state_get_copied_all (pipeline->state, &finished, error) < 0)
    return error->code;
  if (only ? !finished
           : !first || pipeline->settings.snapshot == SNAPSHOT_NEVER)
    return 0;
  for (size_t i = 0; i < pipeline->tables.count; i++) {
    struct table *table = pipeline->tables.tables[i];

    memset (&table->copied, 0, sizeof table->copied);
    if (table->phase != TABLE_WAITING
        && shape_forget_copy (pipeline, table, error) < 0)
      return error->code;
  }
  /* Last: broken off before, it begins again. */
  return state_set_copied_all (pipeline->state, false, error);
}

int
missed_check (struct pipeline *pipeline, bool first, struct error *error)
{
  if (missed_check_copies (pipeline, first, error) < 0)
    return error->code;
  for (size_t i = 0; i < pipeline->tables.count; i++)
    if (missed_check_table (pipeline, pipeline->tables.tables[i], error) < 0)
      return error->code;
  return 0;
}

int
missed_begin (struct pipeline *pipeline, struct error *error)
{
  struct table_set now = { 0 };
  int result = pipeline_list_tables (pipeline, &now, &pipeline->tables, error);

  for (size_t i = 0; i < pipeline->tables.count && result >= 0; i++) {
    struct table *table = pipeline->tables.tables[i];
    const struct table *found = table_set_find (&now, table->id);

    if (found != NULL)
      result = missed_note (pipeline, table, found, error);
  }
  table_set_free (&now);
  return result;
}

/* ---- forgetting -------------------------------------------------------- */

struct gone {
  const struct table_set *tables; /* that are there */
  bool copies;                    /* those that come back are copied */
  uint64_t *ids;
  size_t count;
  size_t capacity;
};

static int
gone_table (void *context, const struct state_table *table)
{
  struct gone *gone = context;

  if (table_set_find (gone->tables, table->id) != NULL)
    return 0;
  if (gone->count == gone->capacity) {
    size_t capacity = gone->capacity * 2 + 16;
    uint64_t *ids = reallocarray (gone->ids, capacity, sizeof *ids);

    if (ids == NULL)
      return EZCDC_E_MEMORY;
    gone->ids = ids;
    gone->capacity = capacity;
  }
  gone->ids[gone->count++] = table->id;
  log_message (LEVEL_WARNING,
               "table %s is not among the tables any more: its rows stay in "
               "%s; when it comes back, %s",
               table->name, table->target,
               gone->copies ? "it is copied anew"
                            : "what it has missed is missing");
  return 0;
}

/* A table that is not copied has to be told of when it comes back. */
static int
missed_forget_table (struct pipeline *pipeline, uint64_t id,
                     struct error *error)
{
  if (state_forget_table (pipeline->state, id, error) < 0)
    return error->code;
  if (pipeline->settings.snapshot != SNAPSHOT_NEVER)
    return 0;
  return state_set_followed (pipeline->state, id, 0, MISSED_NOWHERE, error);
}

int
missed_forget (struct pipeline *pipeline, struct error *error)
{
  struct gone gone = {
    .tables = &pipeline->tables,
    .copies = pipeline->settings.snapshot != SNAPSHOT_NEVER,
  };
  int result = state_each_table (pipeline->state, gone_table, &gone, error);

  if (result == EZCDC_E_MEMORY)
    error_set (error, result, "compare the tables: out of memory");
  for (size_t i = 0; i < gone.count && result >= 0; i++)
    result = missed_forget_table (pipeline, gone.ids[i], error);
  free (gone.ids);
  return result;
}

/* ---- while streaming --------------------------------------------------- */

bool
missed_by_source (const struct table *table, const struct table *found)
{
  return table->edition != 0 && found->edition != 0
         && table->edition != found->edition;
}

int
missed_note (struct pipeline *pipeline, struct table *table,
             const struct table *found, struct error *error)
{
  table->edition = found->edition;
  return missed_store (pipeline, table, error);
}

bool
missed_by_promotion (const struct pipeline *pipeline, void *stream,
                     const struct table *table,
                     const struct ezcdc_position *complete)
{
  const struct ezcdc_source *source = pipeline->source_calls;
  const struct ezcdc_position *shown[] = { &table->copied, &table->viewed };

  if (source->stream_holds == NULL)
    return false;
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
    if (shown[i]->length > 0 && position_compare (shown[i], complete) > 0
        && source->stream_holds (stream, shown[i]) == EZCDC_END)
      return true;
  return false;
}

const struct table *
missed_predecessor (const struct table_set *tables,
                    const struct table_set *now, uint64_t id,
                    const char *target)
{
  const struct table *before = table_set_find_target (tables, target);
  const struct table *found;

  if (before == NULL || before->id == id)
    return NULL;
  found = table_set_find (now, before->id);
  return found == NULL || strcmp (found->target, target) != 0 ? before : NULL;
}

bool
missed_exchange (const struct pipeline *pipeline, const struct table_set *now)
{
  for (size_t i = 0; i < now->count; i++) {
    const struct table *found = now->tables[i];

    if (missed_predecessor (&pipeline->tables, now, found->id, found->target)
        == NULL)
      continue;
    log_message (LEVEL_WARNING,
                 "target %s: table %s is another one than before; the "
                 "pipeline begins again with it",
                 found->target, found->name);
    return true;
  }
  return false;
}
