/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: messages of pgoutput. All that is read out of one must lie in
 * it. */

#include <config.h>

#include <string.h>

#include "plugins/postgres/pgoutput.h"
#include "tests/fuzz/fuzz.h"

static void
check_string (const struct pgoutput_message *message, const char *string)
{
  /* The one constant that stands in for a name. */
  if (strcmp (string, "pg_catalog") != 0)
    FUZZ_CHECK (string + strlen (string) < message->end);
}

static void
check_relation (const struct pgoutput_message *message)
{
  struct pgoutput_column column;
  const char *at = message->body;

  check_string (message, message->schema);
  check_string (message, message->name);
  for (unsigned i = 0; i < message->column_count; i++) {
    if (!pgoutput_column (&at, message->end, &column))
      return;
    check_string (message, column.name);
    FUZZ_CHECK (at <= message->end);
  }
}

/* Reads a tuple with as many values as it says it has. */
static bool
check_tuple (const struct pgoutput_message *message, const char **at)
{
  static struct ezcdc_value values[UINT16_MAX];
  const char *start = *at;

  if (message->end - start < 2)
    return false;
  uint32_t count = (uint32_t) ((uint8_t) start[0] << 8 | (uint8_t) start[1]);
  FUZZ_CHECK (!pgoutput_tuple (at, message->end, count + 1, values));
  FUZZ_CHECK (*at == start);
  if (!pgoutput_tuple (at, message->end, count, values))
    return false;
  FUZZ_CHECK (*at <= message->end);
  for (uint32_t i = 0; i < count; i++)
    if (values[i].state == EZCDC_VALUE)
      FUZZ_CHECK (values[i].data > start
                  && values[i].data + values[i].length <= *at);
    else
      FUZZ_CHECK (values[i].data == NULL && values[i].length == 0);
  return true;
}

static void
check_change (const struct pgoutput_message *message)
{
  const char *at = message->body;

  if (check_tuple (message, &at) && message->old != 0
      && pgoutput_new (&at, message->end))
    check_tuple (message, &at);
}

static void
check_truncate (const struct pgoutput_message *message)
{
  const char *at = message->body;
  uint32_t relation;

  for (uint32_t i = 0; i < message->relation_count; i++)
    FUZZ_CHECK (pgoutput_relation (&at, message->end, &relation));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  const char *start = (const char *) data;
  struct pgoutput_message message;

  if (!pgoutput_parse (start, start + length, &message))
    return 0;
  switch (message.type) {
  case 'R':
    check_relation (&message);
    break;
  case 'I':
  case 'U':
  case 'D':
    check_change (&message);
    break;
  case 'T':
    check_truncate (&message);
    break;
  default:
    break;
  }
  return 0;
}
