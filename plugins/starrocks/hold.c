/* SPDX-License-Identifier: Apache-2.0 */
/* Holds a new connection back from Connector/C. */

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hold.h"

int
hold_begin (struct hold *hold, int descriptor)
{
  int pair[2], network, swapped;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
    return -1;
  network = fcntl (descriptor, F_DUPFD_CLOEXEC, 0);
  swapped = network == -1 ? -1 : dup3 (pair[0], descriptor, O_CLOEXEC);
  close (pair[0]);
  if (swapped == -1) {
    close (pair[1]);
    if (network != -1)
      close (network);
    return -1;
  }
  hold->network = network;
  hold->silent = pair[1];
  return 0;
}

int
hold_end (struct hold *hold, int descriptor)
{
  int on = 1, result = dup3 (hold->network, descriptor, O_CLOEXEC);

  hold_drop (hold);
  /* Only speed and a late goodbye depend on these. */
  (void) setsockopt (descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void) setsockopt (descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return result == -1 ? -1 : 0;
}

void
hold_drop (struct hold *hold)
{
  if (hold->network == -1)
    return;
  close (hold->network);
  close (hold->silent);
  hold->network = -1;
}
