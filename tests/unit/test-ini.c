/* SPDX-License-Identifier: Apache-2.0 */
/* core/base/ini: the form, and every trap of inih. */

#include <config.h>

#include <ezcdc/connector.h>

#include <unistd.h>

#include "core/base/ini.h"
#include "core/base/text.h"
#include "tests/unit/unit.h"

static struct error error;

static int
parse_bytes (const char *data, size_t length, struct ini **ret_ini)
{
  error = (struct error){ 0 };
  return ini_parse_text ("x.ini", data, length, ret_ini, &error);
}

/* Parses what must be good. */
static struct ini *
parse (const char *data)
{
  struct ini *ini = NULL;

  if (parse_bytes (data, strlen (data), &ini) != 0)
    print_error ("%s\n", error.text);
  assert_non_null (ini);
  return ini;
}

/* Parses what must be refused with exactly this text. */
static void
refused_bytes (const char *data, size_t length, const char *text)
{
  struct ini *ini = NULL;

  assert_int_equal (parse_bytes (data, length, &ini), EZCDC_E_CONFIG);
  assert_null (ini);
  assert_string_equal (error.text, text);
  assert_int_equal (error.code, EZCDC_E_CONFIG);
}

static void
refused (const char *data, const char *text)
{
  refused_bytes (data, strlen (data), text);
}

static void
test_form (void **state)
{
  CLEANUP_INI struct ini *ini = parse ("; a comment\n"
                                       "# another = one\n"
                                       "[pipeline]\n"
                                       "name = shop\r\n"
                                       "\n"
                                       "   state_dir=/var/lib/ezcdc  \t\n"
                                       "empty =\n"
                                       "[ source ]\n"
                                       "password = a;b # c ; d\n"
                                       "tables = a = b, c:d\n"
                                       "[table   public.orders]\n"
                                       "target = orders_rt\n"
                                       "[table x y]\n"
                                       "[last]");
  const struct ini_section *section = ini_sections (ini);
  const struct ini_key *key;

  (void) state;
  assert_string_equal (ini_path (ini), "x.ini");
  assert_string_equal (section->name, "pipeline");
  assert_string_equal (section->kind, "pipeline");
  assert_string_equal (section->label, "");
  assert_int_equal (section->line, 3);
  key = section->keys;
  assert_string_equal (key->name, "name");
  assert_string_equal (key->value, "shop");
  assert_int_equal (key->line, 4);
  key = key->next;
  assert_string_equal (key->name, "state_dir");
  assert_string_equal (key->value, "/var/lib/ezcdc");
  assert_int_equal (key->line, 6);
  key = key->next;
  assert_string_equal (key->value, "");
  assert_null (key->next);

  assert_string_equal (ini_get (ini, "source", "password")->value,
                       "a;b # c ; d");
  assert_string_equal (ini_get (ini, "source", "tables")->value, "a = b, c:d");
  assert_null (ini_get (ini, "source", "name"));
  assert_null (ini_get (ini, "sink", "name"));

  section = ini_section (ini, "table public.orders");
  assert_string_equal (section->kind, "table");
  assert_string_equal (section->label, "public.orders");
  assert_string_equal (ini_key (section, "target")->value, "orders_rt");

  section = section->next;
  assert_string_equal (section->label, "x y");
  assert_null (section->keys);
  section = section->next;
  assert_string_equal (section->name, "last");
  assert_int_equal (section->line, 14);
  assert_null (section->next);
}

static void
test_empty (void **state)
{
  CLEANUP_INI struct ini *empty = parse ("");
  CLEANUP_INI struct ini *comments = parse ("; x\n\n#y");

  (void) state;
  assert_null (ini_sections (empty));
  assert_null (ini_sections (comments));
  assert_null (ini_section (empty, "x"));
}

static void
test_byte_order_mark (void **state)
{
  CLEANUP_INI struct ini *ini = parse ("\xef\xbb\xbf[a]\nb = c\n");

  (void) state;
  assert_int_equal (ini_get (ini, "a", "b")->line, 2);
  refused ("[a]\n\xef\xbb\xbf[b]\n", "x.ini:2: a: not understood; write "
                                     "\"name = value\"");
}

static void
test_no_inline_comments (void **state)
{
  CLEANUP_INI struct ini *ini = parse ("[a]\npw = a ;b\nhash = x #y\n");

  (void) state;
  assert_string_equal (ini_get (ini, "a", "pw")->value, "a ;b");
  assert_string_equal (ini_get (ini, "a", "hash")->value, "x #y");
}

static void
test_no_continuation (void **state)
{
  (void) state;
  refused ("[a]\nb = c\n  d\n",
           "x.ini:3: a: not understood; write \"name = value\"");
}

static void
test_repeats (void **state)
{
  (void) state;
  refused ("[a]\nb = 1\n; x\nb = 2\n",
           "x.ini:4: a.b: stands here again, line 2 has it already");
  refused ("[a]\nb = 1\n[c]\n[ a ]\n",
           "x.ini:4: section [a] stands here again, line 1 has it already");
  refused (
    "[table  x]\n[table x]\n",
    "x.ini:2: section [table x] stands here again, line 1 has it already");
}

static void
test_sections (void **state)
{
  char data[200];
  char name[100];
  CLEANUP_INI struct ini *ini = NULL;

  (void) state;
  refused ("[a\n", "x.ini:1: a section begins with [ and ends with ]");
  refused ("[a] ; note\n",
           "x.ini:1: something stands behind the ] of a section; comments "
           "have lines of their own");
  refused ("[]\n", "x.ini:1: a section needs a name");
  refused ("[  ]\n", "x.ini:1: a section needs a name");

  /* inih cuts after 49 bytes; two that differ behind would be one. */
  memset (name, 'n', 49);
  name[49] = '\0';
  snprintf (data, sizeof data, "[%s]\nk = v\n", name);
  ini = parse (data);
  assert_string_equal (ini_get (ini, name, "k")->value, "v");
  snprintf (data, sizeof data, "[%sx]\n", name);
  refused (data,
           "x.ini:1: the section's name has 50 bytes, 49 are possible; give "
           "it a short label and write the long name behind \"match =\"");
}

/* What is no name may be a secret: it is not repeated. */
static void
test_names (void **state)
{
  const char *reason =
    "x.ini:2: s: what stands before the \"=\" is no name of "
    "an option, which is of a-z, 0-9 and _";

  (void) state;
  refused ("[s]\nc2VjcmV0 = x\n", reason);
  refused ("[s]\na+b=\n", reason);
  refused ("[s]\na b = x\n", reason);
  refused ("[s]\nn\xc3\xa4me = x\n", reason);
  refused ("[MC4CAQAwBQYDK2VwBCIEIJ]\n",
           "x.ini:1: what stands between [ and ] is no name of a section, "
           "which is of a-z, 0-9 and _");
  CLEANUP_INI struct ini *ini = parse ("[a_1 B+]\na_1\t = x\n");
  assert_string_equal (ini_key (ini_sections (ini), "a_1")->value, "x");
}

static void
test_stray_lines (void **state)
{
  (void) state;
  refused ("b = c\n[a]\n", "x.ini:1: this key stands before the first "
                           "section, such as [pipeline]");
  refused ("[a]\nb\n", "x.ini:2: a: not understood; write \"name = value\"");
  refused ("[a]\nb: c\n",
           "x.ini:2: a: not understood; write \"name = value\"");
  refused ("[a]\n= c\n", "x.ini:2: a: a name is missing before the \"=\"");
}

static void
test_bytes (void **state)
{
  (void) state;
  refused_bytes ("[a]\nb = c\0d\n", 12,
                 "x.ini: this is no text file: it has a NUL in it");
  refused ("[a]\n\nb = \x1b[31m\n",
           "x.ini:3: control character 0x1b in the line");
  refused ("[a]\nb = \xff\n", "x.ini:2: not valid UTF-8");
}

/* A key of the given length of line must come back whole, with its line. */
static void
check_long_line (size_t line_length)
{
  CLEANUP_TEXT struct text text = { 0 };
  CLEANUP_INI struct ini *ini = NULL;
  const struct ini_key *key;

  text_append_string (&text, "[a]\n");
  text_append_string (&text, "b = ");
  while (text.length < 4 + line_length)
    text_char (&text, (char) ('a' + text.length % 26));
  text_append_string (&text, "\nnext = 1\n");
  ini = parse (text_string (&text));
  key = ini_get (ini, "a", "b");
  assert_int_equal (strlen (key->value), line_length - 4);
  assert_memory_equal (key->value, text.data + 8, line_length - 4);
  assert_int_equal (ini_get (ini, "a", "next")->line, 3);
}

static void
test_long_lines (void **state)
{
  static const size_t lengths[] = {
    196,         197, 198, 199, 200, 201, 400, 4096, 65536, INI_LINE_MAX - 1,
    INI_LINE_MAX
  };
  CLEANUP_TEXT struct text text = { 0 };

  (void) state;
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
    check_long_line (lengths[i]);

  text_append_string (&text, "[a]\nb = ");
  while (text.length < 4 + INI_LINE_MAX + 1)
    text_char (&text, 'x');
  refused (text_string (&text),
           "x.ini:2: the line has 131073 bytes, 131072 are possible");
}

static void
test_long_key_name (void **state)
{
  static const char name[] = "a_key_whose_name_has_more_than_fifty_bytes_"
                             "and_is_not_to_be_cut";
  char data[200];
  CLEANUP_INI struct ini *ini = NULL;

  (void) state;
  snprintf (data, sizeof data, "[a]\n%s = v\n", name);
  ini = parse (data);
  assert_string_equal (ini_get (ini, "a", name)->value, "v");
}

static void
test_error_form (void **state)
{
  CLEANUP_INI struct ini *ini = parse ("[a]\n");

  (void) state;
  assert_int_equal (
    ini_error (&error, ini, "source", "port", 7, "%d is bad", 5),
    EZCDC_E_CONFIG);
  assert_string_equal (error.text, "x.ini:7: source.port: 5 is bad");
  ini_error (&error, ini, "source", NULL, 7, "bad");
  assert_string_equal (error.text, "x.ini:7: source: bad");
  ini_error (&error, ini, NULL, NULL, 7, "bad");
  assert_string_equal (error.text, "x.ini:7: bad");
  ini_error (&error, ini, "source", "host", 0, "is missing");
  assert_string_equal (error.text, "x.ini: source.host: is missing");
}

static void
test_load (void **state)
{
  char path[] = "/tmp/ezcdc-test-ini.XXXXXX";
  int descriptor = mkstemp (path);
  CLEANUP_INI struct ini *ini = NULL;

  (void) state;
  assert_true (descriptor >= 0);
  assert_int_equal (write (descriptor, "[a]\nb = c\n", 10), 10);
  close (descriptor);
  assert_int_equal (ini_load (path, &ini, &error), 0);
  assert_string_equal (ini_get (ini, "a", "b")->value, "c");
  unlink (path);
  ini_free (ini);
  ini = NULL;
  assert_int_equal (ini_load (path, &ini, &error), EZCDC_E_CONFIG);
  assert_contains (error.text, "No such file");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_form),
    cmocka_unit_test (test_empty),
    cmocka_unit_test (test_byte_order_mark),
    cmocka_unit_test (test_no_inline_comments),
    cmocka_unit_test (test_no_continuation),
    cmocka_unit_test (test_repeats),
    cmocka_unit_test (test_sections),
    cmocka_unit_test (test_names),
    cmocka_unit_test (test_stray_lines),
    cmocka_unit_test (test_bytes),
    cmocka_unit_test (test_long_lines),
    cmocka_unit_test (test_long_key_name),
    cmocka_unit_test (test_error_form),
    cmocka_unit_test (test_load),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
