/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/print: what is shown of words that somebody gave. */

#include <config.h>

#include "core/base/print.h"
#include "tests/unit/unit.h"

static void
test_given (void **state)
{
  static const char *const shown[] = {
    "",
    "shop.ini",
    "0011223344556677",
    "a-file-with-a-rather-long-name-2026-11-24.ini",
    "/etc/ezcdc/anameofthirtytwocharactersandmore",
    "/store/b6gvzjyb2pg0kjfwrjmg1vfhh54ad73z-keys/key",
    "0123456789abcdef0123456789abcde", /* one too few */
  };
  static const char *const hidden[] = {
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "x.0123456789ABCDEF0123456789abcdef",
    "MIGHAgEA/BMG+yqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCANA=",
  };

  (void) state;
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
    assert_ptr_equal (print_given (shown[i]), shown[i]);
  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
    assert_string_equal (print_given (hidden[i]),
                         "(not shown: it looks like a key itself)");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_given),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
