/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: where they come from, which are refused, what remains of them. */

#include <config.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/text.h"
#include "core/crypto/key_ring.h"
#include "core/crypto/key_source.h"
#include "core/crypto/secret.h"
#include "tests/unit/unit.h"

#define GOOD "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496"
#define OTHER                                                                 \
  "C94E7A1B2D5F60830E1A9B7C4D3E2F58617A8B9C0D1E2F3A4B5C6D7E8F901223"
#define THIRD                                                                 \
  "2fd8a1c47e5b3690fa1c8d2e7b40953617e8c9d0a2b4f6587d9e1c3b5a70f482"

static char folder[] = "/tmp/ezcdc-keys-XXXXXX";

static void
forget (void)
{
  unsetenv ("CONFIG_ENCRYPTION_KEY");
  unsetenv ("CONFIG_ENCRYPTION_KEY_FILE");
  unsetenv ("CONFIG_ENCRYPTION_KEYS_OLD");
  unsetenv ("CONFIG_ENCRYPTION_KEYS_OLD_FILE");
  unsetenv ("CREDENTIALS_DIRECTORY");
}

static int
before_each (void **state)
{
  (void) state;
  forget ();
  return 0;
}

static int
make_folder (void **state)
{
  (void) state;
  return mkdtemp (folder) == NULL;
}

static int
remove_folder (void **state)
{
  (void) state;
  return rmdir (folder);
}

static const char *
path_in_folder (const char *name)
{
  static char path[256];

  snprintf (path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void
write_file (const char *path, const char *content, mode_t mode)
{
  FILE *file = fopen (path, "w");

  assert_non_null (file);
  assert_true (fputs (content, file) >= 0);
  assert_int_equal (fclose (file), 0);
  assert_int_equal (chmod (path, mode), 0);
}

static void
assert_primary (const struct key_ring *ring, const char *digits)
{
  struct key_ring *expected = key_ring_new (NULL);

  assert_non_null (ring);
  assert_non_null (expected);
  assert_int_equal (
    key_ring_add_digits (expected, digits, strlen (digits), "test", NULL), 0);
  assert_memory_equal (key_ring_key (ring, 0), key_ring_key (expected, 0),
                       KEY_SIZE);
  key_ring_free (expected);
}

/* No ring, exit code material, and a message that keeps the secret. */
static void
assert_refused (const char *digits)
{
  struct error error = { 0 };

  assert_null (key_ring_from_environment (&error));
  assert_int_equal (error.code, EZCDC_E_CONFIG);
  assert_true (strlen (error.text) > 0);
  if (digits != NULL && strlen (digits) >= 8)
    assert_null (strstr (error.text, digits));
}

static void
a_key_comes_from_the_environment (void **state)
{
  (void) state;
  setenv ("CONFIG_ENCRYPTION_KEY", GOOD, 1);
  struct key_ring *ring = key_ring_from_environment (NULL);
  assert_primary (ring, GOOD);
  assert_int_equal (key_ring_count (ring), 1);
  assert_null (getenv ("CONFIG_ENCRYPTION_KEY"));
  key_ring_free (ring);
}

static void
malformed_keys_are_refused (void **state)
{
  static const char *const bad[] = {
    "",
    " ",
    "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb349",
    "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb34966",
    "0x1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496",
    "0x6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496",
    "6b1f0c3d9ae27458 06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496",
    " 6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb349",
    "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496\n",
    "6g1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496",
    ("\357\274\226\357\274\21200c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e"
     "8d51a2c7fb"),
  };

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    setenv ("CONFIG_ENCRYPTION_KEY", bad[i], 1);
    assert_refused (bad[i]);
    assert_null (getenv ("CONFIG_ENCRYPTION_KEY"));
  }
}

static void
a_huge_variable_is_refused_and_wiped (void **state)
{
  char *huge = malloc (1000001);

  (void) state;
  assert_non_null (huge);
  memset (huge, 'a', 1000000);
  huge[1000000] = '\0';
  setenv ("CONFIG_ENCRYPTION_KEY", huge, 1);
  assert_refused (huge);
  setenv ("CONFIG_ENCRYPTION_KEY", GOOD, 1);
  setenv ("CONFIG_ENCRYPTION_KEYS_OLD", huge, 1);
  assert_refused (huge);
  assert_null (getenv ("CONFIG_ENCRYPTION_KEYS_OLD"));
  free (huge);
}

static void
weak_keys_are_refused (void **state)
{
  static const char *const weak[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "abababababababababababababababababababababababababababababababab",
    "0123012301230123012301230123012301230123012301230123012301230123",
    "0011223300112233001122330011223300112233001122330011223300112233",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
    "0102030405060708090a0b0c0d0e0f0f0f0e0d0c0b0a09080706050403020101",
    /* SHA-256 of nothing, and of "password" */
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    /* NIST SP 800-38A, RFC 8439, NaCl, Hardhat */
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
    "1C9240A5EB55D38AF333888604F6B5F0473917C1402B80099DCA5CBC207075C0",
    "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389",
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  };

  (void) state;
  for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
    setenv ("CONFIG_ENCRYPTION_KEY", weak[i], 1);
    assert_refused (weak[i]);
  }
}

static void
no_key_is_refused (void **state)
{
  (void) state;
  assert_refused (NULL);
}

static void
two_keys_are_refused (void **state)
{
  const char *path = path_in_folder ("key");

  (void) state;
  write_file (path, OTHER "\n", 0600);
  setenv ("CONFIG_ENCRYPTION_KEY", GOOD, 1);
  setenv ("CONFIG_ENCRYPTION_KEY_FILE", path, 1);
  assert_refused (GOOD);
  unlink (path);
}

static void
old_keys_follow_the_primary (void **state)
{
  (void) state;
  setenv ("CONFIG_ENCRYPTION_KEY", GOOD, 1);
  setenv ("CONFIG_ENCRYPTION_KEYS_OLD", OTHER "," THIRD "," GOOD, 1);
  struct key_ring *ring = key_ring_from_environment (NULL);
  assert_primary (ring, GOOD);
  assert_int_equal (key_ring_count (ring), 3);
  assert_int_equal (key_ring_find (ring, key_ring_id (ring, 2)), 2);
  assert_int_equal (
    key_ring_find (ring, (const unsigned char *) "\0\0\0\0\0\0\0\0"), -1);
  assert_null (getenv ("CONFIG_ENCRYPTION_KEYS_OLD"));
  key_ring_free (ring);

  setenv ("CONFIG_ENCRYPTION_KEY", GOOD, 1);
  setenv ("CONFIG_ENCRYPTION_KEYS_OLD", OTHER ",", 1);
  assert_refused (OTHER);
  setenv ("CONFIG_ENCRYPTION_KEY", GOOD, 1);
  setenv ("CONFIG_ENCRYPTION_KEYS_OLD", "", 1);
  ring = key_ring_from_environment (NULL);
  assert_primary (ring, GOOD);
  key_ring_free (ring);
}

static struct key_ring *
ring_from_file (const char *path)
{
  setenv ("CONFIG_ENCRYPTION_KEY_FILE", path, 1);
  return key_ring_from_environment (NULL);
}

static void
a_key_comes_from_a_file (void **state)
{
  const char *path = path_in_folder ("key");
  struct key_ring *ring;

  (void) state;
  write_file (path, GOOD "\n", 0600);
  ring = ring_from_file (path);
  assert_primary (ring, GOOD);
  key_ring_free (ring);
  unlink (path);
  write_file (path, OTHER, 0400);
  ring = ring_from_file (path);
  assert_primary (ring, OTHER);
  key_ring_free (ring);
  unlink (path);
}

static void
bad_files_are_refused (void **state)
{
  char path[256];
  char second[256];

  (void) state;
  snprintf (path, sizeof path, "%s/key", folder);
  snprintf (second, sizeof second, "%s/other", folder);
  setenv ("CONFIG_ENCRYPTION_KEY_FILE", path, 1);
  assert_refused (NULL); /* there is none */

  static const mode_t modes[] = { 0640, 0440, 0604, 0610, 0602,
                                  0644, 0666, 0700, 04600 };
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    write_file (path, GOOD, modes[i]);
    assert_refused (GOOD);
    unlink (path);
  }
  static const char *const contents[] = {
    "", (GOOD "\n\n"), (GOOD "\r\n"), (GOOD "\n" OTHER), (" " GOOD), "\n",
  };
  for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
    write_file (path, contents[i], 0600);
    assert_refused (GOOD);
    unlink (path);
  }
  write_file (second, GOOD, 0600);
  assert_int_equal (link (second, path), 0);
  assert_refused (GOOD);
  unlink (path);
  assert_int_equal (symlink (second, path), 0);
  assert_refused (GOOD);
  unlink (path);
  unlink (second);
  assert_int_equal (mkfifo (path, 0600), 0);
  assert_refused (NULL); /* and does not wait for a writer */
  unlink (path);
  assert_int_equal (mkdir (path, 0700), 0);
  assert_refused (NULL);
  rmdir (path);
  if (geteuid () == 0) {
    write_file (path, GOOD, 0600);
    assert_int_equal (chown (path, 12345, 12345), 0);
    assert_refused (GOOD);
    unlink (path);
  }
}

static void
a_key_comes_from_systemd (void **state)
{
  const char *path = path_in_folder ("config-encryption-key");

  (void) state;
  write_file (path, GOOD, 0400);
  setenv ("CREDENTIALS_DIRECTORY", folder, 1);
  struct key_ring *ring = key_ring_from_environment (NULL);
  assert_primary (ring, GOOD);
  key_ring_free (ring);
  /* As systemd 254 and later have it, with an access control list. */
  assert_int_equal (chmod (path, 0440), 0);
  ring = key_ring_from_environment (NULL);
  assert_primary (ring, GOOD);
  key_ring_free (ring);
  static const mode_t modes[] = { 0444, 0460, 0450, 0700 };
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    assert_int_equal (chmod (path, modes[i]), 0);
    assert_null (key_ring_from_environment (NULL));
  }
  unlink (path);
  /* The folder has other credentials than ours: no matter. */
  setenv ("CONFIG_ENCRYPTION_KEY", OTHER, 1);
  ring = key_ring_from_environment (NULL);
  assert_primary (ring, OTHER);
  key_ring_free (ring);
}

static void
files_are_read_anew (void **state)
{
  char path[256];
  char old[256];
  struct error error = { 0 };

  (void) state;
  snprintf (path, sizeof path, "%s/key", folder);
  snprintf (old, sizeof old, "%s/old", folder);
  write_file (path, GOOD "\n", 0600);
  write_file (old, "", 0600);
  setenv ("CONFIG_ENCRYPTION_KEY_FILE", path, 1);
  setenv ("CONFIG_ENCRYPTION_KEYS_OLD_FILE", old, 1);
  struct key_source *source = key_source_take (NULL);
  assert_non_null (source);
  struct key_ring *ring = key_source_load (source, NULL);
  assert_primary (ring, GOOD);
  assert_int_equal (key_ring_count (ring), 1);
  key_ring_free (ring);

  write_file (path, OTHER "\n", 0600);
  write_file (old, GOOD "\n" THIRD "\n", 0600);
  ring = key_source_load (source, NULL);
  assert_primary (ring, OTHER);
  assert_int_equal (key_ring_count (ring), 3);
  key_ring_free (ring);

  write_file (path, "damaged", 0600);
  assert_null (key_source_load (source, &error));
  assert_int_equal (error.code, EZCDC_E_CONFIG);
  key_source_free (source);
  unlink (path);
  unlink (old);
}

/* ---- What remains in the environment ----------------------------------- */

/* Runs this program again with the given environment; it takes the key and
 * prints its own /proc/self/environ. */
static size_t
environ_after_taking (char *const *entries, char *buffer, size_t size)
{
  int ends[2];
  size_t length = 0;
  ssize_t got;
  int status;

  assert_int_equal (pipe (ends), 0);
  pid_t child = fork ();
  assert_true (child >= 0);
  if (child == 0) {
    dup2 (ends[1], 1);
    close (ends[0]);
    char name[] = "test-keys";
    char word[] = "--take";
    char *arguments[] = { name, word, NULL };
    execve ("/proc/self/exe", arguments, entries);
    _exit (127);
  }
  close (ends[1]);
  while ((got = read (ends[0], buffer + length, size - length)) > 0)
    length += (size_t) got;
  close (ends[0]);
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_int_equal (status, 0);
  return length;
}

static int
take_and_print (void)
{
  char buffer[65536];
  struct key_source *source = key_source_take (NULL);
  int file = open ("/proc/self/environ", O_RDONLY);
  ssize_t got;

  if (source == NULL || file < 0)
    return 1;
  while ((got = read (file, buffer, sizeof buffer)) > 0)
    if (write (1, buffer, (size_t) got) != got)
      return 1;
  close (file);
  struct key_ring *ring = key_source_load (source, NULL);
  int status = ring == NULL;
  key_ring_free (ring);
  key_source_free (source);
  return status;
}

static void
the_environment_is_wiped_in_place (void **state)
{
  char key[] = "CONFIG_ENCRYPTION_KEY=" GOOD;
  char duplicate[] = "CONFIG_ENCRYPTION_KEY=" OTHER;
  char old[] = "CONFIG_ENCRYPTION_KEYS_OLD=" THIRD;
  char harmless[] = "HARMLESS=harmless";
  char options[] = "ASAN_OPTIONS=detect_leaks=0";
  char *entries[] = {
    key, harmless, duplicate, old, duplicate, options, NULL
  };
  static char buffer[65536];

  (void) state;
  size_t length = environ_after_taking (entries, buffer, sizeof buffer);
  assert_non_null (memmem (buffer, length, "HARMLESS=harmless", 17));
  for (size_t at = 0; at + 16 <= 64; at++) {
    assert_null (memmem (buffer, length, &GOOD[at], 16));
    assert_null (memmem (buffer, length, &OTHER[at], 16));
    assert_null (memmem (buffer, length, &THIRD[at], 16));
  }
}

/* ---- Secret pages ------------------------------------------------------ */

static void
pages_are_guarded (void **state)
{
  struct secret secret = { 0 };
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  unsigned char residence;

  (void) state;
  assert_int_equal (secret_create (&secret, 100, NULL), 0);
  assert_true (secret.capacity >= 100);
  for (size_t i = 0; i < secret.capacity; i++)
    assert_int_equal (secret.data[i], 0);
  memset (secret.data, 0xee, secret.capacity);
  /* A write to a guard page is refused by the kernel, too. */
  int ends[2];
  assert_int_equal (pipe (ends), 0);
  assert_int_equal (write (ends[1], secret.data - 1, 1), -1);
  assert_int_equal (write (ends[1], secret.data + secret.capacity, 1), -1);
  close (ends[0]);
  close (ends[1]);
  unsigned char *was = secret.data;
  secret_free (&secret);
  assert_null (secret.data);
  assert_int_equal (mincore (was, page, &residence), -1);
  secret_free (&secret);
}

static void
a_secret_can_be_sent (void **state)
{
  int descriptor;
  struct secret received = { 0 };
  char large[10000];

  (void) state;
  memset (large, 'x', sizeof large);
  assert_int_equal (secret_send_prepare ("hunter2", 7, &descriptor, NULL), 0);
  assert_int_equal (secret_receive (descriptor, 7, &received, NULL), 0);
  assert_string_equal ((char *) received.data, "hunter2");
  secret_free (&received);
  /* Wiped for whoever holds the descriptor still. */
  assert_int_equal (secret_receive (descriptor, 7, &received, NULL), 0);
  assert_string_equal ((char *) received.data, "");
  secret_free (&received);
  /* A length that the descriptor does not have is refused, not believed. */
  assert_int_not_equal (secret_receive (descriptor, 1000000, &received, NULL),
                        0);
  close (descriptor);
  assert_int_equal (
    secret_send_prepare (large, sizeof large, &descriptor, NULL), 0);
  assert_int_equal (secret_receive (descriptor, sizeof large, &received, NULL),
                    0);
  assert_memory_equal (received.data, large, sizeof large);
  secret_free (&received);
  close (descriptor);
}

static void
ordinary_pages_work_too (void **state)
{
  secret_refuse_hidden ();
  pages_are_guarded (state);
  a_secret_can_be_sent (state);
  a_key_comes_from_the_environment (state);
}

int
main (int argc, char **argv)
{
  if (argc == 2 && strcmp (argv[1], "--take") == 0)
    return take_and_print ();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup (a_key_comes_from_the_environment, before_each),
    cmocka_unit_test_setup (malformed_keys_are_refused, before_each),
    cmocka_unit_test_setup (a_huge_variable_is_refused_and_wiped, before_each),
    cmocka_unit_test_setup (weak_keys_are_refused, before_each),
    cmocka_unit_test_setup (no_key_is_refused, before_each),
    cmocka_unit_test_setup (two_keys_are_refused, before_each),
    cmocka_unit_test_setup (old_keys_follow_the_primary, before_each),
    cmocka_unit_test_setup (a_key_comes_from_a_file, before_each),
    cmocka_unit_test_setup (bad_files_are_refused, before_each),
    cmocka_unit_test_setup (a_key_comes_from_systemd, before_each),
    cmocka_unit_test_setup (files_are_read_anew, before_each),
    cmocka_unit_test_setup (the_environment_is_wiped_in_place, before_each),
    cmocka_unit_test_setup (pages_are_guarded, before_each),
    cmocka_unit_test_setup (a_secret_can_be_sent, before_each),
    cmocka_unit_test_setup (ordinary_pages_work_too, before_each),
  };
  return cmocka_run_group_tests_name ("keys", tests, make_folder,
                                      remove_folder);
}
