/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the file that a new log goes on from. */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/predecessor.h"
#include "core/audit/tail.h"
#include "core/base/files.h"
#include "core/base/memory.h"

/* The place behind the last whole record of a file, if it is a log. */
static bool
enter_file (int descriptor, const char *name, struct audit_keys *keys,
            const struct key_ring *ring, struct audit_place *place)
{
  struct tail tail = { 0 };
  bool entered = tail_find (descriptor, name, &tail, NULL) == 0
                 && tail.last != NULL;

  if (entered
      && audit_place_enter (place, keys, tail.last, tail.last_length)
           == AUDIT_KEY)
    entered = audit_keys_learn (keys, ring, descriptor, name, NULL) == 0
              && audit_place_enter (place, keys, tail.last, tail.last_length)
                   == AUDIT_FINE;
  tail_free (&tail);
  return entered && place->begun;
}

static bool
may_be_moved_log (const char *name, const char *log_name)
{
  size_t length = strlen (log_name);

  return strncmp (name, log_name, length) == 0
         && (name[length] == '.' || name[length] == '-');
}

static void
consider (int folder, const char *name, struct audit_keys *keys,
          const struct key_ring *ring, struct audit_place *best)
{
  CLEANUP_CLOSE int descriptor = openat (
    folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  struct audit_place place = { 0 };
  struct stat status;

  if (descriptor < 0 || fstat (descriptor, &status) != 0
      || !S_ISREG (status.st_mode))
    return;
  if (enter_file (descriptor, name, keys, ring, &place)
      && (!best->begun || place.next_seq > best->next_seq))
    *best = place;
}

int
audit_predecessor_find (const char *path, struct audit_keys *keys,
                        const struct key_ring *ring, struct audit_place *place,
                        struct error *error)
{
  CLEANUP_FREE char *folder_path = file_folder (path);
  const char *slash = strrchr (path, '/');
  const char *log_name = slash != NULL ? slash + 1 : path;
  DIR *folder = folder_path != NULL ? opendir (folder_path) : NULL;
  const struct dirent *entry;

  if (folder == NULL)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "look beside the audit log %s: %m", path);
  while ((entry = readdir (folder)) != NULL)
    if (may_be_moved_log (entry->d_name, log_name))
      consider (dirfd (folder), entry->d_name, keys, ring, place);
  closedir (folder);
  return 0;
}
