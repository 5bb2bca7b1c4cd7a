/* SPDX-License-Identifier: Apache-2.0 */
/* core/plugin/options: sections against tables of options. */

#include <config.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/plugin/option_value.h"
#include "core/plugin/options.h"
#include "tests/unit/unit.h"

static const struct ezcdc_option own[] = {
  {
    .name = "host",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "where the server is",
  },
  {
    .name = "port",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 1,
    .maximum = 65535,
    .default_value = "5432",
    .help = "its port",
  },
  {
    .name = "offset",
    .type = EZCDC_OPTION_INTEGER,
    .help = "a number without limits",
  },
  {
    .name = "buffer",
    .type = EZCDC_OPTION_SIZE,
    .minimum = 4096,
    .maximum = 1 << 30,
    .default_value = "1MiB",
    .help = "bytes",
  },
  {
    .name = "delay",
    .type = EZCDC_OPTION_DURATION,
    .maximum = 3600000000,
    .default_value = "500ms",
    .help = "time",
  },
  {
    .name = "snapshot",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "initial|never|only",
    .default_value = "initial",
    .help = "when to copy",
  },
  {
    .name = "verbose",
    .type = EZCDC_OPTION_BOOLEAN,
    .help = "talk more",
  },
  {
    .name = "password",
    .type = EZCDC_OPTION_SECRET,
    .help = "the secret",
  },
};

static const struct option_table own_table = {
  .options = own,
  .count = sizeof own / sizeof own[0],
};

static struct error error;

/* Parses "[source]" with the given lines below it. */
static int
parse (const char *lines, struct option_set **ret_set)
{
  struct option_table tables[] = { own_table, option_table_common,
                                   option_table_tls };
  CLEANUP_INI struct ini *ini = NULL;
  char text[4096];

  snprintf (text, sizeof text, "[source]\nconnector = x\n%s", lines);
  error = (struct error){ 0 };
  assert_int_equal (
    ini_parse_text ("shop.ini", text, strlen (text), &ini, &error), 0);
  return option_set_parse (ini, ini_section (ini, "source"), tables, 3,
                           ret_set, &error);
}

static struct option_set *
accepted (const char *lines)
{
  struct option_set *set = NULL;

  if (parse (lines, &set) != 0)
    print_error ("%s\n", error.text);
  assert_non_null (set);
  return set;
}

static void
refused (const char *lines, const char *text)
{
  struct option_set *set = NULL;

  assert_int_equal (parse (lines, &set), EZCDC_E_CONFIG);
  assert_null (set);
  assert_string_equal (error.text, text);
  assert_int_equal (error.code, EZCDC_E_CONFIG);
}

static void
test_defaults (void **state)
{
  struct option_set *set = accepted ("host = db\n");

  (void) state;
  assert_string_equal (option_set_string (set, "host"), "db");
  assert_int_equal (option_set_integer (set, "port"), 5432);
  assert_string_equal (option_set_string (set, "port"), "5432");
  assert_int_equal (option_set_integer (set, "buffer"), 1 << 20);
  assert_int_equal (option_set_integer (set, "delay"), 500000);
  assert_int_equal (option_set_integer (set, "snapshot"), 0);
  assert_false (option_set_boolean (set, "verbose"));
  assert_null (option_set_string (set, "verbose"));
  assert_null (option_set_sealed (set, "password"));
  assert_string_equal (option_set_string (set, "ssl_mode"), "verify-full");
  assert_int_equal (option_set_integer (set, "ssl_mode"), 5);
  assert_true (option_set_boolean (set, "ssl_enabled"));
  assert_true (option_set_given (set, "host"));
  assert_int_equal (option_set_line (set, "host"), 3);
  assert_false (option_set_given (set, "port"));
  assert_int_equal (option_set_line (set, "port"), 0);
  option_set_free (set);
}

static void
test_values (void **state)
{
  struct option_set *set = accepted ("host = db\n"
                                     "port = 1\n"
                                     "offset = -9223372036854775808\n"
                                     "buffer = 64KiB\n"
                                     "delay = 2min\n"
                                     "snapshot = only\n"
                                     "verbose = on\n"
                                     "password = ezc1:AbC-_9\n");
  const struct ezcdc_sealed *sealed = option_set_sealed (set, "password");

  (void) state;
  assert_int_equal (option_set_integer (set, "port"), 1);
  assert_true (option_set_integer (set, "offset") == INT64_MIN);
  assert_int_equal (option_set_integer (set, "buffer"), 65536);
  assert_int_equal (option_set_integer (set, "delay"), 120000000);
  assert_int_equal (option_set_integer (set, "snapshot"), 2);
  assert_true (option_set_boolean (set, "verbose"));
  assert_non_null (sealed);
  assert_ptr_equal (sealed->set, set);
  assert_string_equal (sealed->option, "password");
  assert_null (option_set_string (set, "password"));
  option_set_free (set);
}

static void
test_unknown_names (void **state)
{
  struct option_set *set = accepted ("host = db\n");

  (void) state;
  assert_null (option_set_string (set, "nothing"));
  assert_int_equal (option_set_integer (set, "nothing"), 0);
  assert_null (option_set_sealed (set, "nothing"));
  assert_false (option_set_given (set, "nothing"));
  assert_null (option_find (&own_table, 1, "nothing"));
  assert_ptr_equal (option_find (&own_table, 1, "port"), &own[1]);
  option_set_free (set);
}

static void
test_refused (void **state)
{
  (void) state;
  refused ("", "shop.ini:1: source.host: is missing and must be set: where "
               "the server is");
  refused ("hots = db\n", "shop.ini:3: source.hots: unknown option; did you "
                          "mean \"host\"?");
  refused ("zzzzzzzz = 1\n",
           "shop.ini:3: source.zzzzzzzz: unknown option; known are: host, "
           "port, offset, buffer, delay, snapshot, verbose, password, "
           "connector, allow_path, ssl_mode, ssl_enabled, ssl_root_cert, "
           "ssl_client_cert, ssl_client_key, ssl_crl, ssl_min_version, "
           "ssl_expiry_days");
  refused ("host =\n", "shop.ini:3: source.host: has no value; write one, or "
                       "take the line out");
  refused ("host = db\nport = 0\n",
           "shop.ini:4: source.port: 0 is out of range, 1 to 65535 are "
           "possible");
  refused ("port = db\n",
           "shop.ini:3: source.port: \"db\" is no whole number");
  refused ("buffer = 1KiB\n", "shop.ini:3: source.buffer: 1KiB is out of "
                              "range, 4KiB to 1GiB are possible");
  refused ("delay = 2h\n", "shop.ini:3: source.delay: 2h is out of range, "
                           "0 to 1h are possible");
  refused ("snapshot = initail\n",
           "shop.ini:3: source.snapshot: \"initail\" is none of initial, "
           "never, only; did you mean \"initial\"?");
  refused ("ssl_mode = sometimes\n",
           "shop.ini:3: source.ssl_mode: \"sometimes\" is none of disable, "
           "allow, prefer, require, verify-ca, verify-full");
}

/* The value of a secret is in no message. */
static void
test_secret_refused (void **state)
{
  (void) state;
  refused ("password = hunter2\n",
           "shop.ini:3: source.password: is a secret in plain text; a sealed "
           "value is expected: run \"ezcdc seal shop.ini\"");
  refused ("password = ezc1:\n",
           "shop.ini:3: source.password: the sealed value is damaged: behind "
           "ezc1: only A-Z, a-z, 0-9, - and _ can stand; seal it again");
  refused ("password = ezc1:hunter 2\n",
           "shop.ini:3: source.password: the sealed value is damaged: behind "
           "ezc1: only A-Z, a-z, 0-9, - and _ can stand; seal it again");
}

static void
test_missing_section (void **state)
{
  struct option_table table = { .options = own + 1, .count = 1 };
  CLEANUP_INI struct ini *ini = NULL;
  struct option_set *set = NULL;

  (void) state;
  assert_int_equal (ini_parse_text ("shop.ini", "", 0, &ini, &error), 0);
  assert_int_equal (option_set_parse (ini, NULL, &table, 1, &set, &error), 0);
  assert_int_equal (option_set_integer (set, "port"), 5432);
  option_set_free (set);
  set = NULL;
  assert_int_equal (option_set_parse (ini, NULL, &own_table, 1, &set, &error),
                    EZCDC_E_CONFIG);
  assert_null (set);
  assert_string_equal (
    error.text,
    "shop.ini: host: is missing and must be set: where the server is");
}

static void
assert_pem (const char *value, enum option_pem kind, const char *text)
{
  char lines[512];
  const char *found = NULL;

  snprintf (lines, sizeof lines, "host = db\nssl_root_cert = %s\n", value);
  struct option_set *set = accepted (lines);
  assert_int_equal (option_set_pem (set, "ssl_root_cert", &found), kind);
  if (text == NULL)
    assert_null (found);
  else
    assert_string_equal (found, text);
  assert_int_equal (option_set_sealed (set, "ssl_root_cert") != NULL,
                    kind == OPTION_PEM_SEALED);
  option_set_free (set);
}

static void
test_pem (void **state)
{
  const char *headless[] = {
    "ssl_root_cert = MIIBAA==\\n-----END CERTIFICATE-----\n",
    "ssl_root_cert = -----begin certificate-----\\nMIIB\n",
    "ssl_root_cert = key: -----BEGIN PRIVATE KEY-----\\nMIIB\n",
    /* A line of its inside, which a path could hardly be. */
    ("ssl_root_cert = "
     "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDJZl54jwW3vkFA\n"),
  };
  struct option_set *set = accepted ("host = db\n");
  const char *untouched = NULL;

  (void) state;
  assert_int_equal (option_set_pem (set, "ssl_crl", &untouched),
                    OPTION_PEM_NONE);
  assert_int_equal (option_set_pem (set, "nothing", &untouched),
                    OPTION_PEM_NONE);
  assert_null (untouched);
  option_set_free (set);

  assert_pem ("/etc/my ca.pem", OPTION_PEM_PATH, "/etc/my ca.pem");
  assert_pem ("/etc/MyCompany2024/databases/postgresql/certificates/"
              "authorities.pem",
              OPTION_PEM_PATH,
              "/etc/MyCompany2024/databases/postgresql/certificates/"
              "authorities.pem");
  assert_pem ("ezc1:AAAA", OPTION_PEM_SEALED, NULL);
  assert_pem ("-----BEGIN CERTIFICATE-----\\nMIIB\\nAA==\\n"
              "-----END CERTIFICATE-----\\n",
              OPTION_PEM_INLINE,
              "-----BEGIN CERTIFICATE-----\nMIIB\nAA==\n"
              "-----END CERTIFICATE-----\n\n");
  assert_pem ("-----BEGIN X509 CRL----- MIIB AA== -----END X509 CRL-----",
              OPTION_PEM_INLINE,
              "-----BEGIN X509 CRL-----\nMIIB\nAA==\n"
              "-----END X509 CRL-----\n");
  refused ("ssl_root_cert = -----BEGIN CERTIFICATE-----\n",
           "shop.ini:3: source.ssl_root_cert: the PEM text has no END line; "
           "write it on one line with \\n for its line breaks, or give a "
           "path");
  for (size_t i = 0; i < sizeof headless / sizeof headless[0]; i++)
    refused (headless[i],
             "shop.ini:3: source.ssl_root_cert: the PEM text has no BEGIN "
             "line; write it on one line with \\n for its line breaks, or "
             "give a path");
  refused ("host = -----BEGIN PRIVATE KEY----- MIIB\n",
           "shop.ini:3: source.host: has a PEM text, which only options for "
           "certificates and keys take");
  refused ("ssl_root_cert = ezc1:&\n",
           "shop.ini:3: source.ssl_root_cert: the sealed value is damaged: "
           "behind ezc1: only A-Z, a-z, 0-9, - and _ can stand; seal it "
           "again");
}

/* ---- Tables ------------------------------------------------------------ */

/* Checks a table of one option against the common ones. */
static void
table_refused (struct ezcdc_option option, const char *text)
{
  struct option_table table = { .options = &option, .count = 1 };

  error = (struct error){ 0 };
  assert_int_equal (option_table_check (&table, &option_table_common, 1,
                                        "connector x", &error),
                    EZCDC_E_CONFIG);
  assert_string_equal (error.text, text);
}

static const struct ezcdc_option good = {
  .name = "good",
  .type = EZCDC_OPTION_STRING,
  .help = "a good one",
};

static void
test_own_tables (void **state)
{
  (void) state;
  assert_int_equal (
    option_table_check (&own_table, &option_table_common, 1, "x", &error), 0);
  assert_int_equal (
    option_table_check (&option_table_common, NULL, 0, "x", &error), 0);
  assert_int_equal (
    option_table_check (&option_table_tls, NULL, 0, "x", &error), 0);
  assert_int_equal (
    option_table_check (&option_table_http, NULL, 0, "x", &error), 0);
}

static void
test_table_names (void **state)
{
  static const char *const bad[] = {
    "",
    "Host",
    "1host",
    "_host",
    "my-host",
    "host name",
    "a_name_of_forty_nine_characters_is_just_too_long_"
  };
  struct ezcdc_option option = good;

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    option.name = bad[i];
    table_refused (option, "connector x: the name of an option is no "
                           "[a-z][a-z0-9_]* of at most 48 characters");
  }
  option.name = NULL;
  table_refused (option, "connector x: the name of an option is no "
                         "[a-z][a-z0-9_]* of at most 48 characters");
  option.name = "allow_path";
  table_refused (option, "connector x: its option allow_path: has the name of "
                         "one that ezcdc itself provides");
}

static void
test_table_twice (void **state)
{
  const struct ezcdc_option twice[] = { good, good };
  struct option_table table = { .options = twice, .count = 2 };

  (void) state;
  assert_int_equal (
    option_table_check (&table, NULL, 0, "connector x", &error),
    EZCDC_E_CONFIG);
  assert_string_equal (error.text,
                       "connector x: its option good: is there twice");
}

#define GOOD_BUT(...)                                                         \
  (struct ezcdc_option)                                                       \
  {                                                                           \
    .name = "o", .help = "h", __VA_ARGS__                                     \
  }

static void
test_table_members (void **state)
{
  (void) state;
  table_refused ((struct ezcdc_option){ .name = "o", .type = 1 },
                 "connector x: its option o: has no help of one line and at "
                 "most 200 bytes");
  table_refused (
    (struct ezcdc_option){ .name = "o", .help = "a\nb", .type = 1 },
    "connector x: its option o: has no help of one line and at most 200 "
    "bytes");
  table_refused (
    (struct ezcdc_option){ .name = "o", .help = "a\xc2\x9b", .type = 1 },
    "connector x: its option o: has no help of one line and at most 200 "
    "bytes");
  table_refused (
    GOOD_BUT (.type = EZCDC_OPTION_STRING, .default_value = "a\x1b[2K"),
    "connector x: its option o: has a default that is not one "
    "line of text");
  table_refused (
    GOOD_BUT (.type = EZCDC_OPTION_CHOICE, .choices = "a|\xe2\x80\xae"),
    "connector x: its option o: is a choice, but choices is no "
    "\"a|b|c\"");
  table_refused (GOOD_BUT (.type = 0),
                 "connector x: its option o: has the unknown type 0");
  table_refused (GOOD_BUT (.type = 8),
                 "connector x: its option o: has the unknown type 8");
  table_refused (GOOD_BUT (.type = OPTION_PEM),
                 "connector x: its option o: has the unknown type 65536");
  table_refused (GOOD_BUT (.type = EZCDC_OPTION_CHOICE),
                 "connector x: its option o: is a choice, but choices is no "
                 "\"a|b|c\"");
  table_refused (GOOD_BUT (.type = EZCDC_OPTION_CHOICE, .choices = "a||b"),
                 "connector x: its option o: is a choice, but choices is no "
                 "\"a|b|c\"");
  table_refused (GOOD_BUT (.type = EZCDC_OPTION_STRING, .choices = "a|b"),
                 "connector x: its option o: has choices, but is no choice");
  table_refused (
    GOOD_BUT (.type = EZCDC_OPTION_INTEGER, .minimum = 2, .maximum = 1),
    "connector x: its option o: has a minimum above its maximum");
  table_refused (GOOD_BUT (.type = EZCDC_OPTION_STRING, .maximum = 1),
                 "connector x: its option o: has limits, but a string has "
                 "none");
  table_refused (GOOD_BUT (.type = EZCDC_OPTION_STRING, .default_value = "a",
                           .flags = EZCDC_OPTION_REQUIRED),
                 "connector x: its option o: is required and has a default");
  table_refused (GOOD_BUT (.type = EZCDC_OPTION_SECRET, .default_value = "a"),
                 "connector x: its option o: is a secret and has a default");
  table_refused (GOOD_BUT (.type = EZCDC_OPTION_INTEGER, .default_value = "a"),
                 "connector x: its option o: has a default that is wrong: "
                 "\"a\" is no whole number");
  table_refused (GOOD_BUT (.type = EZCDC_OPTION_SIZE, .default_value = "9",
                           .minimum = 10, .maximum = 2048),
                 "connector x: its option o: has a default that is wrong: 9 "
                 "is out of range, 10 to 2KiB are possible");
}

static void
test_tables_of (void **state)
{
  struct ezcdc_connector descriptor = {
    .options = own,
    .option_count = 2,
    .capabilities = EZCDC_USES_HTTP,
  };
  struct option_table tables[OPTION_TABLES_MAX];

  (void) state;
  assert_int_equal (option_tables_of (&descriptor, tables), 3);
  assert_ptr_equal (tables[0].options, own);
  assert_int_equal (tables[0].count, 2);
  assert_non_null (option_find (tables, 3, "load_plaintext"));
  assert_null (option_find (tables, 3, "ssl_mode"));
  descriptor.capabilities |= EZCDC_USES_TLS;
  assert_int_equal (option_tables_of (&descriptor, tables), 4);
  assert_non_null (option_find (tables, 4, "ssl_mode"));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_defaults),
    cmocka_unit_test (test_values),
    cmocka_unit_test (test_unknown_names),
    cmocka_unit_test (test_refused),
    cmocka_unit_test (test_secret_refused),
    cmocka_unit_test (test_missing_section),
    cmocka_unit_test (test_pem),
    cmocka_unit_test (test_own_tables),
    cmocka_unit_test (test_table_names),
    cmocka_unit_test (test_table_twice),
    cmocka_unit_test (test_table_members),
    cmocka_unit_test (test_tables_of),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
