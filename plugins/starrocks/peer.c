/* SPDX-License-Identifier: Apache-2.0 */
/* What the MySQL port has shown of itself: Connector/C has no call for the
 * certificate before 3.4, but its headers for authors of transports lead there.
 */

#include <openssl/ssl.h>
#include <string.h>

#include "peer.h"
#include "transport.h"

SSL *
peer_tls (MYSQL *mysql)
{
  const char *library = NULL;

  if (mariadb_get_infov (mysql, MARIADB_TLS_LIBRARY, &library) != 0
      || library == NULL || strncmp (library, "OpenSSL", 7) != 0
      || mysql->net.pvio == NULL || mysql->net.pvio->ctls == NULL)
    return NULL;
  return mysql->net.pvio->ctls->ssl;
}

int
peer_certificate (MYSQL *mysql, unsigned char **ret_certificate)
{
  SSL *tls = peer_tls (mysql);
  X509 *shown = tls == NULL ? NULL : SSL_get0_peer_certificate (tls);

  *ret_certificate = NULL;
  return shown == NULL ? 0 : i2d_X509 (shown, ret_certificate);
}

/* The library's context of the connection has it, too: there the public key,
 * which fits the certificate as well, takes its place. */
void
peer_drop_own_key (MYSQL *mysql)
{
  SSL *tls = peer_tls (mysql);
  SSL_CTX *context = tls == NULL ? NULL : SSL_get_SSL_CTX (tls);
  X509 *own = context == NULL ? NULL : SSL_CTX_get0_certificate (context);

  if (own == NULL)
    return;
  SSL_CTX_use_PrivateKey (context, X509_get0_pubkey (own));
  SSL_certs_clear (tls);
}
