/* SPDX-License-Identifier: Apache-2.0 */
/* One value against its option. */

#include <config.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/names.h"
#include "core/base/pem_mark.h"
#include "core/base/text.h"
#include "core/base/values.h"
#include "core/plugin/option_value.h"
#include "core/plugin/options.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* ---- Numbers ----------------------------------------------------------- */

struct unit {
  int64_t factor;
  const char *name;
};

/* Largest first; each is a multiple of those behind it. */
static const struct unit size_units[] = {
  { INT64_C (1) << 40, "TiB" },
  { INT64_C (1) << 30, "GiB" },
  { INT64_C (1) << 20, "MiB" },
  { INT64_C (1) << 10, "KiB" },
  { 1, "" },
};

static const struct unit duration_units[] = {
  { INT64_C (86400000000), "d" },
  { INT64_C (3600000000), "h" },
  { INT64_C (60000000), "min" },
  { 1000000, "s" },
  { 1000, "ms" },
  { 1, "us" },
};

/* As people write it: in the largest unit that leaves no rest. */
static void
append_quantity (struct text *text, int64_t value, const struct unit *units)
{
  while (units->factor > 1 && value % units->factor != 0)
    units++;
  if (value == 0)
    text_char (text, '0');
  else
    text_printf (text, "%" PRId64 "%s", value / units->factor, units->name);
}

void
option_number_append (const struct ezcdc_option *option, int64_t number,
                      struct text *text)
{
  if (option->type == EZCDC_OPTION_SIZE)
    append_quantity (text, number, size_units);
  else if (option->type == EZCDC_OPTION_DURATION)
    append_quantity (text, number, duration_units);
  else
    text_printf (text, "%" PRId64, number);
}

static bool
is_limited (const struct ezcdc_option *option)
{
  return option->minimum != 0 || option->maximum != 0;
}

static int
read_integer (const struct ezcdc_option *option, const char *text,
              int64_t *ret_number, struct error *error)
{
  int64_t minimum = is_limited (option) ? option->minimum : INT64_MIN;
  int64_t maximum = is_limited (option) ? option->maximum : INT64_MAX;

  return value_integer (text, minimum, maximum, ret_number, error);
}

static int
check_limits (const struct ezcdc_option *option, const char *text,
              int64_t value, struct error *error)
{
  CLEANUP_TEXT struct text range = { 0 };

  if (!is_limited (option)
      || (value >= option->minimum && value <= option->maximum))
    return 0;
  option_number_append (option, option->minimum, &range);
  text_append_string (&range, " to ");
  option_number_append (option, option->maximum, &range);
  return error_set (error, EZCDC_E_CONFIG,
                    "%s is out of range, %s are possible", text,
                    text_string (&range));
}

static int
read_size (const struct ezcdc_option *option, const char *text,
           int64_t *ret_number, struct error *error)
{
  int64_t bytes;

  if (value_size (text, &bytes, error) != 0
      || check_limits (option, text, bytes, error) != 0)
    return error->code;
  *ret_number = bytes;
  return 0;
}

static int
read_duration (const struct ezcdc_option *option, const char *text,
               int64_t *ret_number, struct error *error)
{
  int64_t microseconds;

  if (value_duration (text, &microseconds, error) != 0
      || check_limits (option, text, microseconds, error) != 0)
    return error->code;
  *ret_number = microseconds;
  return 0;
}

static int
read_boolean (const char *text, int64_t *ret_number, struct error *error)
{
  bool value;

  if (value_boolean (text, &value, error) != 0)
    return error->code;
  *ret_number = value;
  return 0;
}

/* ---- Choices ----------------------------------------------------------- */

const char *
option_choice (const char *choices, unsigned index, size_t *ret_length)
{
  while (index > 0) {
    choices = strchr (choices, '|');
    if (choices == NULL)
      return NULL;
    choices++;
    index--;
  }
  *ret_length = strcspn (choices, "|");
  return choices;
}

/* The word nearest to text, for the caller to free, or NULL. */
static char *
nearest_choice (const char *choices, const char *text)
{
  const char *best = NULL;
  size_t length;
  char *result = NULL;
  char *words[32] = { NULL };
  unsigned count = 0;

  for (const char *word;
       count < sizeof words / sizeof words[0]
       && (word = option_choice (choices, count, &length)) != NULL;
       count++)
    words[count] = strndup (word, length);
  best = nearest_name (text, (const char *const *) words, count);
  if (best != NULL)
    result = strdup (best);
  for (unsigned i = 0; i < count; i++)
    free (words[i]);
  return result;
}

static int
refuse_choice (const char *choices, const char *text, struct error *error)
{
  CLEANUP_TEXT struct text words = { 0 };
  char *nearest = nearest_choice (choices, text);

  for (const char *at = choices; *at != '\0'; at++) {
    if (*at == '|')
      text_append_string (&words, ", ");
    else
      text_char (&words, *at);
  }
  if (nearest != NULL)
    text_printf (&words, "; did you mean \"%s\"?", nearest);
  free (nearest);
  return error_set (error, EZCDC_E_CONFIG, "\"%s\" is none of %s", text,
                    text_string (&words));
}

static int
read_choice (const struct ezcdc_option *option, const char *text,
             int64_t *ret_number, struct error *error)
{
  const char *word;
  size_t length;

  for (unsigned i = 0;
       (word = option_choice (option->choices, i, &length)) != NULL; i++)
    if (strlen (text) == length && memcmp (word, text, length) == 0) {
      *ret_number = i;
      return 0;
    }
  return refuse_choice (option->choices, text, error);
}

/* ---- Secrets and PEM --------------------------------------------------- */

static bool
is_sealed (const char *text)
{
  return strncmp (text, OPTION_SEALED_PREFIX, strlen (OPTION_SEALED_PREFIX))
         == 0;
}

static int
check_sealed (const char *text, struct error *error)
{
  const char alphabet[] = UPPER LOWER DIGITS "-_";
  const char *body = text + strlen (OPTION_SEALED_PREFIX);

  if (body[0] == '\0' || body[strspn (body, alphabet)] != '\0')
    return error_set (error, EZCDC_E_CONFIG,
                      "the sealed value is damaged: behind ezc1: only A-Z, "
                      "a-z, 0-9, - and _ can stand; seal it again");
  return 0;
}

/* No path, but what stands between the first and the last line of PEM: a
 * whole line of it or more, with letters of each kind, and nothing else. */
static bool
is_pem_inside (const char *text)
{
  const char letters[] = UPPER LOWER DIGITS "+/= \\";

  return strlen (text) >= 64 && text[strspn (text, letters)] == '\0'
         && strpbrk (text, UPPER) != NULL && strpbrk (text, LOWER) != NULL
         && strpbrk (text, DIGITS) != NULL;
}

static int
check_pem (const char *text, struct error *error)
{
  bool begins = strncmp (text, PEM_BEGIN, strlen (PEM_BEGIN)) == 0;

  if (is_sealed (text))
    return check_sealed (text, error);
  if (begins ? strstr (text, "-----END ") == NULL
             : strstr (text, "-----") != NULL || is_pem_inside (text))
    return error_set (error, EZCDC_E_CONFIG,
                      "the PEM text has no %s line; write it on one line with "
                      "\\n for its line breaks, or give a path",
                      begins ? "END" : "BEGIN");
  return 0;
}

char *
option_pem_unfold (const char *text)
{
  struct text unfolded = { 0 };
  bool escaped = strstr (text, "\\n") != NULL;
  bool in_marker = false;

  for (const char *at = text; *at != '\0'; at++) {
    if (strncmp (at, "-----", 5) == 0) {
      in_marker = !in_marker;
      text_append (&unfolded, at, 5);
      at += 4;
    }
    else if (escaped && at[0] == '\\' && at[1] == 'n') {
      text_char (&unfolded, '\n');
      at++;
    }
    else if (!escaped && !in_marker && *at == ' ')
      text_char (&unfolded, '\n');
    else
      text_char (&unfolded, *at);
  }
  text_char (&unfolded, '\n');
  return text_take (&unfolded);
}

/* ---- All types --------------------------------------------------------- */

int
option_value_read (const struct ezcdc_option *option, const char *text,
                   int64_t *ret_number, struct error *error)
{
  int64_t number = 0;
  int result = 0;

  if (text[0] == '\0')
    return error_set (error, EZCDC_E_CONFIG,
                      "has no value; write one, or take the line out");
  if (option->type != EZCDC_OPTION_SECRET && option->type != OPTION_PEM
      && strstr (text, PEM_BEGIN) != NULL)
    return error_set (error, EZCDC_E_CONFIG,
                      "has a PEM text, which only options for certificates "
                      "and keys take");
  switch (option->type) {
  case EZCDC_OPTION_STRING:
    break;
  case EZCDC_OPTION_INTEGER:
    result = read_integer (option, text, &number, error);
    break;
  case EZCDC_OPTION_BOOLEAN:
    result = read_boolean (text, &number, error);
    break;
  case EZCDC_OPTION_SIZE:
    result = read_size (option, text, &number, error);
    break;
  case EZCDC_OPTION_DURATION:
    result = read_duration (option, text, &number, error);
    break;
  case EZCDC_OPTION_CHOICE:
    result = read_choice (option, text, &number, error);
    break;
  case EZCDC_OPTION_SECRET:
    if (!is_sealed (text))
      return error_set (error, EZCDC_E_CONFIG,
                        "is a secret in plain text; a sealed value is "
                        "expected");
    result = check_sealed (text, error);
    break;
  case OPTION_PEM:
    result = check_pem (text, error);
    break;
  default:
    return error_set (error, EZCDC_E_BUG, "has an unknown type");
  }
  if (result == 0)
    *ret_number = number;
  return result;
}
