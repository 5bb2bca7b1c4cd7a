/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as a JSON string, as a value of an option, as a
 * misspelt name. */

#include <config.h>

#include <jansson.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/names.h"
#include "core/base/utf8.h"
#include "core/base/values.h"
#include "tests/fuzz/fuzz.h"

/* What is written reads back: as the same, if it was valid. */
static void
check_json (const char *data, size_t length)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };
  const json_t *string;
  json_t *tree;

  json_array_begin (&json);
  json_bytes (&json, data, length);
  json_array_end (&json);
  tree = json_loadb (text.data, text.length,
                     JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
  FUZZ_CHECK (tree != NULL);
  string = json_array_get (tree, 0);
  if (utf8_valid (data, length)) {
    FUZZ_CHECK (json_string_length (string) == length);
    FUZZ_CHECK (memcmp (json_string_value (string), data, length) == 0);
  }
  json_decref (tree);
}

static void
check_values (const char *text)
{
  int64_t number;
  bool truth;

  value_integer (text, INT64_MIN, INT64_MAX, &number, NULL);
  value_boolean (text, &truth, NULL);
  if (value_size (text, &number, NULL) == 0)
    FUZZ_CHECK (number >= 0);
  if (value_duration (text, &number, NULL) == 0)
    FUZZ_CHECK (number >= 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  static const char *const names[] = { "password", "port", "ssl_mode" };
  CLEANUP_TEXT struct text string = { 0 };

  check_json ((const char *) data, length);
  text_append (&string, data, length);
  check_values (text_string (&string));
  nearest_name (text_string (&string), names, 3);
  return 0;
}
