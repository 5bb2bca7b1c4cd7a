/* SPDX-License-Identifier: Apache-2.0 */
/* A streaming JSON writer. */

#include <config.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/utf8.h"

static void
begin_value (struct json *json)
{
  if (json->needs_comma)
    text_char (json->text, ',');
  json->needs_comma = true;
}

static void
begin_container (struct json *json, char bracket)
{
  begin_value (json);
  text_char (json->text, bracket);
  json->needs_comma = false;
}

static void
end_container (struct json *json, char bracket)
{
  text_char (json->text, bracket);
  json->needs_comma = true;
}

void
json_object_begin (struct json *json)
{
  begin_container (json, '{');
}

void
json_object_end (struct json *json)
{
  end_container (json, '}');
}

void
json_array_begin (struct json *json)
{
  begin_container (json, '[');
}

void
json_array_end (struct json *json)
{
  end_container (json, ']');
}

static void
append_escape (struct text *text, uint32_t character)
{
  switch (character) {
  case '"':
    text_append_string (text, "\\\"");
    break;
  case '\\':
    text_append_string (text, "\\\\");
    break;
  case '\n':
    text_append_string (text, "\\n");
    break;
  case '\r':
    text_append_string (text, "\\r");
    break;
  case '\t':
    text_append_string (text, "\\t");
    break;
  default:
    text_printf (text, "\\u%04x", character);
  }
}

/* The number of bytes from data on that can be copied as they are. */
static size_t
plain_run (const char *data, size_t length)
{
  size_t at = 0;

  while (at < length) {
    unsigned char byte = (unsigned char) data[at];
    size_t size;

    if (byte == '"' || byte == '\\')
      break;
    size = utf8_plain_character (data + at, length - at);
    if (size == 0)
      break;
    at += size;
  }
  return at;
}

static void
append_quoted (struct text *text, const char *data, size_t length)
{
  text_char (text, '"');
  for (size_t at = 0, taken; at < length; at += taken) {
    taken = plain_run (data + at, length - at);
    if (taken > 0) {
      text_append (text, data + at, taken);
      continue;
    }
    /* What is not plain lies in the basic plane: four digits do. */
    taken = utf8_character (data + at, length - at);
    append_escape (text, taken > 0 ? utf8_code_point (data + at, taken)
                                   : UINT32_C (0xfffd));
    if (taken == 0)
      taken = 1;
  }
  text_char (text, '"');
}

void
json_key (struct json *json, const char *name)
{
  begin_value (json);
  append_quoted (json->text, name, strlen (name));
  text_char (json->text, ':');
  json->needs_comma = false;
}

void
json_bytes (struct json *json, const char *data, size_t length)
{
  begin_value (json);
  append_quoted (json->text, data, length);
}

void
json_text (struct json *json, const char *string)
{
  if (string == NULL)
    json_none (json);
  else
    json_bytes (json, string, strlen (string));
}

void
json_int64 (struct json *json, int64_t value)
{
  begin_value (json);
  text_printf (json->text, "%" PRId64, value);
}

void
json_uint64 (struct json *json, uint64_t value)
{
  begin_value (json);
  text_printf (json->text, "%" PRIu64, value);
}

void
json_double (struct json *json, double value)
{
  char number[32];

  if (!isfinite (value)) {
    json_none (json);
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf (number, sizeof number, "%.*g", digits, value);
    if (strtod (number, NULL) == value)
      break;
  }
  json_raw (json, number, strlen (number));
}

void
json_bool (struct json *json, bool value)
{
  const char *word = value ? "true" : "false";

  json_raw (json, word, strlen (word));
}

void
json_none (struct json *json)
{
  json_raw (json, "null", 4);
}

void
json_raw (struct json *json, const char *data, size_t length)
{
  begin_value (json);
  text_append (json->text, data, length);
}

void
json_member_text (struct json *json, const char *name, const char *string)
{
  json_key (json, name);
  json_text (json, string);
}

void
json_member_int64 (struct json *json, const char *name, int64_t value)
{
  json_key (json, name);
  json_int64 (json, value);
}

void
json_member_uint64 (struct json *json, const char *name, uint64_t value)
{
  json_key (json, name);
  json_uint64 (json, value);
}

void
json_member_double (struct json *json, const char *name, double value)
{
  json_key (json, name);
  json_double (json, value);
}

void
json_member_bool (struct json *json, const char *name, bool value)
{
  json_key (json, name);
  json_bool (json, value);
}
