/* SPDX-License-Identifier: Apache-2.0 */
/* core/plugin/copies: what libraries have kept of a secret. */

#include <config.h>

#include <openssl/evp.h>

#include "core/base/ini.h"
#include "core/plugin/copies.h"
#include "core/plugin/options.h"
#include "tests/unit/unit.h"

static const char secret[] = "pa55word of 33 bytes, not more...";

/* ---- What is certain --------------------------------------------------- */

/* The caller's to free. */
static struct option_set *
make_options (void)
{
  static const struct ezcdc_option options[] = {
    { .name = "host", .type = EZCDC_OPTION_STRING, .help = "host" },
    { .name = "user", .type = EZCDC_OPTION_STRING, .help = "user" },
    { .name = "password", .type = EZCDC_OPTION_SECRET, .help = "secret" },
  };
  static const struct option_table table = { .options = options, .count = 3 };
  static const char file[] = "[sink]\nhost = db-2024.example.com\n"
                             "password = ezc1:AA\n";
  CLEANUP_INI struct ini *ini = NULL;
  struct option_set *set = NULL;

  assert_int_equal (
    ini_parse_text ("x.ini", file, sizeof file - 1, &ini, NULL), 0);
  assert_int_equal (
    option_set_parse (ini, ini_section (ini, "sink"), &table, 1, &set, NULL),
    0);
  return set;
}

static bool
is_certain (const char *text)
{
  struct option_set *options = make_options ();
  bool certain = copies_are_certain (options, text, strlen (text));

  option_set_free (options);
  return certain;
}

static void
test_what_is_certain (void **state)
{
  (void) state;
  assert_true (is_certain (secret));
  assert_true (is_certain ("12345678a"));
  assert_true (is_certain ("pass word"));
  assert_true (is_certain ("db-2024.example.org"));
  assert_false (is_certain ("db-2024.example.com"));
  assert_false (is_certain ("2024.example"));
  assert_false (is_certain ("pa55wor"));
  assert_false (is_certain ("password_of-a.kind"));
  assert_true (is_certain ("correct-horse-battery-staple"));
  assert_false (is_certain ("1234567890"));
  assert_false (is_certain (""));
}

/* ---- What is wiped ----------------------------------------------------- */

#ifdef WITH_WIPING_FREE

/* Ends the record, and wipes what is left of that secret. */
static void
wipe (struct allocations *record, const char *text)
{
  struct option_set *options = make_options ();

  assert_true (copies_wipe (record, options, text, strlen (text)));
  option_set_free (options);
}

/* Behind the compiler's back. */
static bool
is_there (const char *block, size_t size, const char *text)
{
  return memmem (block, size, text, strlen (text)) != NULL;
}

static void
test_copies (void **state)
{
  char *before = strdup (secret);
  struct allocations *record = allocations_begin ();
  char *whole = strdup (secret);
  char *part = strndup (secret, strlen (secret) - 1);
  char *inside = NULL;
  int length = asprintf (&inside, "user=me password='%s' (%s)", secret,
                         secret);

  (void) state;
  assert_true (length > 0);
  wipe (record, secret);
  assert_string_equal (before, secret);
  assert_string_equal (whole, "");
  assert_memory_equal (part, secret, strlen (secret) - 1);
  assert_string_equal (inside, "user=me password='");
  assert_false (is_there (inside, (size_t) length, secret));
  assert_string_equal (inside + length - 1, ")");
  free (before);
  free (whole);
  free (part);
  free (inside);
}

static void
test_copies_in_base64 (void **state)
{
  static const char *const users[] = { "a", "ab", "abc", "abcd" };

  (void) state;
  for (size_t i = 0; i < 4; i++) {
    char clear[100];
    unsigned char encoded[200];
    char *header = NULL;
    int length = snprintf (clear, sizeof clear, "%s:%s", users[i], secret);

    EVP_EncodeBlock (encoded, (unsigned char *) clear, length);
    struct allocations *record = allocations_begin ();
    length = asprintf (&header, "Authorization: Basic %s\r\nHost: x",
                       (char *) encoded);
    assert_true (length > 0);
    wipe (record, secret);
    /* All of it. */
    size_t start = strlen ("Authorization: Basic ");
    assert_string_equal (header, "Authorization: Basic ");
    for (size_t at = start; at < start + strlen ((char *) encoded); at++)
      assert_int_equal (header[at], 0);
    assert_string_equal (header + length - 9, "\r\nHost: x");
    free (header);
  }
}

static void
test_prepared_copies (void **state)
{
  /* A ligature, a space that does not break, a Roman number, and an umlaut in
   * two characters. */
  static const char given[] = "\xef\xac\x81\xc2\xa0\xe2\x85\xa8zu\xcc\x88rich";
  static const char prepared[] = "fi IXz\xc3\xbcrich";
  unsigned char encoded[100];
  struct allocations *record = allocations_begin ();
  char *as_given = strdup (given);
  char *as_prepared = strdup (prepared);
  char *header;

  (void) state;
  EVP_EncodeBlock (encoded, (const unsigned char *) prepared,
                   (int) strlen (prepared));
  header = strdup ((char *) encoded);
  wipe (record, given);
  assert_string_equal (as_given, "");
  assert_string_equal (as_prepared, "");
  assert_string_equal (header, "");
  free (as_given);
  free (as_prepared);
  free (header);
}

/* What it is prepared to may be a word of a library's own. */
static void
test_prepared_copies_that_are_not_certain (void **state)
{
  /* Letters of full width: "database". */
  static const char given[] = "\xef\xbd\x84\xef\xbd\x81\xef\xbd\x94"
                              "\xef\xbd\x81\xef\xbd\x82\xef\xbd\x81"
                              "\xef\xbd\x93\xef\xbd\x85";
  struct allocations *record = allocations_begin ();
  char *as_given = strdup (given);
  char *word = strdup ("database");

  (void) state;
  wipe (record, given);
  assert_string_equal (as_given, "");
  assert_string_equal (word, "database");
  free (as_given);
  free (word);
}

static void
test_without_a_record (void **state)
{
  struct option_set *options = make_options ();

  (void) state;
  assert_false (copies_wipe (NULL, options, secret, strlen (secret)));
  option_set_free (options);
}

#endif

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_what_is_certain),
#ifdef WITH_WIPING_FREE
    cmocka_unit_test (test_copies),
    cmocka_unit_test (test_copies_in_base64),
    cmocka_unit_test (test_prepared_copies),
    cmocka_unit_test (test_prepared_copies_that_are_not_certain),
    cmocka_unit_test (test_without_a_record),
#endif
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
