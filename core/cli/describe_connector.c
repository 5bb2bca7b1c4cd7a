/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector says about itself, for people and for programs. */

#include <config.h>

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/print.h"
#include "core/base/text.h"
#include "core/cli/describe_connector.h"
#include "core/plugin/capabilities.h"
#include "core/plugin/loader.h"
#include "core/plugin/option_value.h"
#include "core/plugin/options.h"

static const char *
kind_text (uint32_t kind)
{
  switch (kind) {
  case EZCDC_KIND_SOURCE:
    return "source";
  case EZCDC_KIND_SINK:
    return "sink";
  default:
    return "source and sink";
  }
}

static const char *
threads_name (uint32_t threads)
{
  switch (threads) {
  case EZCDC_THREADS_ONE:
    return "one";
  case EZCDC_THREADS_INSTANCE:
    return "instance";
  default:
    return "parallel";
  }
}

/* ---- For people -------------------------------------------------------- */

static void
describe_option_text (const struct ezcdc_option *option, struct text *text)
{
  text_printf (text, "  %s (%s", option->name,
               option_type_name (option->type));
  if (option->choices != NULL)
    text_printf (text, " %s", option->choices);
  if (option->minimum != 0 || option->maximum != 0) {
    text_append_string (text, ", ");
    option_number_append (option, option->minimum, text);
    text_append_string (text, " to ");
    option_number_append (option, option->maximum, text);
  }
  if ((option->flags & EZCDC_OPTION_REQUIRED) != 0)
    text_append_string (text, ", required");
  if (option->default_value != NULL)
    text_printf (text, ", default %s", option->default_value);
  if ((option->flags & EZCDC_OPTION_RELOADABLE) != 0)
    text_append_string (text, ", read again on SIGHUP");
  text_printf (text, ")\n      %s\n", option->help);
}

static void
describe_options_text (const struct ezcdc_connector *descriptor,
                       struct text *text)
{
  struct option_table tables[OPTION_TABLES_MAX];
  size_t count = option_tables_of (descriptor, tables);

  for (size_t i = 0; i < count; i++) {
    if (tables[i].count == 0)
      continue;
    if (i == 0)
      text_append_string (text, "\nOptions:\n");
    if (i == 1)
      text_append_string (text, "\nOptions that ezcdc itself provides:\n");
    for (size_t j = 0; j < tables[i].count; j++)
      describe_option_text (&tables[i].options[j], text);
  }
}

void
describe_connector_text (const struct connector *connector, struct text *text)
{
  const struct ezcdc_connector *descriptor = &connector->descriptor;

  text_printf (text, "%s %s: %s\n\n", descriptor->name, descriptor->version,
               descriptor->summary);
  text_append_string (text, "  file       ");
  print_append (text, connector->path);
  text_char (text, '\n');
  text_printf (text, "  SHA-256    %s\n", connector->sha256);
  text_printf (text, "  licence    %s\n", descriptor->license);
  text_printf (text, "  ABI        %" PRIu32 ".%" PRIu32 "\n",
               descriptor->abi_major, descriptor->abi_minor);
  text_printf (text, "  kind       %s\n", kind_text (descriptor->kind));
  text_printf (text, "  threads    %s\n", threads_name (descriptor->threads));
  for (size_t i = 0; i < capability_count; i++)
    if ((descriptor->capabilities & capabilities[i].bit) != 0)
      text_printf (text, "  %-10s %s\n", capabilities[i].name,
                   capabilities[i].text);
  describe_options_text (descriptor, text);
}

void
describe_connector_line (const struct connector *connector, struct text *text)
{
  const struct ezcdc_connector *descriptor = &connector->descriptor;

  text_printf (text, "%-12s %-10s %-15s %s  %s\n", descriptor->name,
               descriptor->version, kind_text (descriptor->kind),
               connector->sha256, descriptor->summary);
}

void
describe_refusal_line (const char *file, const char *reason, struct text *text)
{
  CLEANUP_TEXT struct text line = { 0 };

  text_printf (&line, "%-12s refused: %s", file, reason);
  print_append (text, text_string (&line));
  text_char (text, '\n');
  text->failed |= line.failed;
}

/* ---- For programs ------------------------------------------------------ */

static void
describe_choices_json (const char *choices, struct json *json)
{
  size_t length;
  const char *word;

  json_key (json, "choices");
  json_array_begin (json);
  for (unsigned i = 0; (word = option_choice (choices, i, &length)) != NULL;
       i++)
    json_bytes (json, word, length);
  json_array_end (json);
}

static void
describe_option_json (const struct ezcdc_option *option, bool is_own,
                      struct json *json)
{
  json_object_begin (json);
  json_member_text (json, "name", option->name);
  json_member_text (json, "type", option_type_name (option->type));
  json_member_text (json, "default", option->default_value);
  json_member_bool (json, "required",
                    (option->flags & EZCDC_OPTION_REQUIRED) != 0);
  json_member_bool (json, "secret", option->type == EZCDC_OPTION_SECRET);
  json_member_bool (json, "reloadable",
                    (option->flags & EZCDC_OPTION_RELOADABLE) != 0);
  if (option->choices != NULL)
    describe_choices_json (option->choices, json);
  if (option->minimum != 0 || option->maximum != 0) {
    json_member_int64 (json, "minimum", option->minimum);
    json_member_int64 (json, "maximum", option->maximum);
  }
  json_member_text (json, "help", option->help);
  json_member_text (json, "provided_by", is_own ? "connector" : "ezcdc");
  json_object_end (json);
}

static void
describe_options_json (const struct ezcdc_connector *descriptor,
                       struct json *json)
{
  struct option_table tables[OPTION_TABLES_MAX];
  size_t count = option_tables_of (descriptor, tables);

  json_key (json, "options");
  json_array_begin (json);
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < tables[i].count; j++)
      describe_option_json (&tables[i].options[j], i == 0, json);
  json_array_end (json);
}

static void
describe_abilities_json (const struct ezcdc_connector *descriptor,
                         struct json *json)
{
  json_key (json, "kinds");
  json_array_begin (json);
  if ((descriptor->kind & EZCDC_KIND_SOURCE) != 0)
    json_text (json, "source");
  if ((descriptor->kind & EZCDC_KIND_SINK) != 0)
    json_text (json, "sink");
  json_array_end (json);
  json_member_text (json, "threads", threads_name (descriptor->threads));
  json_key (json, "capabilities");
  json_array_begin (json);
  for (size_t i = 0; i < capability_count; i++)
    if ((descriptor->capabilities & capabilities[i].bit) != 0)
      json_text (json, capabilities[i].name);
  json_array_end (json);
}

void
describe_connector_json (const struct connector *connector, struct json *json)
{
  const struct ezcdc_connector *descriptor = &connector->descriptor;
  CLEANUP_TEXT struct text abi = { 0 };

  text_printf (&abi, "%" PRIu32 ".%" PRIu32, descriptor->abi_major,
               descriptor->abi_minor);
  json_object_begin (json);
  json_member_text (json, "name", descriptor->name);
  json_member_text (json, "version", descriptor->version);
  json_member_text (json, "summary", descriptor->summary);
  json_member_text (json, "license", descriptor->license);
  json_member_text (json, "path", connector->path);
  json_member_text (json, "sha256", connector->sha256);
  json_member_text (json, "abi", text_string (&abi));
  describe_abilities_json (descriptor, json);
  describe_options_json (descriptor, json);
  json_object_end (json);
}

void
describe_refusal_json (const char *file, const char *reason, struct json *json)
{
  json_object_begin (json);
  json_member_text (json, "file", file);
  json_member_text (json, "refused", reason);
  json_object_end (json);
}
