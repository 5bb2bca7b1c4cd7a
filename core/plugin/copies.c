/* SPDX-License-Identifier: Apache-2.0 */
/* The copies that libraries make of a secret which they are lent. */

#include <config.h>

#include <string.h>

#include <openssl/evp.h>

#include "core/crypto/secret.h"
#include "core/plugin/copies.h"
#include "core/plugin/options.h"

#define SHORTEST 8
/* Long enough to be no word, of whatever it consists. */
#define LONG 20

/* What is looked for. In base64 three bytes are four characters; where the
 * secret begins inside of three bytes, up to two of it are left out, and so are
 * they at its end. */
struct copies {
  const char *secret;
  size_t length;
  struct {
    const char *text; /* in pages for secrets */
    size_t length;
  } encoded[3];
};

/* ---- What is certain --------------------------------------------------- */

static bool
is_letter (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
         || c == '-' || c == '.';
}

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

bool
copies_are_certain (const struct option_set *options, const char *secret,
                    size_t length)
{
  size_t letters = 0, digits = 0;

  for (size_t i = 0; i < length; i++) {
    letters += is_letter (secret[i]);
    digits += is_digit (secret[i]);
  }
  bool of_one_kind = letters == length || digits == length;
  return length >= (of_one_kind ? LONG : SHORTEST)
         && !option_set_contains (options, secret, length);
}

/* ---- Looking ----------------------------------------------------------- */

static void
wipe_secret (const struct copies *copies, char *block, size_t size)
{
  char *end = block + size;
  char *found;

  while ((found = memmem (block, (size_t) (end - block), copies->secret,
                          copies->length))
         != NULL) {
    explicit_bzero (found, copies->length);
    block = found + copies->length;
  }
}

static bool
is_base64 (char c)
{
  return is_digit (c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || c == '+' || c == '/' || c == '=';
}

/* All of the text, with what is before and behind the secret. */
static void
wipe_encoded (const char *text, size_t length, char *block, size_t size)
{
  char *end = block + size;
  char *found;

  while ((found = memmem (block, (size_t) (end - block), text, length))
         != NULL) {
    char *behind = found + length;

    while (found > block && is_base64 (found[-1]))
      found--;
    while (behind < end && is_base64 (*behind))
      behind++;
    explicit_bzero (found, (size_t) (behind - found));
    block = behind;
  }
}

static void
look_at_block (void *context, char *block, size_t size)
{
  const struct copies *copies = context;

  wipe_secret (copies, block, size);
  for (size_t i = 0; i < 3; i++)
    if (copies->encoded[i].length > 0)
      wipe_encoded (copies->encoded[i].text, copies->encoded[i].length, block,
                    size);
}

/* ---- All of it --------------------------------------------------------- */

/* The secret in base64, beginning at each of its first three bytes; each text
 * has a NUL behind it. */
static bool
encode (struct copies *copies, struct secret *pages)
{
  size_t room = (copies->length + 2) / 3 * 4 + 1;

  if (secret_create (pages, 3 * room, NULL) != 0)
    return false;
  for (size_t skipped = 0; skipped < 3; skipped++) {
    unsigned char *text = pages->data + skipped * room;
    size_t whole = (copies->length - skipped) / 3 * 3;

    copies->encoded[skipped].text = (const char *) text;
    copies->encoded[skipped].length = (size_t) EVP_EncodeBlock (
      text, (const unsigned char *) copies->secret + skipped, (int) whole);
  }
  return true;
}

bool
copies_wipe (struct allocations *record, const char *secret, size_t length)
{
  struct copies copies = { .secret = secret, .length = length };
  CLEANUP_SECRET struct secret pages = { 0 };
  bool encoded = encode (&copies, &pages);

  return allocations_end (record, look_at_block, &copies) && encoded;
}
