/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/utf8: what is a character and what is not. */

#include <config.h>

#include "core/base/utf8.h"
#include "tests/unit/unit.h"

static void
test_character (void **state)
{
  static const struct {
    const char *data;
    size_t length;
    size_t expected;
  } cases[] = {
    { "", 0, 0 },
    { "a", 1, 1 },
    { "\0", 1, 1 },
    { "\xc3\xa4", 2, 2 },
    { "\xc3\xa4", 1, 0 },         /* cut */
    { "\xc0\x80", 2, 0 },         /* overlong NUL */
    { "\xc1\xbf", 2, 0 },         /* overlong */
    { "\x80", 1, 0 },             /* begins in the middle */
    { "\xe2\x82\xac", 3, 3 },     /* euro sign */
    { "\xe0\x9f\xbf", 3, 0 },     /* overlong */
    { "\xed\x9f\xbf", 3, 3 },     /* the last before the surrogates */
    { "\xed\xa0\x80", 3, 0 },     /* a surrogate */
    { "\xee\x80\x80", 3, 3 },     /* the first behind them */
    { "\xf0\x90\x80\x80", 4, 4 }, /* U+10000 */
    { "\xf0\x8f\xbf\xbf", 4, 0 }, /* overlong */
    { "\xf4\x8f\xbf\xbf", 4, 4 }, /* U+10FFFF */
    { "\xf4\x90\x80\x80", 4, 0 }, /* beyond */
    { "\xf5\x80\x80\x80", 4, 0 },
    { "\xe2\x28\xa1", 3, 0 },
    { "\xe2\x82\x28", 3, 0 },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal (utf8_character (cases[i].data, cases[i].length),
                      cases[i].expected);
}

static void
test_plain_character (void **state)
{
  static const struct {
    const char *text;
    size_t expected;
  } cases[] = {
    { "a", 1 },
    { " ", 1 },
    { "~", 1 },
    { "\n", 0 },
    { "\x1b", 0 },
    { "\x7f", 0 },
    { "\xc2\x80", 0 }, /* U+0080 */
    { "\xc2\x9f", 0 }, /* U+009F */
    { "\xc2\xa0", 2 },
    { "\xd8\x9c", 0 },     /* U+061C */
    { "\xe2\x80\x8d", 3 }, /* U+200D, in the middle of many an emoji */
    { "\xe2\x80\x8e", 0 },
    { "\xe2\x80\xa8", 0 }, /* U+2028 */
    { "\xe2\x80\xa9", 0 },
    { "\xe2\x80\xae", 0 }, /* U+202E */
    { "\xe2\x80\xaf", 3 },
    { "\xe2\x81\xa6", 0 }, /* U+2066 */
    { "\xe2\x81\xa9", 0 },
    { "\xe2\x81\xaa", 3 },
    { "\xf0\x9f\x98\x80", 4 },
    { "\xff", 0 },
    { "\xe2\x80", 0 },
  };

  (void) state;
  assert_int_equal (utf8_plain_character ("", 0), 0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_int_equal (
      utf8_plain_character (cases[i].text, strlen (cases[i].text)),
      cases[i].expected);
}

static void
test_is_line (void **state)
{
  (void) state;
  assert_true (utf8_is_line ("", 0));
  assert_true (utf8_is_line ("na\xc3\xafve \xe2\x82\xac", 10));
  assert_false (utf8_is_line ("na\xc3\xafve \xe2\x82\xac", 9));
  assert_false (utf8_is_line ("a\n", 2));
  assert_false (utf8_is_line ("a\xc2\x9b"
                              "b",
                              4));
}

static void
test_valid (void **state)
{
  (void) state;
  assert_true (utf8_valid ("", 0));
  assert_true (utf8_valid ("na\xc3\xafve \xe2\x82\xac", 10));
  assert_false (utf8_valid ("na\xc3\xafve \xe2\x82\xac", 9));
  assert_false (utf8_valid ("a\xff"
                            "b",
                            3));
}

static void
test_whole_length (void **state)
{
  (void) state;
  assert_int_equal (utf8_whole_length ("abc", 3), 3);
  assert_int_equal (utf8_whole_length ("ab\xc3", 3), 2);
  assert_int_equal (utf8_whole_length ("ab\xc3\xa4", 4), 4);
  assert_int_equal (utf8_whole_length ("a\xe2\x82", 3), 1);
  assert_int_equal (utf8_whole_length ("\xf0\x90\x80", 3), 0);
  assert_int_equal (utf8_whole_length ("", 0), 0);
  /* What was invalid before stays as it is. */
  assert_int_equal (utf8_whole_length ("\x80\x80\x80\x80\x80", 5), 5);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_character),
    cmocka_unit_test (test_plain_character),
    cmocka_unit_test (test_is_line),
    cmocka_unit_test (test_valid),
    cmocka_unit_test (test_whole_length),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
