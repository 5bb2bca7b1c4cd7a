/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of audit records for the system's log. */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/syslog.h"
#include "core/base/log.h"

#define PATIENCE 1000 /* milliseconds */

struct audit_syslog {
  struct sockaddr_un address;
  int socket;  /* owned; -1: not connected */
  bool failed; /* the last record could not be sent, and it was told */
};

struct audit_syslog *
audit_syslog_new (const char *path, struct error *error)
{
  struct audit_syslog *syslog = calloc (1, sizeof *syslog);
  size_t length = strlen (path);

  if (syslog == NULL) {
    error_set (error, EZCDC_E_MEMORY, "out of memory");
    return NULL;
  }
  if (length >= sizeof syslog->address.sun_path) {
    error_set (error, EZCDC_E_CONFIG,
               "pipeline.audit_syslog: %s is longer than the %zu bytes that "
               "the path of a socket can have",
               path, sizeof syslog->address.sun_path - 1);
    free (syslog);
    return NULL;
  }
  syslog->address.sun_family = AF_UNIX;
  memcpy (syslog->address.sun_path, path, length + 1);
  syslog->socket = -1;
  return syslog;
}

static void
disconnect (struct audit_syslog *syslog)
{
  if (syslog->socket >= 0)
    close (syslog->socket);
  syslog->socket = -1;
}

void
audit_syslog_free (struct audit_syslog *syslog)
{
  if (syslog == NULL)
    return;
  disconnect (syslog);
  free (syslog);
}

static bool
is_connected (struct audit_syslog *syslog)
{
  if (syslog->socket >= 0)
    return true;
  syslog->socket = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                           0);
  if (syslog->socket >= 0
      && connect (syslog->socket, (const struct sockaddr *) &syslog->address,
                  sizeof syslog->address)
           == 0)
    return true;
  int saved = errno;
  disconnect (syslog);
  errno = saved;
  return false;
}

/* One try on the connection that there is, or a new one. */
static bool
send_once (struct audit_syslog *syslog, const struct msghdr *message)
{
  ssize_t sent;

  if (!is_connected (syslog))
    return false;
  do
    sent = sendmsg (syslog->socket, message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

static bool
wait_for_room (const struct audit_syslog *syslog)
{
  struct pollfd entry = { .fd = syslog->socket, .events = POLLOUT };

  return poll (&entry, 1, PATIENCE) > 0;
}

static bool
send_message (struct audit_syslog *syslog, const struct msghdr *message)
{
  if (send_once (syslog, message))
    return true;
  if (errno == EAGAIN)
    return !syslog->failed && wait_for_room (syslog)
           && send_once (syslog, message);
  /* The receiver may have been started anew. */
  int saved = errno;
  bool was_connected = syslog->socket >= 0;
  disconnect (syslog);
  errno = saved;
  return was_connected && send_once (syslog, message);
}

static void
tell (struct audit_syslog *syslog, bool sent)
{
  if (!sent && !syslog->failed)
    log_message (LEVEL_WARNING,
                 "audit records are not copied to %s for now: %m",
                 syslog->address.sun_path);
  if (sent && syslog->failed)
    log_message (LEVEL_INFO, "audit records are copied to %s again",
                 syslog->address.sun_path);
  syslog->failed = !sent;
}

void
audit_syslog_send (struct audit_syslog *syslog, const char *line,
                   size_t length, bool success)
{
  char head[48];
  int size = snprintf (head, sizeof head, "<%d>ezcdc[%ld]: ",
                       LOG_AUTHPRIV | (success ? LOG_NOTICE : LOG_WARNING),
                       (long) getpid ());
  struct iovec parts[] = {
    { .iov_base = head, .iov_len = (size_t) size },
    { .iov_base = (char *) line, .iov_len = length },
  };
  const struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

  tell (syslog, send_message (syslog, &message));
}
