/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc audit show: prints records of audit logs. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/audit/chain.h"
#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/cli/audit_filter.h"
#include "core/cli/audit_words.h"
#include "core/cli/command.h"

struct order {
  struct audit_filter filter;
  bool as_json;
};

/* ---- One record -------------------------------------------------------- */

/* Everything but printable ASCII is escaped: the log may hold what somebody
 * has put there to deceive a terminal. */
static void
print_value (const json_t *value)
{
  CLEANUP_FREE char *dumped = json_dumps (
    value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

  for (const char *at = dumped; at != NULL && *at != '\0'; at++)
    if (*at == '\177')
      fputs ("\\u007f", stdout);
    else
      putchar (*at);
}

/* A string without its quotes, if it can be told from its neighbours. */
static void
print_word (const json_t *record, const char *name)
{
  const char *word = audit_record_word (record, name);
  bool plain = word[0] != '\0';

  for (const char *at = word; *at != '\0'; at++)
    plain = plain && *at > ' ' && *at < '\177' && *at != '"' && *at != '\\';
  putchar (' ');
  if (plain)
    fputs (word, stdout);
  else
    print_value (json_object_get (record, name));
}

static void
print_record (const json_t *record, bool as_json)
{
  if (as_json) {
    print_value (record);
    putchar ('\n');
    return;
  }
  print_value (json_object_get (record, "seq"));
  print_word (record, "timestamp");
  print_word (record, "outcome");
  print_word (record, "action");
  print_word (record, "resource_id");
  print_word (record, "user_id");
  putchar (' ');
  print_value (json_object_get (record, "detail"));
  putchar ('\n');
}

/* ---- A log ------------------------------------------------------------- */

/* False if the line is no record. */
static bool
show_line (const char *line, size_t length, const struct order *order)
{
  struct audit_line parsed;

  if (!audit_line_parse (line, length, &parsed))
    return false;
  json_t *record = json_loadb (line, length, JSON_REJECT_DUPLICATES, NULL);
  bool genuine = json_is_object (record);
  if (genuine && audit_filter_fits (&order->filter, record))
    print_record (record, order->as_json);
  json_decref (record);
  return genuine;
}

/* Reads a line without its end. Of one that is too long for a record no more
 * is kept than shows that. False at the end of the file. */
static bool
read_line (FILE *file, char line[AUDIT_LINE_MAX], size_t *ret_length)
{
  size_t length = 0;
  int byte = getc_unlocked (file);

  if (byte == EOF)
    return false;
  for (; byte != EOF && byte != '\n'; byte = getc_unlocked (file))
    if (length < AUDIT_LINE_MAX)
      line[length++] = (char) byte;
  *ret_length = length;
  return true;
}

/* What is no record is told once a file: such files can be long. */
static int
tell_bad_lines (const char *path, uint64_t first, uint64_t count)
{
  if (count == 0)
    return EXIT_OK;
  if (count == 1)
    log_message (LEVEL_WARNING, "%s: line %" PRIu64 " is no audit record",
                 path, first);
  else
    log_message (LEVEL_WARNING,
                 "%s: %" PRIu64 " lines are no audit records; the first is "
                 "line %" PRIu64,
                 path, count, first);
  return EXIT_FOUND;
}

/* NULL after it was told why. */
static FILE *
open_log (const char *path)
{
  CLEANUP_CLOSE int descriptor = -1;
  struct error error = { 0 };
  FILE *file = NULL;

  if (file_open (path, &descriptor, &error) != 0)
    log_message (LEVEL_ERROR, "%s", error.text);
  else if ((file = fdopen (descriptor, "r")) == NULL)
    log_message (LEVEL_ERROR, "open %s: %m", path);
  else
    descriptor = -1;
  return file;
}

static int
show_log (const char *path, const struct order *order)
{
  CLEANUP_FCLOSE FILE *file = open_log (path);
  CLEANUP_FREE char *line = malloc (AUDIT_LINE_MAX);
  size_t length;
  uint64_t number = 0;
  uint64_t first_bad = 0;
  uint64_t bad = 0;

  if (file == NULL)
    return EXIT_USAGE;
  if (line == NULL) {
    log_message (LEVEL_ERROR, "out of memory");
    return EXIT_RUN_FAILED;
  }
  while (read_line (file, line, &length)) {
    number++;
    if (!show_line (line, length, order) && bad++ == 0)
      first_bad = number;
  }
  if (ferror (file)) {
    log_message (LEVEL_ERROR, "read %s: %m", path);
    return EXIT_RUN_FAILED;
  }
  return tell_bad_lines (path, first_bad, bad);
}

/* ---- Options ----------------------------------------------------------- */

/* Reads the options. The paths move to the beginning of argv. */
static int
read_order (int argc, char **argv, struct order *order, int *ret_logs)
{
  int logs = 0;

  for (int i = 1; i < argc; i++) {
    const char **place = audit_filter_place (&order->filter, argv[i]);
    if (place != NULL && i + 1 >= argc)
      return command_usage_error (&command_audit, "%s needs a value", argv[i]);
    if (place != NULL && *place != NULL)
      return command_usage_error (&command_audit, "%s is there twice",
                                  argv[i]);
    if (place != NULL)
      *place = argv[++i];
    else if (strcmp (argv[i], "--json") == 0)
      order->as_json = true;
    else if (argv[i][0] == '-')
      return command_usage_error (&command_audit, "unknown option %s",
                                  argv[i]);
    else
      argv[logs++] = argv[i];
  }
  if (logs == 0)
    return command_usage_error (&command_audit, "which log?");
  *ret_logs = logs;
  return EXIT_OK;
}

int
audit_show_word (int argc, char **argv)
{
  struct order order = { 0 };
  struct error error = { 0 };
  int logs = 0;
  int exit_code = read_order (argc, argv, &order, &logs);

  if (exit_code == EXIT_OK && audit_filter_check (&order.filter, &error) != 0)
    exit_code = command_usage_error (&command_audit, "%s", error.text);
  for (int i = 0; i < logs && exit_code != EXIT_USAGE; i++) {
    int code = show_log (argv[i], &order);
    if (code > exit_code || code == EXIT_USAGE)
      exit_code = code;
  }
  return exit_code;
}
