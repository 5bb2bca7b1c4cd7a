/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of somebody else's, written anew. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/json_rewrite.h"

/* jansson leaves DEL as it is. */
static void
append_printable (const char *dumped, struct text *text)
{
  for (const char *at = dumped; *at != '\0';) {
    size_t run = strcspn (at, "\177");
    text_append (text, at, run);
    at += run;
    if (*at != '\0') {
      text_append_string (text, "\\u007f");
      at++;
    }
  }
}

static bool
rewrite (const char *json, json_type type, struct text *text)
{
  json_t *value = json_loadb (json, strlen (json), JSON_REJECT_DUPLICATES,
                              NULL);
  char *dumped = NULL;

  if (value != NULL && json_typeof (value) == type)
    dumped = json_dumps (value, JSON_COMPACT | JSON_ENSURE_ASCII);
  json_decref (value);
  if (dumped == NULL)
    return false;
  append_printable (dumped, text);
  free (dumped);
  return !text->failed;
}

bool
json_rewrite_object (const char *json, struct text *text)
{
  return rewrite (json, JSON_OBJECT, text);
}

bool
json_rewrite_array (const char *json, struct text *text)
{
  return rewrite (json, JSON_ARRAY, text);
}
