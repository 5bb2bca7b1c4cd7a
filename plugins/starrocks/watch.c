/* SPDX-License-Identifier: Apache-2.0 */
/* An end for each call of Connector/C. */

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "host.h"
#include "peer.h"
#include "transport.h"
#include "watch.h"

enum watch_reason {
  WATCH_NONE,
  WATCH_TIME,
  WATCH_SIZE,
  WATCH_HOST, /* the host's wait has failed, or was interrupted */
};

struct watch {
  PVIO_METHODS methods;       /* first: the library knows the watch by it */
  const PVIO_METHODS *theirs; /* NULL: the watch is not in place yet */
  struct ezcdc_instance *instance;
  MYSQL *mysql;
  BIO *tls; /* whose reads are counted; the library's */
  struct watch_limits limits;
  int64_t end;
  uint64_t received;
  enum watch_reason reason; /* why the call was broken off */
  int code;                 /* of WATCH_HOST */
};

struct watch *
watch_new (struct ezcdc_instance *instance, MYSQL *mysql)
{
  struct watch *watch = calloc (1, sizeof *watch);

  if (watch == NULL)
    return NULL;
  watch->instance = instance;
  watch->mysql = mysql;
  return watch;
}

void
watch_free (struct watch *watch)
{
  free (watch);
}

int64_t
watch_end (const struct watch *watch)
{
  return watch->end;
}

/* Whether the call may go on. */
static int
watch_is_content (struct watch *watch)
{
  if (watch->reason == WATCH_NONE && watch->limits.bytes != 0
      && watch->received > watch->limits.bytes)
    watch->reason = WATCH_SIZE;
  return watch->reason == WATCH_NONE;
}

/* The events that are ready; 0: the call is broken off. */
static uint32_t
watch_events (struct watch *watch, uint32_t events)
{
  int64_t left_us = watch->end - host->monotonic_time ();
  int ready;

  if (!watch_is_content (watch))
    return 0;
  if (left_us <= 0)
    ready = 0;
  else
    ready = host->wait (watch->instance, (int) mysql_get_socket (watch->mysql),
                        events, left_us / 1000 + 1);
  if (ready > 0)
    return (uint32_t) ready;
  watch->reason = ready == 0 ? WATCH_TIME : WATCH_HOST;
  watch->code = ready;
  return 0;
}

/* ---- In the library's way ---------------------------------------------- */

static struct watch *
watch_of (const MARIADB_PVIO *transport)
{
  return (struct watch *) transport->methods;
}

static ssize_t
watched_read (MARIADB_PVIO *transport, uchar *buffer, size_t length)
{
  struct watch *watch = watch_of (transport);
  ssize_t count;

  if (!watch_is_content (watch)) {
    errno = EPIPE;
    return -1;
  }
  count = watch->theirs->async_read (transport, buffer, length);
  if (count > 0)
    watch->received += (size_t) count;
  return count;
}

/* It never blocks, whatever the library has in mind: OpenSSL's reads would. */
static int
watched_blocking (MARIADB_PVIO *transport, my_bool blocks, my_bool *ret_former)
{
  (void) blocks;
  return watch_of (transport)->theirs->blocking (transport, 0, ret_former);
}

/* The library gives a time-out for each wait; ours is for all of them. */
static int
watched_wait (MARIADB_PVIO *transport, my_bool is_read, int timeout)
{
  (void) timeout;
  if (watch_events (watch_of (transport), is_read ? 1 : 2) != 0)
    return 1;
  errno = ETIMEDOUT;
  return 0;
}

/* Before a read or a write -1 refuses it, for good: while it might be tried
 * again the library would go on trying. Behind it the result is passed on. */
static long
watched_tls (BIO *bio, int operation, const char *data, size_t length,
             int argument, long number, int result, size_t *processed)
{
  struct watch *watch = (struct watch *) BIO_get_callback_arg (bio);

  (void) data, (void) length, (void) argument, (void) number;
  if ((operation == BIO_CB_READ || operation == BIO_CB_WRITE)
      && !watch_is_content (watch)) {
    BIO_clear_retry_flags (bio);
    return -1;
  }
  if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0
      && processed != NULL)
    watch->received += *processed;
  return result;
}

/* As soon as there is something to stand before. */
static void
watch_take_place (struct watch *watch)
{
  MARIADB_PVIO *transport = watch->mysql->net.pvio;
  SSL *tls;

  if (transport != NULL && watch->theirs == NULL) {
    watch->theirs = transport->methods;
    watch->methods = *watch->theirs;
    watch->methods.async_read = watched_read;
    watch->methods.blocking = watched_blocking;
    watch->methods.wait_io_or_timeout = watched_wait;
    transport->methods = &watch->methods;
    watch->theirs->blocking (transport, 0, NULL);
  }
  if (watch->tls != NULL || (tls = peer_tls (watch->mysql)) == NULL)
    return;
  watch->tls = SSL_get_rbio (tls);
  BIO_set_callback_ex (watch->tls, watched_tls);
  BIO_set_callback_arg (watch->tls, (char *) watch);
}

/* ---- For our own ------------------------------------------------------- */

void
watch_begin (struct watch *watch, const struct watch_limits *limits)
{
  /* What is over TLS, once the handshake is done. */
  watch_take_place (watch);
  watch->limits = *limits;
  watch->end = host->monotonic_time () + limits->seconds * 1000000;
  watch->received = 0;
  watch->reason = WATCH_NONE;
}

int
watch_wait (struct watch *watch, int status)
{
  uint32_t events = ((status & MYSQL_WAIT_READ) != 0 ? 1u : 0)
                    | ((status & MYSQL_WAIT_WRITE) != 0 ? 2u : 0);

  watch_take_place (watch);
  events = watch_events (watch, events);
  if (events == 0)
    return MYSQL_WAIT_TIMEOUT;
  return ((events & 1) != 0 ? MYSQL_WAIT_READ : 0)
         | ((events & 2) != 0 ? MYSQL_WAIT_WRITE : 0);
}

int
watch_fail (struct watch *watch, const char *what)
{
  switch (watch->reason) {
  case WATCH_NONE:
    break;
  case WATCH_TIME:
    return host->fail (watch->instance, EZCDC_E_UNAVAILABLE,
                       "%s: no answer within %d s", what,
                       (int) watch->limits.seconds);
  case WATCH_SIZE:
    return host->fail (watch->instance, EZCDC_E_UNAVAILABLE,
                       "%s: the answer is larger than the %llu bytes that it "
                       "may have",
                       what, (unsigned long long) watch->limits.bytes);
  case WATCH_HOST:
    return watch->code;
  }
  return EZCDC_OK;
}
