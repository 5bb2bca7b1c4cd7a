/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a client's key for a handshake, and drops it. */

#include <config.h>

#include "core/tls/client_key.h"

/* OpenSSL calls this when a server asks, also when it asks again. That the key
 * belongs to the certificate is looked at here: a reload may come in between,
 * and the handshake fails. */
static int
load (SSL *connection, void *context)
{
  const struct ezcdc_tls *tls = context;

  return SSL_use_certificate_chain_file (connection, tls->client_cert) == 1
         && SSL_use_PrivateKey_file (connection, tls->client_key,
                                     SSL_FILETYPE_PEM)
              == 1;
}

/* A handshake that fails ends its connection, and with it the key. */
static void
drop (const SSL *connection, int where, int result)
{
  (void) result;
  if ((where & SSL_CB_HANDSHAKE_DONE) != 0)
    SSL_certs_clear ((SSL *) connection);
}

void
client_key_prepare (SSL_CTX *context, const struct ezcdc_tls *tls)
{
  SSL_CTX_set_cert_cb (context, load, (void *) tls);
  SSL_CTX_set_info_callback (context, drop);
}
