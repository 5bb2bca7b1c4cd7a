/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a file in memory that nobody can change any more. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/plugin/sealed_copy.h"

/* No connector comes near. */
#define MOST_BYTES (256 * 1024 * 1024)

/* Newer than some headers: Linux from 6.3 on wants to be told. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int
create (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  char cut[200]; /* the kernel takes 249 bytes */

  cut[0] = '\0';
  strncat (cut, name, sizeof cut - 1);
  int descriptor = memfd_create (cut, flags | MFD_EXEC);
  if (descriptor < 0 && errno == EINVAL)
    descriptor = memfd_create (cut, flags);
  return descriptor;
}

static int
fill (int from, int to)
{
  off_t offset = 0;
  ssize_t sent;

  while ((sent = sendfile (to, from, &offset, MOST_BYTES)) != 0) {
    if (sent < 0 && errno != EINTR)
      return -1;
    if (offset > MOST_BYTES) {
      errno = EFBIG;
      return -1;
    }
  }
  return 0;
}

int
sealed_copy (int descriptor, const char *path, int *ret_copy,
             struct error *error)
{
  CLEANUP_CLOSE int made = create (path);
  int copy = -1;

  if (made >= 0 && fill (descriptor, made) == 0
      && fcntl (made, F_ADD_SEALS,
                F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
           == 0)
    copy = fcntl (made, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (copy < 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "copy connector %s into memory: %m", path);
  *ret_copy = copy;
  return 0;
}
