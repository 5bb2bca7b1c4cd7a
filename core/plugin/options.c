/* SPDX-License-Identifier: Apache-2.0 */
/* A section of the INI file, parsed against tables of options. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/base/names.h"
#include "core/base/pem_mark.h"
#include "core/base/text.h"
#include "core/plugin/option_value.h"
#include "core/plugin/options.h"

struct option_value {
  const struct ezcdc_option *option;
  char *text;     /* owned; what was written or the default; NULL: neither, or
                     it is sealed */
  int64_t number; /* see option_set_integer */
  unsigned line;  /* 0: not in the file */
  enum option_pem pem;
  struct ezcdc_sealed handle; /* set NULL unless it is sealed */
};

struct option_set {
  size_t count;
  struct option_value values[]; /* in the order of the tables */
};

/* What a section is parsed with. */
struct parse {
  const struct ini *ini;
  const struct ini_section *section; /* NULL: not in the file */
  struct option_set *set;
  struct error *error;
};

/* The place of a name in the set; set->count if it is not there. */
static size_t
find_place (const struct option_set *set, const char *name)
{
  size_t place = 0;

  while (place < set->count
         && strcmp (set->values[place].option->name, name) != 0)
    place++;
  return place;
}

/* ---- Parsing ----------------------------------------------------------- */

static struct option_set *
make_set (const struct option_table *tables, size_t table_count)
{
  size_t count = 0;
  struct option_set *set;

  for (size_t i = 0; i < table_count; i++)
    count += tables[i].count;
  set = calloc (1, sizeof *set + count * sizeof set->values[0]);
  if (set == NULL)
    return NULL;
  for (size_t i = 0; i < table_count; i++)
    for (size_t j = 0; j < tables[i].count; j++)
      set->values[set->count++].option = &tables[i].options[j];
  return set;
}

static int
parse_no_memory (struct parse *parse)
{
  return error_set (parse->error, EZCDC_E_MEMORY, "read %s: out of memory",
                    ini_path (parse->ini));
}

static int
refuse_key (struct parse *parse, const struct ini_key *key)
{
  CLEANUP_TEXT struct text known = { 0 };
  const char **names = calloc (parse->set->count + 1, sizeof *names);
  const char *nearest;

  if (names == NULL)
    return parse_no_memory (parse);
  for (size_t i = 0; i < parse->set->count; i++) {
    names[i] = parse->set->values[i].option->name;
    text_printf (&known, "%s%s", i == 0 ? "" : ", ", names[i]);
  }
  nearest = nearest_name (key->name, names, parse->set->count);
  free (names);
  if (nearest != NULL)
    return ini_error (parse->error, parse->ini, parse->section->name,
                      key->name, key->line,
                      "unknown option; did you mean \"%s\"?", nearest);
  return ini_error (parse->error, parse->ini, parse->section->name, key->name,
                    key->line, "unknown option; known are: %s",
                    text_string (&known));
}

/* Stores a value that was checked. */
static int
store_value (struct parse *parse, struct option_value *value, const char *text)
{
  bool sealed = strncmp (text, OPTION_SEALED_PREFIX,
                         strlen (OPTION_SEALED_PREFIX))
                == 0;
  uint32_t type = value->option->type;

  if (type == OPTION_PEM) {
    value->pem = sealed ? OPTION_PEM_SEALED
                 : strncmp (text, PEM_BEGIN, strlen (PEM_BEGIN)) == 0
                   ? OPTION_PEM_INLINE
                   : OPTION_PEM_PATH;
  }
  if (sealed && (type == OPTION_PEM || type == EZCDC_OPTION_SECRET)) {
    value->handle = (struct ezcdc_sealed){
      .set = parse->set,
      .option = value->option->name,
    };
    return 0;
  }
  value->text = value->pem == OPTION_PEM_INLINE ? option_pem_unfold (text)
                                                : strdup (text);
  return value->text == NULL ? parse_no_memory (parse) : 0;
}

static int
parse_key (struct parse *parse, const struct ini_key *key)
{
  size_t place = find_place (parse->set, key->name);
  struct option_value *value = &parse->set->values[place];
  struct error reason;

  if (place == parse->set->count)
    return refuse_key (parse, key);
  if (option_value_read (value->option, key->value, &value->number, &reason)
      != 0) {
    if (value->option->type == EZCDC_OPTION_SECRET
        && strncmp (key->value, OPTION_SEALED_PREFIX,
                    strlen (OPTION_SEALED_PREFIX))
             != 0)
      return ini_error (parse->error, parse->ini, parse->section->name,
                        key->name, key->line, "%s: run \"ezcdc seal %s\"",
                        reason.text, ini_path (parse->ini));
    return ini_error (parse->error, parse->ini, parse->section->name,
                      key->name, key->line, "%s", reason.text);
  }
  value->line = key->line;
  return store_value (parse, value, key->value);
}

static int
complete_value (struct parse *parse, struct option_value *value)
{
  const struct ezcdc_option *option = value->option;
  const struct ini_section *section = parse->section;
  struct error reason;

  if (value->line != 0)
    return 0;
  if ((option->flags & EZCDC_OPTION_REQUIRED) != 0)
    return ini_error (parse->error, parse->ini,
                      section == NULL ? NULL : section->name, option->name,
                      section == NULL ? 0 : section->line,
                      "is missing and must be set: %s", option->help);
  if (option->default_value == NULL)
    return 0;
  if (option_value_read (option, option->default_value, &value->number,
                         &reason)
      != 0)
    return error_set (parse->error, EZCDC_E_BUG,
                      "the default of option %s is wrong: %s", option->name,
                      reason.text);
  return store_value (parse, value, option->default_value);
}

static int
parse_all (struct parse *parse)
{
  if (parse->section != NULL)
    for (const struct ini_key *key = parse->section->keys; key != NULL;
         key = key->next)
      if (parse_key (parse, key) != 0)
        return parse->error->code;
  for (size_t i = 0; i < parse->set->count; i++)
    if (complete_value (parse, &parse->set->values[i]) != 0)
      return parse->error->code;
  return 0;
}

int
option_set_parse (const struct ini *ini, const struct ini_section *section,
                  const struct option_table *tables, size_t count,
                  struct option_set **ret_set, struct error *error)
{
  struct parse parse = {
    .ini = ini,
    .section = section,
    .set = make_set (tables, count),
    .error = error,
  };

  if (parse.set == NULL)
    return parse_no_memory (&parse);
  int result = parse_all (&parse);
  if (result != 0) {
    option_set_free (parse.set);
    return result;
  }
  *ret_set = parse.set;
  return 0;
}

void
option_set_free (struct option_set *set)
{
  if (set == NULL)
    return;
  for (size_t i = 0; i < set->count; i++) {
    char *text = set->values[i].text;
    /* An inline private key is in here. */
    if (text != NULL)
      explicit_bzero (text, strlen (text));
    free (text);
  }
  free (set);
}

/* ---- Getters ----------------------------------------------------------- */

static const struct option_value *
find_value (const struct option_set *set, const char *name)
{
  size_t place = find_place (set, name);

  return place == set->count ? NULL : &set->values[place];
}

const char *
option_set_string (const struct option_set *set, const char *name)
{
  const struct option_value *value = find_value (set, name);

  return value == NULL ? NULL : value->text;
}

bool
option_set_contains (const struct option_set *set, const char *bytes,
                     size_t length)
{
  for (size_t i = 0; i < set->count; i++) {
    const char *text = set->values[i].text;

    if (text != NULL && memmem (text, strlen (text), bytes, length) != NULL)
      return true;
  }
  return false;
}

int64_t
option_set_integer (const struct option_set *set, const char *name)
{
  const struct option_value *value = find_value (set, name);

  return value == NULL ? 0 : value->number;
}

bool
option_set_boolean (const struct option_set *set, const char *name)
{
  return option_set_integer (set, name) != 0;
}

bool
option_set_given (const struct option_set *set, const char *name)
{
  return option_set_line (set, name) != 0;
}

unsigned
option_set_line (const struct option_set *set, const char *name)
{
  const struct option_value *value = find_value (set, name);

  return value == NULL ? 0 : value->line;
}

const struct ezcdc_sealed *
option_set_sealed (const struct option_set *set, const char *name)
{
  const struct option_value *value = find_value (set, name);

  return value == NULL || value->handle.set == NULL ? NULL : &value->handle;
}

enum option_pem
option_set_pem (const struct option_set *set, const char *name,
                const char **ret_text)
{
  const struct option_value *value = find_value (set, name);

  if (value == NULL)
    return OPTION_PEM_NONE;
  if (value->pem == OPTION_PEM_PATH || value->pem == OPTION_PEM_INLINE)
    *ret_text = value->text;
  return value->pem;
}
