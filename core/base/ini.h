/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: inih behind a strict reader.
 *
 * The form: "[kind]" or "[kind label]" opens a section, "name = value" sets a
 * key in it. Lines that begin with ; or # are comments; behind a value there
 * are none: a value goes to the end of its line, without the spaces around
 * it. Nothing is continued on the next line, nothing is quoted or escaped.
 *
 * Refused, with file and line: a repeated section, a repeated key in a
 * section, text before the first section, a line that is neither of the three
 * kinds, text behind "]", a kind or a name of a key that is not of a-z, 0-9
 * and _, a section name over 49 bytes (inih would cut it, and make one section
 * of two), a line over 128 KiB, bytes that are not UTF-8 and control
 * characters. A byte order mark at the start is skipped.
 */

#ifndef EZCDC_BASE_INI_H
#define EZCDC_BASE_INI_H

#include <stddef.h>

#include "core/base/error.h"

/* Where the packaged inih can be told so; else 190 bytes. */
#define INI_LINE_MAX (128 * 1024)
#define INI_FILE_MAX (16 * 1024 * 1024)
#define INI_SECTION_MAX 49

/* All of this belongs to the struct ini, is read-only, and lives as long as
 * it. Lists are in the file's order. */

struct ini_key {
  const char *name;
  const char *value; /* never NULL; may be "" */
  unsigned line;
  const struct ini_key *next;
};

struct ini_section {
  const char *name;  /* kind and label with one space between:
                        "table public.orders" */
  const char *kind;  /* the first word: "table" */
  const char *label; /* the rest: "public.orders"; "" if there is none */
  unsigned line;
  const struct ini_key *keys;
  const struct ini_section *next;
};

struct ini;

/* Reads a file; 0, or an error (EZCDC_E_CONFIG, EZCDC_E_MEMORY) and *ret_ini
 * untouched. Free it with ini_free, which wipes the values: they may hold a
 * secret that is about to be sealed. */
int ini_load (const char *path, struct ini **ret_ini, struct error *error)
  __attribute__ ((nonnull (1, 2)));

/* The same from memory; path is for messages only. */
int ini_parse_text (const char *path, const char *data, size_t length,
                    struct ini **ret_ini, struct error *error)
  __attribute__ ((nonnull (1, 2, 4)));

void ini_free (struct ini *ini);
#define CLEANUP_INI __attribute__ ((cleanup (cleanup_ini)))

static inline void
cleanup_ini (struct ini **ini)
{
  ini_free (*ini);
}

/* The path as it was given to ini_load. */
const char *ini_path (const struct ini *ini) __attribute__ ((nonnull));

/* The first section; go on with ->next. NULL if there is none. */
const struct ini_section *ini_sections (const struct ini *ini)
  __attribute__ ((nonnull));

/* The section of this name ("source", "table public.orders"), or NULL. */
const struct ini_section *ini_section (const struct ini *ini, const char *name)
  __attribute__ ((nonnull));

/* A key of a section, or NULL; the second form finds the section, too. */
const struct ini_key *ini_key (const struct ini_section *section,
                               const char *name) __attribute__ ((nonnull));
const struct ini_key *ini_get (const struct ini *ini, const char *section,
                               const char *name) __attribute__ ((nonnull));

/* Sets "FILE:LINE: section.key: TEXT" with EZCDC_E_CONFIG and returns it.
 * section and key may be NULL and are left out then; line 0 is left out,
 * too ("FILE: section.key: TEXT", for what is missing). */
int ini_error (struct error *error, const struct ini *ini, const char *section,
               const char *key, unsigned line, const char *format, ...)
  __attribute__ ((format (printf, 6, 7), nonnull (2)));

#endif
