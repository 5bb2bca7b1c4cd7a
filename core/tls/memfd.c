/* SPDX-License-Identifier: Apache-2.0 */
/* Files that exist in memory alone. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/tls/memfd.h"

/* Newer than some headers: never executable, which Linux 6.3 and later ask
 * for in their log. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int
create (const char *name)
{
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int descriptor = memfd_create (name, flags | MFD_NOEXEC_SEAL);

  if (descriptor < 0 && errno == EINVAL)
    descriptor = memfd_create (name, flags);
  return descriptor;
}

static int
write_all (int descriptor, const char *data, size_t length)
{
  while (length > 0) {
    ssize_t written = write (descriptor, data, length);

    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return -1;
    data += written;
    length -= (size_t) written;
  }
  return 0;
}

int
memfd_create_private (const char *name, int *ret_descriptor,
                      struct error *error)
{
  CLEANUP_CLOSE int descriptor = create (name);

  if (descriptor < 0 || fchmod (descriptor, S_IRUSR | S_IWUSR) < 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "make a file in memory for %s: %m", name);
  *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
  return 0;
}

int
memfd_fill_sealed (int descriptor, const char *name, const void *data,
                   size_t length, int *ret_descriptor, struct error *error)
{
  int result;

  if (write_all (descriptor, data, length) < 0
      || fcntl (descriptor, F_ADD_SEALS,
                F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
           < 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "fill the file in memory for %s: %m", name);
  result = fcntl (descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (result < 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "keep the file in memory for %s: %m", name);
  *ret_descriptor = result;
  return 0;
}
