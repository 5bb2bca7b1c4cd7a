/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed values: known answers, and everything that must not open. */

#include <config.h>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "core/base/text.h"
#include "core/crypto/base64url.h"
#include "core/crypto/digest.h"
#include "core/crypto/envelope.h"
#include "core/crypto/key_ring.h"
#include "tests/unit/unit.h"

#define OVERHEAD 57

static const char kat1[] =
  "ezc1:RVpDMQEPyEaktLSis6ChoqOkpaanqKmqq6ytrq-wsbKztLW2t7i5urue4TvQm63t"
  "g_mZtyhaJ7XY3BGuAtPDaRCbXdtJ86VFyQwpPrfb6QmP00u1pIr4QfDdF-ePEX-jwM6aS1"
  "IJpesav_vQjty611ONqN8KwR_wFw";
static const char kat2[] =
  "ezc1:RVpDMQEPyEaktLSis6ChoqOkpaanqKmqq6ytrq-wsbKztLW2t7i5urue4Tvb6J6O"
  "8crtmngaVMbY3BGuAtPDaRCbXdtJ86VFyQwpPrfb6QmP00u1pIr4QfDdF-ePEX-jwM6aS1"
  "IJpesakBpcQwjHsaeDkO4ctkocyQ";
static const char kat3[] =
  "ezc1:RVpDMQEPyEaktLSis6ChoqOkpaanqKmqq6ytrq-wsbKztLW2t7i5urue4TvQm63t"
  "g_mZtyhaJ7XY3BGuAtPDaRCbXdtJ86VFyQwpPrfb6QmP00u1pIr4QfDdF-ePEX-jwM6aS1"
  "IJpesatbiCduAXUzqvEfBT_I64gg";

/* A ring with the key of the known answers, which is too weak for the front
 * door. */
static struct key_ring *
known_ring (void)
{
  unsigned char key[KEY_SIZE];
  struct key_ring *ring = key_ring_new (NULL);

  assert_non_null (ring);
  for (size_t i = 0; i < sizeof key; i++)
    key[i] = (unsigned char) i;
  assert_int_equal (key_ring_add (ring, key, NULL), 0);
  return ring;
}

static int
set_up (void **state)
{
  *state = known_ring ();
  return 0;
}

static int
tear_down (void **state)
{
  key_ring_free (*state);
  return 0;
}

static enum envelope_fault
fault_of (const struct key_ring *ring, const char *text)
{
  struct opened_value value = { 0 };
  enum envelope_fault fault = envelope_open (ring, text, "ds_abc", "password",
                                             &value);

  if (fault != ENVELOPE_FINE) {
    assert_null (value.data);
    assert_null (value.pages.region);
  }
  envelope_close (&value);
  return fault;
}

static void
assert_opens (const struct key_ring *ring, const char *text, const char *owner,
              const char *option, const void *expected, size_t length)
{
  struct opened_value value = { 0 };

  assert_int_equal (envelope_open (ring, text, owner, option, &value),
                    ENVELOPE_FINE);
  assert_int_equal (value.length, length);
  assert_memory_equal (value.data, expected, length);
  assert_int_equal (value.data[length], 0);
  envelope_close (&value);
}

static void
known_key_id (void **state)
{
  char id[KEY_ID_TEXT_SIZE];

  key_id_text (key_ring_id (*state, 0), id);
  assert_string_equal (id, "0fc846a4b4b4a2b3");
}

static void
known_record_key (void **state)
{
  unsigned char salt[16];
  unsigned char key[DIGEST_SIZE];
  char text[2 * DIGEST_SIZE + 1];

  for (size_t i = 0; i < sizeof salt; i++)
    salt[i] = (unsigned char) (0xa0 + i);
  assert_true (digest_hkdf (key_ring_key (*state, 0), KEY_SIZE, salt,
                            sizeof salt, "ezcdc/v1/cred", key));
  digest_hex (key, sizeof key, text);
  assert_string_equal (
    text, "899ff242d2060ede09bf07159fb3d308075d2ed374ef76ee7a120e6879b4f02e");
}

static void
known_answers_open (void **state)
{
  assert_opens (*state, kat1, "ds_abc", "password", "s3cr3t-P@ss", 11);
  assert_opens (*state, kat2, "ds_abc", "password", "", 0);
  assert_opens (*state, kat3, "shop/source", "password", "s3cr3t-P@ss", 11);
}

static void
assert_seals_as (const struct key_ring *ring, const char *owner,
                 const char *value, const char *expected)
{
  struct text text = { 0 };
  unsigned char salt[16];
  unsigned char iv[12];

  for (size_t i = 0; i < sizeof salt; i++)
    salt[i] = (unsigned char) (0xa0 + i);
  for (size_t i = 0; i < sizeof iv; i++)
    iv[i] = (unsigned char) (0xb0 + i);
  assert_int_equal (envelope_seal_with (ring, salt, iv, owner, "password",
                                        value, strlen (value), &text, NULL),
                    0);
  assert_string_equal (text.data, expected);
  text_free (&text);
}

static void
known_answers_are_sealed (void **state)
{
  assert_seals_as (*state, "ds_abc", "s3cr3t-P@ss", kat1);
  assert_seals_as (*state, "ds_abc", "", kat2);
  assert_seals_as (*state, "shop/source", "s3cr3t-P@ss", kat3);
}

/* Every bit of every character of the text. */
static void
flipped_bits_are_refused (void **state)
{
  char text[sizeof kat1];

  for (size_t i = 0; i < strlen (kat1); i++)
    for (unsigned bit = 0; bit < 8; bit++) {
      memcpy (text, kat1, sizeof text);
      text[i] = (char) (text[i] ^ 1 << bit);
      assert_int_not_equal (fault_of (*state, text), ENVELOPE_FINE);
    }
}

/* Every bit of the binary: GCM's own work, behind a valid encoding. */
static void
flipped_binary_bits_are_refused (void **state)
{
  unsigned char binary[256];
  size_t length;
  struct text text = { 0 };

  assert_true (
    base64url_decode (kat1 + 5, strlen (kat1) - 5, binary, &length));
  for (size_t i = 0; i < length; i++)
    for (unsigned bit = 0; bit < 8; bit++) {
      binary[i] ^= (unsigned char) (1u << bit);
      text_clear (&text);
      text_append_string (&text, "ezc1:");
      base64url_encode (&text, binary, length);
      assert_int_not_equal (fault_of (*state, text.data), ENVELOPE_FINE);
      binary[i] ^= (unsigned char) (1u << bit);
    }
  text_free (&text);
}

static void
truncations_are_refused (void **state)
{
  char text[sizeof kat1];

  memcpy (text, kat1, sizeof text);
  for (size_t length = strlen (kat1); length-- > 0;) {
    text[length] = '\0';
    assert_int_not_equal (fault_of (*state, text), ENVELOPE_FINE);
  }
}

static void
extensions_are_refused (void **state)
{
  static const char *const tails[] = { "A",    "=", "==", "AA", "AAA",
                                       "AAAA", " ", "\n", "\t", "." };

  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    struct text text = { 0 };
    text_printf (&text, "%s%s", kat1, tails[i]);
    assert_int_not_equal (fault_of (*state, text.data), ENVELOPE_FINE);
    text_free (&text);
  }
  /* 64 bytes more are whole blocks again, and only GCM can tell. */
  unsigned char binary[256] = { 0 };
  size_t length;
  struct text text = { 0 };
  assert_true (
    base64url_decode (kat1 + 5, strlen (kat1) - 5, binary, &length));
  text_append_string (&text, "ezc1:");
  base64url_encode (&text, binary, length + 64);
  assert_int_equal (fault_of (*state, text.data), ENVELOPE_AUTHENTICATION);
  text_free (&text);
}

/* Every place with every other character, more of one, and one less. */
static void
other_characters_are_refused (void **state)
{
  char text[sizeof kat1 + 1];
  size_t length = strlen (kat1);

  for (size_t at = 0; at <= length; at++)
    for (int c = 1; c < 256; c++) {
      memcpy (text, kat1, at);
      text[at] = (char) c;
      memcpy (text + at + 1, kat1 + at, length - at + 1);
      assert_int_not_equal (fault_of (*state, text), ENVELOPE_FINE);
      if (at == length || text[at] == kat1[at])
        continue;
      memcpy (text + at + 1, kat1 + at + 1, length - at);
      assert_int_not_equal (fault_of (*state, text), ENVELOPE_FINE);
    }
  for (size_t at = 0; at < length; at++) {
    memcpy (text, kat1, at);
    memcpy (text + at, kat1 + at + 1, length - at);
    assert_int_not_equal (fault_of (*state, text), ENVELOPE_FINE);
  }
}

/* The same bytes spelled otherwise: the ordinary alphabet, padding, and the
 * bits of the last character that belong to no byte. */
static void
other_spellings_are_refused (void **state)
{
  char text[sizeof kat1 + 4];

  memcpy (text, kat1, sizeof kat1);
  for (char *c = text + 5; *c != '\0'; c++)
    *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
  assert_int_equal (fault_of (*state, text), ENVELOPE_ENCODING);
  for (char last = 'x'; last <= 'z'; last++) {
    memcpy (text, kat1, sizeof kat1);
    text[strlen (text) - 1] = last;
    assert_int_equal (fault_of (*state, text), ENVELOPE_ENCODING);
  }
  memcpy (text, kat1, sizeof kat1);
  text[0] = 'E';
  assert_int_equal (fault_of (*state, text), ENVELOPE_PREFIX);
  assert_int_equal (fault_of (*state, ""), ENVELOPE_PREFIX);
  assert_int_equal (fault_of (*state, "s3cr3t-P@ss"), ENVELOPE_PREFIX);
}

static void
moved_values_are_refused (void **state)
{
  struct opened_value value = { 0 };
  struct text text = { 0 };

  assert_int_equal (
    envelope_open (*state, kat3, "shop/sink", "password", &value),
    ENVELOPE_AUTHENTICATION);
  assert_int_equal (
    envelope_open (*state, kat3, "blog/source", "password", &value),
    ENVELOPE_AUTHENTICATION);
  assert_int_equal (
    envelope_open (*state, kat3, "shop/source", "ssl_client_key", &value),
    ENVELOPE_AUTHENTICATION);
  /* A moved boundary between owner and option. */
  assert_int_equal (envelope_open (*state, kat1, "ds_abcpass", "word", &value),
                    ENVELOPE_AUTHENTICATION);
  /* Names beyond every limit. */
  for (int i = 0; i < 100000; i++)
    text_char (&text, 'a');
  assert_int_equal (
    envelope_open (*state, kat1, text.data, "password", &value),
    ENVELOPE_AUTHENTICATION);
  assert_int_not_equal (
    envelope_seal (*state, text.data, "password", "x", 1, &text, NULL), 0);
  assert_null (value.data);
  text_free (&text);
}

static void
other_keys_are_refused (void **state)
{
  unsigned char key[KEY_SIZE] = { 1, 2, 3 };
  struct key_ring *ring = key_ring_new (NULL);
  struct opened_value value = { 0 };

  (void) state;
  assert_non_null (ring);
  assert_int_equal (key_ring_add (ring, key, NULL), 0);
  assert_int_equal (envelope_open (ring, kat1, "ds_abc", "password", &value),
                    ENVELOPE_KEY);
  key_ring_free (ring);
}

/* Puts one byte of the header to another value. */
static enum envelope_fault
fault_with_byte (const struct key_ring *ring, size_t at, unsigned char byte)
{
  unsigned char binary[256];
  size_t length;
  struct text text = { 0 };

  assert_true (
    base64url_decode (kat1 + 5, strlen (kat1) - 5, binary, &length));
  binary[at] = byte;
  text_append_string (&text, "ezc1:");
  base64url_encode (&text, binary, length);
  enum envelope_fault fault = fault_of (ring, text.data);
  text_free (&text);
  return fault;
}

static void
faults_are_told_apart (void **state)
{
  struct text text = { 0 };
  unsigned char zeros[OVERHEAD + 64] = { 0 };

  assert_int_equal (fault_with_byte (*state, 0, 'F'), ENVELOPE_MAGIC);
  assert_int_equal (fault_with_byte (*state, 4, 0xff), ENVELOPE_ALGORITHM);
  assert_int_equal (fault_with_byte (*state, 4, 0), ENVELOPE_ALGORITHM);
  assert_int_equal (fault_with_byte (*state, 5, 0), ENVELOPE_KEY);
  assert_int_equal (fault_with_byte (*state, 13, 0),
                    ENVELOPE_AUTHENTICATION); /* salt */
  assert_int_equal (fault_with_byte (*state, 29, 0),
                    ENVELOPE_AUTHENTICATION); /* iv */
  assert_int_equal (fault_of (*state, "ezc9:AAAA"), ENVELOPE_PREFIX);
  assert_true (envelope_is_sealed ("ezc9:AAAA"));
  assert_false (envelope_is_sealed ("ezc:AAAA"));
  assert_false (envelope_is_sealed ("hunter2"));

  text_append_string (&text, "ezc1:");
  base64url_encode (&text, zeros, OVERHEAD + 63);
  assert_int_equal (fault_of (*state, text.data), ENVELOPE_TOO_SHORT);
  text_clear (&text);
  text_append_string (&text, "ezc1:");
  base64url_encode (&text, zeros, OVERHEAD + 64);
  assert_int_equal (fault_of (*state, text.data), ENVELOPE_MAGIC);
  text_clear (&text);
  text_append_string (&text, "ezc1:");
  while (text.length <= ENVELOPE_TEXT_MAX)
    text_char (&text, 'A');
  assert_int_equal (fault_of (*state, text.data), ENVELOPE_TOO_LONG);
  text_free (&text);
}

/* A key id of zeros is an id like any other: never "plaintext". */
static void
an_empty_key_id_is_no_plaintext (void **state)
{
  unsigned char binary[256];
  size_t length;
  struct text text = { 0 };

  assert_true (
    base64url_decode (kat1 + 5, strlen (kat1) - 5, binary, &length));
  memset (binary + 5, 0, KEY_ID_SIZE);
  text_append_string (&text, "ezc1:");
  base64url_encode (&text, binary, length);
  assert_int_equal (fault_of (*state, text.data), ENVELOPE_KEY);
  text_free (&text);
}

/* Seals a plaintext block that envelope_seal would never make: an authentic
 * value with a lie inside. */
static enum envelope_fault
fault_of_plaintext (const struct key_ring *ring, const unsigned char *plain,
                    size_t length)
{
  static const unsigned char names[] =
    "\0\006ds_abc\0\010password"; /* with the lengths in front */
  unsigned char binary[OVERHEAD + 128];
  unsigned char key[DIGEST_SIZE];
  struct text text = { 0 };
  int written;

  memcpy (binary, "EZC1\001", 5);
  memcpy (binary + 5, key_ring_id (ring, 0), KEY_ID_SIZE);
  memset (binary + 13, 7, 28); /* salt and iv */
  assert_true (digest_hkdf (key_ring_key (ring, 0), KEY_SIZE, binary + 13, 16,
                            "ezcdc/v1/cred", key));
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new ();
  assert_non_null (cipher);
  EVP_EncryptInit_ex (cipher, EVP_aes_256_gcm (), NULL, key, binary + 29);
  EVP_EncryptUpdate (cipher, NULL, &written, binary, 29);
  EVP_EncryptUpdate (cipher, NULL, &written, names, sizeof names - 1);
  EVP_EncryptUpdate (cipher, binary + 41, &written, plain, (int) length);
  EVP_EncryptFinal_ex (cipher, binary + 41 + length, &written);
  EVP_CIPHER_CTX_ctrl (cipher, EVP_CTRL_GCM_GET_TAG, 16, binary + 41 + length);
  EVP_CIPHER_CTX_free (cipher);
  text_append_string (&text, "ezc1:");
  base64url_encode (&text, binary, OVERHEAD + length);
  enum envelope_fault fault = fault_of (ring, text.data);
  text_free (&text);
  return fault;
}

static void
authentic_but_malformed_is_refused (void **state)
{
  unsigned char plain[128] = { 0 };

  plain[3] = 60;
  assert_int_equal (fault_of_plaintext (*state, plain, 64), ENVELOPE_FINE);
  plain[3] = 61; /* one byte more than there is */
  assert_int_equal (fault_of_plaintext (*state, plain, 64), ENVELOPE_CONTENT);
  memset (plain, 0xff, 4);
  assert_int_equal (fault_of_plaintext (*state, plain, 64), ENVELOPE_CONTENT);
  memset (plain, 0, 4);
  plain[63] = 1; /* padding that is not zero */
  assert_int_equal (fault_of_plaintext (*state, plain, 64), ENVELOPE_CONTENT);
  plain[63] = 0; /* a whole block of padding too many */
  assert_int_equal (fault_of_plaintext (*state, plain, 128), ENVELOPE_CONTENT);
}

static void
assert_round_trip (const struct key_ring *ring, const void *value,
                   size_t length)
{
  struct text text = { 0 };

  assert_int_equal (
    envelope_seal (ring, "shop/sink", "password", value, length, &text, NULL),
    0);
  assert_int_equal (
    (base64url_decoded_length (text.length - 5) - OVERHEAD) % 64, 0);
  assert_opens (ring, text.data, "shop/sink", "password", value, length);
  text_free (&text);
}

static void
values_of_all_kinds_come_back (void **state)
{
  static const char *const values[] = { "x", " lead and trail ",
                                        "\"quoted\" 'and' \\slashed\\",
                                        "p\303\244ssw\303\266rd \342\202\254",
                                        "tab\there\nline" };
  unsigned char bytes[255];
  unsigned char *large = malloc (ENVELOPE_VALUE_MAX + 1);
  struct text text = { 0 };

  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    assert_round_trip (*state, values[i], strlen (values[i]));
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char) (i + 1);
  assert_round_trip (*state, bytes, sizeof bytes);
  for (size_t length = 0; length < 200; length++)
    assert_round_trip (*state, bytes, length);
  assert_non_null (large);
  memset (large, 'L', ENVELOPE_VALUE_MAX + 1);
  assert_round_trip (*state, large, ENVELOPE_VALUE_MAX);
  assert_int_not_equal (envelope_seal (*state, "shop/sink", "password", large,
                                       ENVELOPE_VALUE_MAX + 1, &text, NULL),
                        0);
  assert_int_equal (text.length, 0);
  free (large);
}

static void
the_same_value_never_looks_the_same (void **state)
{
  struct text first = { 0 };
  struct text second = { 0 };

  assert_int_equal (
    envelope_seal (*state, "a/sink", "password", "x", 1, &first, NULL), 0);
  assert_int_equal (
    envelope_seal (*state, "a/sink", "password", "x", 1, &second, NULL), 0);
  assert_string_not_equal (first.data, second.data);
  /* A short and a longer password have the same length. */
  text_clear (&second);
  assert_int_equal (envelope_seal (*state, "a/sink", "password",
                                   "a much longer password than x", 29,
                                   &second, NULL),
                    0);
  assert_int_equal (first.length, second.length);
  text_free (&first);
  text_free (&second);
}

static void
base64url_is_strict (void **state)
{
  unsigned char bytes[16];
  size_t length;

  (void) state;
  assert_true (base64url_decode ("", 0, bytes, &length));
  assert_int_equal (length, 0);
  assert_true (base64url_decode ("AA", 2, bytes, &length));
  assert_int_equal (length, 1);
  assert_true (base64url_decode ("_-8", 3, bytes, &length));
  assert_memory_equal (bytes, "\377\357", 2);
  assert_false (base64url_decode ("A", 1, bytes, &length));
  assert_false (base64url_decode ("AB", 2, bytes, &length));
  assert_false (base64url_decode ("AAB", 3, bytes, &length));
  assert_false (base64url_decode ("AA==", 4, bytes, &length));
  assert_false (base64url_decode ("AA A", 4, bytes, &length));
  assert_false (base64url_decode ("AA\0A", 4, bytes, &length));
  assert_false (base64url_decode ("AA+A", 4, bytes, &length));
  assert_false (base64url_decode ("AA\377A", 4, bytes, &length));
}

/* ---- What remains in memory --------------------------------------------- */

/* The value of kat1 with each byte turned over, so that the searched memory
 * does not have it from here. */
#define CANARY_LENGTH 11
static const unsigned char turned_canary[CANARY_LENGTH] = {
  's' ^ 0x5a, '3' ^ 0x5a, 'c' ^ 0x5a, 'r' ^ 0x5a, '3' ^ 0x5a, 't' ^ 0x5a,
  '-' ^ 0x5a, 'P' ^ 0x5a, '@' ^ 0x5a, 's' ^ 0x5a, 's' ^ 0x5a,
};

static size_t unmapped_canaries;
static size_t unmapped_regions;

/* Without a sanitizer's eyes: most of what is read is no object of ours. */
__attribute__ ((no_sanitize_address)) static size_t
count_canaries (const void *data, size_t size)
{
  const volatile unsigned char *bytes = data;
  size_t count = 0;

  for (size_t at = 0; at + CANARY_LENGTH <= size; at++) {
    size_t same = 0;
    while (same < CANARY_LENGTH
           && bytes[at + same] == (turned_canary[same] ^ 0x5a))
      same++;
    count += same == CANARY_LENGTH;
  }
  return count;
}

/* In place of the library's: what is in the pages when they are given back?
 * Those of a secret have a guard on either side. */
int
munmap (void *region, size_t size)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);

  if (size == 3 * page) {
    unmapped_regions++;
    unmapped_canaries += count_canaries ((char *) region + page, page);
  }
  return (int) syscall (SYS_munmap, region, size);
}

/* In everything that this process may write to. */
static size_t
canaries_in_memory (void)
{
  FILE *maps = fopen ("/proc/self/maps", "re");
  char line[4200];
  size_t count = 0;

  assert_non_null (maps);
  while (fgets (line, sizeof line, maps) != NULL) {
    char *rest;
    uintptr_t begin = strtoull (line, &rest, 16);
    uintptr_t end = strtoull (rest + 1, &rest, 16);
    if (strncmp (rest, " rw", 3) == 0)
      /* NOLINTNEXTLINE(performance-no-int-to-ptr): an address as text. */
      count += count_canaries ((const void *) begin, end - begin);
  }
  fclose (maps);
  return count;
}

static void __attribute__ ((unused))
nothing_of_a_failed_opening_remains (void **state)
{
  struct opened_value value = { 0 };
  char damaged[sizeof kat1];

  /* While it is open there is one, so the search finds what there is. */
  assert_int_equal (canaries_in_memory (), 0);
  assert_int_equal (envelope_open (*state, kat1, "ds_abc", "password", &value),
                    ENVELOPE_FINE);
  assert_int_equal (canaries_in_memory (), 1);
  envelope_close (&value);
  assert_int_equal (canaries_in_memory (), 0);

  /* GCM hands out all of the value before it looks at the tag. */
  memcpy (damaged, kat1, sizeof kat1);
  char *last = damaged + strlen (damaged) - 4;
  *last = *last == 'A' ? 'B' : 'A';
  unmapped_regions = 0;
  assert_int_equal (
    envelope_open (*state, damaged, "ds_abc", "password", &value),
    ENVELOPE_AUTHENTICATION);
  assert_int_equal (canaries_in_memory (), 0);
  /* The same for another option: the tag is wrong, the text is not. */
  assert_int_equal (envelope_open (*state, kat1, "ds_abc", "user", &value),
                    ENVELOPE_AUTHENTICATION);
  assert_int_equal (canaries_in_memory (), 0);
  /* Of either opening the value's pages and the record key's. */
  assert_int_equal (unmapped_regions, 4);
  assert_int_equal (unmapped_canaries, 0);
}

/* Everything again without memfd_secret. */
static void
ordinary_pages_work_too (void **state)
{
  secret_refuse_hidden ();
  struct key_ring *ring = known_ring ();

  (void) state;
  assert_opens (ring, kat1, "ds_abc", "password", "s3cr3t-P@ss", 11);
  assert_round_trip (ring, "hunter2", 7);
#ifndef WITH_SANITIZERS
  nothing_of_a_failed_opening_remains ((void **) &ring);
#endif
  assert_int_not_equal (secret_protection (), SECRET_HIDDEN);
  key_ring_free (ring);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (known_key_id),
    cmocka_unit_test (known_record_key),
    cmocka_unit_test (known_answers_open),
    cmocka_unit_test (known_answers_are_sealed),
    cmocka_unit_test (flipped_bits_are_refused),
    cmocka_unit_test (flipped_binary_bits_are_refused),
    cmocka_unit_test (truncations_are_refused),
    cmocka_unit_test (extensions_are_refused),
    cmocka_unit_test (other_characters_are_refused),
    cmocka_unit_test (other_spellings_are_refused),
    cmocka_unit_test (moved_values_are_refused),
    cmocka_unit_test (other_keys_are_refused),
    cmocka_unit_test (faults_are_told_apart),
    cmocka_unit_test (an_empty_key_id_is_no_plaintext),
    cmocka_unit_test (authentic_but_malformed_is_refused),
    cmocka_unit_test (values_of_all_kinds_come_back),
    cmocka_unit_test (the_same_value_never_looks_the_same),
    cmocka_unit_test (base64url_is_strict),
#ifndef WITH_SANITIZERS /* whose shadow memory is terabytes */
    cmocka_unit_test (nothing_of_a_failed_opening_remains),
#endif
    cmocka_unit_test (ordinary_pages_work_too),
  };
  return cmocka_run_group_tests_name ("envelope", tests, set_up, tear_down);
}
