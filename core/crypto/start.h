/* SPDX-License-Identifier: Apache-2.0 */
/* Has OpenSSL begin in a state that no environment can influence. */

#ifndef EZCDC_CRYPTO_START_H
#define EZCDC_CRYPTO_START_H

/* The first statement of main, before any library can start OpenSSL: without
 * it a file named by OPENSSL_CONF could load foreign code into the process. */
void crypto_start (void);

#endif
