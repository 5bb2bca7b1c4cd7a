/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that a program prints: what it gets, what is refused, what is told. */

#include <config.h>

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/crypto/key_ring.h"
#include "core/crypto/key_source.h"
#include "tests/unit/unit.h"

#define GOOD "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496"
#define OTHER                                                                 \
  "C94E7A1B2D5F60830E1A9B7C4D3E2F58617A8B9C0D1E2F3A4B5C6D7E8F901223"
#define THIRD                                                                 \
  "2fd8a1c47e5b3690fa1c8d2e7b40953617e8c9d0a2b4f6587d9e1c3b5a70f482"

static char folder[] = "/tmp/ezcdc-key-command-XXXXXX";
static char program[256];
static char told[65536]; /* what went to standard error */

static int
make_folder (void **state)
{
  (void) state;
  if (mkdtemp (folder) == NULL)
    return 1;
  snprintf (program, sizeof program, "%s/program", folder);
  return 0;
}

static int
remove_folder (void **state)
{
  (void) state;
  return rmdir (folder);
}

static int
forget (void **state)
{
  (void) state;
  unsetenv ("CONFIG_ENCRYPTION_KEY");
  unsetenv ("CONFIG_ENCRYPTION_KEY_FILE");
  unsetenv ("CONFIG_ENCRYPTION_KEY_COMMAND");
  unsetenv ("CONFIG_ENCRYPTION_KEYS_OLD");
  unsetenv ("CONFIG_ENCRYPTION_KEYS_OLD_COMMAND");
  unlink (program);
  return 0;
}

static void
write_script (const char *body)
{
  FILE *file = fopen (program, "w");

  assert_non_null (file);
  assert_true (fprintf (file, "#!/bin/sh\n%s\n", body) > 0);
  assert_int_equal (fclose (file), 0);
  assert_int_equal (chmod (program, 0700), 0);
}

static void
set_command (const char *arguments)
{
  char command[1024];

  snprintf (command, sizeof command, "%s%s", program, arguments);
  setenv ("CONFIG_ENCRYPTION_KEY_COMMAND", command, 1);
}

/* The ring of what the environment says; standard error goes to told. */
static struct key_ring *
load (struct error *error)
{
  FILE *capture = tmpfile ();
  int saved = dup (STDERR_FILENO);

  assert_non_null (capture);
  assert_true (saved >= 0);
  assert_true (dup2 (fileno (capture), STDERR_FILENO) >= 0);
  struct key_ring *ring = key_ring_from_environment (error);
  assert_true (dup2 (saved, STDERR_FILENO) >= 0);
  close (saved);
  rewind (capture);
  told[fread (told, 1, sizeof told - 1, capture)] = '\0';
  fclose (capture);
  return ring;
}

static void
assert_keys (const char *const *digits, size_t count)
{
  struct error error = { 0 };
  struct key_ring *ring = load (&error);
  struct key_ring *expected = key_ring_new (NULL);

  assert_string_equal (error.text, "");
  assert_non_null (ring);
  assert_non_null (expected);
  assert_int_equal (key_ring_count (ring), count);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal (key_ring_add_digits (expected, digits[i],
                                           strlen (digits[i]), "test", NULL),
                      0);
    assert_memory_equal (key_ring_key (ring, i), key_ring_key (expected, i),
                         KEY_SIZE);
  }
  key_ring_free (ring);
  key_ring_free (expected);
}

static void
assert_key (const char *digits)
{
  assert_keys (&digits, 1);
}

/* No ring, and a message that says why but nothing of a key. */
static void
assert_refused (const char *why)
{
  struct error error = { 0 };

  assert_null (load (&error));
  assert_int_equal (error.code, EZCDC_E_CONFIG);
  assert_contains (error.text, why);
  for (size_t at = 0; at + 8 <= strlen (GOOD); at += 8) {
    char part[9] = { 0 };
    memcpy (part, &GOOD[at], 8);
    assert_null (strstr (error.text, part));
    assert_null (strstr (told, part));
  }
}

/* ---- What it may do ---------------------------------------------------- */

static void
a_program_prints_the_key (void **state)
{
  (void) state;
  write_script ("echo " GOOD);
  set_command ("");
  assert_key (GOOD);
  write_script ("printf %s " OTHER);
  assert_key (OTHER);
  write_script ("printf %s " GOOD "; exec >&- 2>&-; sleep 0.2");
  assert_key (GOOD);
}

static void
it_gets_its_arguments_and_no_shell (void **state)
{
  (void) state;
  write_script ("[ $# = 5 ] && [ \"$1\" = -k ] && [ \"$2\" = '$(exit' ] "
                "&& [ \"$3\" = '1);' ] && [ \"$4\" = '*' ] "
                "&& [ \"$5\" = '\"x\"' ] && echo " GOOD);
  set_command ("  -k\t$(exit 1); * \"x\" ");
  assert_key (GOOD);
}

static void
it_gets_a_clean_environment (void **state)
{
  (void) state;
  setenv ("PGPASSWORD", "hunter2", 1);
  setenv ("CONFIG_ENCRYPTION_KEYS_OLD", THIRD, 1);
  /* The shell adds PWD, and perhaps _ and OLDPWD and SHLVL. */
  write_script ("env | grep -v -e '^PATH=/usr/sbin:/usr/bin:/sbin:/bin$' "
                "-e '^HOME=/nonexistent$' -e '^PWD=' -e '^OLDPWD=' "
                "-e '^SHLVL=' -e '^_=' && exit 1\n"
                "[ -z \"$(cat)\" ] || exit 2\n"
                "echo " GOOD);
  set_command ("");
  const char *const expected[] = { GOOD, THIRD };
  assert_keys (expected, 2);
  unsetenv ("PGPASSWORD");
}

/* What this program does as a key command: a shell would clear its mask. */
static int
print_key_if_signals_are_free (void)
{
  struct sigaction action;
  sigset_t mask;

  if (sigprocmask (SIG_BLOCK, NULL, &mask) != 0 || !sigisemptyset (&mask)
      || sigaction (SIGPIPE, NULL, &action) != 0
      || action.sa_handler != SIG_DFL)
    return 1;
  return puts (GOOD) == EOF;
}

static void
copy_this_program (void)
{
  char part[65536];
  size_t got;
  FILE *from = fopen ("/proc/self/exe", "r");
  FILE *to = fopen (program, "w");

  assert_non_null (from);
  assert_non_null (to);
  while ((got = fread (part, 1, sizeof part, from)) > 0)
    assert_int_equal (fwrite (part, 1, got, to), got);
  fclose (from);
  assert_int_equal (fclose (to), 0);
  assert_int_equal (chmod (program, 0700), 0);
}

static void
it_gets_its_signals (void **state)
{
  sigset_t set;

  (void) state;
  copy_this_program ();
  set_command (" --signals");
  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigprocmask (SIG_BLOCK, &set, NULL);
  signal (SIGPIPE, SIG_IGN);
  assert_key (GOOD);
  signal (SIGPIPE, SIG_DFL);
  sigprocmask (SIG_UNBLOCK, &set, NULL);
}

static void
it_gets_no_descriptors (void **state)
{
  int ends[2];

  (void) state;
  assert_int_equal (pipe (ends), 0);
  char body[256];
  snprintf (body, sizeof body,
            "[ -e /proc/self/fd/%d ] && exit 1\n"
            "[ -e /proc/self/fd/%d ] && exit 2\necho " GOOD,
            ends[0] + 20, ends[1] + 20);
  assert_int_equal (dup2 (ends[0], ends[0] + 20), ends[0] + 20);
  assert_int_equal (dup2 (ends[1], ends[1] + 20), ends[1] + 20);
  write_script (body);
  set_command ("");
  assert_key (GOOD);
  close (ends[0] + 20);
  close (ends[1] + 20);
  close (ends[0]);
  close (ends[1]);
}

static void
a_program_prints_old_keys (void **state)
{
  const char *const expected[] = { GOOD, OTHER, THIRD };

  (void) state;
  write_script ("printf '%s\\n' " OTHER " " THIRD);
  setenv ("CONFIG_ENCRYPTION_KEY", GOOD, 1);
  setenv ("CONFIG_ENCRYPTION_KEYS_OLD_COMMAND", program, 1);
  assert_keys (expected, 3);
  write_script ("exit 0");
  setenv ("CONFIG_ENCRYPTION_KEY", GOOD, 1);
  assert_key (GOOD);
}

static void
it_is_asked_anew_each_time (void **state)
{
  (void) state;
  write_script ("echo " GOOD);
  set_command ("");
  struct key_source *source = key_source_take (NULL);
  assert_non_null (source);
  struct key_ring *first = key_source_load (source, NULL);
  write_script ("echo " OTHER);
  struct key_ring *second = key_source_load (source, NULL);
  assert_non_null (first);
  assert_non_null (second);
  assert_memory_not_equal (key_ring_id (first, 0), key_ring_id (second, 0),
                           KEY_ID_SIZE);
  key_ring_free (first);
  key_ring_free (second);
  key_source_free (source);
}

/* ---- What is refused --------------------------------------------------- */

static void
other_outputs_are_refused (void **state)
{
  static const struct {
    const char *body;
    const char *why;
  } cases[] = {
    { "exit 0", "not 0 characters" },
    { "printf '%s\\n\\n' " GOOD, "prints more" },
    { "printf '%s\\r\\n' " GOOD, "prints more" },
    { "printf '%s\\r' " GOOD, "not 65 characters" },
    { "printf ' %s' " GOOD, "not 65 characters" },
    { "printf '%.63s' " GOOD, "not 63 characters" },
    { "printf '%.63s\\n' " GOOD, "not 63 characters" },
    { "printf '%.63sg' " GOOD, "no hexadecimal digit" },
    { "printf '%.63s\\0' " GOOD, "no hexadecimal digit" },
    { "echo " GOOD "; echo " OTHER, "prints more" },
    { "head -c 1000000 /dev/zero", "prints more" },
    { "printf %064d 0", "weak" },
    { "echo " GOOD "; exit 3", "exit code 3" },
    { "echo " GOOD "; kill -9 $$", "signal 9" },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_script (cases[i].body);
    set_command ("");
    assert_refused (cases[i].why);
  }
}

static void
bad_commands_are_refused (void **state)
{
  char link_name[300];
  char through[400];
  char words[600] = "";

  (void) state;
  write_script ("echo " GOOD);
  setenv ("CONFIG_ENCRYPTION_KEY_COMMAND", "", 1);
  assert_refused ("absolute path");
  setenv ("CONFIG_ENCRYPTION_KEY_COMMAND", "program", 1);
  assert_refused ("absolute path");
  setenv ("CONFIG_ENCRYPTION_KEY_COMMAND", folder, 1);
  assert_refused ("not a regular file");
  setenv ("CONFIG_ENCRYPTION_KEY_COMMAND", "/nonexistent/program", 1);
  assert_refused ("No such file");
  for (size_t i = 0; i < 64; i++)
    memcpy (words + 2 * i, " a", 3);
  set_command (words);
  assert_refused ("more than 32 words");

  snprintf (link_name, sizeof link_name, "%s/link", folder);
  assert_int_equal (symlink (program, link_name), 0);
  setenv ("CONFIG_ENCRYPTION_KEY_COMMAND", link_name, 1);
  assert_refused (program);
  unlink (link_name);
  assert_int_equal (symlink (folder, link_name), 0);
  snprintf (through, sizeof through, "%s/program", link_name);
  setenv ("CONFIG_ENCRYPTION_KEY_COMMAND", through, 1);
  assert_refused ("there is a link");
  unlink (link_name);

  setenv ("CONFIG_ENCRYPTION_KEY", OTHER, 1);
  set_command ("");
  assert_refused ("more than one encryption key");
}

static void
replaceable_programs_are_refused (void **state)
{
  static const mode_t modes[] = { 0720, 0702, 0777 };

  (void) state;
  write_script ("echo " GOOD);
  set_command ("");
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    assert_int_equal (chmod (program, modes[i]), 0);
    assert_refused ("is writable by");
  }
  assert_int_equal (chmod (program, 0600), 0);
  assert_refused ("Permission denied");
  assert_int_equal (chmod (program, 0755), 0);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    assert_int_equal (chmod (folder, modes[i]), 0);
    assert_refused ("is writable by");
  }
  assert_int_equal (chmod (folder, 0700), 0);
  assert_key (GOOD);
  if (geteuid () == 0) {
    assert_int_equal (chown (program, 12345, 12345), 0);
    assert_refused ("belongs to user 12345");
    assert_int_equal (chown (program, 0, 0), 0);
    assert_int_equal (chown (folder, 12345, 12345), 0);
    assert_refused ("belongs to user 12345");
    assert_int_equal (chown (folder, 0, 0), 0);
  }
}

/* Itself and what it has started are gone when the time is over. */
static void
it_has_only_so_much_time (void **state)
{
  char body[512];
  char file_name[300];
  int process = 0;

  (void) state;
  snprintf (file_name, sizeof file_name, "%s/pid", folder);
  snprintf (body, sizeof body,
            "echo " GOOD "; sleep 1000 &\n echo $! > %s; exit 0", file_name);
  write_script (body);
  set_command ("");
  assert_refused ("5 seconds");
  FILE *file = fopen (file_name, "r");
  assert_non_null (file);
  assert_int_equal (fscanf (file, "%d", &process), 1);
  fclose (file);
  unlink (file_name);
  /* A kill is carried out a little later; a zombie has no address space. */
  char name[64];
  snprintf (name, sizeof name, "/proc/%d/maps", process);
  for (int i = 0; i < 500 && access (name, F_OK) == 0; i++) {
    FILE *maps = fopen (name, "r");
    bool is_gone = maps == NULL || fgetc (maps) == EOF;
    if (maps != NULL)
      fclose (maps);
    if (is_gone)
      return;
    usleep (10000);
  }
  assert_int_not_equal (access (name, F_OK), 0);
}

/* ---- What is told ------------------------------------------------------ */

static void
its_complaints_are_told (void **state)
{
  (void) state;
  write_script ("set -x\n printf 'no token\\033[2J\\n' >&2\n"
                "printf 'x\\0y\\nezcdc: error: forged\\n' >&2\n"
                "echo key " GOOD " >&2\n exit 1");
  set_command ("");
  assert_refused ("exit code 1");
  assert_contains (told, "says: no token\\x1b[2J\n");
  assert_contains (told, "says: x y\n");
  assert_contains (told, "says: ezcdc: error: forged\n");
  assert_null (strstr (told, "\nezcdc: error: forged"));
  assert_contains (told, "says: key ****");

  write_script ("yes complaint | head -c 100000 >&2; echo " GOOD);
  set_command ("");
  assert_key (GOOD);
  assert_contains (told, "says more\n");
  assert_true (strlen (told) < 60000);
}

int
main (int argc, char **argv)
{
  if (argc == 2 && strcmp (argv[1], "--signals") == 0)
    return print_key_if_signals_are_free ();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown (a_program_prints_the_key, forget),
    cmocka_unit_test_teardown (it_gets_its_arguments_and_no_shell, forget),
    cmocka_unit_test_teardown (it_gets_a_clean_environment, forget),
    cmocka_unit_test_teardown (it_gets_its_signals, forget),
    cmocka_unit_test_teardown (it_gets_no_descriptors, forget),
    cmocka_unit_test_teardown (a_program_prints_old_keys, forget),
    cmocka_unit_test_teardown (it_is_asked_anew_each_time, forget),
    cmocka_unit_test_teardown (other_outputs_are_refused, forget),
    cmocka_unit_test_teardown (bad_commands_are_refused, forget),
    cmocka_unit_test_teardown (replaceable_programs_are_refused, forget),
    cmocka_unit_test_teardown (it_has_only_so_much_time, forget),
    cmocka_unit_test_teardown (its_complaints_are_told, forget),
  };
  return cmocka_run_group_tests_name ("key command", tests, make_folder,
                                      remove_folder);
}
