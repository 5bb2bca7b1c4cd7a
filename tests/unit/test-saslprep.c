/* SPDX-License-Identifier: Apache-2.0 */
/* core/crypto/saslprep: what becomes of passwords; examples of RFC 4013, and
 * what libpq does with passwords that cannot be prepared. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "core/crypto/saslprep.h"
#include "tests/unit/unit.h"

/* NULL: used as it is. */
static void
assert_prepared (const char *password, const char *expected)
{
  CLEANUP_SECRET struct secret pages = { 0 };
  size_t length = 99;

  assert_int_equal (saslprep (password, strlen (password), &pages, &length),
                    0);
  assert_int_equal (length, expected == NULL ? 0 : strlen (expected));
  if (expected != NULL)
    assert_string_equal ((char *) pages.data, expected);
}

static void
test_prepared (void **state)
{
  (void) state;
  assert_prepared ("I\xc2\xadX", "IX");               /* a soft hyphen */
  assert_prepared ("\xc2\xaa", "a");                  /* a raised a */
  assert_prepared ("\xe2\x85\xa8", "IX");             /* a Roman number */
  assert_prepared ("a\xc2\xa0\xe3\x80\x80z", "a  z"); /* other spaces */
  assert_prepared ("u\xcc\x88", "\xc3\xbc");          /* an umlaut in two */
  assert_prepared ("Z\xc3\xbcrich", "Z\xc3\xbcrich"); /* as it should be */
  assert_prepared ("\xef\xac\x81\xf0\x9f\x94\x91",    /* a newer character */
                   "fi\xf0\x9f\x94\x91");
}

static void
test_used_as_it_is (void **state)
{
  (void) state;
  assert_prepared ("", NULL);
  assert_prepared ("pa55word", NULL);
  assert_prepared ("\xfcmlaut", NULL);        /* Latin-1 */
  assert_prepared ("\xc3", NULL);             /* cut off */
  assert_prepared ("\xed\xa0\x80", NULL);     /* half of a surrogate pair */
  assert_prepared ("a\xc2\x85", NULL);        /* a control character */
  assert_prepared ("\xd8\xa7\x31", NULL);     /* right to left, then not */
  assert_prepared ("\xc2\xad\xc2\xad", NULL); /* nothing remains */
}

/* U+FDFA grows more than all others. */
static void
test_room (void **state)
{
  CLEANUP_SECRET struct secret pages = { 0 };
  char password[3000];
  size_t length;

  (void) state;
  for (size_t at = 0; at < sizeof password; at += 3)
    memcpy (password + at, "\xef\xb7\xba", 3);
  assert_int_equal (saslprep (password, sizeof password, &pages, &length), 0);
  assert_int_equal (length, 11 * sizeof password);
  assert_int_equal (pages.data[length], 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_prepared),
    cmocka_unit_test (test_used_as_it_is),
    cmocka_unit_test (test_room),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
