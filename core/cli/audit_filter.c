/* SPDX-License-Identifier: Apache-2.0 */
/* Which records "ezcdc audit show" is asked for. */

#include <config.h>

#include <fnmatch.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/audit/actions.h"
#include "core/cli/audit_filter.h"

/* ---- Times ------------------------------------------------------------- */

/* Times have one form, so that they compare as texts. */
static const char form[] = "0000-00-00T00:00:00.000000";

/* The number that count digits make. */
static int
number_at (const char *digits, int count)
{
  int number = 0;

  for (int i = 0; i < count; i++)
    number = 10 * number + digits[i] - '0';
  return number;
}

static int
days_of_month (int year, int month)
{
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

  return month == 2 && leap ? 29 : days[month - 1];
}

/* A whole time of the form: is there such a day and such a time of day? The
 * clock knows no leap second. */
static bool
exists (const char *time)
{
  int month = number_at (time + 5, 2);
  int day = number_at (time + 8, 2);

  return month >= 1 && month <= 12 && day >= 1
         && day <= days_of_month (number_at (time, 4), month)
         && number_at (time + 11, 2) < 24 && number_at (time + 14, 2) < 60
         && number_at (time + 17, 2) < 60;
}

/* Where the form may be cut: behind the day, the hour, the minute, the second,
 * and each digit of its fraction. */
static bool
may_end_at (size_t length)
{
  return length == 10 || length == 13 || length == 16 || length == 19
         || (length > 20 && length < sizeof form);
}

/* What a time leaves out is 0. */
static bool
read_time (const char *text, char ret_time[AUDIT_TIME_SIZE])
{
  char time[] = "0000-00-00T00:00:00.000000";
  size_t length = strlen (text);

  /* In UTC it is in any case. */
  if (length > 0 && text[length - 1] == 'Z')
    length--;
  if (!may_end_at (length))
    return false;
  for (size_t i = 0; i < length; i++)
    if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
      return false;
  memcpy (time, text, length);
  if (!exists (time))
    return false;
  memcpy (ret_time, time, sizeof time);
  return true;
}

static int
check_time (const char *option, const char *text,
            char ret_time[AUDIT_TIME_SIZE], struct error *error)
{
  if (text == NULL || read_time (text, ret_time))
    return 0;
  return error_set (error, EZCDC_E_CONFIG,
                    "%s: \"%s\" is no time; one is 2026-01-31, "
                    "2026-01-31T23:59 or longer, in UTC",
                    option, text);
}

static int
check_times (struct audit_filter *filter, struct error *error)
{
  int code = check_time ("--since", filter->since, filter->first, error);

  if (code == 0)
    code = check_time ("--until", filter->until, filter->end, error);
  if (code == 0 && filter->since != NULL && filter->until != NULL
      && strcmp (filter->first, filter->end) >= 0)
    code = error_set (error, EZCDC_E_CONFIG,
                      "--until %s, which itself is not meant, is not after "
                      "--since %s",
                      filter->until, filter->since);
  return code;
}

/* ---- Words and patterns ------------------------------------------------ */

static int
check_outcome (const char *outcome, struct error *error)
{
  if (outcome == NULL || strcmp (outcome, "success") == 0
      || strcmp (outcome, "failure") == 0 || strcmp (outcome, "denied") == 0)
    return 0;
  return error_set (error, EZCDC_E_CONFIG,
                    "\"%s\" is no outcome; one is success, failure or denied",
                    outcome);
}

static int
check_action (const char *pattern, struct error *error)
{
  if (pattern == NULL)
    return 0;
  for (const struct audit_action *action = audit_actions; action->name != NULL;
       action++)
    if (fnmatch (pattern, action->name, 0) == 0)
      return 0;
  const char *nearest = audit_action_nearest (pattern);
  return error_set (error, EZCDC_E_CONFIG,
                    "no action fits \"%s\"%s%s%s; ezcdc-audit(7) lists them",
                    pattern, nearest != NULL ? ", did you mean " : "",
                    nearest != NULL ? nearest : "",
                    nearest != NULL ? "?" : "");
}

/* The end of the set that begins at "[", NULL if it has none. A "]" at its
 * start is a member, and so is that of a class: [[:digit:]]. */
static const char *
end_of_set (const char *at)
{
  at++;
  if (*at == '!' || *at == '^')
    at++;
  if (*at == ']')
    at++;
  for (; *at != '\0' && *at != ']'; at++) {
    const char *class_end = strncmp (at, "[:", 2) == 0 ? strstr (at, ":]")
                                                       : NULL;
    if (class_end != NULL)
      at = class_end + 1;
  }
  return *at == ']' ? at + 1 : NULL;
}

/* Behind the character, escaped character or set that begins a pattern; NULL
 * if that is not whole. */
static const char *
next_of_pattern (const char *at)
{
  if (*at == '[')
    return end_of_set (at);
  if (*at == '\\')
    at++;
  return *at != '\0' ? at + 1 : NULL;
}

/* Resources are named by configurations, so there is no list of them; but a
 * pattern that is cut was not meant so. */
static int
check_resource (const char *pattern, struct error *error)
{
  const char *at = pattern != NULL ? pattern : "";

  while (at != NULL && *at != '\0')
    at = next_of_pattern (at);
  if (at != NULL)
    return 0;
  return error_set (error, EZCDC_E_CONFIG,
                    "the pattern \"%s\" is not whole: a [ needs a ], and a "
                    "\\ the character that it escapes",
                    pattern);
}

/* ---- The filter -------------------------------------------------------- */

const char **
audit_filter_place (struct audit_filter *filter, const char *option)
{
  if (strcmp (option, "--since") == 0)
    return &filter->since;
  if (strcmp (option, "--until") == 0)
    return &filter->until;
  if (strcmp (option, "--action") == 0)
    return &filter->action;
  if (strcmp (option, "--outcome") == 0)
    return &filter->outcome;
  if (strcmp (option, "--resource") == 0)
    return &filter->resource;
  return NULL;
}

int
audit_filter_check (struct audit_filter *filter, struct error *error)
{
  int code = check_times (filter, error);

  if (code == 0)
    code = check_action (filter->action, error);
  if (code == 0)
    code = check_outcome (filter->outcome, error);
  return code == 0 ? check_resource (filter->resource, error) : code;
}

const char *
audit_record_word (const json_t *record, const char *name)
{
  const char *value = json_string_value (json_object_get (record, name));

  return value != NULL ? value : "";
}

static bool
fits (const json_t *record, const char *name, const char *pattern)
{
  return pattern == NULL
         || fnmatch (pattern, audit_record_word (record, name), 0) == 0;
}

bool
audit_filter_fits (const struct audit_filter *filter, const json_t *record)
{
  const char *timestamp = audit_record_word (record, "timestamp");

  /* A timestamp has a Z behind what is compared. */
  return (filter->since == NULL || strcmp (timestamp, filter->first) >= 0)
         && (filter->until == NULL || strcmp (timestamp, filter->end) < 0)
         && fits (record, "action", filter->action)
         && fits (record, "outcome", filter->outcome)
         && fits (record, "resource_id", filter->resource);
}
