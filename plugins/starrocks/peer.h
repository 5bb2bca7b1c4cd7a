/* SPDX-License-Identifier: Apache-2.0 */
/* What the MySQL port has shown of itself. */

#ifndef STARROCKS_PEER_H
#define STARROCKS_PEER_H

#include <mysql.h>

/* The server's certificate as DER; its length, or 0 if there is none or it
 * cannot be had. Free with OPENSSL_free. */
int peer_certificate (MYSQL *mysql, unsigned char **ret_certificate);

#endif /* STARROCKS_PEER_H */
