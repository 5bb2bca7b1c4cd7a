/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a pipeline together. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/values.h"
#include "core/http/instance_http.h"
#include "core/pipeline/bad_row.h"
#include "core/pipeline/loads.h"
#include "core/runner/assembly.h"
#include "core/runner/connections.h"
#include "core/tls/instance_tls.h"

/* ---- services of the host's functions ---------------------------------- */

static int
serve_secret (void *context, struct ezcdc_instance *instance,
              const char *option, const char *reason,
              ezcdc_secret_function function, void *function_context,
              struct error *error)
{
  struct assembly *assembly = context;

  return keeper_link_use_secret (assembly->link, instance->section, option,
                                 reason, function, function_context, error);
}

static int
serve_file (void *context, struct ezcdc_instance *instance, const char *option,
            int *ret_descriptor, struct error *error)
{
  struct assembly *assembly = context;

  return keeper_link_open_file (assembly->link, instance->section, option,
                                ret_descriptor, error);
}

static int
serve_new_file (void *context, int *ret_descriptor, struct error *error)
{
  struct assembly *assembly = context;

  return keeper_link_make_file (assembly->link, ret_descriptor, error);
}

static int
serve_audit (void *context, const char *action, const char *resource,
             const char *outcome, const char *detail_json, struct error *error)
{
  struct assembly *assembly = context;

  return keeper_link_audit (assembly->link, action, resource, outcome,
                            detail_json, error);
}

static void
serve_report (void *context, struct ezcdc_instance *instance, uint32_t outcome,
              const char *subject, const char *finding, const char *remedy)
{
  struct assembly *assembly = context;

  if (assembly->report != NULL)
    assembly->report (instance->section, outcome, subject, finding, remedy);
  else
    log_message (outcome == EZCDC_REPORT_FAIL ? LEVEL_WARNING : LEVEL_DEBUG,
                 "%s: %s: %s", instance->section, subject, finding);
}

static int
serve_refuse_row (void *context, struct ezcdc_instance *instance,
                  const struct ezcdc_batch *batch, uint64_t row,
                  const char *reason, struct error *error)
{
  (void) context;
  (void) instance;
  return bad_rows_refuse (batch, row, reason, error);
}

static int
serve_announce (void *context, struct ezcdc_instance *instance,
                const struct ezcdc_batch *batch, const char *load,
                struct error *error)
{
  struct assembly *assembly = context;

  (void) instance;
  return loads_announce (assembly->pipeline, batch->table, load, error);
}

/* The newest wait of a side is the one to look at. */
static void
serve_waiting (void *context, struct ezcdc_instance *instance,
               const char *reason)
{
  struct assembly *assembly = context;
  struct side *side = instance == assembly->source.instance ? &assembly->source
                                                            : &assembly->sink;

  pthread_mutex_lock (&assembly->lock);
  if (reason == NULL)
    side->waiting[0] = '\0';
  else
    snprintf (side->waiting, sizeof side->waiting, "%s %s: %s",
              instance->section, instance->connector->descriptor.name, reason);
  pthread_mutex_unlock (&assembly->lock);
}

/* ---- the sides --------------------------------------------------------- */

static int
side_make (struct assembly *assembly, struct side *side, const char *word,
           uint32_t kind, struct error *error)
{
  const struct config *config = &assembly->config;
  const struct ini *ini = config->ini;
  const struct ini_section *section = ini_section (ini, word);
  const struct ini_key *name, *allow_path;
  struct option_table tables[OPTION_TABLES_MAX];
  struct option_set *options = NULL;
  struct connector *connector = NULL;
  struct instance_settings settings = { 0 };
  bool path_allowed = false;
  size_t count;

  side->section = word;
  if (section == NULL)
    return error_set (error, EZCDC_E_CONFIG, "%s: the section [%s] is missing",
                      ini_path (ini), word);
  name = ini_key (section, "connector");
  if (name == NULL)
    return ini_error (error, ini, word, "connector", section->line,
                      "is missing; write connector = NAME");
  allow_path = ini_key (section, "allow_path");
  /* A value that is no boolean is refused with the other options. */
  if (allow_path != NULL)
    value_boolean (allow_path->value, &path_allowed, NULL);
  if (loader_load (assembly->loader, name->value, path_allowed, kind,
                   &connector, error)
      < 0) {
    char reason[sizeof error->text];

    snprintf (reason, sizeof reason, "%s", error->text);
    if (error->code != EZCDC_E_CONFIG)
      return error->code;
    return ini_error (error, ini, word, "connector", name->line, "%s", reason);
  }
  count = option_tables_of (&connector->descriptor, tables);
  if (option_set_parse (ini, section, tables, count, &options, error) < 0)
    return error->code;
  settings.connector = connector;
  settings.services = &assembly->services;
  settings.section = word;
  settings.pipeline = config->name;
  settings.state_folder = config->state_folder;
  settings.options = options;
  settings.body_limit = assembly->settings.body_limit;
  if (instance_new (&settings, &side->instance, error) < 0) {
    option_set_free (options);
    return error->code;
  }
  return 0;
}

/* The rest of text behind a word and a separator; NULL if it begins
 * otherwise. */
static const char *
skip_word (const char *text, const char *word, const char *separator)
{
  size_t length = strlen (word);

  if (strncmp (text, word, length) != 0
      || strncmp (text + length, separator, strlen (separator)) != 0)
    return NULL;
  return text + length + strlen (separator);
}

/* A mistake in an option that only its connector, or TLS, could find begins
 * with the option's name: it is told where that stands. */
static int
place_mistake (const struct assembly *assembly, const struct side *side,
               struct error *error)
{
  const struct config *config = &assembly->config;
  const struct ini_section *section = ini_section (config->ini, side->section);
  struct error found = *error;
  char subject[128];
  const char *text, *what;

  snprintf (subject, sizeof subject, "%s %s", side->section,
            side->instance->connector->descriptor.name);
  text = skip_word (found.text, subject, ": ");
  if (text == NULL)
    text = skip_word (found.text, side->section, ".");
  if (found.code != EZCDC_E_CONFIG || text == NULL)
    return found.code;
  for (const struct ini_key *key = section->keys; key != NULL; key = key->next)
    if ((what = skip_word (text, key->name, ": ")) != NULL)
      return ini_error (error, config->ini, side->section, key->name,
                        key->line, "%s", what);
  return found.code;
}

/* What needs the keeper: sealed certificates, the HTTP client. */
static int
side_equip (const struct assembly *assembly, struct side *side,
            struct error *error)
{
  if (instance_tls_open (side->instance, error) < 0
      || instance_http_open (side->instance, error) < 0)
    return place_mistake (assembly, side, error);
  return 0;
}

static int
side_open (const struct assembly *assembly, struct side *side,
           struct error *error)
{
  return instance_open (side->instance, error) < 0
           ? place_mistake (assembly, side, error)
           : 0;
}

static void
side_free (struct side *side)
{
  if (side->instance == NULL)
    return;
  instance_close (side->instance);
  instance_http_close (side->instance);
  instance_tls_close (side->instance);
  instance_free (side->instance);
  side->instance = NULL;
}

/* snapshot and snapshot_workers are options of the source's section that the
 * core reads; a source without them has the defaults. */
static void
read_snapshot_options (struct assembly *assembly)
{
  const struct option_set *options = assembly->source.instance->options;
  const char *mode = option_set_string (options, "snapshot");
  int64_t workers = option_set_integer (options, "snapshot_workers");

  assembly->settings.snapshot = SNAPSHOT_INITIAL;
  if (mode != NULL && strcmp (mode, "never") == 0)
    assembly->settings.snapshot = SNAPSHOT_NEVER;
  else if (mode != NULL && strcmp (mode, "only") == 0)
    assembly->settings.snapshot = SNAPSHOT_ONLY;
  assembly->settings.snapshot_workers = workers >= 1 && workers <= 64
                                          ? (uint32_t) workers
                                          : 2;
}

int
assembly_make (struct assembly *assembly, const char *path,
               struct keeper_link *link, struct error *error)
{
  static const enum log_level levels[] = { LEVEL_ERROR, LEVEL_WARNING,
                                           LEVEL_INFO, LEVEL_DEBUG };

  memset (assembly, 0, sizeof *assembly);
  pthread_mutex_init (&assembly->lock, NULL);
  assembly->link = link;
  assembly->services = (struct instance_services){
    .secret_use = serve_secret,
    .open_file = serve_file,
    .make_file = serve_new_file,
    .audit = serve_audit,
    .tls_peer = connections_note,
    .http = instance_http_perform,
    .http_allow = instance_http_allow,
    .scrub = instance_http_scrub,
    .report = serve_report,
    .refuse_row = serve_refuse_row,
    .waiting = serve_waiting,
    .announce = serve_announce,
    .context = assembly,
  };
  if (config_load (path, &assembly->config, error) < 0)
    return error->code;
  log_set_level (
    levels[option_set_integer (assembly->config.pipeline, "log_level") & 3]);
  config_settings (&assembly->config, &assembly->settings);
  if (connector_policy_read (assembly->config.ini, &assembly->policy, error)
        < 0
      || confine (link, &assembly->config, &assembly->confinement, error) < 0
      || loader_new (
           option_set_string (assembly->config.pipeline, "connector_dir"),
           &assembly->policy, &assembly->services, &assembly->loader, error)
           < 0
      || side_make (assembly, &assembly->source, "source", EZCDC_KIND_SOURCE,
                    error)
           < 0
      || side_make (assembly, &assembly->sink, "sink", EZCDC_KIND_SINK, error)
           < 0)
    return error->code;
  read_snapshot_options (assembly);
  if (side_equip (assembly, &assembly->source, error) < 0)
    return error->code;
  return side_equip (assembly, &assembly->sink, error);
}

void
assembly_free (struct assembly *assembly)
{
  side_free (&assembly->sink);
  side_free (&assembly->source);
  loader_free (assembly->loader);
  connector_policy_free (&assembly->policy);
  config_free (&assembly->config);
  pthread_mutex_destroy (&assembly->lock);
}

int
assembly_open (struct assembly *assembly, struct error *error)
{
  if (side_open (assembly, &assembly->source, error) < 0)
    return error->code;
  return side_open (assembly, &assembly->sink, error);
}

/* ---- the pipeline ------------------------------------------------------ */

/* Called by one thread, during discovery; the result is copied at once. */
static const char *
assembly_target (void *context, const char *schema, const char *name)
{
  static _Thread_local char buffer[1024];
  const struct assembly *assembly = context;

  return config_target (&assembly->config, schema, name, buffer,
                        sizeof buffer);
}

void
assembly_pipeline (struct assembly *assembly, struct pipeline *pipeline)
{
  pipeline->settings = assembly->settings;
  pipeline->source = assembly->source.instance;
  pipeline->sink = assembly->sink.instance;
  pipeline->source_calls = &pipeline->source->connector->source;
  pipeline->sink_calls = &pipeline->sink->connector->sink;
  pipeline->sink_capabilities =
    pipeline->sink->connector->descriptor.capabilities;
  pipeline->link = assembly->link;
  pipeline->target_of = assembly_target;
  pipeline->target_context = assembly;
  assembly->pipeline = pipeline;
}

static void
side_reload (struct side *side)
{
  struct error error = { 0 };

  if (instance_tls_reload (side->instance, &error) < 0)
    log_message (LEVEL_ERROR, "[%s]: the certificates stay as they were: %s",
                 side->section, error.text);
}

void
assembly_reload (struct assembly *assembly)
{
  side_reload (&assembly->source);
  side_reload (&assembly->sink);
}
