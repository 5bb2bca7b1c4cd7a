/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests. */

#include <config.h>

#include "tests/unit/unit.h"

#include <ftw.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/unit/certificates.h"

/* ------------------------------------------------------------------- files */

char *
folder_make (void)
{
  const char *parent = getenv ("TMPDIR");
  char *folder = NULL;

  assert_true (asprintf (&folder, "%s/ezcdc-unit-XXXXXX",
                         parent == NULL ? "/tmp" : parent)
               > 0);
  assert_non_null (mkdtemp (folder));
  return folder;
}

static int
remove_entry (const char *path, const struct stat *status, int type,
              struct FTW *walk)
{
  (void) status;
  (void) type;
  (void) walk;
  return remove (path);
}

void
folder_remove (char *folder)
{
  if (folder != NULL)
    nftw (folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  free (folder);
}

char *
folder_path (const char *folder, const char *name)
{
  char *path = NULL;

  assert_true (asprintf (&path, "%s/%s", folder, name) > 0);
  return path;
}

char *
file_read (const char *path)
{
  FILE *file = fopen (path, "r");
  char *text = NULL;
  size_t size = 0;

  assert_non_null (file);
  assert_true (getdelim (&text, &size, '\0', file) >= 0);
  fclose (file);
  return text;
}

void
file_write (const char *path, const char *text)
{
  FILE *file = fopen (path, "w");

  assert_non_null (file);
  assert_true (fputs (text, file) >= 0);
  assert_int_equal (fclose (file), 0);
  assert_int_equal (chmod (path, 0600), 0);
}

static FILE *
open_in (const char *folder, const char *name, const char *suffix,
         const char *mode)
{
  char *file_name = NULL;
  char *path;
  FILE *file;

  assert_true (asprintf (&file_name, "%s%s", name, suffix) > 0);
  path = folder_path (folder, file_name);
  file = fopen (path, mode);
  assert_non_null (file);
  if (mode[0] == 'w')
    assert_int_equal (chmod (path, 0600), 0);
  free (path);
  free (file_name);
  return file;
}

/* ------------------------------------------------------------ certificates */

static X509 *
read_certificate (const char *folder, const char *name, const char *suffix)
{
  FILE *file = open_in (folder, name, suffix, "r");
  X509 *certificate = PEM_read_X509 (file, NULL, NULL, NULL);

  assert_non_null (certificate);
  fclose (file);
  return certificate;
}

static EVP_PKEY *
read_key (const char *folder, const char *name, const char *suffix)
{
  FILE *file = open_in (folder, name, suffix, "r");
  EVP_PKEY *key = PEM_read_PrivateKey (file, NULL, NULL, NULL);

  assert_non_null (key);
  fclose (file);
  return key;
}

static void
add_extension (X509 *certificate, X509 *issuer, int nid, const char *value)
{
  X509V3_CTX context;
  X509_EXTENSION *extension;

  X509V3_set_ctx_nodb (&context);
  X509V3_set_ctx (&context, issuer, certificate, NULL, NULL, 0);
  extension = X509V3_EXT_conf_nid (NULL, &context, nid, value);
  assert_non_null (extension);
  assert_true (X509_add_ext (certificate, extension, -1));
  X509_EXTENSION_free (extension);
}

static void
set_times (X509 *certificate, int begin_days, int days)
{
  assert_non_null (X509_time_adj_ex (X509_getm_notBefore (certificate),
                                     begin_days, -60, NULL));
  assert_non_null (X509_time_adj_ex (X509_getm_notAfter (certificate),
                                     begin_days + days, 0, NULL));
}

static X509 *
new_certificate (const char *name, EVP_PKEY *key)
{
  static long serial = 1;
  X509 *certificate = X509_new ();
  X509_NAME *subject;

  assert_non_null (certificate);
  assert_true (X509_set_version (certificate, X509_VERSION_3));
  assert_true (ASN1_INTEGER_set (X509_get_serialNumber (certificate),
                                 (long) time (NULL) * 1000 + serial++));
  assert_true (X509_set_pubkey (certificate, key));
  subject = X509_get_subject_name (certificate);
  assert_true (X509_NAME_add_entry_by_txt (
    subject, "CN", MBSTRING_UTF8, (const unsigned char *) name, -1, -1, 0));
  return certificate;
}

static void
write_both (const char *folder, const char *name, const char *infix,
            X509 *certificate, EVP_PKEY *key)
{
  char suffix[32];
  FILE *file;

  snprintf (suffix, sizeof suffix, "%s.pem", infix);
  file = open_in (folder, name, suffix, "w");
  assert_true (PEM_write_X509 (file, certificate));
  assert_int_equal (fclose (file), 0);
  snprintf (suffix, sizeof suffix, "%s.key", infix);
  file = open_in (folder, name, suffix, "w");
  assert_true (PEM_write_PrivateKey (file, key, NULL, NULL, 0, NULL, NULL));
  assert_int_equal (fclose (file), 0);
}

void
certificate_make_ca (const char *folder, const char *name)
{
  EVP_PKEY *key = EVP_EC_gen ("P-256");
  X509 *certificate = new_certificate (name, key);

  assert_true (
    X509_set_issuer_name (certificate, X509_get_subject_name (certificate)));
  set_times (certificate, -1, 3650);
  add_extension (certificate, certificate, NID_basic_constraints,
                 "critical,CA:TRUE");
  add_extension (certificate, certificate, NID_key_usage,
                 "critical,keyCertSign,cRLSign");
  add_extension (certificate, certificate, NID_subject_key_identifier, "hash");
  assert_true (X509_sign (certificate, key, EVP_sha256 ()));
  write_both (folder, name, "-ca", certificate, key);
  X509_free (certificate);
  EVP_PKEY_free (key);
}

void
certificate_make (const char *folder, const char *ca, const char *name,
                  const char *alternatives, int begin_days, int days)
{
  X509 *issuer = read_certificate (folder, ca, "-ca.pem");
  EVP_PKEY *issuer_key = read_key (folder, ca, "-ca.key");
  EVP_PKEY *key = EVP_EC_gen ("P-256");
  X509 *certificate = new_certificate (name, key);

  assert_true (
    X509_set_issuer_name (certificate, X509_get_subject_name (issuer)));
  set_times (certificate, begin_days, days);
  add_extension (certificate, issuer, NID_basic_constraints, "CA:FALSE");
  if (alternatives != NULL)
    add_extension (certificate, issuer, NID_subject_alt_name, alternatives);
  add_extension (certificate, issuer, NID_authority_key_identifier, "keyid");
  assert_true (X509_sign (certificate, issuer_key, EVP_sha256 ()));
  write_both (folder, name, "", certificate, key);
  X509_free (certificate);
  X509_free (issuer);
  EVP_PKEY_free (key);
  EVP_PKEY_free (issuer_key);
}

static void
add_revoked (X509_CRL *list, const char *folder, const char *name)
{
  X509 *certificate = read_certificate (folder, name, ".pem");
  X509_REVOKED *revoked = X509_REVOKED_new ();
  ASN1_TIME *now = ASN1_TIME_adj (NULL, time (NULL), 0, -60);

  assert_true (X509_REVOKED_set_serialNumber (
    revoked, X509_get_serialNumber (certificate)));
  assert_true (X509_REVOKED_set_revocationDate (revoked, now));
  assert_true (X509_CRL_add0_revoked (list, revoked));
  ASN1_TIME_free (now);
  X509_free (certificate);
}

void
certificate_make_crl (const char *folder, const char *ca, const char *name,
                      int days)
{
  X509 *issuer = read_certificate (folder, ca, "-ca.pem");
  EVP_PKEY *issuer_key = read_key (folder, ca, "-ca.key");
  X509_CRL *list = X509_CRL_new ();
  ASN1_TIME *begin = ASN1_TIME_adj (NULL, time (NULL), -10, 0);
  ASN1_TIME *next = ASN1_TIME_adj (NULL, time (NULL), days, 0);
  FILE *file;

  assert_true (X509_CRL_set_version (list, X509_CRL_VERSION_2));
  assert_true (
    X509_CRL_set_issuer_name (list, X509_get_subject_name (issuer)));
  assert_true (X509_CRL_set1_lastUpdate (list, begin));
  assert_true (X509_CRL_set1_nextUpdate (list, next));
  if (name != NULL)
    add_revoked (list, folder, name);
  assert_true (X509_CRL_sign (list, issuer_key, EVP_sha256 ()));
  file = open_in (folder, ca, "-crl.pem", "w");
  assert_true (PEM_write_X509_CRL (file, list));
  assert_int_equal (fclose (file), 0);
  ASN1_TIME_free (begin);
  ASN1_TIME_free (next);
  X509_CRL_free (list);
  X509_free (issuer);
  EVP_PKEY_free (issuer_key);
}

void
certificate_encrypt_key (const char *folder, const char *name)
{
  EVP_PKEY *key = read_key (folder, name, ".key");
  FILE *file = open_in (folder, name, "-encrypted.key", "w");

  assert_true (PEM_write_PrivateKey (file, key, EVP_aes_256_cbc (),
                                     (const unsigned char *) "pass", 4, NULL,
                                     NULL));
  assert_int_equal (fclose (file), 0);
  EVP_PKEY_free (key);
}
