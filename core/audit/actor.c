/* SPDX-License-Identifier: Apache-2.0 */
/* On whose behalf a process of this machine acts. */

#include <config.h>

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "core/audit/actor.h"
#include "core/base/memory.h"

void
actor_name (char *ret_name, unsigned long size)
{
  CLEANUP_FCLOSE FILE *file = fopen ("/etc/passwd", "re");
  uid_t user = getuid ();
  const struct passwd *entry;

  snprintf (ret_name, size, "uid:%lu", (unsigned long) user);
  while (file != NULL && (entry = fgetpwent (file)) != NULL)
    if (entry->pw_uid == user) {
      snprintf (ret_name, size, "%s", entry->pw_name);
      break;
    }
}
