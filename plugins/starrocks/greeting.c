/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a MySQL server's greeting before anything is sent: in the modes
 * require and verify-ca Connector/C would sign in without TLS if the server
 * does not offer it. */

#include <sys/socket.h>
#include <sys/types.h>

#include "greeting.h"

/* How long to wait for the rest of a greeting that comes in parts. */
#define PART_MS 10

#define CLIENT_SSL_BIT 0x0800

int
greeting_offers_tls (const unsigned char *data, size_t length)
{
  size_t payload, at;

  if (length < 5)
    return -1;
  payload = (size_t) data[0] | (size_t) data[1] << 8 | (size_t) data[2] << 16;
  if (payload > length - 4)
    return -1;
  data += 4;
  if (data[0] != 10)
    return -1;
  for (at = 1; at < payload && data[at] != '\0'; at++)
    ;
  at += 1 + 4 + 8 + 1; /* NUL, connection id, scramble, filler */
  if (at + 2 > payload)
    return -1;
  return ((data[at] | data[at + 1] << 8) & CLIENT_SSL_BIT) != 0;
}

/* The server hangs up with an error instead of a greeting: the library reads it
 * and goes no further. */
static int
is_error (const unsigned char *data, ssize_t length)
{
  return length >= 5 && data[4] == 0xff;
}

int
greeting_must_offer_tls (struct starrocks *self, int descriptor, int64_t end)
{
  const struct settings *settings = &self->settings;
  unsigned char data[512];
  int offers = -1;

  while (offers == -1) {
    int64_t left = (end - host->monotonic_time ()) / 1000;
    int ready = left <= 0 ? 0
                          : host->wait (self->instance, descriptor, 1, left);
    ssize_t length = ready > 0 ? recv (descriptor, data, sizeof data, MSG_PEEK)
                               : 0;

    if (ready < 0)
      return ready;
    if (ready == 0)
      return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                         "connect to %s port %u: no answer within %d s",
                         settings->host, settings->port,
                         (int) settings->connect_seconds);
    if (is_error (data, length))
      return EZCDC_OK;
    if (length <= 0 || length == sizeof data)
      return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                         "connect to %s port %u: no MySQL server answered",
                         settings->host, settings->port);
    offers = greeting_offers_tls (data, (size_t) length);
    /* What is there stays there, so that waiting for it is no wait. */
    if (offers == -1
        && (ready = host->wait (self->instance, -1, 0, PART_MS)) < 0)
      return ready;
  }
  if (offers == 0)
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "connect to %s port %u: the server offers no TLS, so "
                       "no password was sent: give it a certificate "
                       "(StarRocks 3.4.1 or later), or write ssl_enabled = no",
                       settings->host, settings->port);
  return EZCDC_OK;
}
