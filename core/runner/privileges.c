/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner that was started by root gives back. */

#include <config.h>

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include <ezcdc/connector.h>

#include "core/keeper/harden.h"
#include "core/runner/privileges.h"

/* Also those that a process could get back; only who has CAP_SETPCAP can and
 * need do this. */
static void
bound_capabilities (void)
{
  prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int number = 0; prctl (PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
    prctl (PR_CAPBSET_DROP, number, 0, 0, 0);
}

/* Who has none does not ask for none: a service's filter may refuse that. */
static bool
drop_capabilities (void)
{
  struct __user_cap_header_struct header = {
    .version = _LINUX_CAPABILITY_VERSION_3,
  };
  const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
  struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3];

  if (syscall (SYS_capget, &header, had) == 0
      && memcmp (had, none, sizeof none) == 0)
    return true;
  return syscall (SYS_capset, &header, none) == 0;
}

/* The groups of a user who is in the list of users, or his own alone. */
static bool
become (uid_t user, gid_t group)
{
  const struct passwd *entry = getpwuid (user);

  return (entry != NULL ? initgroups (entry->pw_name, group)
                        : setgroups (0, NULL))
           == 0
         && setresgid (group, group, group) == 0
         && setresuid (user, user, user) == 0;
}

/* The kernel forgets both when a process takes another user. */
static void
harden_again (void)
{
  harden_process ();
  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static int
become_owner (const char *folder, struct error *error)
{
  struct stat status;

  if (stat (folder, &status) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "find out who owns %s: %m",
                      folder);
  if (status.st_uid == 0)
    return 0;
  if (!become (status.st_uid, status.st_gid))
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "take the user who owns %s (uid %lu): %m", folder,
                      (unsigned long) status.st_uid);
  if (setuid (0) == 0)
    return error_set (error, EZCDC_E_BUG, "root's rights are still there");
  harden_again ();
  return 0;
}

int
privileges_drop (const char *folder, struct error *error)
{
  bound_capabilities ();
  if (folder != NULL && geteuid () == 0 && become_owner (folder, error) != 0)
    return error->code;
  if (!drop_capabilities ())
    return error_set (error, EZCDC_E_UNAVAILABLE, "drop capabilities: %m");
  return 0;
}
