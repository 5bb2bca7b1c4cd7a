/* SPDX-License-Identifier: Apache-2.0 */
/* Options: a section of the INI file, parsed against tables of struct
 * ezcdc_option. The core's own sections and those of the connectors go
 * through the same door.
 */

#ifndef EZCDC_PLUGIN_OPTIONS_H
#define EZCDC_PLUGIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

struct error;
struct ini;
struct ini_section;

/* An option type that only the core's tables may use: certificates and keys.
 * The value is a path, an inline PEM text (its line breaks written as \n), or
 * a sealed value. Numbers from here on are never given to the ABI.
 */
#define OPTION_PEM 0x10000u

/* What every sealed value begins with. */
#define OPTION_SEALED_PREFIX "ezc1:"

struct option_table {
  const struct ezcdc_option *options; /* outlives every set made from it */
  size_t count;
};

/* The tables that the core adds to a connector's own: "connector" and
 * "allow_path" always, the others by EZCDC_USES_TLS and EZCDC_USES_HTTP.
 */
extern const struct option_table option_table_common;
extern const struct option_table option_table_tls;
extern const struct option_table option_table_http;

/* The tables of a section with the given connector, at most
 * OPTION_TABLES_MAX; returns how many. */
#define OPTION_TABLES_MAX 4
size_t option_tables_of (const struct ezcdc_connector *descriptor,
                         struct option_table ret_tables[OPTION_TABLES_MAX]);

/* The option of that name in the tables, or NULL. */
const struct ezcdc_option *option_find (const struct option_table *tables,
                                        size_t count, const char *name);

/* Checks a table by itself, as the loader does: names, types, limits,
 * choices, defaults, help, no name twice nor in others. what ("connector
 * x") begins the message.
 */
int option_table_check (const struct option_table *table,
                        const struct option_table *others, size_t other_count,
                        const char *what, struct error *error);

/* The word for an option's type: "string", "integer", ... */
const char *option_type_name (uint32_t type);

/* The values of one section: what is written in it, or the defaults. */
struct option_set;

/* Parses a section against count tables. section NULL stands for one that is
 * not in the file: all defaults, and required options are missing. An error
 * has code EZCDC_E_CONFIG and reads FILE:LINE: section.key: what is wrong.
 * The set refers to the tables, not to the ini; free it with option_set_free.
 */
int option_set_parse (const struct ini *ini, const struct ini_section *section,
                      const struct option_table *tables, size_t count,
                      struct option_set **ret_set, struct error *error);
void option_set_free (struct option_set *set);

/* The getters. An unknown name is a mistake in the program and reads as "not
 * set". What they return lives as long as the set.
 */

/* As text: what was written or the default, without quotes or changes. NULL
 * if there is neither, and for a SECRET or a sealed PEM. */
const char *option_set_string (const struct option_set *set, const char *name);
/* INTEGER as it is, SIZE in bytes, DURATION in microseconds, BOOLEAN 0 or 1,
 * CHOICE the place of the word in choices, from 0; 0 if there is no value. */
int64_t option_set_integer (const struct option_set *set, const char *name);
/* BOOLEAN as a bool. */
bool option_set_boolean (const struct option_set *set, const char *name);
/* Whether the file has it (a default does not count), and on which line
 * (0 if not). */
bool option_set_given (const struct option_set *set, const char *name);
unsigned option_set_line (const struct option_set *set, const char *name);

/* Whether the text of an option in the clear has these bytes in it. */
bool option_set_contains (const struct option_set *set, const char *bytes,
                          size_t length);

/* A SECRET, or a PEM that is sealed: a handle; NULL if not set or in the
 * clear. The handle belongs to the set and is good for its instance only. */
const struct ezcdc_sealed *option_set_sealed (const struct option_set *set,
                                              const char *name);

/* How a PEM option was given. ret_text is the path, or the inline text with
 * real line breaks, or untouched (use option_set_sealed). */
enum option_pem {
  OPTION_PEM_NONE,
  OPTION_PEM_PATH,
  OPTION_PEM_INLINE,
  OPTION_PEM_SEALED,
};
enum option_pem option_set_pem (const struct option_set *set, const char *name,
                                const char **ret_text);

/* A sealed handle is the option's name: the keeper finds the value itself. */
struct ezcdc_sealed {
  const struct option_set *set; /* whose */
  const char *option;           /* name in the section */
};

#endif
