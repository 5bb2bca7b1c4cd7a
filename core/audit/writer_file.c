/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an audit log: what may be opened. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/beside.h"
#include "core/audit/writer.h"
#include "core/base/files.h"
#include "core/base/memory.h"

static int
refuse_log (const struct audit_log *log, const char *why, struct error *error)
{
  return error_set (error, EZCDC_E_CONFIG,
                    "audit log %s: %s; it has to be a regular file that only "
                    "its owner can write",
                    log->path, why);
}

/* What may not be appended to, above all by root. */
static int
check_file (const struct audit_log *log, int descriptor, struct error *error)
{
  struct stat status;

  if (fstat (descriptor, &status) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "audit log %s: %m",
                      log->path);
  if (!S_ISREG (status.st_mode))
    return refuse_log (log, "it is not a regular file", error);
  if (status.st_nlink > 1)
    return refuse_log (log, "it has more than one name", error);
  if ((status.st_mode & 022) != 0)
    return refuse_log (log, "others may write it", error);
  return 0;
}

int
writer_open_file (const struct audit_log *log, int *ret_descriptor,
                  struct error *error)
{
  int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  CLEANUP_CLOSE int descriptor = open (log->path, flags);
  int code = 0;

  if (descriptor < 0 && errno == ENOENT) {
    descriptor = open (log->path, flags | O_CREAT | O_EXCL, 0600);
    if (descriptor >= 0)
      code = beside_adopt (log->folder, descriptor, log->path, error);
    if (descriptor >= 0 && code == 0)
      code = folder_sync (log->folder, error);
    /* Another process was faster: its file will do. */
    if (descriptor < 0 && errno == EEXIST)
      descriptor = open (log->path, flags);
  }
  if (code != 0)
    return code;
  if (descriptor < 0 && errno == ELOOP)
    return refuse_log (log, "it is a symbolic link", error);
  if (descriptor < 0)
    return error_set (error, EZCDC_E_CONFIG, "open the audit log %s: %m",
                      log->path);
  code = check_file (log, descriptor, error);
  if (code == 0)
    *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
  return code;
}

bool
writer_has_current_file (const struct audit_log *log)
{
  struct stat named;
  struct stat opened;

  return stat (log->path, &named) == 0 && fstat (log->descriptor, &opened) == 0
         && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}
