/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline's INI file, checked: the core's own sections. */
#ifndef EZCDC_RUNNER_CONFIG_H
#define EZCDC_RUNNER_CONFIG_H

#include <stddef.h>

#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/pipeline/pipeline.h"
#include "core/plugin/options.h"

/* Options of [pipeline], [batch] and [table ...]; the manual page is compared
 * with them. */
extern const struct option_table config_pipeline_options;
extern const struct option_table config_batch_options;
extern const struct option_table config_table_options;

/* What one [table LABEL] section says. */
struct config_table {
  const char *label;
  struct option_set *options;
};

/* Owns everything it points at; free with config_free. */
struct config {
  struct ini *ini;
  struct option_set *pipeline;
  struct option_set *batch;
  struct config_table *tables;
  size_t table_count;
  const char *name;   /* of the pipeline */
  char *state_folder; /* state_dir/NAME */
};

/* Reads and checks a file, but for the sections of the connectors. Errors
 * have EZCDC_E_CONFIG and read FILE:LINE: section.key: what is wrong. */
int config_load (const char *path, struct config *ret_config,
                 struct error *error);
void config_free (struct config *config);

/* The numbers for a pipeline; snapshot options come from the source's
 * section and are filled in by the caller. */
void config_settings (const struct config *config,
                      struct pipeline_settings *ret_settings);

/* The target that a [table ...] section names for a table; NULL if none
 * matches. The string lives until the next call with the same buffer. */
const char *config_target (const struct config *config, const char *schema,
                           const char *name, char *buffer, size_t size);

#endif
