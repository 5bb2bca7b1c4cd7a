/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses the system calls that a runner may not make. */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/keeper/watch.h"

void
watch_begin (struct watch *watch, int listener)
{
  *watch = (struct watch){ .listener = listener };
}

void
watch_end (struct watch *watch)
{
  if (watch->listener >= 0)
    close (watch->listener);
  watch->listener = -1;
}

#ifdef HAVE_SECCOMP

#include <seccomp.h>

static bool
is_first (struct watch *watch, int number)
{
  if (number < 0 || (unsigned) number >= WATCH_NUMBERS)
    return true;
  uint8_t *place = &watch->told[number / 8];
  uint8_t bit = (uint8_t) (1u << number % 8);
  bool first = (*place & bit) == 0;
  *place |= bit;
  return first;
}

static void
describe (const struct seccomp_data *data, struct refused_call *ret_call)
{
  CLEANUP_FREE char *name = seccomp_syscall_resolve_num_arch (data->arch,
                                                              data->nr);

  if (name != NULL)
    snprintf (ret_call->name, sizeof ret_call->name, "%s", name);
  else
    snprintf (ret_call->name, sizeof ret_call->name, "number %d", data->nr);
  ret_call->arguments[0] = data->args[0];
  ret_call->arguments[1] = data->args[1];
}

/* Nothing is read from the runner's memory, which could change meanwhile. */
static bool
refuse (struct watch *watch, struct seccomp_notif *call,
        struct seccomp_notif_resp *answer, struct refused_call *ret_call)
{
  if (seccomp_notify_receive (watch->listener, call) != 0) {
    /* It may have been killed in the meantime. Anything else would fail for
     * ever, as for a descriptor that is no listener. */
    if (errno != ENOENT && errno != EINTR)
      watch_end (watch);
    return false;
  }
  answer->id = call->id;
  answer->error = -EPERM;
  seccomp_notify_respond (watch->listener, answer);
  describe (&call->data, ret_call);
  return is_first (watch, call->data.nr);
}

bool
watch_refuse (struct watch *watch, struct refused_call *ret_call)
{
  struct pollfd entry = { .fd = watch->listener, .events = POLLIN };
  struct seccomp_notif *call = NULL;
  struct seccomp_notif_resp *answer = NULL;

  if (poll (&entry, 1, 0) <= 0)
    return false;
  if ((entry.revents & POLLIN) == 0
      || seccomp_notify_alloc (&call, &answer) != 0) {
    watch_end (watch);
    return false;
  }
  bool first = refuse (watch, call, answer, ret_call);
  seccomp_notify_free (call, answer);
  return first;
}

#else

bool
watch_refuse (struct watch *watch, struct refused_call *ret_call)
{
  (void) ret_call;
  watch_end (watch);
  return false;
}

#endif
