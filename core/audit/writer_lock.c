/* SPDX-License-Identifier: Apache-2.0 */
/* The lock of an audit log, which its writers take in turn. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/beside.h"
#include "core/audit/writer.h"
#include "core/base/clock.h"
#include "core/base/memory.h"

/* How long a lock is waited for, in microseconds. */
#define PATIENCE (10 * INT64_C (1000000))

int
writer_wait_for (const struct audit_log *log, int descriptor,
                 struct error *error)
{
  const struct timespec nap = { .tv_nsec = 200000 };
  int64_t deadline = clock_monotonic () + PATIENCE;

  while (flock (descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return error_set (error, EZCDC_E_UNAVAILABLE,
                        "lock the audit log %s: %m", log->path);
    if (clock_monotonic () >= deadline)
      return error_set (error, EZCDC_E_UNAVAILABLE,
                        "the audit log %s has been locked by another process "
                        "for more than 10 s",
                        log->path);
    nanosleep (&nap, NULL);
  }
  return 0;
}

static int
open_lock (struct audit_log *log, const char *path, struct error *error)
{
  int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  CLEANUP_CLOSE int descriptor = open (path, flags | O_CREAT | O_EXCL, 0600);
  int code = 0;

  if (descriptor >= 0)
    code = beside_adopt (log->folder, descriptor, path, error);
  else if (errno == EEXIST)
    descriptor = open (path, flags);
  if (descriptor < 0)
    code = error_set (error, EZCDC_E_CONFIG,
                      "open %s, the lock of the audit log: %m; the log's "
                      "folder has to be writable",
                      path);
  if (code == 0)
    log->lock = TAKE_DESCRIPTOR (descriptor);
  return code;
}

/* Whether path still names the lock that is held. */
static bool
is_in_place (const struct audit_log *log, const char *path)
{
  struct stat named;
  struct stat opened;

  return stat (path, &named) == 0 && fstat (log->lock, &opened) == 0
         && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

int
writer_lock (struct audit_log *log, struct error *error)
{
  CLEANUP_FREE char *path = beside_path (log->path, ".lock", error);
  int code = path != NULL ? 0 : EZCDC_E_MEMORY;

  while (code == 0) {
    if (log->lock < 0)
      code = open_lock (log, path, error);
    if (code == 0)
      code = writer_wait_for (log, log->lock, error);
    if (code == 0 && is_in_place (log, path))
      break;
    /* Somebody has removed it: what others lock now is another one. */
    if (log->lock >= 0)
      close (TAKE_DESCRIPTOR (log->lock));
  }
  return code;
}

void
writer_unlock (const struct audit_log *log)
{
  flock (log->lock, LOCK_UN);
}
