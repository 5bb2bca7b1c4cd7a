/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc seal: replaces secrets in the clear by sealed values. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/names.h"
#include "core/base/print.h"
#include "core/cli/command.h"
#include "core/cli/read_secret.h"
#include "core/cli/seal_file.h"
#include "core/cli/secret_options.h"
#include "core/crypto/envelope.h"
#include "core/crypto/key_source.h"
#include "core/keeper/credentials.h"
#include "core/keeper/harden.h"

/* ---- All plaintext secrets of a file ------------------------------------ */

static int
seal_section (struct seal_file *file, const struct ini_section *section,
              struct error *error)
{
  struct secret_options secrets = { 0 };
  int code = secret_options_ask (file->edit.ini, section, SECRET_ONLY,
                                 &secrets, error);

  for (const struct ini_key *key = section->keys; key != NULL && code == 0;
       key = key->next)
    if (secret_options_have (&secrets, key->name)
        && !envelope_is_sealed (key->value))
      code = seal_file_set (file, section, key->name, key->value,
                            strlen (key->value), error);
  secret_options_free (&secrets);
  return code;
}

static int
seal_all (struct seal_file *file, struct error *error)
{
  int code = 0;

  for (const struct ini_section *section = ini_sections (file->edit.ini);
       section != NULL && code == 0; section = section->next)
    if (section_has_credentials (section))
      code = seal_section (file, section, error);
  return code;
}

/* ---- One value --------------------------------------------------------- */

/* ": password, ssl_crl", or ": none". */
static void
list_options (const struct secret_options *options, struct text *text)
{
  for (size_t i = 0; i < options->count; i++)
    text_printf (text, "%s%s", i == 0 ? ": " : ", ", options->names[i]);
  if (options->count == 0)
    text_append_string (text, ": none");
}

static int
unknown_option (const struct seal_file *file,
                const struct ini_section *section, const char *name,
                const struct secret_options *options, struct error *error)
{
  CLEANUP_TEXT struct text known = { 0 };
  const char *near = nearest_name (name, options->names, options->count);

  list_options (options, &known);
  return ini_error (error, file->edit.ini, section->name, name, 0,
                    "is no option that can be sealed%s%s; the connector of "
                    "[%s] has these%s",
                    near != NULL ? "; did you mean " : "",
                    near != NULL ? near : "", section->name,
                    text_string (&known));
}

/* That the option takes a sealed value. */
static int
check_option (const struct seal_file *file, const struct ini_section *section,
              const char *name, struct error *error)
{
  struct secret_options options = { 0 };
  int code = secret_options_ask (file->edit.ini, section, SECRET_SEALABLE,
                                 &options, error);

  if (code == 0 && !secret_options_have (&options, name))
    code = unknown_option (file, section, name, &options, error);
  secret_options_free (&options);
  return code;
}

static int
seal_input (struct seal_file *file, const struct ini_section *section,
            const char *name, struct error *error)
{
  CLEANUP_SECRET struct secret secret = { 0 };
  CLEANUP_TEXT struct text question = { 0 };
  size_t length = 0;

  text_printf (&question, "%s.%s", section->name, name);
  int code = read_secret (text_string (&question), &secret, &length, error);
  if (code != 0)
    return error_prefix (error, "%s.%s", section->name, name);
  return seal_file_set (file, section, name, (const char *) secret.data,
                        length, error);
}

#define OPTION_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_."

/* where is SECTION.OPTION. */
static int
seal_one (struct seal_file *file, const char *where, struct error *error)
{
  CLEANUP_FREE char *section_name = strdup (where);
  char *dot = section_name != NULL ? strchr (section_name, '.') : NULL;

  if (section_name == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory to seal");
  /* Perhaps a secret: not to be repeated. */
  if (where[strspn (where, OPTION_LETTERS)] != '\0')
    return error_set (error, EZCDC_E_CONFIG,
                      "--set takes SECTION.OPTION alone; the secret is read "
                      "from standard input");
  if (dot == NULL || dot[1] == '\0')
    return error_set (error, EZCDC_E_CONFIG,
                      "--set: a section and an option are needed, for "
                      "example source.password");
  *dot = '\0';
  const struct ini_section *section = ini_section (file->edit.ini,
                                                   section_name);
  if (section == NULL || !section_has_credentials (section))
    return ini_error (error, file->edit.ini, section_name, NULL, 0,
                      "there is no section [%s] with secrets; [source] and "
                      "[sink] have them",
                      section_name);
  int code = check_option (file, section, dot + 1, error);
  return code == 0 ? seal_input (file, section, dot + 1, error) : code;
}

/* ---- The command ------------------------------------------------------- */

struct arguments {
  const char *where; /* NULL: all of the file */
  const char *path;
};

static void
print_sealed (const struct seal_file *file, const char *path)
{
  char id[KEY_ID_TEXT_SIZE];

  key_id_text (key_ring_id (file->ring, 0), id);
  for (size_t i = 0; i < file->edit.count; i++)
    print_line ("%s: %s.%s sealed under key %s", path,
                file->edit.changes[i].section->name,
                file->edit.changes[i].name, id);
  if (file->edit.count == 0)
    print_line ("%s: nothing to seal", path);
}

static int
seal (const struct arguments *arguments, struct error *error)
{
  struct seal_file file = SEAL_FILE_EMPTY;
  struct key_ring *ring = key_ring_from_environment (error);
  int code = ring == NULL
               ? error->code
               : seal_file_open (arguments->path, ring, &file, error);

  if (code == 0) {
    ini_edit_sweep (&file.edit);
    code = arguments->where == NULL
             ? seal_all (&file, error)
             : seal_one (&file, arguments->where, error);
  }
  if (code == 0 && file.edit.count > 0)
    code = seal_file_commit (&file, "credential.sealed", error);
  if (code == 0)
    print_sealed (&file, arguments->path);
  seal_file_close (&file);
  key_ring_free (ring);
  return code;
}

static int
parse_arguments (int argc, char **argv, struct arguments *ret_arguments)
{
  struct arguments arguments = { 0 };
  bool options = true;

  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    if (options && strcmp (word, "--") == 0)
      options = false;
    else if (options && strcmp (word, "--set") == 0 && i + 1 < argc)
      arguments.where = argv[++i];
    else if (options && strncmp (word, "--set=", 6) == 0)
      arguments.where = word + 6;
    else if (options && strcmp (word, "--set") == 0)
      return command_usage_error (&command_seal, "--set needs SECTION.OPTION");
    else if (options && word[0] == '-' && word[1] != '\0')
      return command_usage_error (&command_seal, "unknown option %s", word);
    else if (arguments.path != NULL)
      return command_usage_error (&command_seal,
                                  "one file, not several; a secret is read "
                                  "from standard input");
    else
      arguments.path = word;
  }
  if (arguments.path == NULL)
    return command_usage_error (&command_seal, "which file?");
  *ret_arguments = arguments;
  return EXIT_OK;
}

static int
run (int argc, char **argv)
{
  struct arguments arguments = { 0 };
  struct error error = { 0 };
  int exit_code = parse_arguments (argc, argv, &arguments);

  if (exit_code != EXIT_OK)
    return exit_code;
  harden_process ();
  if (seal (&arguments, &error) == 0)
    return EXIT_OK;
  log_message (LEVEL_ERROR, "%s", error.text);
  return seal_exit_code (&error);
}

const struct command command_seal = {
  .name = "seal",
  .summary = "replace secrets in a configuration file by sealed values",
  .usage =
    "Usage: ezcdc seal FILE\n"
    "       ezcdc seal --set SECTION.OPTION FILE\n"
    "\n"
    "Finds the values of secret options (passwords) in FILE that are in the\n"
    "clear and replaces them by sealed ones, in place and all at once;\n"
    "comments, order, mode and owner of the file stay. With --set it reads\n"
    "the value of one option from standard input, or asks for it on a\n"
    "terminal, and puts it into FILE sealed, whether the option is there or\n"
    "not. The certificates and keys of ssl_root_cert, ssl_client_cert,\n"
    "ssl_client_key and ssl_crl can be sealed in that way too, if the\n"
    "connector uses TLS:\n"
    "\n"
    "  ezcdc seal --set source.password shop.ini\n"
    "  ezcdc seal --set source.ssl_client_key shop.ini < client.key\n"
    "\n"
    "  --set SECTION.OPTION  for example source.password\n"
    "\n"
    "A sealed value opens only under the same key, in the same pipeline,\n"
    "section and option. The connectors are asked which of their options can\n"
    "be sealed, so they have to be installed. Each sealing is an audit record\n"
    "of the pipeline; if it cannot be written, the file stays as it is. The\n"
    "disk may still hold what stood in the file before: change a password\n"
    "that was there for long. The key: see ezcdc key --help.\n",
  .run = run,
};
