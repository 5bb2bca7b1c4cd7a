/* SPDX-License-Identifier: Apache-2.0 */
/* The private key of a client, in memory while a handshake needs it: from the
 * moment in which a server that has proved itself asks for a certificate, to
 * the end of the handshake.
 *
 * For connections whose context is ours to prepare. libpq and Connector/C
 * prepare their own, and read the key before they connect; the connectors take
 * it out of a connection that stands.
 */

#ifndef EZCDC_TLS_CLIENT_KEY_H
#define EZCDC_TLS_CLIENT_KEY_H

#include <openssl/ssl.h>

#include <ezcdc/connector.h>

/* Lets the connections of a context show tls->client_cert. tls is lent for as
 * long as they live. Takes the context's callbacks for certificates and for
 * information. */
void client_key_prepare (SSL_CTX *context, const struct ezcdc_tls *tls)
  __attribute__ ((nonnull));

#endif
