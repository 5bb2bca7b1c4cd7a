/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the system calls of a runner that wait for the keeper. */

#include <config.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/keeper/watch.h"

/* How much of the runner's memory is read at once: what lies behind a name is
 * none of the keeper's business. */
#define PIECE ((size_t) 32)

void
watch_begin (struct watch *watch, struct guard *guard)
{
  *watch = (struct watch){ .listener = -1, .memory = -1, .guard = guard };
}

void
watch_end (struct watch *watch)
{
  if (watch->listener >= 0)
    close (watch->listener);
  if (watch->memory >= 0)
    close (watch->memory);
  watch->listener = watch->memory = -1;
}

void
watch_listen (struct watch *watch, int listener)
{
  watch->listener = listener;
}

/* Anything else could make the keeper wait when it is read. */
static bool
is_memory_of (pid_t process, int descriptor)
{
  char link[64];
  char expected[64];
  char target[64] = "";

  snprintf (link, sizeof link, "/proc/self/fd/%d", descriptor);
  snprintf (expected, sizeof expected, "/proc/%ld/mem", (long) process);
  return readlink (link, target, sizeof target - 1) > 0
         && strcmp (target, expected) == 0;
}

bool
watch_see (struct watch *watch, pid_t runner, int memory)
{
  if (!is_memory_of (runner, memory)) {
    close (memory);
    return false;
  }
  watch->memory = memory;
  return true;
}

bool
watch_read_path (int memory, uint64_t address, char path[PATH_MAX])
{
  for (size_t length = 0; length < PATH_MAX;) {
    size_t most = PATH_MAX - length < PIECE ? PATH_MAX - length : PIECE;
    ssize_t got = pread (memory, path + length, most,
                         (off_t) (address + length));
    if (got <= 0)
      return false;
    char *end = memchr (path + length, '\0', (size_t) got);
    length += (size_t) got;
    if (end != NULL) {
      explicit_bzero (end, (size_t) (path + length - end));
      return true;
    }
  }
  return false;
}

bool
watch_sees (const struct watch *watch)
{
  return watch->memory >= 0 && watch->guard != NULL;
}

#ifdef HAVE_SECCOMP

#include <fcntl.h>

#include <seccomp.h>

#include "core/keeper/file_calls.h"

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1 /* Linux 5.5 */
#endif

/* ---- What is worth a word ---------------------------------------------- */

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

static bool
is_first_of_file (struct watch *watch, const struct refused_call *call)
{
  struct told_file *told = watch->told_files;

  for (unsigned i = 0; i < watch->told_count; i++)
    if (strcmp (told[i].call, call->name) == 0
        && strcmp (told[i].path, call->guarded.path) == 0)
      return false;
  if (watch->told_count == WATCH_FILES)
    return false;
  told += watch->told_count++;
  snprintf (told->call, sizeof told->call, "%s", call->name);
  snprintf (told->path, sizeof told->path, "%s", call->guarded.path);
  return true;
}

static void
describe (const struct seccomp_data *data, struct refused_call *ret_call)
{
  CLEANUP_FREE char *name = seccomp_syscall_resolve_num_arch (data->arch,
                                                              data->nr);

  *ret_call = (struct refused_call){
    .arguments = { data->args[0], data->args[1] },
  };
  if (name != NULL)
    snprintf (ret_call->name, sizeof ret_call->name, "%s", name);
  else
    snprintf (ret_call->name, sizeof ret_call->name, "number %d", data->nr);
}

/* ---- Names of files ---------------------------------------------------- */

static bool
names_guarded (struct watch *watch, const struct file_call *file_call,
               const struct seccomp_data *data, struct guarded *ret_guarded)
{
  char path[PATH_MAX];
  bool found = false;

  for (size_t i = 0;
       i < FILE_CALL_PATHS && file_call->paths[i].path >= 0 && !found; i++) {
    int folder = file_call->paths[i].folder;
    bool in_folder = folder >= 0 && (int) data->args[folder] != AT_FDCWD;
    found = watch_read_path (watch->memory,
                             data->args[file_call->paths[i].path], path)
            && guard_recognises (watch->guard, in_folder, path, ret_guarded);
  }
  explicit_bzero (path, sizeof path);
  return found;
}

/* ---- Answers ----------------------------------------------------------- */

static enum watch_event
answer_file_call (struct watch *watch, const struct file_call *file_call,
                  const struct seccomp_data *data,
                  struct seccomp_notif_resp *answer, struct refused_call *call)
{
  if (watch_sees (watch)
      && names_guarded (watch, file_call, data, &call->guarded)) {
    answer->error = -EACCES;
    return is_first_of_file (watch, call) ? WATCH_REFUSED : WATCH_ANSWERED;
  }
  answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  return WATCH_ANSWERED;
}

static enum watch_event
answer_call (struct watch *watch, struct seccomp_notif *call,
             struct seccomp_notif_resp *answer, struct refused_call *ret_call)
{
  enum watch_event event;

  if (seccomp_notify_receive (watch->listener, call) != 0) {
    /* It may have been killed in the meantime. Anything else would fail for
     * ever, as for a descriptor that is no listener. */
    if (errno != ENOENT && errno != EINTR)
      watch_end (watch);
    return WATCH_NOTHING;
  }
  describe (&call->data, ret_call);
  const struct file_call *file_call = file_call_find (ret_call->name);
  answer->id = call->id;
  if (file_call != NULL)
    event = answer_file_call (watch, file_call, &call->data, answer, ret_call);
  else {
    answer->error = -EPERM;
    event = is_first (watch, call->data.nr) ? WATCH_REFUSED : WATCH_ANSWERED;
  }
  seccomp_notify_respond (watch->listener, answer);
  return event;
}

enum watch_event
watch_answer (struct watch *watch, struct refused_call *ret_call)
{
  struct pollfd entry = { .fd = watch->listener, .events = POLLIN };
  struct seccomp_notif *call = NULL;
  struct seccomp_notif_resp *answer = NULL;

  if (poll (&entry, 1, 0) <= 0)
    return WATCH_NOTHING;
  if ((entry.revents & POLLIN) == 0
      || seccomp_notify_alloc (&call, &answer) != 0) {
    watch_end (watch);
    return WATCH_NOTHING;
  }
  enum watch_event event = answer_call (watch, call, answer, ret_call);
  seccomp_notify_free (call, answer);
  return event;
}

#else

enum watch_event
watch_answer (struct watch *watch, struct refused_call *ret_call)
{
  (void) ret_call;
  watch_end (watch);
  return WATCH_NOTHING;
}

#endif
