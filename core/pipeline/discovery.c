/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables a pipeline has. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/pipeline/discovery.h"
#include "core/pipeline/missed.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/shape.h"
#include "core/plugin/feed.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"

struct discovery {
  struct ezcdc_list list; /* first: the source is given its address */
  struct pipeline *pipeline;
  struct table_set *tables;
  const struct table_set *among;
  struct text refused; /* what cannot be replicated, and why */
  /* The first refused table that is not among them, but has the target of one
   * that is. */
  struct text intruder;
  struct text intruder_target;
  uint64_t intruder_id;
};

const char *
pipeline_refusal (const struct pipeline *pipeline,
                  const struct ezcdc_table *table)
{
  if (table->refusal != NULL || table->key_count > 0
      || (pipeline->sink_capabilities & EZCDC_CAN_LOG) != 0)
    return table->refusal;
  return "it has no key, by which the sink would tell its rows apart";
}

static void
discovery_say (struct text *text, const struct ezcdc_table *table,
               const char *refusal)
{
  text_printf (text, "%stable %s.%s: %s", text->length > 0 ? "; " : "",
               table->schema, table->name, refusal);
}

/* A table that is followed has its changes missed from now on, whatever the
 * reason is. */
static int
discovery_refused (struct discovery *discovery,
                   const struct ezcdc_table *table, const char *target,
                   const char *refusal)
{
  struct pipeline *pipeline = discovery->pipeline;
  struct error error = { 0 };
  struct table *followed = discovery->among == NULL
                             ? NULL
                             : table_set_find (discovery->among, table->id);

  if (discovery->among == NULL || followed != NULL)
    discovery_say (&discovery->refused, table, refusal);
  else if (discovery->intruder.length == 0
           && table_set_find_target (discovery->among, target) != NULL) {
    discovery_say (&discovery->intruder, table, refusal);
    text_printf (&discovery->intruder_target, "%s", target);
    discovery->intruder_id = table->id;
  }
  if (followed != NULL && pipeline_copies (pipeline)
      && shape_pass_over (pipeline, followed, &error) < 0)
    return instance_fail (pipeline->source, error.code, "%s", error.text);
  return EZCDC_OK;
}

static int
discovery_table (struct ezcdc_list *list, const struct ezcdc_table *table)
{
  struct discovery *discovery = (struct discovery *) list;
  struct pipeline *pipeline = discovery->pipeline;
  const char *refusal = pipeline_refusal (pipeline, table);
  const char *target = NULL;
  struct table *added;

  if (pipeline->target_of != NULL)
    target = pipeline->target_of (pipeline->target_context, table->schema,
                                  table->name);
  if (target == NULL)
    target = table->name;
  if (refusal != NULL)
    return discovery_refused (discovery, table, target, refusal);
  added = table_set_add (discovery->tables, table, target);
  if (added == NULL)
    return instance_fail (pipeline->source, EZCDC_E_MEMORY,
                          "list the tables: out of memory");
  /* Before 1.1 it was the host's alone, and the source may have left anything
   * there. */
  if (pipeline->source->connector->descriptor.abi_minor < 1)
    added->edition = 0;
  return EZCDC_OK;
}

static int
compare_name (const void *one, const void *other)
{
  return strcmp ((*(struct table *const *) one)->name,
                 (*(struct table *const *) other)->name);
}

static int
discovery_clashes (const struct table_set *tables, struct error *error)
{
  for (size_t i = 0; i < tables->count; i++)
    for (size_t k = i + 1; k < tables->count; k++)
      if (strcmp (tables->tables[i]->target, tables->tables[k]->target) == 0)
        return error_set (
          error, EZCDC_E_CONFIG,
          "tables %s and %s both have the target %s; tell them apart with "
          "target = ... in a section [table %s]",
          tables->tables[i]->name, tables->tables[k]->name,
          tables->tables[i]->target, tables->tables[k]->name);
  return 0;
}

int
pipeline_list_tables (struct pipeline *pipeline, struct table_set *ret_set,
                      const struct table_set *among, struct error *error)
{
  struct discovery discovery = {
    .list = { .table = discovery_table, .instance = pipeline->source },
    .pipeline = pipeline,
    .tables = ret_set,
    .among = among,
  };
  int result;

  instance_lock (pipeline->source);
  result = pipeline->source_calls->discover (pipeline->source->self,
                                             &discovery.list);
  if (result < 0)
    instance_error (pipeline->source, result, error);
  instance_unlock (pipeline->source);
  if (result >= 0 && discovery.refused.length > 0)
    result = error_set (error, EZCDC_E_OPERATOR, "%s",
                        text_string (&discovery.refused));
  if (result >= 0 && discovery.intruder.length > 0
      && missed_predecessor (among, ret_set, discovery.intruder_id,
                             text_string (&discovery.intruder_target))
           != NULL)
    result = error_set (error, EZCDC_E_OPERATOR, "%s",
                        text_string (&discovery.intruder));
  if (result >= 0 && ret_set->count == 0 && among == NULL)
    result = error_set (error, EZCDC_E_CONFIG,
                        "no table of the source matches source.tables");
  text_free (&discovery.refused);
  text_free (&discovery.intruder);
  text_free (&discovery.intruder_target);
  if (result < 0 || among != NULL)
    return result;
  qsort (ret_set->tables, ret_set->count, sizeof ret_set->tables[0],
         compare_name);
  return discovery_clashes (ret_set, error);
}

int
pipeline_discover (struct pipeline *pipeline, struct error *error)
{
  struct table_set tables = { 0 };
  int result = pipeline_list_tables (pipeline, &tables, NULL, error);

  if (result < 0) {
    table_set_free (&tables);
    return result;
  }
  table_set_free (&pipeline->tables);
  pipeline->tables = tables;
  pipeline->listed = true;
  return result;
}
