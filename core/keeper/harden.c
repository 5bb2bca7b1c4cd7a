/* SPDX-License-Identifier: Apache-2.0 */
/* What keeper and runner take away from themselves. */

#include <config.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/keeper/harden.h"

/* The leak check of the address sanitizer traces its own process at the end,
 * which an undumpable process cannot have. */
#ifdef WITH_SANITIZERS
#define MAY_BE_TRACED 1
#else
#define MAY_BE_TRACED 0
#endif

/* None of these can fail on a kernel that runs this program; if one did, the
 * others would still be worth having. */
void
harden_process (void)
{
  const struct rlimit none = { 0, 0 };

  prctl (PR_SET_DUMPABLE, MAY_BE_TRACED, 0, 0, 0);
  setrlimit (RLIMIT_CORE, &none);
  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  umask (0077);
}
