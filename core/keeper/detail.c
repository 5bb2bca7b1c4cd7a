/* SPDX-License-Identifier: Apache-2.0 */
/* The detail of an audit record that a runner has asked for. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/keeper/detail.h"

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

bool
detail_rewrite (const char *json, struct text *text)
{
  json_t *value = json_loadb (json, strlen (json), JSON_REJECT_DUPLICATES,
                              NULL);
  char *dumped = NULL;

  if (json_is_object (value))
    dumped = json_dumps (value, JSON_COMPACT | JSON_ENSURE_ASCII);
  json_decref (value);
  if (dumped == NULL)
    return false;
  append_printable (dumped, text);
  free (dumped);
  return !text->failed;
}
