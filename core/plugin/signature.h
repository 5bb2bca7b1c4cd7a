/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of a connector's file: Ed25519 over all of it, 64 bytes in a
 * file beside it, as "openssl pkeyutl -sign -rawin" writes them. */

#ifndef EZCDC_PLUGIN_SIGNATURE_H
#define EZCDC_PLUGIN_SIGNATURE_H

#include <stddef.h>

#include <openssl/evp.h>

struct error;

/* The Ed25519 public key in a PEM text, which the caller frees; NULL if there
 * is none. */
EVP_PKEY *signature_key (const char *pem, size_t length);

/* Whether path.sig is a signature of descriptor's content, which nobody can
 * change. EZCDC_E_CONFIG names the path and the remedy. */
int signature_check (EVP_PKEY *key, int descriptor, const char *path,
                     struct error *error);

#endif
