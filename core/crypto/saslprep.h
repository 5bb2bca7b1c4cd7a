/* SPDX-License-Identifier: Apache-2.0 */
/* What SASL's mechanisms, such as SCRAM, make of a password before they use it
 * (SASLprep, RFC 4013): different spellings of one text become the same. */

#ifndef EZCDC_CRYPTO_SASLPREP_H
#define EZCDC_CRYPTO_SASLPREP_H

#include <stddef.h>

#include "core/crypto/secret.h"

/* Prepares a password in UTF-8 into the pages, with a NUL behind it.
 * *ret_length is 0 where nothing else is used than the password as it is: it is
 * ASCII, not UTF-8, or has characters that must not be in one. Characters that
 * are newer than the standard stay as they are. Returns 0 or EZCDC_E_MEMORY. */
int saslprep (const char *password, size_t length, struct secret *pages,
              size_t *ret_length) __attribute__ ((nonnull));

#endif
