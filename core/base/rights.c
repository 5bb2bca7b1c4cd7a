/* SPDX-License-Identifier: Apache-2.0 */
/* Who can put another file in the place of one. */

#include <config.h>

#include <string.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/base/rights.h"

int
rights_check (const struct stat *status, const char *path, uid_t trusted,
              struct error *error)
{
  bool shared_folder = S_ISDIR (status->st_mode)
                       && (status->st_mode & S_ISVTX) != 0;

  if (status->st_uid != 0 && status->st_uid != geteuid ()
      && status->st_uid != trusted)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s belongs to user %lu; it must belong to root or to "
                      "the user who runs ezcdc (chown root)",
                      path, (unsigned long) status->st_uid);
  if ((status->st_mode & S_IWGRP) != 0 && !shared_folder)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s is writable by its group (chmod g-w)", path);
  if ((status->st_mode & S_IWOTH) != 0 && !shared_folder)
    return error_set (error, EZCDC_E_CONFIG,
                      "%s is writable by everybody (chmod o-w)", path);
  return 0;
}

int
rights_check_folders (const char *path, uid_t trusted, bool *ret_roots_only,
                      struct error *error)
{
  CLEANUP_FREE char *folder = strdup (path);
  struct stat status;
  bool roots_only = true;

  if (folder == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  for (;;) {
    char *slash = strrchr (folder, '/');
    slash[slash == folder] = '\0';
    if (lstat (folder, &status) != 0)
      return error_set (error, EZCDC_E_CONFIG, "look at %s: %m", folder);
    if (!S_ISDIR (status.st_mode))
      return error_set (error, EZCDC_E_CONFIG, "%s is no folder any more",
                        folder);
    int code = rights_check (&status, folder, trusted, error);
    if (code != 0)
      return code;
    if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
      roots_only = false;
    if (slash == folder)
      break;
  }
  if (ret_roots_only != NULL)
    *ret_roots_only = roots_only;
  return 0;
}
