/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what a PostgreSQL server says before it lets us in.
 *
 * The input is u8 methods | what the server says. It is seen in one piece, byte
 * by byte, and in the pieces that the reader asks for: the verdict is the same.
 */

#include <config.h>

#include <string.h>

#include "plugins/postgres/authentication.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  struct authentication whole, bytes, pieces;
  const char *reason = NULL, *reason_bytes = NULL, *reason_pieces = NULL;
  unsigned methods;

  if (length == 0)
    return 0;
  methods = data[0] & AUTHENTICATION_ANY;
  data++;
  length--;
  authentication_begin (&whole, methods);
  authentication_begin (&bytes, methods);
  authentication_begin (&pieces, methods);
  reason = authentication_see (&whole, data, length);
  for (size_t i = 0; i < length && reason_bytes == NULL; i++)
    reason_bytes = authentication_see (&bytes, data + i, 1);
  for (size_t i = 0; i < length && reason_pieces == NULL && !pieces.done;) {
    size_t wanted = authentication_wants (&pieces);

    FUZZ_CHECK (wanted > 0);
    if (wanted > length - i)
      wanted = length - i;
    reason_pieces = authentication_see (&pieces, data + i, wanted);
    i += wanted;
  }
  FUZZ_CHECK (reason == reason_bytes && reason == reason_pieces);
  FUZZ_CHECK (whole.done == bytes.done && whole.done == pieces.done);
  return 0;
}
