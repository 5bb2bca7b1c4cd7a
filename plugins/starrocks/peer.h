/* SPDX-License-Identifier: Apache-2.0 */
/* What the MySQL port has shown of itself. */

#ifndef STARROCKS_PEER_H
#define STARROCKS_PEER_H

#include <mysql.h>
#include <openssl/types.h>

/* The TLS connection, or NULL: some systems have the library with GnuTLS. */
SSL *peer_tls (MYSQL *mysql);

/* The server's certificate as DER; its length, or 0 if there is none or it
 * cannot be had. Free with OPENSSL_free. */
int peer_certificate (MYSQL *mysql, unsigned char **ret_certificate);

/* Forgets the private key of our own certificate, which is not needed again
 * once the handshake is over. */
void peer_drop_own_key (MYSQL *mysql);

#endif /* STARROCKS_PEER_H */
