/* SPDX-License-Identifier: Apache-2.0 */
/* A net under the use of secrets. */

#include <config.h>

#include <string.h>

#include "core/base/allocations.h"
#include "core/base/log.h"
#include "core/plugin/copies.h"
#include "core/plugin/instance.h"
#include "core/plugin/reveal.h"

#define SHORTEST 4

/* The secret that a function of a connector has on this thread. */
static _Thread_local struct held {
  const char *data; /* NULL: none */
  size_t length;
} held;

/* Calls the function, and wipes what it leaves of the secret on the heap. */
static int
call_and_wipe (const struct reveal *reveal, const char *data, size_t length)
{
  struct allocations *record = allocations_begin ();
  int result = reveal->function (reveal->context, data, length);

  if (!copies_wipe (record, reveal->instance->options, data, length))
    log_message (LEVEL_WARNING,
                 "%s.%s: libraries may have kept copies in memory: not all "
                 "of it could be looked at",
                 reveal->instance->section, reveal->option);
  return result;
}

int
reveal_call (void *context, const char *data, size_t length)
{
  const struct reveal *reveal = context;

  struct held outer = held;

  held = (struct held){ data, length };
  int result = copies_are_certain (reveal->instance->options, data, length)
                 ? call_and_wipe (reveal, data, length)
                 : reveal->function (reveal->context, data, length);
  held = outer;
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
