/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc audit show: prints records of audit logs. */

#include <config.h>

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/audit/chain.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/cli/audit_words.h"
#include "core/cli/command.h"

/* NULL where nothing was asked for. */
struct filter {
  const char *since;
  const char *until;
  const char *action;
  const char *outcome;
  const char *resource;
  bool as_json;
};

/* ---- One record -------------------------------------------------------- */

/* A member's string, "" if there is none. */
static const char *
member (const json_t *record, const char *name)
{
  const char *value = json_string_value (json_object_get (record, name));

  return value != NULL ? value : "";
}

static bool
fits (const json_t *record, const char *name, const char *pattern)
{
  return pattern == NULL || fnmatch (pattern, member (record, name), 0) == 0;
}

/* Times have one form, so that they compare as texts. */
static bool
is_wanted (const json_t *record, const struct filter *filter)
{
  const char *timestamp = member (record, "timestamp");

  return (filter->since == NULL || strcmp (timestamp, filter->since) >= 0)
         && (filter->until == NULL || strcmp (timestamp, filter->until) < 0)
         && fits (record, "action", filter->action)
         && fits (record, "resource_id", filter->resource)
         && (filter->outcome == NULL
             || strcmp (member (record, "outcome"), filter->outcome) == 0);
}

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
  const char *word = member (record, name);
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
print_record (const json_t *record, const struct filter *filter)
{
  if (filter->as_json) {
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
show_line (const char *line, size_t length, const struct filter *filter)
{
  struct audit_line parsed;

  if (!audit_line_parse (line, length, &parsed))
    return false;
  json_t *record = json_loadb (line, length, JSON_REJECT_DUPLICATES, NULL);
  bool genuine = json_is_object (record);
  if (genuine && is_wanted (record, filter))
    print_record (record, filter);
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

static int
show_log (const char *path, const struct filter *filter)
{
  CLEANUP_FCLOSE FILE *file = fopen (path, "re");
  CLEANUP_FREE char *line = malloc (AUDIT_LINE_MAX);
  size_t length;
  uint64_t number = 0;
  uint64_t first_bad = 0;
  uint64_t bad = 0;

  if (file == NULL) {
    log_message (LEVEL_ERROR, "open %s: %m", path);
    return EXIT_USAGE;
  }
  if (line == NULL) {
    log_message (LEVEL_ERROR, "out of memory");
    return EXIT_RUN_FAILED;
  }
  while (read_line (file, line, &length)) {
    number++;
    if (!show_line (line, length, filter) && bad++ == 0)
      first_bad = number;
  }
  if (ferror (file)) {
    log_message (LEVEL_ERROR, "read %s: %m", path);
    return EXIT_RUN_FAILED;
  }
  return tell_bad_lines (path, first_bad, bad);
}

/* ---- Options ----------------------------------------------------------- */

/* A beginning of 2026-01-31T23:59:59.000007 that is at least a date. */
static bool
is_time (const char *text)
{
  static const char form[] = "0000-00-00T00:00:00.000000";
  size_t length = strlen (text);

  if (length < strlen ("0000-00-00") || length >= sizeof form)
    return false;
  for (size_t i = 0; i < length; i++)
    if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
      return false;
  return true;
}

static const char **
option_place (struct filter *filter, const char *word)
{
  if (strcmp (word, "--since") == 0)
    return &filter->since;
  if (strcmp (word, "--until") == 0)
    return &filter->until;
  if (strcmp (word, "--action") == 0)
    return &filter->action;
  if (strcmp (word, "--outcome") == 0)
    return &filter->outcome;
  if (strcmp (word, "--resource") == 0)
    return &filter->resource;
  return NULL;
}

/* The Z of a time in UTC says nothing that is not known. */
static void
cut_zone (char *text)
{
  size_t length = strlen (text);

  if (length > 0 && text[length - 1] == 'Z')
    text[length - 1] = '\0';
}

static int
check_filter (const struct filter *filter)
{
  const char *outcome = filter->outcome;

  if ((filter->since != NULL && !is_time (filter->since))
      || (filter->until != NULL && !is_time (filter->until)))
    return command_usage_error (&command_audit,
                                "a time is 2026-01-31, 2026-01-31T23:59 or "
                                "longer, in UTC");
  if (outcome != NULL && strcmp (outcome, "success") != 0
      && strcmp (outcome, "failure") != 0 && strcmp (outcome, "denied") != 0)
    return command_usage_error (&command_audit,
                                "an outcome is success, failure or denied");
  return EXIT_OK;
}

int
audit_show_word (int argc, char **argv)
{
  struct filter filter = { 0 };
  int logs = 0;
  int exit_code = EXIT_OK;

  /* The paths move to the beginning of argv. */
  for (int i = 1; i < argc; i++) {
    const char **place = option_place (&filter, argv[i]);
    if (place != NULL && i + 1 >= argc)
      return command_usage_error (&command_audit, "%s needs a value", argv[i]);
    if (place != NULL) {
      *place = argv[++i];
      if (place == &filter.since || place == &filter.until)
        cut_zone (argv[i]);
    }
    else if (strcmp (argv[i], "--json") == 0)
      filter.as_json = true;
    else if (argv[i][0] == '-')
      return command_usage_error (&command_audit, "unknown option %s",
                                  argv[i]);
    else
      argv[logs++] = argv[i];
  }
  if (logs == 0)
    return command_usage_error (&command_audit, "which log?");
  exit_code = check_filter (&filter);
  for (int i = 0; i < logs && exit_code != EXIT_USAGE; i++) {
    int code = show_log (argv[i], &filter);
    if (code > exit_code || code == EXIT_USAGE)
      exit_code = code;
  }
  return exit_code;
}
