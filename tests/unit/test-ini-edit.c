/* SPDX-License-Identifier: Apache-2.0 */
/* Changing values in a configuration file. */

#include <config.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/files.h"
#include "core/base/text.h"
#include "core/cli/ini_edit.h"
#include "tests/unit/unit.h"

static char folder[] = "/tmp/ezcdc-edit-XXXXXX";
static char path[64];

static int
make_folder (void **state)
{
  (void) state;
  if (mkdtemp (folder) == NULL)
    return -1;
  snprintf (path, sizeof path, "%s/shop.ini", folder);
  return 0;
}

static int
remove_file (void **state)
{
  (void) state;
  return unlink (path);
}

static int
remove_folder (void **state)
{
  (void) state;
  return rmdir (folder);
}

static void
write_file (const char *content)
{
  assert_int_equal (file_replace (path, content, strlen (content), 0600, NULL),
                    0);
}

static void
assert_content (const char *expected)
{
  struct text text = { 0 };

  assert_int_equal (file_read (path, 1000000, &text, NULL), 0);
  assert_string_equal (text_string (&text), expected);
  text_free (&text);
}

/* Sets values and commits; section, name, value ... NULL. */
static void
edit (const char *section, ...)
{
  struct ini_edit edit = { .lock = -1 };
  va_list args;

  assert_int_equal (ini_edit_open (path, &edit, NULL), 0);
  va_start (args, section);
  for (; section != NULL; section = va_arg (args, const char *)) {
    const char *name = va_arg (args, const char *);
    const char *value = va_arg (args, const char *);
    assert_int_equal (
      ini_edit_set (&edit, ini_section (edit.ini, section), name, value, NULL),
      0);
  }
  va_end (args);
  assert_int_equal (ini_edit_commit (&edit, NULL), 0);
  ini_edit_close (&edit);
}

static void
all_else_stays (void **state)
{
  (void) state;
  write_file ("; first\n\n[source]\n# note = no\n  host=db\n"
              "password\t=   in the clear ; = x\n\n[sink]\npassword =old\n"
              "; last");
  edit ("source", "password", "ezc1:A", "sink", "password", "ezc1:B", NULL);
  assert_content ("; first\n\n[source]\n# note = no\n  host=db\n"
                  "password\t=   ezc1:A\n\n[sink]\npassword =ezc1:B\n"
                  "; last");
}

static void
line_ends_stay (void **state)
{
  (void) state;
  write_file ("[source]\r\npassword = x\r\nuser = u\r\n[sink]\r\n"
              "password = y");
  edit ("source", "password", "A", "source", "more", "M", "sink", "password",
        "B", NULL);
  assert_content ("[source]\r\npassword = A\r\nuser = u\r\nmore = M\r\n"
                  "[sink]\r\npassword = B");
}

static void
missing_keys_are_added (void **state)
{
  (void) state;
  write_file ("[source]\nhost = db\n\n; about the sink\n[sink]");
  edit ("source", "password", "A", "sink", "password", "B", "sink", "ssl_crl",
        "C", NULL);
  assert_content ("[source]\nhost = db\npassword = A\n\n; about the sink\n"
                  "[sink]\npassword = B\nssl_crl = C\n");
  edit ("sink", "user", "", NULL);
  assert_content ("[source]\nhost = db\npassword = A\n\n; about the sink\n"
                  "[sink]\npassword = B\nssl_crl = C\nuser = \n");
}

static void
mode_and_link_stay (void **state)
{
  char other[96];
  struct stat status;

  (void) state;
  snprintf (other, sizeof other, "%s/real.ini", folder);
  write_file ("[source]\npassword = x\n");
  assert_int_equal (chmod (path, 0640), 0);
  assert_int_equal (rename (path, other), 0);
  assert_int_equal (symlink (other, path), 0);
  edit ("source", "password", "A", NULL);
  assert_content ("[source]\npassword = A\n");
  assert_int_equal (lstat (path, &status), 0);
  assert_true (S_ISLNK (status.st_mode));
  assert_int_equal (stat (other, &status), 0);
  assert_int_equal (status.st_mode & 07777, 0640);
  unlink (other);
}

static void
assert_not_opened (const char *reason)
{
  struct ini_edit edit = { .lock = -1 };
  struct error error = { 0 };

  assert_int_equal (ini_edit_open (path, &edit, &error), EZCDC_E_CONFIG);
  assert_contains (error.text, reason);
  ini_edit_close (&edit);
}

static void
unfit_files_are_refused (void **state)
{
  char other[96];

  (void) state;
  snprintf (other, sizeof other, "%s/other.ini", folder);
  write_file ("[source]\npassword = x\n");
  assert_int_equal (link (path, other), 0);
  assert_not_opened ("more than one name");
  unlink (other);
  int lock = open (path, O_RDONLY);
  assert_int_equal (flock (lock, LOCK_EX), 0);
  assert_not_opened ("another process");
  close (lock);
  write_file ("nonsense\n");
  assert_not_opened ("shop.ini:1:");
}

/* A value that would read as something else is refused before the file is
 * touched. */
static void
values_have_to_come_back (void **state)
{
  static const char *const bad[] = { "two\nlines", " led by a space",
                                     "ended by one ", "\001" };

  (void) state;
  write_file ("[source]\npassword = x\n");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct ini_edit edit = { .lock = -1 };
    assert_int_equal (ini_edit_open (path, &edit, NULL), 0);
    assert_int_equal (ini_edit_set (&edit, ini_section (edit.ini, "source"),
                                    "password", bad[i], NULL),
                      0);
    assert_int_not_equal (ini_edit_check (&edit, NULL), 0);
    assert_int_not_equal (ini_edit_commit (&edit, NULL), 0);
    ini_edit_close (&edit);
  }
  assert_content ("[source]\npassword = x\n");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown (all_else_stays, remove_file),
    cmocka_unit_test_teardown (line_ends_stay, remove_file),
    cmocka_unit_test_teardown (missing_keys_are_added, remove_file),
    cmocka_unit_test_teardown (mode_and_link_stay, remove_file),
    cmocka_unit_test_teardown (unfit_files_are_refused, remove_file),
    cmocka_unit_test_teardown (values_have_to_come_back, remove_file),
  };
  return cmocka_run_group_tests_name ("ini-edit", tests, make_folder,
                                      remove_folder);
}
