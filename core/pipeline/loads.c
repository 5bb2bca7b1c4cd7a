/* SPDX-License-Identifier: Apache-2.0 */
/* Loads that may outlive us. */
#include <config.h>

#include <string.h>

#include "core/base/text.h"
#include "core/pipeline/loads.h"
#include "core/pipeline/pipeline.h"
#include "core/plugin/instance.h"

static int
collect_load (void *context, const char *load)
{
  struct text *loads = context;

  text_append (loads, load, strlen (load) + 1);
  return loads->failed ? EZCDC_E_MEMORY : 0;
}

/* The noted loads, each with its NUL. */
static int
loads_of (struct pipeline *pipeline, const struct table *table,
          struct text *ret_loads, struct error *error)
{
  int result = state_each_load (pipeline->state, table->target, collect_load,
                                ret_loads, error);

  if (result == EZCDC_E_MEMORY)
    return error_set (error, result, "list the loads: out of memory");
  return result;
}

int
loads_begin (struct pipeline *pipeline, struct table *table,
             struct error *error)
{
  CLEANUP_TEXT struct text loads = { 0 };

  if (loads_of (pipeline, table, &loads, error) < 0)
    return error->code;
  table->loads = loads.length > 0 ? LOADS_OPEN : LOADS_NONE;
  return 0;
}

int
loads_announce (struct pipeline *pipeline, const struct ezcdc_table *table,
                const char *load, struct error *error)
{
  struct table *of;
  int result = 0;

  if (table == NULL)
    return error_set (error, EZCDC_E_BUG,
                      "announce load %s: a log has no table whose loads could "
                      "be settled",
                      load);
  of = table_set_find (&pipeline->tables, table->id);
  if (of == NULL)
    return error_set (error, EZCDC_E_BUG,
                      "announce load %s: its table is not of this pipeline",
                      load);
  if (state_begin (pipeline->state, error) < 0)
    return error->code;
  if (of->loads == LOADS_OVER)
    result = state_forget_loads (pipeline->state, of->target, error);
  if (result == 0)
    result = state_announce_load (pipeline->state, of->target, load, error);
  if (result < 0) {
    state_rollback (pipeline->state);
    return result;
  }
  of->loads = LOADS_OPEN;
  return state_commit (pipeline->state, error);
}

static int
settle_one (struct pipeline *pipeline, const struct table *table,
            const char *load, struct error *error)
{
  struct ezcdc_instance *sink = pipeline->sink;
  int result;

  instance_lock (sink);
  result = pipeline->sink_calls->settle (pipeline->sink->self, table->target,
                                         load);
  if (result < 0)
    instance_error (sink, result, error);
  instance_unlock (sink);
  return result < 0 ? result : 0;
}

int
loads_settle (struct pipeline *pipeline, struct table *table,
              struct error *error)
{
  CLEANUP_TEXT struct text loads = { 0 };

  if (table == NULL || table->loads != LOADS_OPEN
      || pipeline->sink_calls->settle == NULL)
    return 0;
  if (loads_of (pipeline, table, &loads, error) < 0)
    return error->code;
  for (size_t at = 0; at < loads.length; at += strlen (loads.data + at) + 1)
    if (settle_one (pipeline, table, loads.data + at, error) < 0)
      return error->code;
  table->loads = LOADS_OVER;
  return 0;
}

void
loads_are_over (struct table *table)
{
  if (table != NULL && table->loads == LOADS_OPEN)
    table->loads = LOADS_OVER;
}

int
loads_forget (struct pipeline *pipeline, struct error *error)
{
  int result = state_begin (pipeline->state, error);

  if (result < 0)
    return result;
  for (size_t i = 0; i < pipeline->tables.count && result == 0; i++) {
    struct table *table = pipeline->tables.tables[i];

    if (table->loads == LOADS_OVER)
      result = state_forget_loads (pipeline->state, table->target, error);
  }
  if (result < 0) {
    state_rollback (pipeline->state);
    return result;
  }
  return state_commit (pipeline->state, error);
}
