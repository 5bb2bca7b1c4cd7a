/* SPDX-License-Identifier: Apache-2.0 */
/* Reads PEM texts strictly: what a library would skip, ignore or ask for on a
 * terminal is an error here. */

#ifndef EZCDC_TLS_PEM_H
#define EZCDC_TLS_PEM_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

struct error;

/* Called with a sentence about something that works but deserves a look. */
typedef void (*pem_warn_function) (void *context, const char *message);

/* Each reads a text and returns EZCDC_OK and what is in it, which is the
 * caller's, or EZCDC_E_CONFIG with a sentence that begins behind "OPTION: ".
 */

/* One certificate or more and nothing else. With authorities set, each has to
 * be able to vouch for others, or be its own issuer. */
int pem_certificates (const char *text, size_t length, int authorities,
                      STACK_OF (X509) * *ret_certificates, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* One private key. The text may hold its certificates too. */
int pem_private_key (const char *text, size_t length, EVP_PKEY **ret_key,
                     struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* Certificates of a client: the first one is its own, and key belongs to it.
 * The text may hold the key too. */
int pem_client_certificates (const char *text, size_t length, EVP_PKEY *key,
                             STACK_OF (X509) * *ret_certificates,
                             struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* One revocation list or more and nothing else, each signed by one of the
 * authorities: libpq ignores a list that it cannot use without a word. */
int pem_check_revocation_lists (const char *text, size_t length,
                                STACK_OF (X509) * authorities,
                                pem_warn_function warn, void *context,
                                struct error *error)
  __attribute__ ((nonnull (1, 3, 4), warn_unused_result));

/* Warns of certificates that are not valid today, or for fewer days than that
 * from now on. */
void pem_warn_of_validity (const STACK_OF (X509) * certificates, int64_t days,
                           pem_warn_function warn, void *context)
  __attribute__ ((nonnull (1, 3)));

void pem_certificates_free (STACK_OF (X509) * certificates);

#endif
