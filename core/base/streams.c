/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, output and error. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/streams.h"

/* The lowest number that is free is the one that open takes. */
bool
streams_reserve (void)
{
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
    int wrong_way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (fcntl (stream, F_GETFD) < 0 && open ("/dev/null", wrong_way) != stream)
      return false;
  }
  return true;
}

bool
streams_have_output (void)
{
  int flags = fcntl (STDOUT_FILENO, F_GETFL);

  if (flags < 0)
    return false;
  errno = EBADF;
  return (flags & O_ACCMODE) != O_RDONLY;
}
