/* SPDX-License-Identifier: Apache-2.0 */
/* Files that lie beside an audit log and belong to it. */

#include <config.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/beside.h"
#include "core/base/files.h"
#include "core/base/memory.h"

char *
beside_path (const char *log_path, const char *suffix, struct error *error)
{
  struct text text = { 0 };

  text_printf (&text, "%s%s", log_path, suffix);
  char *path = text_take (&text);
  if (path == NULL)
    error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  return path;
}

int
beside_adopt (const char *folder, int descriptor, const char *path,
              struct error *error)
{
  struct stat status;

  if (geteuid () != 0)
    return 0;
  if (stat (folder, &status) != 0
      || fchown (descriptor, status.st_uid, status.st_gid) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "give %s to the owner of its folder: %m", path);
  return 0;
}

int
beside_replace (const char *path, const struct text *text, struct error *error)
{
  CLEANUP_FREE char *folder = file_folder (path);

  file_sweep (path);
  int code = file_replace (path, text->data, text->length, 0600, error);

  if (code != 0)
    return code;
  CLEANUP_CLOSE int descriptor = open (path,
                                       O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (folder == NULL || descriptor < 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "open %s: %m", path);
  return beside_adopt (folder, descriptor, path, error);
}
