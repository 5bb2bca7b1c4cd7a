/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what a server may ask for. Whole servers are played by
 * tests/e2e/test_rogue_servers.py. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/postgres/authentication.h"

struct words {
  unsigned char data[16384];
  size_t length;
};

static void
add_message (struct words *words, char type, const void *body, size_t length)
{
  unsigned char *at = words->data + words->length;

  at[0] = (unsigned char) type;
  at[1] = at[2] = 0;
  at[3] = (unsigned char) ((length + 4) >> 8);
  at[4] = (unsigned char) (length + 4);
  memcpy (at + 5, body, length);
  words->length += 5 + length;
}

/* A request: its code and a text behind it. */
static void
add (struct words *words, unsigned code, const char *text)
{
  unsigned char body[1024] = { 0, 0, 0, (unsigned char) code };
  size_t length = strlen (text);

  memcpy (body + 4, text, length);
  add_message (words, 'R', body, 4 + length);
}

static const char *
verdict (const struct words *words, unsigned methods, bool *ret_done)
{
  struct authentication authentication;
  const char *reason;

  authentication_begin (&authentication, methods);
  reason = authentication_see (&authentication, words->data, words->length);
  *ret_done = authentication.done;
  return reason;
}

static void
expect (const struct words *words, unsigned methods, const char *reason)
{
  bool done;
  const char *got = verdict (words, methods, &done);

  if (reason == NULL) {
    assert_null (got);
    assert_true (done);
  }
  else {
    assert_non_null (got);
    assert_non_null (strstr (got, reason));
    assert_false (done);
  }
}

static void
test_scram (void **state)
{
  static const struct {
    const char *challenge;
    const char *reason;
  } cases[] = {
    { "r=ab,s=cd,i=4096", NULL },
    { "r=ab,s=cd,i=600000,x=1", NULL },
    { "r=ab,s=cd,i=10000000", NULL },
    { "r=ab,s=cd,i=10000001", "more than" },
    { "r=ab,s=cd,i=99999999999999999999999999", "more than" },
    { "r=ab,s=cd,i=4095", "fewer" },
    { "r=ab,s=cd,i=0", "fewer" },
    { "r=ab,s=cd,i=", "none" },
    { "r=ab,s=cd,i=-4096", "none" },
    { "r=ab,s=cd,i=+4096", "none" },
    { "r=ab,s=cd,i= 4096", "none" },
    { "r=ab,s=cd,i=4096x", "none" },
    { "r=ab,i=4096,s=cd", "none" },
    { "r=ab,s=cd", "none" },
    { "r=ab", "none" },
    { "", "none" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct words words = { .length = 0 };

    add (&words, 10, "SCRAM-SHA-256");
    add (&words, 11, cases[i].challenge);
    add (&words, 12, "v=x");
    add (&words, 0, "");
    expect (&words, AUTHENTICATION_SCRAM, cases[i].reason);
  }
}

static void
test_methods (void **state)
{
  static const struct {
    unsigned code, method;
    const char *reason;
  } cases[] = {
    { 3, AUTHENTICATION_PASSWORD, "in the clear" },
    { 5, AUTHENTICATION_MD5, "md5" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct words words = { .length = 0 };

    add (&words, cases[i].code, "salt");
    add (&words, 0, "");
    expect (&words, cases[i].method, NULL);
    expect (&words, AUTHENTICATION_ANY, NULL);
    expect (&words, AUTHENTICATION_ANY & ~cases[i].method, cases[i].reason);
  }
  for (unsigned code = 1; code < 20; code++) {
    struct words words = { .length = 0 };

    if (code == 3 || code == 5 || (code >= 10 && code <= 12))
      continue;
    add (&words, code, "");
    expect (&words, AUTHENTICATION_ANY, "not supported");
  }
}

static void
test_no_question (void **state)
{
  struct words words = { .length = 0 };

  (void) state;
  add (&words, 0, "");
  expect (&words, AUTHENTICATION_NONE, NULL);
  expect (&words, AUTHENTICATION_SCRAM, "does not ask");
  words.length = 0;
  add (&words, 10, "SCRAM-SHA-256");
  add (&words, 0, "");
  expect (&words, AUTHENTICATION_ANY, "without the proof");
}

/* What comes before, and what comes after we are in. */
static void
test_other_messages (void **state)
{
  static const unsigned char long_text[9000];
  struct words words = { .length = 0 };
  bool done;

  (void) state;
  add_message (&words, 'v', "\0\3\0\0\0\0\0\0", 8);
  add (&words, 5, "salt");
  add (&words, 0, "");
  add_message (&words, 'S', "a\0b", 4);
  add (&words, 3, "");
  expect (&words, AUTHENTICATION_MD5, NULL);

  words.length = 0;
  add_message (&words, 'E', long_text, sizeof long_text);
  assert_null (verdict (&words, AUTHENTICATION_SCRAM, &done));
  assert_false (done);
  words.length = 0;
  add_message (&words, 'v', long_text, sizeof long_text);
  assert_non_null (verdict (&words, AUTHENTICATION_SCRAM, &done));
  words.length = 0;
  add_message (&words, 'R', "\0\0\0", 3);
  assert_non_null (verdict (&words, AUTHENTICATION_ANY, &done));
}

static void
test_require_auth (void **state)
{
  static const char *const bad[] = {
    "", " ", ",", "md5,", ",md5", "md5 none", "MD5", "md5;none", "md 5",
  };
  unsigned methods;

  (void) state;
  assert_true (authentication_parse ("scram-sha-256", &methods));
  assert_int_equal (methods, AUTHENTICATION_SCRAM);
  assert_true (authentication_parse (" md5 ,password,none ", &methods));
  assert_int_equal (methods, AUTHENTICATION_MD5 | AUTHENTICATION_PASSWORD
                               | AUTHENTICATION_NONE);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false (authentication_parse (bad[i], &methods));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_scram),
    cmocka_unit_test (test_methods),
    cmocka_unit_test (test_no_question),
    cmocka_unit_test (test_other_messages),
    cmocka_unit_test (test_require_auth),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
