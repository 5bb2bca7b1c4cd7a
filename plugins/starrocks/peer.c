/* SPDX-License-Identifier: Apache-2.0 */
/* What the MySQL port has shown of itself: Connector/C has no call for the
 * certificate before 3.4, but its headers for authors of transports lead there.
 */

#include <openssl/ssl.h>
#include <string.h>

#include "peer.h"

#define HAVE_TLS 1
typedef unsigned char uchar; /* which they use before they define it */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <ma_pvio.h>
#pragma GCC diagnostic pop

int
peer_certificate (MYSQL *mysql, unsigned char **ret_certificate)
{
  const char *library = NULL;
  X509 *shown;

  *ret_certificate = NULL;
  /* Some systems have it with GnuTLS. */
  if (mariadb_get_infov (mysql, MARIADB_TLS_LIBRARY, &library) != 0
      || library == NULL || strncmp (library, "OpenSSL", 7) != 0
      || mysql->net.pvio == NULL || mysql->net.pvio->ctls == NULL)
    return 0;
  shown = SSL_get0_peer_certificate (mysql->net.pvio->ctls->ssl);
  return shown == NULL ? 0 : i2d_X509 (shown, ret_certificate);
}
