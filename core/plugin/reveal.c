/* SPDX-License-Identifier: Apache-2.0 */
/* A net under the use of secrets. */

#include <config.h>

#include <string.h>

#include "core/plugin/reveal.h"

#define SHORTEST 4

/* The secret that a function of a connector has on this thread. */
static _Thread_local struct {
  const char *data; /* NULL: none */
  size_t length;
} held;

int
reveal_call (void *context, const char *data, size_t length)
{
  const struct reveal *reveal = context;

  held.data = data;
  held.length = length;
  int result = reveal->function (reveal->context, data, length);
  held.data = NULL;
  held.length = 0;
  return result;
}

void
reveal_scrub (char *text)
{
  char *end = text + strlen (text);
  char *found;

  if (held.data == NULL || held.length < SHORTEST)
    return;
  while ((found = memmem (text, (size_t) (end - text), held.data, held.length))
         != NULL) {
    memset (found, '*', held.length);
    text = found + held.length;
  }
}
