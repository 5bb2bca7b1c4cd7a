/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a MySQL server's greeting before anything is sent: in the modes
 * require and verify-ca Connector/C would sign in without TLS if the server
 * does not offer it. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/types.h>

#include "greeting.h"

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

/* Tries one address until the deadline.  A descriptor, -1, or
 * EZCDC_E_STOPPED. */
static int
try_address (struct starrocks *self, const struct addrinfo *address,
             int64_t timeout_ms)
{
  int descriptor, error = 0, ready;
  socklen_t size = sizeof error;

  descriptor = socket (address->ai_family,
                       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor == -1)
    return -1;
  if (connect (descriptor, address->ai_addr, address->ai_addrlen) == 0)
    return descriptor;
  if (errno == EINPROGRESS) {
    ready = host->wait (self->instance, descriptor, 2, timeout_ms);
    if (ready > 0
        && getsockopt (descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0
        && error == 0)
      return descriptor;
    if (ready == EZCDC_E_STOPPED) {
      close (descriptor);
      return EZCDC_E_STOPPED;
    }
  }
  close (descriptor);
  return -1;
}

static int
read_greeting (struct starrocks *self, int descriptor, int64_t timeout_ms)
{
  unsigned char data[512];
  size_t length = 0;
  int64_t end = host->monotonic_time () + timeout_ms * 1000;

  while (length < sizeof data) {
    int64_t left = (end - host->monotonic_time ()) / 1000;
    int offers = greeting_offers_tls (data, length), ready;
    ssize_t count;

    if (offers != -1)
      return offers;
    if (left <= 0)
      return -1;
    ready = host->wait (self->instance, descriptor, 1, left);
    if (ready <= 0)
      return ready == EZCDC_E_STOPPED ? EZCDC_E_STOPPED : -1;
    count = recv (descriptor, data + length, sizeof data - length, 0);
    if (count <= 0)
      return -1;
    length += (size_t) count;
  }
  return -1;
}

int
greeting_must_offer_tls (struct starrocks *self)
{
  const struct settings *settings = &self->settings;
  struct addrinfo hints = { .ai_family = AF_UNSPEC,
                            .ai_socktype = SOCK_STREAM };
  struct addrinfo *addresses, *address;
  int64_t timeout_ms = settings->connect_seconds * 1000;
  char port[8];
  int descriptor = -1, offers = -1, error;

  snprintf (port, sizeof port, "%u", settings->port);
  error = getaddrinfo (settings->host, port, &hints, &addresses);
  if (error != 0)
    return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                       "connect to %s port %u: %s", settings->host,
                       settings->port, gai_strerror (error));
  for (address = addresses; address != NULL && descriptor == -1;
       address = address->ai_next)
    descriptor = try_address (self, address, timeout_ms);
  freeaddrinfo (addresses);
  if (descriptor == EZCDC_E_STOPPED)
    return EZCDC_E_STOPPED;
  if (descriptor >= 0) {
    offers = read_greeting (self, descriptor, timeout_ms);
    close (descriptor);
  }
  if (offers == EZCDC_E_STOPPED)
    return EZCDC_E_STOPPED;
  if (offers == -1)
    return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                       "connect to %s port %u: no MySQL server answered",
                       settings->host, settings->port);
  if (offers == 0)
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "connect to %s port %u: the server offers no TLS, so "
                       "no password was sent: give it a certificate "
                       "(StarRocks 3.4.1 or later), or write ssl_enabled = no",
                       settings->host, settings->port);
  return EZCDC_OK;
}
