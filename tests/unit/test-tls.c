/* SPDX-License-Identifier: Apache-2.0 */
/* core/tls: what is accepted as a certificate, a key, a revocation list, and
 * what the paths of struct ezcdc_tls lead to. */

#include <config.h>

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/tls/certificate.h"
#include "core/tls/tls.h"
#include "tests/unit/certificates.h"

static char *folder;

/* ------------------------------------------------------------ surroundings */

struct world {
  struct tls_services services;
  struct tls_settings settings;
  struct tls_parameters *tls;
  struct error error;
  const char *sealed; /* what every sealed value holds */
  bool audit_fails;
  struct text audited;
  struct text warned;
};

static int
open_sealed (void *context, const char *option, const char *reason,
             ezcdc_secret_function function, void *function_context,
             struct error *error)
{
  struct world *world = context;

  assert_contains (option, "ssl_");
  assert_string_equal (reason, "load TLS");
  if (world->sealed == NULL)
    return error_set (error, EZCDC_E_CREDENTIAL, "credential_unreadable");
  return function (function_context, world->sealed, strlen (world->sealed));
}

static int
audit (void *context, const char *action, const char *outcome,
       const char *detail, struct error *error)
{
  struct world *world = context;

  if (world->audit_fails)
    return error_set (error, EZCDC_E_UNAVAILABLE, "disk full");
  text_printf (&world->audited, "%s %s %s\n", action, outcome, detail);
  return EZCDC_OK;
}

static void
warn (void *context, const char *message)
{
  struct world *world = context;

  text_printf (&world->warned, "%s\n", message);
}

static void
world_begin (struct world *world)
{
  *world = (struct world){
    .services = {
      .open_sealed = open_sealed,
      .audit = audit,
      .warn = warn,
      .context = world,
    },
    .settings = {
      .section = "sink",
      .mode = "verify-full",
      .enabled = true,
      .minimum_version = "TLSv1.2",
    },
  };
}

static void
world_end (struct world *world)
{
  tls_parameters_free (world->tls);
  text_free (&world->audited);
  text_free (&world->warned);
}

static int
load (struct world *world)
{
  tls_parameters_free (world->tls);
  world->tls = NULL;
  world->error = (struct error){ 0 };
  text_clear (&world->warned);
  text_clear (&world->audited);
  return tls_parameters_load (&world->settings, &world->services, &world->tls,
                              &world->error);
}

static const struct ezcdc_tls *
expect_load (struct world *world)
{
  int result = load (world);

  assert_string_equal (world->error.text, "");
  assert_int_equal (result, EZCDC_OK);
  return tls_parameters_view (world->tls);
}

static void
expect_refusal (struct world *world, int code, const char *words)
{
  int result = load (world);

  assert_contains (world->error.text, words);
  assert_int_equal (result, code);
  assert_int_equal (world->error.code, code);
  assert_null (world->tls);
}

/* The content of FOLDER/NAME; freed when the tests end. */
static char *
content (const char *name)
{
  char *path = folder_path (folder, name);
  char *text = file_read (path);

  free (path);
  return text;
}

static char *
join (const char *first, const char *second)
{
  char *text = NULL;

  assert_true (asprintf (&text, "%s%s", first, second) > 0);
  return text;
}

static char *
replace_line_breaks (const char *text, const char *with)
{
  struct text result = { 0 };

  for (; *text != '\0'; text++)
    if (*text == '\n')
      text_append_string (&result, with);
    else
      text_char (&result, *text);
  return text_take (&result);
}

static struct tls_pem
path_of (const char *name)
{
  return (struct tls_pem){ OPTION_PEM_PATH, folder_path (folder, name) };
}

static void
pem_free (struct tls_pem *pem)
{
  free ((void *) pem->text);
  *pem = (struct tls_pem){ 0 };
}

static void
expect_content (const char *path, const char *text)
{
  char *found;

  assert_non_null (path);
  found = file_read (path);
  assert_string_equal (found, text);
  free (found);
}

/* -------------------------------------------------------------------- tests */

static void
test_modes (void **state)
{
  static const char *const names[] = { "disable", "allow",     "prefer",
                                       "require", "verify-ca", "verify-full" };
  struct world world;

  (void) state;
  world_begin (&world);
  world.settings.root_cert = path_of ("one-ca.pem");
  for (uint32_t i = 0; i < 6; i++) {
    const struct ezcdc_tls *tls;

    world.settings.mode = names[i];
    tls = expect_load (&world);
    assert_int_equal (tls->size, sizeof *tls);
    assert_int_equal (tls->mode, i);
    assert_string_equal (tls->mode_name, names[i]);
    assert_string_equal (tls->minimum_version, "TLSv1.2");
    assert_contains (tls->root_cert == NULL ? "" : tls->root_cert,
                     i == EZCDC_TLS_DISABLE ? "" : "/proc/self/fd/");
    assert_null (tls->client_cert);
    assert_null (tls->client_key);
    assert_null (tls->crl);
    assert_int_equal (world.audited.length == 0, i == EZCDC_TLS_VERIFY_FULL);
    assert_int_equal (world.warned.length == 0, i == EZCDC_TLS_VERIFY_FULL);
  }
  world.settings.mode = "require";
  expect_load (&world);
  assert_string_equal (text_string (&world.audited),
                       "tls.weakened success {\"option\":\"ssl_mode\","
                       "\"value\":\"require\"}\n");
  assert_contains (text_string (&world.warned), "sink.ssl_mode = require: ");

  world.settings.mode = "verify-full";
  world.settings.enabled = false;
  assert_int_equal (expect_load (&world)->mode, EZCDC_TLS_DISABLE);
  assert_contains (text_string (&world.audited),
                   "{\"option\":\"ssl_enabled\",\"value\":\"no\"}");

  /* What cannot be recorded does not happen. */
  world.audit_fails = true;
  expect_refusal (&world, EZCDC_E_UNAVAILABLE, "disk full");
  pem_free (&world.settings.root_cert);
  world_end (&world);
}

/* Where the server has to prove itself and no CA is named, the system's CAs
 * stand in, by their path. */
static void
test_system_bundle (void **state)
{
  struct world world;

  (void) state;
  world_begin (&world);
  for (uint32_t i = 0; i < 4; i++) {
    world.settings.mode = (const char *[]){ "disable", "allow", "prefer",
                                            "require" }[i];
    assert_null (expect_load (&world)->root_cert);
  }
  world.settings.mode = "verify-ca";
  if (access ("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0)
    assert_string_equal (expect_load (&world)->root_cert,
                         "/etc/ssl/certs/ca-certificates.crt");
  world_end (&world);
}

static void
test_bad_modes (void **state)
{
  static const char *const names[] = { "",  "REQUIRE",  "verify_full",
                                       "1", " require", "verify-full " };
  struct world world;

  (void) state;
  world_begin (&world);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    world.settings.mode = names[i];
    expect_refusal (&world, EZCDC_E_CONFIG, "sink.ssl_mode: ");
  }
  world_end (&world);
}

static void
test_authorities (void **state)
{
  char *one = content ("one-ca.pem");
  char *two = content ("two-ca.pem");
  char *both = join (one, two);
  char *crlf = replace_line_breaks (both, "\r\n");
  char *escaped = replace_line_breaks (both, "\\n");
  char *explained = join ("# Issuer: CN = one-ca\n", both);
  struct world world;

  (void) state;
  world_begin (&world);
  world.settings.root_cert = path_of ("one-ca.pem");
  expect_content (expect_load (&world)->root_cert, one);
  assert_contains (tls_parameters_view (world.tls)->root_cert,
                   "/proc/self/fd/");
  pem_free (&world.settings.root_cert);

  world.settings.root_cert = (struct tls_pem){ OPTION_PEM_INLINE, both };
  expect_content (expect_load (&world)->root_cert, both);
  world.settings.root_cert.text = crlf;
  expect_content (expect_load (&world)->root_cert, crlf);
  world.settings.root_cert.text = explained;
  expect_load (&world);

  world.settings.root_cert = (struct tls_pem){ OPTION_PEM_SEALED, NULL };
  world.sealed = both;
  expect_content (expect_load (&world)->root_cert, both);
  world.sealed = escaped;
  expect_content (expect_load (&world)->root_cert, both);
  world.sealed = NULL;
  expect_refusal (&world, EZCDC_E_CREDENTIAL,
                  "sink.ssl_root_cert: credential_unreadable");
  world_end (&world);
  free (one);
  free (two);
  free (both);
  free (crlf);
  free (escaped);
  free (explained);
}

static void
test_bad_authorities (void **state)
{
  char *one = content ("one-ca.pem");
  char *key = content ("one-ca.key");
  char *leaf = content ("leaf.pem");
  char *list = content ("one-crl.pem");
  char *with_key = join (one, key);
  char *with_leaf = join (one, leaf);
  char *cut = strndup (one, strlen (one) - 30);
  char *one_and_cut = join (one, cut);
  char *damaged = strdup (one);
  struct {
    const char *text;
    const char *words;
  } cases[] = {
    { "", "no certificate in it" },
    { "hello", "no certificate in it" },
    { leaf, "(CN = leaf) is not one of a CA" },
    { with_leaf, "certificate 2 (CN = leaf) is not one of a CA" },
    { key, "\"PRIVATE KEY\", which does not belong here" },
    { with_key, "block 2 is a \"PRIVATE KEY\"" },
    { list, "\"X509 CRL\"" },
    { cut, "block 1 is damaged or cut" },
    { one_and_cut, "block 2 is damaged or cut" },
    { damaged, "certificate 1 cannot be read" },
    { "a\x01z", "not a PEM text" },
  };
  struct world world;

  (void) state;
  /* Right base64, wrong structure. */
  memset (strchr (damaged, '\n') + 1, 'A', 20);
  world_begin (&world);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    world.settings.root_cert = (struct tls_pem){ OPTION_PEM_INLINE,
                                                 cases[i].text };
    expect_refusal (&world, EZCDC_E_CONFIG, "sink.ssl_root_cert: ");
    assert_contains (world.error.text, cases[i].words);
  }
  world_end (&world);
  free (one);
  free (key);
  free (leaf);
  free (list);
  free (with_key);
  free (with_leaf);
  free (cut);
  free (one_and_cut);
  free (damaged);
}

static void
test_paths (void **state)
{
  char *large = folder_path (folder, "large.pem");
  FILE *file = fopen (large, "w");
  struct world world;

  (void) state;
  assert_non_null (file);
  assert_int_equal (ftruncate (fileno (file), 1024 * 1024), 0);
  fclose (file);
  free (large);
  world_begin (&world);
  world.settings.root_cert = path_of ("missing.pem");
  expect_refusal (&world, EZCDC_E_CONFIG, "missing.pem: No such file");
  pem_free (&world.settings.root_cert);
  world.settings.root_cert = path_of ("large.pem");
  expect_refusal (&world, EZCDC_E_CONFIG, "larger than the 768 KiB");
  pem_free (&world.settings.root_cert);
  world.settings.root_cert = path_of (".");
  expect_refusal (&world, EZCDC_E_CONFIG, "is not a regular file");
  pem_free (&world.settings.root_cert);
  world_end (&world);
}

/* libraries insist on the mode of a key, and nobody can change the file. */
static void
test_files_in_memory (void **state)
{
  struct world world;
  const struct ezcdc_tls *tls;
  struct stat status;
  int descriptor;

  (void) state;
  world_begin (&world);
  world.settings.root_cert = path_of ("one-ca.pem");
  world.settings.client_cert = path_of ("leaf.pem");
  world.settings.client_key = path_of ("leaf.key");
  world.settings.crl = path_of ("one-crl.pem");
  tls = expect_load (&world);
  const char *paths[] = { tls->root_cert, tls->client_cert, tls->client_key,
                          tls->crl };
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal (stat (paths[i], &status), 0);
    assert_int_equal (status.st_mode, S_IFREG | S_IRUSR | S_IWUSR);
    descriptor = open (paths[i], O_RDWR);
    assert_true (descriptor >= 0);
    assert_int_equal (write (descriptor, "x", 1), -1);
    assert_int_equal (errno, EPERM);
    assert_int_equal (ftruncate (descriptor, 0), -1);
    close (descriptor);
  }
  pem_free (&world.settings.root_cert);
  pem_free (&world.settings.client_cert);
  pem_free (&world.settings.client_key);
  pem_free (&world.settings.crl);
  world_end (&world);
}

static void
test_client_certificates (void **state)
{
  char *leaf = content ("leaf.pem");
  char *key = content ("leaf.key");
  char *both = join (leaf, key);
  char *two_keys = join (key, key);
  struct world world;

  (void) state;
  world_begin (&world);
  world.settings.root_cert = path_of ("one-ca.pem");
  world.settings.client_cert = path_of ("leaf.pem");
  expect_refusal (&world, EZCDC_E_CONFIG,
                  "sink.ssl_client_cert: ssl_client_key is missing");
  world.settings.client_key = path_of ("one-ca.key");
  expect_refusal (&world, EZCDC_E_CONFIG, "do not belong together");
  pem_free (&world.settings.client_key);
  world.settings.client_key = path_of ("leaf.pem");
  expect_refusal (&world, EZCDC_E_CONFIG,
                  "sink.ssl_client_key: no private key in it");
  pem_free (&world.settings.client_key);
  world.settings.client_key = path_of ("leaf-encrypted.key");
  expect_refusal (&world, EZCDC_E_CONFIG, "protected by a passphrase");
  pem_free (&world.settings.client_key);
  world.settings.client_key = path_of ("leaf-open.key");
  expect_refusal (&world, EZCDC_E_CONFIG, "can be read by others: chmod");
  pem_free (&world.settings.client_key);

  /* In the clear in the INI file: no. Sealed: yes. */
  world.settings.client_key = (struct tls_pem){ OPTION_PEM_INLINE, key };
  expect_refusal (&world, EZCDC_E_CONFIG, "\"ezcdc seal\"");
  assert_null (strstr (world.error.text, "BEGIN"));
  world.settings.client_key = (struct tls_pem){ OPTION_PEM_SEALED, NULL };
  world.sealed = key;
  expect_content (expect_load (&world)->client_key, key);
  world.sealed = both;
  expect_content (expect_load (&world)->client_key, both);
  world.sealed = two_keys;
  expect_refusal (&world, EZCDC_E_CONFIG, "more than one private key");
  world.sealed = key;
  pem_free (&world.settings.client_cert);
  expect_refusal (&world, EZCDC_E_CONFIG,
                  "sink.ssl_client_key: ssl_client_cert is missing");
  pem_free (&world.settings.root_cert);
  world_end (&world);
  free (leaf);
  free (key);
  free (both);
  free (two_keys);
}

static void
test_revocation_lists (void **state)
{
  char *one = content ("one-crl.pem");
  struct world world;

  (void) state;
  world_begin (&world);
  world.settings.root_cert = path_of ("one-ca.pem");
  world.settings.crl = path_of ("one-crl.pem");
  expect_content (expect_load (&world)->crl, one);
  assert_string_equal (text_string (&world.warned), "");
  pem_free (&world.settings.crl);

  /* libpq would go on without a word in each of these cases. */
  world.settings.crl = path_of ("missing.pem");
  expect_refusal (&world, EZCDC_E_CONFIG, "sink.ssl_crl: ");
  pem_free (&world.settings.crl);
  world.settings.crl = path_of ("two-crl.pem");
  expect_refusal (&world, EZCDC_E_CONFIG, "not signed by a CA");
  pem_free (&world.settings.crl);
  world.settings.crl = path_of ("one-ca.pem");
  expect_refusal (&world, EZCDC_E_CONFIG, "sink.ssl_crl: ");
  pem_free (&world.settings.crl);
  world.settings.crl = (struct tls_pem){ OPTION_PEM_INLINE, "garbage" };
  expect_refusal (&world, EZCDC_E_CONFIG, "no revocation list in it");

  pem_free (&world.settings.root_cert);
  world.settings.mode = "require";
  world.settings.crl = (struct tls_pem){ OPTION_PEM_INLINE, one };
  expect_refusal (&world, EZCDC_E_CONFIG, "needs ssl_root_cert beside it");
  world_end (&world);
  free (one);
}

static void
test_warnings (void **state)
{
  struct world world;

  (void) state;
  world_begin (&world);
  world.settings.root_cert = path_of ("one-ca.pem");
  world.settings.client_cert = path_of ("expired.pem");
  world.settings.client_key = path_of ("expired.key");
  expect_load (&world);
  assert_string_equal (text_string (&world.warned),
                       "sink.ssl_client_cert: the certificate CN = expired "
                       "has expired\n");
  pem_free (&world.settings.client_cert);
  pem_free (&world.settings.client_key);
  world.settings.client_cert = path_of ("future.pem");
  world.settings.client_key = path_of ("future.key");
  expect_load (&world);
  assert_contains (text_string (&world.warned), "is not valid yet");
  pem_free (&world.settings.client_cert);
  pem_free (&world.settings.client_key);
  pem_free (&world.settings.root_cert);
  world.settings.root_cert = path_of ("three-ca.pem");
  world.settings.crl = path_of ("three-crl.pem");
  expect_load (&world);
  assert_contains (text_string (&world.warned),
                   "sink.ssl_crl: a revocation list is out of date");
  pem_free (&world.settings.crl);
  pem_free (&world.settings.root_cert);
  world_end (&world);
}

/* A certificate as a peer sends it. */
static void
test_peer_certificate (void **state)
{
  unsigned char *der = NULL;
  char *path = folder_path (folder, "expired.pem");
  FILE *file = fopen (path, "r");
  X509 *x509 = PEM_read_X509 (file, NULL, NULL, NULL);
  struct certificate certificate;
  int length = i2d_X509 (x509, &der);
  unsigned char *longer = malloc ((size_t) length + 1);

  (void) state;
  assert_true (length > 100);
  assert_true (certificate_read (der, (size_t) length, &certificate));
  assert_int_equal (strlen (certificate.fingerprint), 64);
  assert_int_equal (strspn (certificate.fingerprint, "0123456789abcdef"), 64);
  assert_true (certificate_expires_within (&certificate, 0));
  assert_true (certificate.expires > 0);
  for (int cut = 0; cut < length; cut++)
    assert_false (certificate_read (der, (size_t) cut, &certificate));
  memcpy (longer, der, (size_t) length);
  longer[length] = 0;
  assert_false (certificate_read (longer, (size_t) length + 1, &certificate));
  assert_false (certificate_read (der, CERTIFICATE_MAX + 1, &certificate));

  certificate.expires = clock_realtime () + INT64_C (86400000000) * 3 / 2;
  assert_true (certificate_expires_within (&certificate, 2));
  assert_false (certificate_expires_within (&certificate, 1));
  free (longer);
  OPENSSL_free (der);
  X509_free (x509);
  fclose (file);
  free (path);
}

static void
test_expiry_is_reported (void **state)
{
  struct world world;

  (void) state;
  world_begin (&world);
  world.settings.root_cert = path_of ("one-ca.pem");
  world.settings.expiry_days = 100000;
  expect_load (&world);
  assert_contains (text_string (&world.warned),
                   "sink.ssl_root_cert: the certificate CN = one expires on ");
  assert_contains (text_string (&world.audited),
                   "tls.expiring success {\"option\":\"ssl_root_cert\","
                   "\"fingerprint\":\"");
  pem_free (&world.settings.root_cert);
  world_end (&world);
}

static void
test_disabled_reads_nothing (void **state)
{
  struct world world;

  (void) state;
  world_begin (&world);
  world.settings.enabled = false;
  world.settings.root_cert = path_of ("missing.pem");
  assert_null (expect_load (&world)->root_cert);
  pem_free (&world.settings.root_cert);
  world_end (&world);
}

static void
test_reload (void **state)
{
  char *path = folder_path (folder, "reloaded-ca.pem");
  char *one = content ("one-ca.pem");
  char *two = content ("two-ca.pem");
  struct world world;
  const struct ezcdc_tls *tls;
  struct ezcdc_tls before;
  uint64_t generation;

  (void) state;
  file_write (path, one);
  world_begin (&world);
  world.settings.root_cert = (struct tls_pem){ OPTION_PEM_PATH, path };
  tls = expect_load (&world);
  before = *tls;
  generation = tls_parameters_generation (world.tls);

  /* The same paths, new content; a reader from before goes on undisturbed. */
  FILE *reader = fopen (tls->root_cert, "r");
  char beginning[11] = "";
  assert_non_null (reader);
  assert_int_equal (fread (beginning, 1, 10, reader), 10);
  file_write (path, two);
  assert_int_equal (tls_parameters_reload (world.tls, &world.error), EZCDC_OK);
  assert_memory_equal (&before, tls, sizeof before);
  expect_content (tls->root_cert, two);
  assert_int_equal (tls_parameters_generation (world.tls), generation + 1);
  char rest[4096] = "";
  assert_true (fread (rest, 1, sizeof rest - 1, reader) > 0);
  assert_string_equal (rest, one + 10);
  fclose (reader);

  /* What is wrong changes nothing. */
  file_write (path, "garbage");
  assert_int_equal (tls_parameters_reload (world.tls, &world.error),
                    EZCDC_E_CONFIG);
  expect_content (tls->root_cert, two);
  assert_int_equal (tls_parameters_generation (world.tls), generation + 1);
  world_end (&world);
  free (path);
  free (one);
  free (two);
}

/* ---------------------------------------------------------------- set-up */

static int
set_up (void **state)
{
  char *key;
  char *path;

  (void) state;
  folder = folder_make ();
  certificate_make_ca (folder, "one");
  certificate_make_ca (folder, "two");
  certificate_make_ca (folder, "three");
  certificate_make (folder, "one", "leaf", "DNS:leaf", 0, 10);
  certificate_make (folder, "one", "expired", NULL, -20, 10);
  certificate_make (folder, "one", "future", NULL, 5, 10);
  certificate_make_crl (folder, "one", "leaf", 10);
  certificate_make_crl (folder, "two", NULL, 10);
  certificate_make_crl (folder, "three", NULL, -1);
  certificate_encrypt_key (folder, "leaf");
  key = content ("leaf.key");
  path = folder_path (folder, "leaf-open.key");
  file_write (path, key);
  assert_int_equal (chmod (path, 0644), 0);
  free (path);
  free (key);
  return 0;
}

static int
tear_down (void **state)
{
  (void) state;
  folder_remove (folder);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_modes),
    cmocka_unit_test (test_system_bundle),
    cmocka_unit_test (test_bad_modes),
    cmocka_unit_test (test_authorities),
    cmocka_unit_test (test_bad_authorities),
    cmocka_unit_test (test_paths),
    cmocka_unit_test (test_files_in_memory),
    cmocka_unit_test (test_client_certificates),
    cmocka_unit_test (test_revocation_lists),
    cmocka_unit_test (test_warnings),
    cmocka_unit_test (test_peer_certificate),
    cmocka_unit_test (test_expiry_is_reported),
    cmocka_unit_test (test_disabled_reads_nothing),
    cmocka_unit_test (test_reload),
  };

  return cmocka_run_group_tests (tests, set_up, tear_down);
}
