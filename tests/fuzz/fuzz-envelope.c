/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: sealed values. Any bytes as a sealed text open only if they are
 * one of those in the corpus; any bytes as a value come back when they are
 * sealed, and do not once a character of the sealed text is another.
 */

#include <config.h>

#include <string.h>

#include "core/base/text.h"
#include "core/crypto/envelope.h"
#include "tests/fuzz/fuzz.h"

#define OWNER "shop/source"
#define OPTION "password"
/* The value in the corpus, sealed under the key 00 01 .. 1f. */
#define KNOWN_VALUE "s3cr3t-P@ss"

static const struct key_ring *
ring (void)
{
  static struct key_ring *ring;
  unsigned char key[KEY_SIZE];

  if (ring != NULL)
    return ring;
  for (size_t i = 0; i < sizeof key; i++)
    key[i] = (unsigned char) i;
  ring = key_ring_new (NULL);
  FUZZ_CHECK (ring != NULL && key_ring_add (ring, key, NULL) == 0);
  return ring;
}

static void
check_text (const char *text)
{
  CLEANUP_OPENED struct opened_value value = { 0 };
  unsigned char id[KEY_ID_SIZE];
  enum envelope_fault named = envelope_key_id (text, id);
  enum envelope_fault fault = envelope_open (ring (), text, OWNER, OPTION,
                                             &value);

  if (fault != ENVELOPE_FINE) {
    FUZZ_CHECK (value.data == NULL && value.length == 0);
    FUZZ_CHECK (envelope_fault_text (fault)[0] != '\0');
    return;
  }
  FUZZ_CHECK (named == ENVELOPE_FINE && envelope_is_sealed (text));
  FUZZ_CHECK (strcmp (value.data, KNOWN_VALUE) == 0);
}

/* The place and the change of the altered character come from the value. */
static void
check_value (const uint8_t *data, size_t length)
{
  static const unsigned char salt[16] = { 1 }, iv[12] = { 2 };
  CLEANUP_TEXT struct text text = { 0 };
  CLEANUP_OPENED struct opened_value value = { 0 };
  CLEANUP_OPENED struct opened_value altered = { 0 };
  int code = envelope_seal_with (ring (), salt, iv, OWNER, OPTION, data,
                                 length, &text, NULL);

  FUZZ_CHECK ((code == 0) == (length <= ENVELOPE_VALUE_MAX));
  if (code != 0)
    return;
  FUZZ_CHECK (envelope_open (ring (), text.data, OWNER, OPTION, &value)
              == ENVELOPE_FINE);
  FUZZ_CHECK (value.length == length
              && memcmp (value.data, data, length) == 0);
  size_t at = length == 0 ? 7 : data[0] * 31u % text.length;
  text.data[at] = text.data[at] == 'A' ? 'B' : 'A';
  FUZZ_CHECK (envelope_open (ring (), text.data, OWNER, OPTION, &altered)
              != ENVELOPE_FINE);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  CLEANUP_TEXT struct text text = { 0 };

  text_append (&text, data, length);
  check_text (text_string (&text));
  check_value (data, length);
  return 0;
}
