/* SPDX-License-Identifier: Apache-2.0 */
/* What is worth telling of a certificate. */

#include <config.h>

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "core/crypto/digest.h"
#include "core/tls/certificate.h"

#define MICROSECONDS INT64_C (1000000)
#define DAY (86400 * MICROSECONDS)

bool
certificate_of (const X509 *x509, struct certificate *ret)
{
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  struct tm end = { 0 };

  if (X509_digest (x509, EVP_sha256 (), digest, &length) != 1 || length != 32
      || ASN1_TIME_to_tm (X509_get0_notAfter (x509), &end) != 1)
    return false;
  memset (ret, 0, sizeof *ret);
  digest_hex (digest, length, ret->fingerprint);
  ret->expires = (int64_t) timegm (&end) * MICROSECONDS;
  clock_rfc3339 (ret->expires, ret->expires_text);
  return true;
}

bool
certificate_read (const void *der, size_t length, struct certificate *ret)
{
  const unsigned char *at = der;
  X509 *x509;
  bool done;

  if (length == 0 || length > CERTIFICATE_MAX)
    return false;
  x509 = d2i_X509 (NULL, &at, (long) length);
  done = x509 != NULL && at == (const unsigned char *) der + length
         && certificate_of (x509, ret);
  X509_free (x509);
  ERR_clear_error ();
  return done;
}

bool
certificate_expires_within (const struct certificate *certificate,
                            int64_t days)
{
  return certificate->expires - clock_realtime () < days * DAY;
}
