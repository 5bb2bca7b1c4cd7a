/* SPDX-License-Identifier: Apache-2.0 */
/* Table patterns: public.orders, public.order_*, "Odd Name".t, !*.*_archive */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

#define PATTERN_BLANKS " \t\r\n"

static bool
pattern_problem (char *ret_problem, size_t size, const char *problem,
                 const char *at)
{
  snprintf (ret_problem, size, "%s at \"%.40s\"", problem, at);
  return false;
}

/* Reads one part, quoted or not, and writes it with a backslash before each
 * literal character. Returns where it ends, NULL if a quote is open. */
static const char *
pattern_part (const char *at, char **write, bool *exact)
{
  if (*at == '"') {
    for (at++; *at != '\0'; at++) {
      if (*at == '"' && *++at != '"')
        return at;
      *(*write)++ = '\\';
      *(*write)++ = *at;
    }
    return NULL;
  }
  for (; *at != '\0' && strchr (PATTERN_BLANKS ".,\"", *at) == NULL; at++) {
    if (*at == '*' || *at == '?')
      *exact = false;
    else if (*at == '\\')
      *(*write)++ = '\\';
    *(*write)++ = *at;
  }
  return at;
}

/* Parses one pattern at *at and moves *at behind it. */
static bool
pattern_parse (const char **at, struct pattern *ret_pattern, char *ret_problem,
               size_t size)
{
  const char *start = *at, *from = *at, *to;
  struct pattern pattern = { .exact = true };
  char *write;

  /* Room for the text as it is, and for two parts with backslashes, or
   * "public" instead of one. */
  pattern.text = malloc (3 * strlen (start) + 16);
  if (pattern.text == NULL)
    return pattern_problem (ret_problem, size, "out of memory", start);
  if (*from == '!') {
    pattern.exclude = true;
    from += 1 + strspn (from + 1, PATTERN_BLANKS);
  }
  write = pattern.text + strlen (start) + 1;
  pattern.schema = write;
  to = pattern_part (from, &write, &pattern.exact);
  *write++ = '\0';
  if (to != NULL && *to == '.') {
    from = to + 1;
    pattern.name = write;
    to = pattern_part (from, &write, &pattern.exact);
    *write++ = '\0';
  }
  else {
    pattern.name = pattern.schema;
    pattern.schema = write;
    memcpy (write, "public", sizeof "public");
  }
  if (to == NULL || *pattern.schema == '\0' || *pattern.name == '\0') {
    free (pattern.text);
    return pattern_problem (
      ret_problem, size,
      to == NULL ? "no closing quote" : "a table name is missing", start);
  }
  memcpy (pattern.text, start, (size_t) (to - start));
  pattern.text[to - start] = '\0';
  *at = to;
  *ret_pattern = pattern;
  return true;
}

static bool
patterns_add (struct patterns *patterns, const struct pattern *pattern)
{
  struct pattern *items;

  items = realloc (patterns->items, (patterns->count + 1) * sizeof *items);
  if (items == NULL)
    return false;
  items[patterns->count++] = *pattern;
  patterns->items = items;
  return true;
}

bool
patterns_parse (const char *text, struct patterns *ret_patterns,
                char *ret_problem, size_t problem_size)
{
  struct patterns patterns = { NULL, 0 };
  struct pattern pattern;

  for (;;) {
    text += strspn (text, PATTERN_BLANKS);
    if (!pattern_parse (&text, &pattern, ret_problem, problem_size))
      goto error;
    if (!patterns_add (&patterns, &pattern)) {
      free (pattern.text);
      pattern_problem (ret_problem, problem_size, "out of memory", text);
      goto error;
    }
    text += strspn (text, PATTERN_BLANKS);
    if (*text == '\0')
      break;
    if (*text != ',') {
      pattern_problem (ret_problem, problem_size,
                       "a comma is missing, or quotes", text);
      goto error;
    }
    text++;
  }
  *ret_patterns = patterns;
  return true;

error:
  patterns_free (&patterns);
  return false;
}

void
patterns_free (struct patterns *patterns)
{
  size_t i;

  for (i = 0; i < patterns->count; i++)
    free (patterns->items[i].text);
  free (patterns->items);
  patterns->items = NULL;
  patterns->count = 0;
}

static char
pattern_lower (char c)
{
  return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* Does glob, from its first character, match the whole of text? After a
 * mismatch the last * takes one byte more. */
static bool
glob_matches (const char *glob, const char *text, bool fold)
{
  const char *star = NULL, *resume = NULL;

  for (;;) {
    if (*glob == '*') {
      star = ++glob;
      resume = text;
      continue;
    }
    if (*text == '\0' && *glob == '\0')
      return true;
    if (*text != '\0' && *glob == '?') {
      /* One character, however many bytes it has. */
      do
        text++;
      while ((*text & 0xc0) == 0x80);
      glob++;
      continue;
    }
    if (*text != '\0' && *glob == '\\' && glob[1] == *text) {
      glob += 2;
      text++;
      continue;
    }
    if (*text != '\0' && *glob != '\\' && *glob != '\0'
        && (fold ? pattern_lower (*glob) : *glob) == *text) {
      glob++;
      text++;
      continue;
    }
    if (star == NULL || *resume == '\0')
      return false;
    glob = star;
    text = ++resume;
  }
}

bool
pattern_matches (const struct pattern *pattern, const char *schema,
                 const char *name)
{
  return (glob_matches (pattern->schema, schema, false)
          || glob_matches (pattern->schema, schema, true))
         && (glob_matches (pattern->name, name, false)
             || glob_matches (pattern->name, name, true));
}

const struct pattern *
patterns_find (const struct patterns *patterns, const char *schema,
               const char *name)
{
  const struct pattern *found = NULL;
  size_t i;

  for (i = 0; i < patterns->count; i++) {
    const struct pattern *pattern = &patterns->items[i];

    if ((found == NULL || pattern->exclude)
        && pattern_matches (pattern, schema, name)) {
      if (pattern->exclude)
        return NULL;
      found = pattern;
    }
  }
  return found;
}
