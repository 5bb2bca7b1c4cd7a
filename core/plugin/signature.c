/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of a connector's file. */

#include <config.h>

#include <limits.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <openssl/pem.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/text.h"
#include "core/plugin/signature.h"

#define SIGNATURE_BYTES 64

EVP_PKEY *
signature_key (const char *pem, size_t length)
{
  EVP_PKEY *key = NULL;
  BIO *bio = length > INT_MAX ? NULL : BIO_new_mem_buf (pem, (int) length);

  if (bio != NULL)
    key = PEM_read_bio_PUBKEY (bio, NULL, NULL, NULL);
  BIO_free (bio);
  if (key != NULL && EVP_PKEY_is_a (key, "ED25519"))
    return key;
  EVP_PKEY_free (key);
  return NULL;
}

static int
read_signature (const char *path, struct text *signature, struct error *error)
{
  CLEANUP_TEXT struct text name = { 0 };

  text_printf (&name, "%s.sig", path);
  if (name.failed)
    return error_set (error, EZCDC_E_MEMORY,
                      "load connector %s: out of "
                      "memory",
                      path);
  /* One byte more than there may be, so that more is seen. */
  if (file_read_own (name.data, SIGNATURE_BYTES + 1, signature, error) != 0)
    return error_prefix (error, "refuse connector %s: look for its signature",
                         path);
  if (signature->length != SIGNATURE_BYTES)
    return error_set (error, EZCDC_E_CONFIG,
                      "refuse connector %s: %s has %zu bytes; a signature "
                      "has %d (openssl pkeyutl -sign -rawin)",
                      path, name.data, signature->length, SIGNATURE_BYTES);
  return 0;
}

static bool
is_signed (EVP_PKEY *key, const struct text *signature, const void *data,
           size_t length)
{
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  bool is = context != NULL
            && EVP_DigestVerifyInit (context, NULL, NULL, NULL, key) == 1
            && EVP_DigestVerify (context,
                                 (const unsigned char *) signature->data,
                                 signature->length, data, length)
                 == 1;

  EVP_MD_CTX_free (context);
  return is;
}

int
signature_check (EVP_PKEY *key, int descriptor, const char *path,
                 struct error *error)
{
  CLEANUP_TEXT struct text signature = { 0 };
  struct stat status;

  if (read_signature (path, &signature, error) != 0)
    return error->code;
  if (fstat (descriptor, &status) != 0 || status.st_size <= 0)
    return error_set (error, EZCDC_E_CONFIG, "look at connector %s: %m", path);
  size_t length = (size_t) status.st_size;
  void *data = mmap (NULL, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED)
    return error_set (error, EZCDC_E_CONFIG, "read connector %s: %m", path);
  bool good = is_signed (key, &signature, data, length);
  munmap (data, length);
  if (good)
    return 0;
  return error_set (error, EZCDC_E_CONFIG,
                    "refuse connector %s: %s.sig is no signature of this "
                    "file by the key in connectors.public_key",
                    path, path);
}
