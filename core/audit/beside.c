/* SPDX-License-Identifier: Apache-2.0 */
/* Files that lie beside an audit log and belong to it. */

#include <config.h>

#include <stdbool.h>
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

/* What root makes belongs to the owner of the folder. */
static bool
find_owner (const char *folder, struct file_identity *ret_identity)
{
  struct stat status;

  *ret_identity = (struct file_identity){ geteuid (), getegid (), 0600 };
  if (geteuid () != 0)
    return true;
  if (stat (folder, &status) != 0)
    return false;
  ret_identity->owner = status.st_uid;
  ret_identity->group = status.st_gid;
  return true;
}

int
beside_adopt (const char *folder, int descriptor, const char *path,
              struct error *error)
{
  struct file_identity identity;

  if (geteuid () != 0)
    return 0;
  if (!find_owner (folder, &identity)
      || fchown (descriptor, identity.owner, identity.group) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "give %s to the owner of its folder: %m", path);
  return 0;
}

int
beside_replace (const char *path, const struct text *text, struct error *error)
{
  CLEANUP_FREE char *folder = file_folder (path);
  struct file_identity identity;

  if (folder == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory for a path");
  if (!find_owner (folder, &identity))
    return error_set (error, EZCDC_E_UNAVAILABLE, "look at %s: %m", folder);
  file_sweep (path);
  return file_replace_name (path, text->data, text->length, &identity, error);
}
