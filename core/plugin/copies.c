/* SPDX-License-Identifier: Apache-2.0 */
/* The copies that libraries make of a secret which they are lent. */

#include <config.h>

#include <string.h>

#include <openssl/evp.h>

#include "core/crypto/saslprep.h"
#include "core/crypto/secret.h"
#include "core/plugin/copies.h"
#include "core/plugin/options.h"

#define SHORTEST 8
/* Long enough to be no word, of whatever it consists. */
#define LONG 20

/* One way to write the secret, and what is looked for. In base64 three bytes
 * are four characters; where the secret begins inside of three bytes, up to two
 * of it are left out, and so are they at its end. All texts are the caller's
 * or in pages for secrets. */
struct spelling {
  const char *text;
  size_t length;
  struct {
    const char *text;
    size_t length;
  } encoded[3];
};

/* As it was given and as it was prepared; a length of 0: not looked for. */
struct copies {
  struct spelling given;
  struct spelling prepared;
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
wipe_plain (const struct spelling *spelling, char *block, size_t size)
{
  char *end = block + size;
  char *found;

  while ((found = memmem (block, (size_t) (end - block), spelling->text,
                          spelling->length))
         != NULL) {
    explicit_bzero (found, spelling->length);
    block = found + spelling->length;
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
wipe_spelling (const struct spelling *spelling, char *block, size_t size)
{
  if (spelling->length == 0)
    return;
  wipe_plain (spelling, block, size);
  for (size_t i = 0; i < 3; i++)
    if (spelling->encoded[i].length > 0)
      wipe_encoded (spelling->encoded[i].text, spelling->encoded[i].length,
                    block, size);
}

static void
look_at_block (void *context, char *block, size_t size)
{
  const struct copies *copies = context;

  wipe_spelling (&copies->given, block, size);
  wipe_spelling (&copies->prepared, block, size);
}

/* ---- All of it --------------------------------------------------------- */

/* The secret in base64, beginning at each of its first three bytes; each text
 * has a NUL behind it. */
static bool
encode (struct spelling *spelling, struct secret *pages)
{
  size_t room = (spelling->length + 2) / 3 * 4 + 1;

  if (secret_create (pages, 3 * room, NULL) != 0)
    return false;
  for (size_t skipped = 0; skipped < 3; skipped++) {
    unsigned char *text = pages->data + skipped * room;
    size_t whole = (spelling->length - skipped) / 3 * 3;

    spelling->encoded[skipped].text = (const char *) text;
    spelling->encoded[skipped].length = (size_t) EVP_EncodeBlock (
      text, (const unsigned char *) spelling->text + skipped, (int) whole);
  }
  return true;
}

/* What mechanisms like SCRAM use, and keep, instead of the password. */
static bool
prepare (const struct option_set *options, const char *secret, size_t length,
         struct spelling *prepared, struct secret *pages)
{
  size_t prepared_length;
  int code = saslprep (secret, length, pages, &prepared_length);
  const char *text = (const char *) pages->data;

  if (code == 0 && prepared_length > 0
      && copies_are_certain (options, text, prepared_length))
    *prepared = (struct spelling){ .text = text, .length = prepared_length };
  return code == 0;
}

bool
copies_wipe (struct allocations *record, const struct option_set *options,
             const char *secret, size_t length)
{
  struct copies copies = { .given = { .text = secret, .length = length } };
  CLEANUP_SECRET struct secret given_encoded = { 0 };
  CLEANUP_SECRET struct secret prepared = { 0 };
  CLEANUP_SECRET struct secret prepared_encoded = { 0 };
  bool all = encode (&copies.given, &given_encoded);

  if (!prepare (options, secret, length, &copies.prepared, &prepared))
    all = false;
  if (copies.prepared.length > 0
      && !encode (&copies.prepared, &prepared_encoded))
    all = false;
  return allocations_end (record, look_at_block, &copies) && all;
}
