/* SPDX-License-Identifier: Apache-2.0 */
/* Has OpenSSL begin in a state that no environment can influence. */

#include <config.h>

#include <openssl/crypto.h>

#include "core/crypto/start.h"

void
crypto_start (void)
{
  OPENSSL_init_crypto (OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}
