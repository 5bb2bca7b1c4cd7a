/* SPDX-License-Identifier: Apache-2.0 */
/* Names and literals in the forms that SQL and URLs want. */

#include <string.h>
#include <strings.h>

#include "identifiers.h"

#define NAME_MAX_CHARACTERS 1024

static void
append_quoted (struct buffer *sql, char quote, const char *name)
{
  buffer_append (sql, &quote, 1);
  for (; *name != '\0'; name++) {
    if (*name == quote)
      buffer_append (sql, &quote, 1);
    buffer_append (sql, name, 1);
  }
  buffer_append (sql, &quote, 1);
}

void
identifier_append (struct buffer *sql, const char *name)
{
  append_quoted (sql, '`', name);
}

void
identifier_table (struct buffer *sql, const char *database, const char *table)
{
  identifier_append (sql, database);
  buffer_append (sql, ".", 1);
  identifier_append (sql, table);
}

void
literal_append (struct buffer *sql, const char *text)
{
  buffer_append (sql, "'", 1);
  for (; *text != '\0'; text++) {
    if (*text == '\'' || *text == '\\')
      buffer_append (sql, "\\", 1);
    buffer_append (sql, text, 1);
  }
  buffer_append (sql, "'", 1);
}

void
percent_append (struct buffer *url, const char *text)
{
  static const char digits[] = "0123456789ABCDEF";

  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char) *text;

    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9') || strchr ("-._~", c) != NULL)
      buffer_append (url, text, 1);
    else {
      char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };

      buffer_append (url, escaped, sizeof escaped);
    }
  }
}

/* NULL, or why StarRocks can't have a column of that name. */
static const char *
column_name_problem (const char *name)
{
  if (name[0] == '\0')
    return "is empty";
  if (strlen (name) > NAME_MAX_CHARACTERS)
    return "is longer than 1024 bytes";
  if (strcasecmp (name, "__op") == 0 || strcasecmp (name, "__row") == 0
      || strcasecmp (name, "___count___") == 0)
    return "is reserved by StarRocks";
  /* The frontend's rule for clusters that keep their own data. */
  if (strpbrk (name, "=<>!*") != NULL)
    return "holds one of = < > ! *, which StarRocks refuses";
  for (; *name != '\0'; name++)
    if ((unsigned char) *name < 0x20 || *name == 0x7f)
      return "holds a control character";
  return NULL;
}

int
identifiers_check (const struct ezcdc_table *table, struct buffer *ret_problem)
{
  for (uint32_t i = 0; i < table->column_count; i++) {
    const char *name = table->columns[i].name;
    const char *problem = column_name_problem (name);

    if (problem != NULL) {
      buffer_printf (ret_problem, "the name of column \"%s\" %s", name,
                     problem);
      return -1;
    }
    for (uint32_t j = 0; j < i; j++)
      if (strcasecmp (name, table->columns[j].name) == 0) {
        buffer_printf (ret_problem,
                       "columns \"%s\" and \"%s\" differ only in case, and "
                       "StarRocks does not tell them apart",
                       table->columns[j].name, name);
        return -1;
      }
  }
  return 0;
}
