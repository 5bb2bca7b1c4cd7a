/* SPDX-License-Identifier: Apache-2.0 */
/* Reads PEM texts strictly. */

#include <config.h>

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/tls/certificate.h"
#include "core/tls/pem.h"

static const char begin_mark[] = "-----BEGIN ";

/* What a text may hold; other blocks are refused. */
enum {
  HOLDS_CERTIFICATES = 1,
  HOLDS_KEYS = 2,
  HOLDS_REVOCATION_LISTS = 4,
};

static int
block_kind (const char *name)
{
  static const struct {
    const char *name;
    int kind;
  } kinds[] = {
    { PEM_STRING_X509, HOLDS_CERTIFICATES },
    { PEM_STRING_X509_CRL, HOLDS_REVOCATION_LISTS },
    { PEM_STRING_PKCS8, HOLDS_KEYS },
    { PEM_STRING_PKCS8INF, HOLDS_KEYS },
    { PEM_STRING_RSA, HOLDS_KEYS },
    { PEM_STRING_ECPRIVATEKEY, HOLDS_KEYS },
    { PEM_STRING_ECPARAMETERS, HOLDS_KEYS },
  };

  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp (name, kinds[i].name) == 0)
      return kinds[i].kind;
  return 0;
}

/* One block of a text, as OpenSSL cut it out. */
struct block {
  char *name;
  char *header;
  unsigned char *data;
  long length;
};

static void
block_free (struct block *block)
{
  OPENSSL_free (block->name);
  OPENSSL_free (block->header);
  if (block->data != NULL)
    OPENSSL_clear_free (block->data, (size_t) block->length);
  *block = (struct block){ 0 };
}

/* Plain text with PEM in it, explanations between the blocks included. */
static bool
is_text (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char) text[i];

    if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
      return false;
  }
  return true;
}

static size_t
count_begin_marks (const char *text, size_t length)
{
  const char *end = text + length;
  size_t count = 0;

  while ((text = memmem (text, (size_t) (end - text), begin_mark,
                         sizeof begin_mark - 1))
         != NULL) {
    text += sizeof begin_mark - 1;
    count++;
  }
  return count;
}

/* The name of a block is said if it is written as names are: it may be a line
 * of a key that has come into its place. */
static int
refuse_block (size_t number, const char *name, struct error *error)
{
  const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ";
  bool is_name = name[strspn (name, letters)] == '\0';

  return error_set (error, EZCDC_E_CONFIG,
                    "block %zu %s%.40s%s, which does not belong here", number,
                    is_name ? "is a \"" : "has a name that is none",
                    is_name ? name : "", is_name ? "\"" : "");
}

typedef int (*block_function) (void *context, const struct block *block,
                               size_t number, struct error *error);

/* Hands on each block of the wanted kind; blocks of the other allowed kinds
 * are passed over. Counts what it handed on. */
static int
read_blocks (const char *text, size_t length, int allowed, int wanted,
             block_function function, void *context, size_t *ret_count,
             struct error *error)
{
  BIO *bio;
  struct block block = { 0 };
  size_t number = 0;
  size_t count = 0;
  int result = EZCDC_OK;

  if (length > INT_MAX || !is_text (text, length))
    return error_set (error, EZCDC_E_CONFIG, "not a PEM text");
  bio = BIO_new_mem_buf (text, (int) length);
  if (bio == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  while (result == EZCDC_OK
         && PEM_read_bio (bio, &block.name, &block.header, &block.data,
                          &block.length)) {
    int kind = block_kind (block.name);

    number++;
    if ((kind & allowed) == 0)
      result = refuse_block (number, block.name, error);
    else if ((kind & wanted) != 0) {
      result = function (context, &block, number, error);
      count++;
    }
    block_free (&block);
  }
  BIO_free (bio);
  ERR_clear_error ();
  /* A block that is cut, damaged or misspelt ends the loop like the end of
   * the text does. */
  if (result == EZCDC_OK && number != count_begin_marks (text, length))
    result = error_set (error, EZCDC_E_CONFIG, "block %zu is damaged or cut",
                        number + 1);
  if (result == EZCDC_OK)
    *ret_count = count;
  return result;
}

static void
describe_subject (X509 *certificate, char *ret_text, size_t size)
{
  BIO *bio = BIO_new (BIO_s_mem ());
  int length = 0;

  if (bio != NULL
      && X509_NAME_print_ex (bio, X509_get_subject_name (certificate), 0,
                             XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB)
           >= 0)
    length = BIO_read (bio, ret_text, (int) size - 1);
  ret_text[length > 0 ? length : 0] = '\0';
  BIO_free (bio);
}

struct certificate_reader {
  STACK_OF (X509) * certificates;
  int authorities;
};

static int
read_certificate (void *context, const struct block *block, size_t number,
                  struct error *error)
{
  struct certificate_reader *reader = context;
  const unsigned char *data = block->data;
  X509 *certificate = d2i_X509 (NULL, &data, block->length);
  char subject[200];

  if (certificate == NULL || data != block->data + block->length) {
    X509_free (certificate);
    return error_set (error, EZCDC_E_CONFIG, "certificate %zu cannot be read",
                      number);
  }
  if (reader->authorities && X509_check_ca (certificate) == 0
      && X509_self_signed (certificate, 0) != 1) {
    describe_subject (certificate, subject, sizeof subject);
    X509_free (certificate);
    return error_set (error, EZCDC_E_CONFIG,
                      "certificate %zu (%s) is not one of a CA: give the "
                      "certificate of who issued it",
                      number, subject);
  }
  if (!sk_X509_push (reader->certificates, certificate)) {
    X509_free (certificate);
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  }
  return EZCDC_OK;
}

static int
read_certificates (const char *text, size_t length, int allowed,
                   int authorities, STACK_OF (X509) * *ret_certificates,
                   struct error *error)
{
  struct certificate_reader reader = {
    .certificates = sk_X509_new_null (),
    .authorities = authorities,
  };
  size_t count;
  int result;

  if (reader.certificates == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  result = read_blocks (text, length, allowed, HOLDS_CERTIFICATES,
                        read_certificate, &reader, &count, error);
  if (result == EZCDC_OK && count == 0)
    result = error_set (error, EZCDC_E_CONFIG, "no certificate in it");
  if (result != EZCDC_OK) {
    pem_certificates_free (reader.certificates);
    return result;
  }
  *ret_certificates = reader.certificates;
  return EZCDC_OK;
}

int
pem_certificates (const char *text, size_t length, int authorities,
                  STACK_OF (X509) * *ret_certificates, struct error *error)
{
  return read_certificates (text, length, HOLDS_CERTIFICATES, authorities,
                            ret_certificates, error);
}

/* Instead of the terminal, which OpenSSL would ask. */
static int
no_passphrase (char *buffer, int size, int writing, void *context)
{
  (void) buffer;
  (void) size;
  (void) writing;
  *(bool *) context = true;
  return -1;
}

static int
count_key (void *context, const struct block *block, size_t number,
           struct error *error)
{
  (void) number;
  (void) error;
  if (strcmp (block->name, PEM_STRING_ECPARAMETERS) != 0)
    ++*(size_t *) context;
  return EZCDC_OK;
}

int
pem_private_key (const char *text, size_t length, EVP_PKEY **ret_key,
                 struct error *error)
{
  size_t blocks;
  size_t keys = 0;
  bool encrypted = false;
  EVP_PKEY *key;
  BIO *bio;
  int result = read_blocks (text, length, HOLDS_KEYS | HOLDS_CERTIFICATES,
                            HOLDS_KEYS, count_key, &keys, &blocks, error);

  if (result != EZCDC_OK)
    return result;
  if (keys != 1)
    return error_set (error, EZCDC_E_CONFIG,
                      keys == 0 ? "no private key in it"
                                : "more than one private key in it");
  bio = BIO_new_mem_buf (text, (int) length);
  if (bio == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  key = PEM_read_bio_PrivateKey (bio, NULL, no_passphrase, &encrypted);
  BIO_free (bio);
  ERR_clear_error ();
  if (key == NULL && encrypted)
    return error_set (error, EZCDC_E_CONFIG,
                      "the private key is protected by a passphrase: take "
                      "that off (openssl pkey) and seal the key with \"ezcdc "
                      "seal\"");
  if (key == NULL)
    return error_set (error, EZCDC_E_CONFIG, "the private key cannot be read");
  *ret_key = key;
  return EZCDC_OK;
}

int
pem_client_certificates (const char *text, size_t length, EVP_PKEY *key,
                         STACK_OF (X509) * *ret_certificates,
                         struct error *error)
{
  STACK_OF (X509) * certificates;
  int result = read_certificates (
    text, length, HOLDS_CERTIFICATES | HOLDS_KEYS, 0, &certificates, error);

  if (result != EZCDC_OK)
    return result;
  if (X509_check_private_key (sk_X509_value (certificates, 0), key) != 1) {
    ERR_clear_error ();
    pem_certificates_free (certificates);
    return error_set (error, EZCDC_E_CONFIG,
                      "its first certificate and ssl_client_key do not "
                      "belong together");
  }
  *ret_certificates = certificates;
  return EZCDC_OK;
}

struct list_reader {
  STACK_OF (X509) * authorities;
  pem_warn_function warn;
  void *context;
};

static bool
is_signed_by_authority (X509_CRL *list, STACK_OF (X509) * authorities)
{
  bool found = false;

  for (int i = 0; i < sk_X509_num (authorities) && !found; i++) {
    X509 *authority = sk_X509_value (authorities, i);

    found = X509_NAME_cmp (X509_CRL_get_issuer (list),
                           X509_get_subject_name (authority))
              == 0
            && X509_CRL_verify (list, X509_get0_pubkey (authority)) == 1;
  }
  ERR_clear_error ();
  return found;
}

static int
check_list (void *context, const struct block *block, size_t number,
            struct error *error)
{
  struct list_reader *reader = context;
  const unsigned char *data = block->data;
  X509_CRL *list = d2i_X509_CRL (NULL, &data, block->length);
  const ASN1_TIME *next;
  int result = EZCDC_OK;

  if (list == NULL || data != block->data + block->length)
    result = error_set (error, EZCDC_E_CONFIG,
                        "revocation list %zu cannot be read", number);
  else if (!is_signed_by_authority (list, reader->authorities))
    result = error_set (error, EZCDC_E_CONFIG,
                        "revocation list %zu is not signed by a CA of "
                        "ssl_root_cert",
                        number);
  else if ((next = X509_CRL_get0_nextUpdate (list)) != NULL
           && X509_cmp_current_time (next) < 0)
    reader->warn (reader->context,
                  "a revocation list is out of date: connections will be "
                  "refused until there is a newer one");
  X509_CRL_free (list);
  return result;
}

int
pem_check_revocation_lists (const char *text, size_t length,
                            STACK_OF (X509) * authorities,
                            pem_warn_function warn, void *context,
                            struct error *error)
{
  struct list_reader reader = { authorities, warn, context };
  size_t count;
  int result = read_blocks (text, length, HOLDS_REVOCATION_LISTS,
                            HOLDS_REVOCATION_LISTS, check_list, &reader,
                            &count, error);

  if (result == EZCDC_OK && count == 0)
    result = error_set (error, EZCDC_E_CONFIG, "no revocation list in it");
  return result;
}

void
pem_warn_of_validity (const STACK_OF (X509) * certificates, int64_t days,
                      pem_warn_function warn, void *context)
{
  for (int i = 0; i < sk_X509_num (certificates); i++) {
    X509 *certificate = sk_X509_value (certificates, i);
    struct certificate facts;
    const char *finding = NULL, *end = "";
    char subject[200];
    char message[300];

    if (X509_cmp_current_time (X509_get0_notAfter (certificate)) < 0)
      finding = "has expired";
    else if (X509_cmp_current_time (X509_get0_notBefore (certificate)) > 0)
      finding = "is not valid yet";
    else if (certificate_of (certificate, &facts)
             && certificate_expires_within (&facts, days)) {
      finding = "expires on ";
      end = facts.expires_text;
    }
    if (finding == NULL)
      continue;
    describe_subject (certificate, subject, sizeof subject);
    snprintf (message, sizeof message, "the certificate %s %s%s", subject,
              finding, end);
    warn (context, message);
  }
}

void
pem_certificates_free (STACK_OF (X509) * certificates)
{
  sk_X509_pop_free (certificates, X509_free);
}
