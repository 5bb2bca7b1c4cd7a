/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a MySQL server's greeting before anything is sent. */
#ifndef STARROCKS_GREETING_H
#define STARROCKS_GREETING_H

#include <stddef.h>

#include "starrocks.h"

/* Looks at the greeting on a new connection, and leaves it there for the
 * library, which acts on the same bytes.  It must have come before end, in
 * monotonic time.  EZCDC_E_CONFIG if the server offers no TLS. */
int greeting_must_offer_tls (struct starrocks *self, int descriptor,
                             int64_t end);

/* 1: offers TLS, 0: does not, -1: not a greeting (or an error packet). */
int greeting_offers_tls (const unsigned char *data, size_t length);

#endif /* STARROCKS_GREETING_H */
