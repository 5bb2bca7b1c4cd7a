/* SPDX-License-Identifier: Apache-2.0 */
/* What is worth telling of a certificate. */

#ifndef EZCDC_TLS_CERTIFICATE_H
#define EZCDC_TLS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "core/base/clock.h"

struct certificate {
  char fingerprint[65]; /* SHA-256 of the DER form, lower-case hexadecimal */
  int64_t expires;      /* microseconds since 1970 */
  char expires_text[CLOCK_TEXT_SIZE];
};

/* What a certificate may be at most; they have a few kilobytes. */
#define CERTIFICATE_MAX (256 * 1024)

/* False if it cannot be read. */
bool certificate_of (const X509 *x509, struct certificate *ret)
  __attribute__ ((nonnull, warn_unused_result));

/* From DER, which comes from outside; nothing may stand behind it. */
bool certificate_read (const void *der, size_t length, struct certificate *ret)
  __attribute__ ((nonnull, warn_unused_result));

/* Whether it is good for fewer days than that, or no longer. */
bool certificate_expires_within (const struct certificate *certificate,
                                 int64_t days) __attribute__ ((nonnull));

#endif
