/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk of a snapshot: blocks of one table that has rows of its own. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "chunk.h"

void
chunk_text (const struct chunk *chunk, char ret_text[CHUNK_TEXT_SIZE])
{
  snprintf (ret_text, CHUNK_TEXT_SIZE,
            "%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32, chunk->table,
            chunk->file, chunk->first, chunk->end);
}

bool
chunk_parse (const char *text, struct chunk *ret_chunk)
{
  uint32_t numbers[4];
  unsigned long long number;
  char *end;
  int i;

  for (i = 0; i < 4; i++) {
    if (*text < '0' || *text > '9')
      return false;
    number = strtoull (text, &end, 10);
    if (number > UINT32_MAX || *end != (i < 3 ? ' ' : '\0'))
      return false;
    numbers[i] = (uint32_t) number;
    text = end + 1;
  }
  ret_chunk->table = numbers[0];
  ret_chunk->file = numbers[1];
  ret_chunk->first = numbers[2];
  ret_chunk->end = numbers[3];
  return true;
}
