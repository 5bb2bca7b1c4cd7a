/* SPDX-License-Identifier: Apache-2.0 */
/* Mode check: every prerequisite is a line on standard output. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/print.h"
#include "core/pipeline/discovery.h"
#include "core/runner/assembly.h"
#include "core/runner/runner.h"
#include "core/state/state.h"

/* Lines come from one thread only. */
static unsigned failures;

static void
check_line (const char *section, uint32_t outcome, const char *subject,
            const char *finding, const char *remedy)
{
  static const char *const words[] = { "ok", "fail", "fix" };
  const char *word = words[outcome <= EZCDC_REPORT_FIX ? outcome : 1];

  if (outcome == EZCDC_REPORT_FAIL)
    failures++;
  if (remedy != NULL && outcome != EZCDC_REPORT_OK)
    print_line ("%-5s%s: %s: %s; fix: %s", word, section, subject, finding,
                remedy);
  else
    print_line ("%-5s%s: %s: %s", word, section, subject, finding);
  fflush (stdout);
}

/* Where the pipeline would go on; a pipeline that never ran has no state. */
static void
tell_stored_position (struct pipeline *pipeline)
{
  struct state_source source = { 0 };
  struct state *state = NULL;
  struct error error = { 0 };

  if (state_open (pipeline->settings.state_folder, true, &state, &error) == 0
      && state_get_source (state, &source, &error) == 0)
    pipeline->source->stored = source.position;
  state_close (state);
}

static int
check_source (struct pipeline *pipeline, struct error *error)
{
  int result;

  tell_stored_position (pipeline);
  instance_lock (pipeline->source);
  result = pipeline->source_calls->check != NULL
             ? pipeline->source_calls->check (pipeline->source->self)
             : 0;
  if (result < 0)
    instance_error (pipeline->source, result, error);
  instance_unlock (pipeline->source);
  return result;
}

static int
check_sink (struct pipeline *pipeline, struct error *error)
{
  size_t count = pipeline->tables.count;
  const struct ezcdc_table **tables = calloc (count + 1, sizeof *tables);
  int result;

  if (tables == NULL)
    return error_set (error, EZCDC_E_MEMORY, "check: out of memory");
  for (size_t i = 0; i < count; i++)
    tables[i] = &pipeline->tables.tables[i]->version->description;
  instance_lock (pipeline->sink);
  result = pipeline->sink_calls->check != NULL ? pipeline->sink_calls->check (
             pipeline->sink->self, tables, count)
                                               : 0;
  if (result < 0)
    instance_error (pipeline->sink, result, error);
  instance_unlock (pipeline->sink);
  free (tables);
  return result;
}

/* A step that could not even be taken is a line, too. */
static void
check_step (struct pipeline *pipeline, const char *section, const char *what,
            int (*step) (struct pipeline *, struct error *))
{
  struct error error = { 0 };

  if (step (pipeline, &error) < 0)
    check_line (section, EZCDC_REPORT_FAIL, what, error.text, NULL);
}

static void
check_tables (struct pipeline *pipeline)
{
  struct error error = { 0 };
  char finding[80];

  if (pipeline_discover (pipeline, &error) < 0) {
    check_line ("source", EZCDC_REPORT_FAIL, "tables", error.text,
                "as said, or leave a table out with !schema.table in tables");
    return;
  }
  snprintf (finding, sizeof finding, "%zu tables can be replicated",
            pipeline->tables.count);
  check_line ("source", EZCDC_REPORT_OK, "tables", finding, NULL);
}

static int
check_all (struct assembly *assembly, struct pipeline *pipeline)
{
  struct error error = { 0 };

  assembly->report = check_line;
  if (assembly_open (assembly, &error) < 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return error.code == EZCDC_E_CONFIG ? RUNNER_CONFIG : RUNNER_FAILED;
  }
  check_line ("config", EZCDC_REPORT_OK, "file", "read and valid", NULL);
  check_step (pipeline, "source", "check", check_source);
  check_tables (pipeline);
  check_step (pipeline, "sink", "check", check_sink);
  return failures > 0 ? RUNNER_FOUND : RUNNER_DONE;
}

int
runner_check (struct keeper_link *link, const char *path)
{
  struct assembly assembly;
  struct pipeline pipeline = { .link = NULL };
  struct error error = { 0 };
  int status;

  if (assembly_make (&assembly, path, link, &error) < 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    assembly_free (&assembly);
    return runner_exit_code (&error);
  }
  assembly_pipeline (&assembly, &pipeline);
  if (pipeline_init (&pipeline, &error) < 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    status = RUNNER_FAILED;
  }
  else
    status = check_all (&assembly, &pipeline);
  pipeline_destroy (&pipeline);
  assembly_free (&assembly);
  return status;
}
