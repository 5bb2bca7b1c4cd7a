/* SPDX-License-Identifier: Apache-2.0 */
/* What SASL's mechanisms make of a password before they use it. */

#include <config.h>

#include <ezcdc/connector.h>

#include <stdbool.h>
#include <string.h>

#include <stringprep.h>

#include "core/crypto/saslprep.h"

/* The three bytes of U+FDFA become 33. Unicode promises that it stays the
 * worst of them. */
#define GROWTH_MAX 11

static bool
is_ascii (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if ((unsigned char) text[i] > 0x7f)
      return false;
  return true;
}

/* The library works on copies, which it frees: the heap wipes them. */
int
saslprep (const char *password, size_t length, struct secret *pages,
          size_t *ret_length)
{
  *ret_length = 0;
  if (is_ascii (password, length))
    return 0;
  size_t room = GROWTH_MAX * length + 1;
  int code = secret_create (pages, room, NULL);
  if (code != 0)
    return code;
  memcpy (pages->data, password, length);
  int result = stringprep ((char *) pages->data, room, 0, stringprep_saslprep);
  if (result == STRINGPREP_OK)
    *ret_length = strlen ((char *) pages->data);
  return result == STRINGPREP_MALLOC_ERROR ? EZCDC_E_MEMORY : 0;
}
