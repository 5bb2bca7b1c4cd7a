/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline's INI file, checked. */
#include <config.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/names.h"
#include "core/runner/config.h"

#define NAME_MAX_LENGTH 40
#define MEBIBYTE (1024 * 1024)
#define SECONDS INT64_C (1000000)

static const struct ezcdc_option pipeline_options[] = {
  {
    .name = "name",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "the pipeline's name, [a-z0-9_]{1,40}; slot, publication, labels "
            "and the state folder derive from it",
  },
  {
    .name = "state_dir",
    .type = EZCDC_OPTION_STRING,
    .default_value = STATE_DIRECTORY,
    .help = "folder of the state; this pipeline's files lie in "
            "state_dir/NAME/",
  },
  {
    .name = "audit_log",
    .type = EZCDC_OPTION_STRING,
    .help = "file of the audit trail; default: state_dir/NAME/audit.jsonl",
  },
  {
    .name = "audit_syslog",
    .type = EZCDC_OPTION_STRING,
    .help = "socket of a syslog daemon or of journald that each audit record "
            "is copied to, for example /dev/log; default: none",
  },
  {
    .name = "on_bad_row",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "stop|dead_letter",
    .default_value = "stop",
    .help = "what happens to a row that the sink refuses: the pipeline stops, "
            "or the row is put aside in state_dir/NAME/dead_letters.jsonl",
  },
  {
    .name = "connector_dir",
    .type = EZCDC_OPTION_STRING,
    .help = "folder where connectors are looked up; default: the one this "
            "program was installed with",
  },
  {
    .name = "confine",
    .type = EZCDC_OPTION_BOOLEAN,
    .default_value = "yes",
    .help = "the process that runs the connectors gives up what they do not "
            "need; no is for finding out what a connector lacks",
  },
  {
    .name = "log_level",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "error|warning|info|debug",
    .default_value = "info",
    .help = "the least important messages to show",
  },
  {
    .name = "give_up_after",
    .type = EZCDC_OPTION_DURATION,
    .default_value = "60s",
    .minimum = SECONDS,
    .maximum = 7 * 24 * 3600 * SECONDS,
    .help = "a run with --until-caught-up ends when one step has failed for "
            "so long; a run without it never gives up",
  },
  {
    .name = "recheck_interval",
    .type = EZCDC_OPTION_DURATION,
    .default_value = "1min",
    .minimum = SECONDS,
    .maximum = 24 * 3600 * SECONDS,
    .help = "how often the tables of the source are looked at for what the "
            "stream of changes does not tell",
  },
};

static const struct ezcdc_option batch_options[] = {
  {
    .name = "max_rows",
    .type = EZCDC_OPTION_INTEGER,
    .default_value = "500000",
    .minimum = 1,
    .maximum = 10000000,
    .help = "most rows of one load",
  },
  {
    .name = "max_bytes",
    .type = EZCDC_OPTION_SIZE,
    .default_value = "32MiB",
    .minimum = 1024,
    .maximum = INT64_C (1024) * MEBIBYTE,
    .help = "most bytes of values of one load",
  },
  {
    .name = "max_delay",
    .type = EZCDC_OPTION_DURATION,
    .default_value = "1s",
    .minimum = 1000,
    .maximum = 3600 * SECONDS,
    .help = "longest time that a change waits for others to share its load; "
            "in quiet times it does not wait",
  },
  {
    .name = "memory",
    .type = EZCDC_OPTION_SIZE,
    .default_value = "64MiB",
    .minimum = 8 * MEBIBYTE,
    .maximum = INT64_C (64) * 1024 * MEBIBYTE,
    .help = "all buffers of the pipeline together",
  },
  {
    .name = "writers",
    .type = EZCDC_OPTION_INTEGER,
    .default_value = "2",
    .minimum = 1,
    .maximum = 64,
    .help = "how many tables are loaded at the same time",
  },
};

static const struct ezcdc_option table_options[] = {
  {
    .name = "match",
    .type = EZCDC_OPTION_STRING,
    .help = "schema.table or a pattern with * and ?; default: the word after "
            "\"table\" in the section's name",
  },
  {
    .name = "target",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "the table's name in the sink; {schema} and {table} stand for the "
            "source's",
  },
};

#define OPTION_TABLE(options_)                                                \
  {                                                                           \
    .options = options_, .count = sizeof options_ / sizeof options_[0]        \
  }

const struct option_table config_pipeline_options = OPTION_TABLE (
  pipeline_options);
const struct option_table config_batch_options = OPTION_TABLE (batch_options);
const struct option_table config_table_options = OPTION_TABLE (table_options);

/* ---- sections ---------------------------------------------------------- */

static int
check_section (const struct ini *ini, const struct ini_section *section,
               struct error *error)
{
  static const char *const known[] = { "pipeline", "source",     "sink",
                                       "batch",    "connectors", "table" };
  const size_t count = sizeof known / sizeof known[0];
  const char *nearest;

  for (size_t i = 0; i < count; i++)
    if (strcmp (section->kind, known[i]) == 0) {
      bool is_table = strcmp (known[i], "table") == 0;

      if (is_table && section->label[0] == '\0')
        return ini_error (error, ini, section->name, NULL, section->line,
                          "the table's name is missing: [table schema.name]");
      if (!is_table && section->label[0] != '\0')
        return ini_error (error, ini, section->name, NULL, section->line,
                          "expected [%s] without a second word", known[i]);
      return 0;
    }
  nearest = nearest_name (section->kind, known, count);
  return ini_error (error, ini, section->name, NULL, section->line,
                    "unknown section%s%s%s", nearest ? ", did you mean [" : "",
                    nearest ? nearest : "", nearest ? "]?" : "");
}

static int
check_name (const struct config *config, struct error *error)
{
  const char *name = config->name;
  size_t length = strlen (name);

  if (length >= 1 && length <= NAME_MAX_LENGTH
      && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length)
    return 0;
  return ini_error (error, config->ini, "pipeline", "name",
                    option_set_line (config->pipeline, "name"),
                    "expected 1 to %d of a-z, 0-9 and _", NAME_MAX_LENGTH);
}

static int
load_tables (struct config *config, struct error *error)
{
  size_t count = 0;

  for (const struct ini_section *section = ini_sections (config->ini);
       section != NULL; section = section->next)
    count += strcmp (section->kind, "table") == 0;
  config->tables = calloc (count + 1, sizeof *config->tables);
  if (config->tables == NULL)
    return error_set (error, EZCDC_E_MEMORY,
                      "read the configuration: out of "
                      "memory");
  for (const struct ini_section *section = ini_sections (config->ini);
       section != NULL; section = section->next) {
    struct config_table *table = &config->tables[config->table_count];

    if (strcmp (section->kind, "table") != 0)
      continue;
    if (option_set_parse (config->ini, section, &config_table_options, 1,
                          &table->options, error)
        < 0)
      return error->code;
    table->label = section->label;
    config->table_count++;
  }
  return 0;
}

static int
load_sections (struct config *config, struct error *error)
{
  const struct ini *ini = config->ini;
  const struct ini_section *pipeline = ini_section (ini, "pipeline");

  for (const struct ini_section *section = ini_sections (ini); section != NULL;
       section = section->next)
    if (check_section (ini, section, error) < 0)
      return error->code;
  if (option_set_parse (ini, pipeline, &config_pipeline_options, 1,
                        &config->pipeline, error)
        < 0
      || option_set_parse (ini, ini_section (ini, "batch"),
                           &config_batch_options, 1, &config->batch, error)
           < 0)
    return error->code;
  config->name = option_set_string (config->pipeline, "name");
  if (check_name (config, error) < 0)
    return error->code;
  if (asprintf (&config->state_folder, "%s/%s",
                option_set_string (config->pipeline, "state_dir"),
                config->name)
      < 0) {
    config->state_folder = NULL;
    return error_set (error, EZCDC_E_MEMORY,
                      "read the configuration: out of "
                      "memory");
  }
  return load_tables (config, error);
}

int
config_load (const char *path, struct config *ret_config, struct error *error)
{
  struct config config = { 0 };

  if (ini_load (path, &config.ini, error) < 0)
    return error->code;
  if (load_sections (&config, error) < 0) {
    config_free (&config);
    return error->code;
  }
  *ret_config = config;
  return 0;
}

void
config_free (struct config *config)
{
  for (size_t i = 0; i < config->table_count; i++)
    option_set_free (config->tables[i].options);
  free (config->tables);
  option_set_free (config->pipeline);
  option_set_free (config->batch);
  free (config->state_folder);
  ini_free (config->ini);
  memset (config, 0, sizeof *config);
}

/* ---- use --------------------------------------------------------------- */

void
config_settings (const struct config *config,
                 struct pipeline_settings *ret_settings)
{
  const struct option_set *batch = config->batch;
  size_t memory = (size_t) option_set_integer (batch, "memory");
  size_t writers = (size_t) option_set_integer (batch, "writers");
  /* A writer holds one request's body; the rest is for batches. */
  size_t body = memory / (4 * writers);

  memset (ret_settings, 0, sizeof *ret_settings);
  ret_settings->name = config->name;
  ret_settings->state_folder = config->state_folder;
  ret_settings->writers = (uint32_t) writers;
  ret_settings->body_limit = body;
  ret_settings->memory = memory - writers * body;
  ret_settings->batch_rows = (size_t) option_set_integer (batch, "max_rows");
  ret_settings->batch_bytes = (size_t) option_set_integer (batch, "max_bytes");
  ret_settings->max_delay = option_set_integer (batch, "max_delay");
  ret_settings->retry_limit = option_set_integer (config->pipeline,
                                                  "give_up_after");
  ret_settings->recheck_interval = option_set_integer (config->pipeline,
                                                       "recheck_interval");
  ret_settings->bad_row = option_set_integer (config->pipeline, "on_bad_row")
                              == 0
                            ? BAD_ROW_STOP
                            : BAD_ROW_DEAD_LETTER;
  ret_settings->snapshot_workers = 1;
}

/* Copies the template with {schema} and {table} filled in. */
static void
fill_template (const char *template, const char *schema, const char *name,
               char *buffer, size_t size)
{
  size_t length = 0;

  while (*template != '\0' && length + 1 < size) {
    const char *piece = NULL;

    if (strncmp (template, "{schema}", 8) == 0) {
      piece = schema;
      template += 8;
    }
    else if (strncmp (template, "{table}", 7) == 0) {
      piece = name;
      template += 7;
    }
    if (piece == NULL) {
      buffer[length++] = *template ++;
      continue;
    }
    while (*piece != '\0' && length + 1 < size)
      buffer[length++] = *piece++;
  }
  buffer[length] = '\0';
}

const char *
config_target (const struct config *config, const char *schema,
               const char *name, char *buffer, size_t size)
{
  char full[512];

  snprintf (full, sizeof full, "%s.%s", schema, name);
  for (size_t i = 0; i < config->table_count; i++) {
    const struct config_table *table = &config->tables[i];
    const char *match = option_set_string (table->options, "match");

    if (match == NULL)
      match = table->label;
    if (fnmatch (match, full, FNM_NOESCAPE) != 0)
      continue;
    fill_template (option_set_string (table->options, "target"), schema, name,
                   buffer, size);
    return buffer;
  }
  return NULL;
}
