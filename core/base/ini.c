/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files. inih splits the lines; the reader in front of it lets
 * only those through that inih takes whole, and keeps count of them, because
 * the packaged inih has no line numbers.
 */

#include <config.h>

#include <ezcdc/connector.h>

#include <ini.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/files.h"
#include "core/base/ini.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/base/utf8.h"

#if HAVE_DECL_INI_MAX_LINE && HAVE_DECL_INI_USE_STACK                         \
  && HAVE_DECL_INI_ALLOW_REALLOC && HAVE_DECL_INI_INITIAL_ALLOC
#define LINE_LIMIT INI_LINE_MAX
#else
/* inih's own limit is 200, with the newline and the NUL. */
#define LINE_LIMIT 190
#endif

#if HAVE_DECL_INI_ALLOW_INLINE_COMMENTS
#define INLINE_COMMENTS_OFF 1
#else
#define INLINE_COMMENTS_OFF 0
#endif

/* The public structures with what only this file changes. */

struct key {
  struct ini_key public;
  size_t value_length;
};

struct section {
  struct ini_section public;
  struct key *last_key;
};

struct ini {
  char *path;
  struct section *first;
  struct section *last;
};

/* One pass over a file. */
struct parser {
  struct ini *ini;
  struct error *error;
  const char *at; /* the rest that was not read yet */
  const char *end;
  unsigned line; /* the line that inih has in hand */
  int result;    /* the first error's code */
};

/* ------------------------------------------------------------- the result */

static void
free_keys (const struct ini_key *key)
{
  while (key != NULL) {
    struct key *own = (struct key *) key;

    key = key->next;
    explicit_bzero ((char *) own->public.value, own->value_length);
    free ((char *) own->public.value);
    free ((char *) own->public.name);
    free (own);
  }
}

static void
free_section (struct section *section)
{
  free_keys (section->public.keys);
  free ((char *) section->public.name);
  free ((char *) section->public.kind);
  free ((char *) section->public.label);
  free (section);
}

void
ini_free (struct ini *ini)
{
  if (ini == NULL)
    return;
  while (ini->first != NULL) {
    struct section *section = ini->first;
    ini->first = (struct section *) section->public.next;
    free_section (section);
  }
  free (ini->path);
  free (ini);
}

const char *
ini_path (const struct ini *ini)
{
  return ini->path;
}

const struct ini_section *
ini_sections (const struct ini *ini)
{
  return ini->first == NULL ? NULL : &ini->first->public;
}

const struct ini_section *
ini_section (const struct ini *ini, const char *name)
{
  const struct ini_section *section = ini_sections (ini);

  while (section != NULL && strcmp (section->name, name) != 0)
    section = section->next;
  return section;
}

const struct ini_key *
ini_key (const struct ini_section *section, const char *name)
{
  const struct ini_key *key = section->keys;

  while (key != NULL && strcmp (key->name, name) != 0)
    key = key->next;
  return key;
}

const struct ini_key *
ini_get (const struct ini *ini, const char *section, const char *name)
{
  const struct ini_section *found = ini_section (ini, section);

  return found == NULL ? NULL : ini_key (found, name);
}

__attribute__ ((format (printf, 6, 0))) static int
set_error (struct error *error, const struct ini *ini, const char *section,
           const char *key, unsigned line, const char *format, va_list args)
{
  char place[24] = "";
  const char *separator = "";

  error_vset (error, EZCDC_E_CONFIG, format, args);
  if (section != NULL && key != NULL)
    separator = ".";
  if (section != NULL || key != NULL)
    error_prefix (error, "%s%s%s", section != NULL ? section : "", separator,
                  key != NULL ? key : "");
  if (line != 0)
    snprintf (place, sizeof place, ":%u", line);
  error_prefix (error, "%s%s", ini->path, place);
  return EZCDC_E_CONFIG;
}

int
ini_error (struct error *error, const struct ini *ini, const char *section,
           const char *key, unsigned line, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  set_error (error, ini, section, key, line, format, args);
  va_end (args);
  return EZCDC_E_CONFIG;
}

/* ----------------------------------------------------------- while parsing */

/* Notes the first error of a pass, at the current line. */
static void refuse (struct parser *parser, const char *section,
                    const char *key, const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

static void
refuse (struct parser *parser, const char *section, const char *key,
        const char *format, ...)
{
  va_list args;

  if (parser->result != 0)
    return;
  va_start (args, format);
  parser->result = set_error (parser->error, parser->ini, section, key,
                              parser->line, format, args);
  va_end (args);
}

static void
out_of_memory (struct parser *parser)
{
  if (parser->result == 0)
    parser->result = error_set (parser->error, EZCDC_E_MEMORY,
                                "%s: out of memory", parser->ini->path);
}

static bool
is_space (char c)
{
  return c == ' ' || c == '\t' || c == '\r';
}

/* Moves the two ends of a piece of text inwards over spaces. */
static void
trim (const char **start, const char **end)
{
  while (*start < *end && is_space (**start))
    (*start)++;
  while (*end > *start && is_space ((*end)[-1]))
    (*end)--;
}

/* Opens a section: its name, of which the first kind_length bytes are the
 * kind, and the label, if any, begins behind one space. */
static void
add_section (struct parser *parser, const char *name, size_t kind_length)
{
  struct ini *ini = parser->ini;
  struct section *section = calloc (1, sizeof *section);
  const char *label = name + kind_length;

  if (section == NULL) {
    out_of_memory (parser);
    return;
  }
  section->public.line = parser->line;
  section->public.name = strdup (name);
  section->public.kind = strndup (name, kind_length);
  section->public.label = strdup (*label == ' ' ? label + 1 : label);
  if (section->public.name == NULL || section->public.kind == NULL
      || section->public.label == NULL) {
    free_section (section);
    out_of_memory (parser);
    return;
  }
  if (ini->last == NULL)
    ini->first = section;
  else
    ini->last->public.next = &section->public;
  ini->last = section;
}

/* Names have one alphabet, so that what is no name, perhaps a line of a secret
 * that was pasted, is not repeated. There may be spaces around it. */
static bool
is_name (const char *start, const char *end)
{
  trim (&start, &end);
  for (; start < end; start++)
    if ((*start < 'a' || *start > 'z') && (*start < '0' || *start > '9')
        && *start != '_')
      return false;
  return true;
}

/* What stands between the brackets, without spaces around it. */
static void
read_section_name (struct parser *parser, const char *start, const char *end)
{
  const char *kind_end = start, *label;
  char name[INI_SECTION_MAX + 1];
  size_t kind_length, label_length, length;
  const struct ini_section *same;

  while (kind_end < end && !is_space (*kind_end))
    kind_end++;
  label = kind_end;
  trim (&label, &end);
  kind_length = (size_t) (kind_end - start);
  label_length = (size_t) (end - label);
  length = kind_length + (label_length > 0) + label_length;
  if (length == 0) {
    refuse (parser, NULL, NULL, "a section needs a name");
    return;
  }
  if (length > INI_SECTION_MAX) {
    refuse (parser, NULL, NULL,
            "the section's name has %zu bytes, %d are possible; give it a "
            "short label and write the long name behind \"match =\"",
            length, INI_SECTION_MAX);
    return;
  }
  /* The value may be a secret: nothing of it is repeated. */
  if (memchr (start, '=', kind_length) != NULL
      || (label_length > 0 && *label == '=')) {
    refuse (parser, NULL, NULL,
            "\"key = value\" does not stand in [ and ], which are for the "
            "names of sections");
    return;
  }
  if (!is_name (start, kind_end)) {
    refuse (parser, NULL, NULL,
            "what stands between [ and ] is no name of a section, which is of "
            "a-z, 0-9 and _");
    return;
  }
  snprintf (name, sizeof name, "%.*s%s%.*s", (int) kind_length, start,
            label_length > 0 ? " " : "", (int) label_length, label);
  same = ini_section (parser->ini, name);
  if (same != NULL)
    refuse (parser, NULL, NULL,
            "section [%s] stands here again, line %u has it already", name,
            same->line);
  else
    add_section (parser, name, kind_length);
}

/* A line that begins with "[". */
static void
read_section (struct parser *parser, const char *start, const char *end)
{
  const char *bracket = memchr (start, ']', (size_t) (end - start));

  start++;
  if (bracket == NULL)
    refuse (parser, NULL, NULL, "a section begins with [ and ends with ]");
  else if (bracket + 1 != end)
    refuse (parser, NULL, NULL,
            "something stands behind the ] of a section; comments have lines "
            "of their own");
  else {
    trim (&start, &bracket);
    read_section_name (parser, start, bracket);
  }
}

/* A line that is neither empty, nor a comment, nor a section. */
static void
check_key_line (struct parser *parser, const char *start, const char *end)
{
  const char *section = parser->ini->last == NULL
                          ? NULL
                          : parser->ini->last->public.name;
  /* inih takes the first of these two. */
  const char *equals = memchr (start, '=', (size_t) (end - start));
  const char *colon = memchr (start, ':', (size_t) (end - start));

  if (equals == NULL || (colon != NULL && colon < equals))
    refuse (parser, section, NULL, "not understood; write \"name = value\"");
  else if (equals == start)
    refuse (parser, section, NULL, "a name is missing before the \"=\"");
  else if (!is_name (start, equals))
    refuse (parser, section, NULL,
            "what stands before the \"=\" is no name of an option, which is "
            "of a-z, 0-9 and _");
  else if (section == NULL)
    refuse (parser, NULL, NULL,
            "this key stands before the first section, such as [pipeline]");
  else if (!INLINE_COMMENTS_OFF)
    for (const char *at = equals + 1; at + 1 < end; at++)
      if (is_space (at[0]) && at[1] == ';')
        refuse (parser, section, NULL,
                "\" ;\" within a value is not possible with this build's "
                "inih");
}

/* Whether all bytes may stand in a configuration file. */
static void
check_bytes (struct parser *parser, const char *start, const char *end)
{
  if (!utf8_valid (start, (size_t) (end - start))) {
    refuse (parser, NULL, NULL, "not valid UTF-8");
    return;
  }
  for (const char *at = start; at < end; at++) {
    unsigned char byte = (unsigned char) *at;
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      refuse (parser, NULL, NULL, "control character %#04x in the line", byte);
      return;
    }
  }
}

/* Checks a line and gives inih what it should see of it: nothing of a
 * comment, a section's name as we have it, a key without spaces around it.
 * Returns false after an error.
 */
static bool
pass_line (struct parser *parser, const char *start, const char *end,
           char *buffer, size_t size)
{
  int length;

  if ((size_t) (end - start) > LINE_LIMIT)
    refuse (parser, NULL, NULL, "the line has %zu bytes, %d are possible",
            (size_t) (end - start), LINE_LIMIT);
  trim (&start, &end);
  if (start == end || *start == ';' || *start == '#')
    end = start;
  else
    check_bytes (parser, start, end);
  if (parser->result != 0)
    return false;

  if (start == end)
    length = snprintf (buffer, size, "\n");
  else if (*start == '[') {
    read_section (parser, start, end);
    if (parser->result != 0)
      return false;
    length = snprintf (buffer, size, "[%s]\n", parser->ini->last->public.name);
  }
  else {
    check_key_line (parser, start, end);
    length = snprintf (buffer, size, "%.*s\n", (int) (end - start), start);
  }
  if (length < 0 || (size_t) length >= size)
    refuse (parser, NULL, NULL, "the line is too long for inih");
  return parser->result == 0;
}

/* inih's reader: the next line, or NULL at the end and after an error. inih
 * has handed the line before this one to the handler by now. */
static char *
next_line (char *buffer, int size, void *context)
{
  struct parser *parser = context;
  const char *start = parser->at, *end;

  if (parser->result != 0 || parser->at == parser->end)
    return NULL;
  end = memchr (start, '\n', (size_t) (parser->end - start));
  parser->at = end == NULL ? parser->end : end + 1;
  if (end == NULL)
    end = parser->end;
  parser->line++;
  return pass_line (parser, start, end, buffer, (size_t) size) ? buffer : NULL;
}

/* inih's handler: one key. Returns 1 to go on. */
static int
add_key (void *context, const char *section_name, const char *name,
         const char *value)
{
  struct parser *parser = context;
  struct section *section = parser->ini->last;
  const struct ini_key *same;
  struct key *key;

  if (parser->result != 0)
    return 0;
  if (section == NULL || strcmp (section->public.name, section_name) != 0) {
    refuse (parser, section_name, name, "inih is not where its reader is");
    return 0;
  }
  same = ini_key (&section->public, name);
  if (same != NULL) {
    refuse (parser, section_name, name,
            "stands here again, line %u has it already", same->line);
    return 0;
  }
  key = calloc (1, sizeof *key);
  if (key == NULL) {
    out_of_memory (parser);
    return 0;
  }
  key->public.line = parser->line;
  key->public.name = strdup (name);
  key->public.value = strdup (value);
  key->value_length = strlen (value);
  if (key->public.name == NULL || key->public.value == NULL) {
    key->value_length = 0;
    free_keys (&key->public);
    out_of_memory (parser);
    return 0;
  }
  if (section->last_key == NULL)
    section->public.keys = &key->public;
  else
    section->last_key->public.next = &key->public;
  section->last_key = key;
  return 1;
}

/* inih's settings are variables of the whole process. */
static void
configure_inih (void)
{
#if LINE_LIMIT == INI_LINE_MAX
  /* One block on the heap, which is wiped when it is freed (core/crypto). */
  ini_use_stack = false;
  ini_allow_realloc = false;
  ini_max_line = LINE_LIMIT + 2;
  ini_initial_alloc = LINE_LIMIT + 2;
#endif
#if HAVE_DECL_INI_ALLOW_MULTILINE
  ini_allow_multiline = false;
#endif
#if HAVE_DECL_INI_ALLOW_INLINE_COMMENTS
  ini_allow_inline_comments = false;
#endif
#if HAVE_DECL_INI_STOP_ON_FIRST_ERROR
  ini_stop_on_first_error = true;
#endif
#if HAVE_DECL_INI_ALLOW_NO_VALUE
  ini_allow_no_value = false;
#endif
}

static void
parse (struct parser *parser)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  int r;

  pthread_once (&once, configure_inih);
  if (memchr (parser->at, '\0', (size_t) (parser->end - parser->at)) != NULL) {
    refuse (parser, NULL, NULL, "this is no text file: it has a NUL in it");
    return;
  }
  if (parser->end - parser->at >= 3
      && memcmp (parser->at, "\xef\xbb\xbf", 3) == 0)
    parser->at += 3;
  r = ini_parse_stream (next_line, parser, add_key, parser);
  if (r != 0)
    refuse (parser, NULL, NULL, "inih does not take this line (%d)", r);
}

int
ini_parse_text (const char *path, const char *data, size_t length,
                struct ini **ret_ini, struct error *error)
{
  CLEANUP_INI struct ini *ini = calloc (1, sizeof *ini);
  struct parser parser = {
    .ini = ini,
    .error = error,
    .at = data,
    .end = data + length,
  };

  if (ini != NULL)
    ini->path = strdup (path);
  if (ini == NULL || ini->path == NULL)
    return error_set (error, EZCDC_E_MEMORY, "%s: out of memory", path);
  parse (&parser);
  if (parser.result != 0)
    return parser.result;
  *ret_ini = TAKE_POINTER (ini);
  return 0;
}

int
ini_load (const char *path, struct ini **ret_ini, struct error *error)
{
  CLEANUP_TEXT_WIPE struct text text = { 0 };
  int r = file_read (path, INI_FILE_MAX, &text, error);

  if (r < 0)
    return r;
  return ini_parse_text (path, text_string (&text), text.length, ret_ini,
                         error);
}
