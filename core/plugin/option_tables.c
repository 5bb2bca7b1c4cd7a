/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of options: the core's own ones, and the rules for all. */

#include <config.h>

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/plugin/option_value.h"
#include "core/plugin/options.h"

#define MOST_NAME 48
#define MOST_HELP 200

/* ---- The core's own ---------------------------------------------------- */

static const struct ezcdc_option common_options[] = {
  {
    .name = "connector",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "the connector's name, or a path with allow_path = yes",
  },
  {
    .name = "allow_path",
    .type = EZCDC_OPTION_BOOLEAN,
    .default_value = "no",
    .help = "take a path as connector",
  },
};

static const struct ezcdc_option tls_options[] = {
  {
    .name = "ssl_mode",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "disable|allow|prefer|require|verify-ca|verify-full",
    .default_value = "verify-full",
    .help = "how the server must prove itself, with PostgreSQL's meanings",
  },
  {
    .name = "ssl_enabled",
    .type = EZCDC_OPTION_BOOLEAN,
    .default_value = "yes",
    .help = "no: no TLS at all, as with ssl_mode = disable",
  },
  {
    .name = "ssl_root_cert",
    .type = OPTION_PEM,
    .flags = EZCDC_OPTION_RELOADABLE,
    .help = "certificates of the CAs to trust: a path, PEM text or a sealed "
            "value; without it the system's",
  },
  {
    .name = "ssl_client_cert",
    .type = OPTION_PEM,
    .flags = EZCDC_OPTION_RELOADABLE,
    .help = "certificate to show to the server: a path, PEM text or a sealed "
            "value",
  },
  {
    .name = "ssl_client_key",
    .type = OPTION_PEM,
    .flags = EZCDC_OPTION_RELOADABLE,
    .help =
      "private key of ssl_client_cert: a path or (better) a sealed value",
  },
  {
    .name = "ssl_crl",
    .type = OPTION_PEM,
    .flags = EZCDC_OPTION_RELOADABLE,
    .help = "revoked certificates: a path, PEM text or a sealed value",
  },
  {
    .name = "ssl_min_version",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "TLSv1.2|TLSv1.3",
    .default_value = "TLSv1.2",
    .help = "the oldest version of TLS to accept",
  },
  {
    .name = "ssl_expiry_days",
    .type = EZCDC_OPTION_INTEGER,
    .default_value = "30",
    .minimum = 0,
    .maximum = 3650,
    .help = "warn when a certificate is good for fewer days than that",
  },
};

static const struct ezcdc_option http_options[] = {
  {
    .name = "load_plaintext",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "refuse|allow",
    .default_value = "refuse",
    .help = "allow: send rows and the password over http://, also after a "
            "redirect from https://",
  },
};

#define TABLE(options_)                                                       \
  {                                                                           \
    .options = options_, .count = sizeof options_ / sizeof options_[0]        \
  }

const struct option_table option_table_common = TABLE (common_options);
const struct option_table option_table_tls = TABLE (tls_options);
const struct option_table option_table_http = TABLE (http_options);

size_t
option_tables_of (const struct ezcdc_connector *descriptor,
                  struct option_table ret_tables[OPTION_TABLES_MAX])
{
  size_t count = 0;

  ret_tables[count++] = (struct option_table){
    .options = descriptor->options,
    .count = descriptor->option_count,
  };
  ret_tables[count++] = option_table_common;
  if ((descriptor->capabilities & EZCDC_USES_TLS) != 0)
    ret_tables[count++] = option_table_tls;
  if ((descriptor->capabilities & EZCDC_USES_HTTP) != 0)
    ret_tables[count++] = option_table_http;
  return count;
}

const struct ezcdc_option *
option_find (const struct option_table *tables, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < tables[i].count; j++)
      if (strcmp (tables[i].options[j].name, name) == 0)
        return &tables[i].options[j];
  return NULL;
}

/* ---- The rules --------------------------------------------------------- */

struct type {
  const char *name;
  bool limits; /* minimum and maximum apply */
};

static const struct type *
find_type (uint32_t type)
{
  static const struct type types[] = {
    [EZCDC_OPTION_STRING] = { "string", false },
    [EZCDC_OPTION_INTEGER] = { "integer", true },
    [EZCDC_OPTION_BOOLEAN] = { "boolean", false },
    [EZCDC_OPTION_SIZE] = { "size", true },
    [EZCDC_OPTION_DURATION] = { "duration", true },
    [EZCDC_OPTION_CHOICE] = { "choice", false },
    [EZCDC_OPTION_SECRET] = { "secret", false },
  };
  static const struct type pem = { "pem", false };

  if (type == OPTION_PEM)
    return &pem;
  if (type >= sizeof types / sizeof types[0] || types[type].name == NULL)
    return NULL;
  return &types[type];
}

const char *
option_type_name (uint32_t type)
{
  const struct type *found = find_type (type);

  return found == NULL ? "unknown" : found->name;
}

/* [a-z][a-z0-9_]* */
static bool
is_option_name (const char *name)
{
  const char first[] = "abcdefghijklmnopqrstuvwxyz";
  const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
  size_t length = strnlen (name, MOST_NAME + 1);

  return length >= 1 && length <= MOST_NAME && strchr (first, name[0]) != NULL
         && strspn (name, others) == length;
}

static bool
is_one_line (const char *text, size_t most)
{
  size_t length = strnlen (text, most + 1);

  return length > 0 && length <= most && utf8_is_line (text, length);
}

/* "a|b|c": words that are not empty. */
static bool
are_choices (const char *choices)
{
  size_t length;
  const char *word;

  if (!is_one_line (choices, 1000))
    return false;
  for (unsigned i = 0; (word = option_choice (choices, i, &length)) != NULL;
       i++)
    if (length == 0)
      return false;
  return true;
}

static int fault (struct error *error, const char *what,
                  const struct ezcdc_option *option, const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

static int
fault (struct error *error, const char *what,
       const struct ezcdc_option *option, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  error_vset (error, EZCDC_E_CONFIG, format, arguments);
  va_end (arguments);
  error_prefix (error, "%s: its option %s", what, option->name);
  return EZCDC_E_CONFIG;
}

static int
check_type (const struct ezcdc_option *option, bool core_types,
            const char *what, struct error *error)
{
  const struct type *type = find_type (option->type);

  if (type == NULL || (option->type == OPTION_PEM && !core_types))
    return fault (error, what, option, "has the unknown type %lu",
                  (unsigned long) option->type);
  if (option->type == EZCDC_OPTION_CHOICE) {
    if (option->choices == NULL || !are_choices (option->choices))
      return fault (error, what, option,
                    "is a choice, but choices is no \"a|b|c\"");
  }
  else if (option->choices != NULL)
    return fault (error, what, option, "has choices, but is no choice");
  if (type->limits && option->minimum > option->maximum)
    return fault (error, what, option, "has a minimum above its maximum");
  if (!type->limits && (option->minimum != 0 || option->maximum != 0))
    return fault (error, what, option, "has limits, but a %s has none",
                  type->name);
  return 0;
}

static int
check_default (const struct ezcdc_option *option, const char *what,
               struct error *error)
{
  int64_t number;
  struct error reason;

  if (option->default_value == NULL)
    return 0;
  if ((option->flags & EZCDC_OPTION_REQUIRED) != 0)
    return fault (error, what, option, "is required and has a default");
  if (option->type == EZCDC_OPTION_SECRET || option->type == OPTION_PEM)
    return fault (error, what, option, "is a secret and has a default");
  if (!utf8_is_line (option->default_value, strlen (option->default_value)))
    return fault (error, what, option,
                  "has a default that is not one line of text");
  if (option_value_read (option, option->default_value, &number, &reason) != 0)
    return fault (error, what, option, "has a default that is wrong: %s",
                  reason.text);
  return 0;
}

static int
check_option (const struct ezcdc_option *option, bool core_types,
              const char *what, struct error *error)
{
  if (option->name == NULL || !is_option_name (option->name))
    return error_set (error, EZCDC_E_CONFIG,
                      "%s: the name of an option is no [a-z][a-z0-9_]* of at "
                      "most %d characters",
                      what, MOST_NAME);
  if (option->help == NULL || !is_one_line (option->help, MOST_HELP))
    return fault (error, what, option,
                  "has no help of one line and at most %d bytes", MOST_HELP);
  if (check_type (option, core_types, what, error) != 0
      || check_default (option, what, error) != 0)
    return error->code;
  return 0;
}

int
option_table_check (const struct option_table *table,
                    const struct option_table *others, size_t other_count,
                    const char *what, struct error *error)
{
  /* With no others it is a table of the core's. */
  bool core_types = other_count == 0;

  for (size_t i = 0; i < table->count; i++) {
    const struct ezcdc_option *option = &table->options[i];
    struct option_table before = { .options = table->options, .count = i };

    if (check_option (option, core_types, what, error) != 0)
      return error->code;
    if (option_find (&before, 1, option->name) != NULL)
      return fault (error, what, option, "is there twice");
    if (option_find (others, other_count, option->name) != NULL)
      return fault (error, what, option,
                    "has the name of one that ezcdc itself provides");
  }
  return 0;
}
