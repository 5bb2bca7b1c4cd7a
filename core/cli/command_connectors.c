/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc connectors: lists the connectors that are there, or describes one. */

#include <config.h>

#include <dirent.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/cli/command.h"
#include "core/cli/describe_connector.h"
#include "core/plugin/loader.h"
#include "core/plugin/options.h"
#include "core/plugin/policy.h"
#include "core/runner/confine.h"

struct arguments {
  bool json;
  bool secrets;
  bool sealable;
  bool allow_path;
  const char *folder; /* NULL: the installed one */
  const char *policy; /* a configuration file; NULL: none */
  const char *name;   /* NULL: all */
};

/* Returns 0, or the exit code after a message. */
static int
parse_arguments (int argc, char **argv, struct arguments *ret_arguments)
{
  static const struct option options[] = {
    { "json", no_argument, NULL, 'j' },
    { "secrets", no_argument, NULL, 's' },
    { "sealable", no_argument, NULL, 'e' },
    { "allow-path", no_argument, NULL, 'p' },
    { "connector-dir", required_argument, NULL, 'd' },
    { "policy", required_argument, NULL, 'c' },
    { NULL, 0, NULL, 0 },
  };
  struct arguments arguments = { 0 };
  int option;

  optind = 0; /* begin anew: main has looked at the words already */
  opterr = 0;
  while ((option = getopt_long (argc, argv, ":", options, NULL)) != -1)
    switch (option) {
    case 'j':
      arguments.json = true;
      break;
    case 's':
      arguments.secrets = true;
      break;
    case 'e':
      arguments.sealable = true;
      break;
    case 'p':
      arguments.allow_path = true;
      break;
    case 'd':
      arguments.folder = optarg;
      break;
    case 'c':
      arguments.policy = optarg;
      break;
    case ':':
      return command_usage_error (
        &command_connectors, "%s needs a folder or file", argv[optind - 1]);
    default:
      return command_usage_error (&command_connectors, "unknown option %s",
                                  argv[optind - 1]);
    }
  if (argc - optind > 1)
    return command_usage_error (&command_connectors,
                                "one connector at a time, please");
  arguments.name = argv[optind]; /* argv ends with NULL */
  if ((arguments.secrets || arguments.sealable) && arguments.name == NULL)
    return command_usage_error (
      &command_connectors, "%s needs the name of a connector",
      arguments.secrets ? "--secrets" : "--sealable");
  *ret_arguments = arguments;
  return 0;
}

/* ---- A process without keys -------------------------------------------- */

/* Whatever leads to the encryption key. */
static bool
is_confidential (const char *variable)
{
  static const char *const prefixes[] = {
    "CONFIG_ENCRYPTION_",
    "CREDENTIALS_DIRECTORY=",
  };

  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
    if (strncmp (variable, prefixes[i], strlen (prefixes[i])) == 0)
      return true;
  return false;
}

/* The code of a connector runs in this process, so the key must not be in
 * its memory: if the environment has it, the program starts itself again
 * without. Returns 0 if there is nothing to hide, the exit code if that
 * failed; otherwise it does not return.
 */
static int
forget_keys (int argc, char **argv)
{
  size_t variables = 0, kept = 0;

  while (environ[variables] != NULL)
    variables++;
  char **environment = calloc (variables + 1, sizeof *environment);
  char **words = calloc ((size_t) argc + 2, sizeof *words);
  if (environment == NULL || words == NULL)
    goto error;

  for (size_t i = 0; i < variables; i++)
    if (!is_confidential (environ[i]))
      environment[kept++] = environ[i];
  if (kept == variables) {
    free (environment);
    free (words);
    return 0;
  }
  words[0] = (char[]){ "ezcdc" };
  for (int i = 0; i < argc; i++)
    words[i + 1] = argv[i];
  execve ("/proc/self/exe", words, environment);

error:
  log_message (LEVEL_ERROR, "start again without the encryption key: %m");
  free (environment);
  free (words);
  return EXIT_RUN_FAILED;
}

/* ---- One connector ----------------------------------------------------- */

/* The options that take sealed values only, or those that may take one. */
static void
print_names (const struct ezcdc_connector *descriptor, bool sealable)
{
  struct option_table tables[OPTION_TABLES_MAX];
  size_t count = option_tables_of (descriptor, tables);

  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < tables[i].count; j++) {
      uint32_t type = tables[i].options[j].type;
      if (type == EZCDC_OPTION_SECRET || (sealable && type == OPTION_PEM))
        puts (tables[i].options[j].name);
    }
}

static int
print_text (struct text *text)
{
  if (text->failed) {
    log_message (LEVEL_ERROR, "describe connectors: out of memory");
    return EXIT_RUN_FAILED;
  }
  fwrite (text_string (text), 1, text->length, stdout);
  return EXIT_OK;
}

static int
describe_one (struct loader *loader, const struct arguments *arguments)
{
  struct connector *connector;
  struct error error = { 0 };
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };

  if (loader_load (loader, arguments->name, arguments->allow_path, 0,
                   &connector, &error)
      != 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return EXIT_USAGE;
  }
  if (arguments->secrets || arguments->sealable) {
    print_names (&connector->descriptor, arguments->sealable);
    return EXIT_OK;
  }
  if (arguments->json) {
    describe_connector_json (connector, &json);
    text_char (&text, '\n');
  }
  else
    describe_connector_text (connector, &text);
  return print_text (&text);
}

/* ---- All connectors ---------------------------------------------------- */

static int
is_object_name (const struct dirent *entry)
{
  size_t length = strlen (entry->d_name);

  return length > 3 && strcmp (entry->d_name + length - 3, ".so") == 0;
}

/* One line, or one member of the array. */
static void
list_one (struct loader *loader, const char *file, bool as_json,
          struct json *json)
{
  CLEANUP_FREE char *name = strndup (file, strlen (file) - 3);
  struct connector *connector = NULL;
  struct error error = { 0 };
  bool loaded = name != NULL
                && loader_load (loader, name, false, 0, &connector, &error)
                     == 0;

  if (as_json && loaded)
    describe_connector_json (connector, json);
  else if (as_json)
    describe_refusal_json (file, error.text, json);
  else if (loaded)
    describe_connector_line (connector, json->text);
  else
    describe_refusal_line (file, error.text, json->text);
}

static int
list_all (struct loader *loader, const struct arguments *arguments)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };
  struct dirent **entries;
  int count = scandir (loader_folder (loader), &entries, is_object_name,
                       alphasort);

  if (count < 0) {
    log_message (LEVEL_ERROR, "look for connectors in %s: %m",
                 loader_folder (loader));
    return EXIT_USAGE;
  }
  if (arguments->json)
    json_array_begin (&json);
  for (int i = 0; i < count; i++) {
    list_one (loader, entries[i]->d_name, arguments->json, &json);
    free (entries[i]);
  }
  free (entries);
  if (arguments->json) {
    json_array_end (&json);
    text_char (&text, '\n');
  }
  return print_text (&text);
}

static int
read_policy (const char *path, struct connector_policy *ret_policy,
             struct error *error)
{
  CLEANUP_INI struct ini *ini = NULL;

  if (path == NULL)
    return 0;
  if (ini_load (path, &ini, error) != 0)
    return error->code;
  return connector_policy_read (ini, ret_policy, error);
}

/* Nothing of ours is opened from here on, but for connectors. */
static void
confine_to (const struct loader *loader, const struct arguments *arguments)
{
  const char *name = arguments->name;

  confine_loading (loader_folder (loader),
                   name != NULL && strchr (name, '/') ? name : NULL);
}

static int
show (const struct arguments *arguments)
{
  struct connector_policy policy = { 0 };
  struct loader *loader = NULL;
  struct error error = { 0 };
  int result;

  if (read_policy (arguments->policy, &policy, &error) != 0
      || loader_new (arguments->folder, &policy, NULL, &loader, &error) != 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    result = error.code == EZCDC_E_CONFIG ? EXIT_USAGE : EXIT_RUN_FAILED;
  }
  else {
    confine_to (loader, arguments);
    result = arguments->name == NULL ? list_all (loader, arguments)
                                     : describe_one (loader, arguments);
  }
  loader_free (loader);
  connector_policy_free (&policy);
  return result;
}

static int
run_connectors (int argc, char **argv)
{
  struct arguments arguments = { 0 };
  int result = parse_arguments (argc, argv, &arguments);

  if (result == 0)
    result = forget_keys (argc, argv);
  return result != 0 ? result : show (&arguments);
}

const struct command command_connectors = {
  .name = "connectors",
  .summary = "list connectors, or describe one with its options",
  .usage =
    "Usage: ezcdc connectors [OPTION]... [NAME]\n"
    "\n"
    "Lists the connectors in the folder, or describes one of them: what it\n"
    "can do, what it may do, and its options.\n"
    "\n"
    "Options:\n"
    "  --json               machine-readable\n"
    "  --connector-dir DIR  another folder than the installed one\n"
    "  --allow-path         take a path (with a slash) as NAME\n"
    "  --policy FILE        hold to [connectors] of a configuration file\n"
    "  --secrets            only the names of the secret options, one a line\n"
    "  --sealable           and of the others that may be sealed\n"
    "  --help               this text\n"
    "\n"
    "The code of the connector runs, so it is vetted first. Exit codes: 0\n"
    "done, 2 wrong usage or a connector that was refused.\n",
  .run = run_connectors,
};
