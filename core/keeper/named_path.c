/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path leads that another process has given to a system call. */

#include <config.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/keeper/named_path.h"

#define DIGITS "0123456789"
#define LINKS_MAX 40            /* as the kernel has it */
#define RESOLVE_FROM_CACHE 0x20 /* RESOLVE_CACHED of Linux 5.12 */

bool
path_view_is_self (const struct path_view *view, const char *digits)
{
  char path[64];
  long number = strtol (digits, NULL, 10);

  if (number == view->process)
    return true;
  snprintf (path, sizeof path, "/proc/%ld/task/%ld", (long) view->process,
            number);
  return access (path, F_OK) == 0;
}

static bool
append (struct named_path *path, const char *bytes, size_t length)
{
  if (length >= sizeof path->text - path->length)
    return false;
  memcpy (path->text + path->length, bytes, length);
  path->length += length;
  path->text[path->length] = '\0';
  return true;
}

static bool
replace (struct named_path *path, const char *text)
{
  path->length = 0;
  path->text[0] = '\0';
  return append (path, text, strlen (text));
}

/* Stands in the process's current folder, if that is known. */
static bool
enter_current (const struct path_view *view, struct named_path *path)
{
  path->is_whole = view->folder != NULL;
  if (view->folder == NULL || strcmp (view->folder, "/") == 0)
    return replace (path, "");
  return replace (path, view->folder);
}

/* What stands behind /proc/PID, or /proc/PID/task/THREAD, of the process
 * itself; NULL for another path. */
static const char *
behind_self (const struct path_view *view, const struct named_path *path)
{
  const char *rest = path->text + strlen ("/proc/");

  if (!path->is_whole || strncmp (path->text, "/proc/", 6) != 0
      || strspn (rest, DIGITS) == 0 || !path_view_is_self (view, rest))
    return NULL;
  rest += strspn (rest, DIGITS);
  if (strncmp (rest, "/task/", 6) == 0 && strspn (rest + 6, DIGITS) > 0)
    rest += 6 + strspn (rest + 6, DIGITS);
  return rest;
}

/* A folder that a descriptor of the process names is where more follows. */
static bool
leave_descriptor (const struct path_view *view, struct named_path *path)
{
  const char *rest = behind_self (view, path);

  if (rest == NULL || strncmp (rest, "/fd/", 4) != 0
      || strchr (rest + 4, '/') != NULL)
    return true;
  path->is_whole = false;
  return replace (path, "");
}

/* ---- Links ------------------------------------------------------------- */

/* From the kernel's memory alone: a file system that hangs must not keep the
 * caller from its work. */
static int
open_cached (const char *path)
{
#ifdef SYS_openat2
  /* The C library has no function for this, and the header may be older than
   * the kernel. */
  const struct {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
  } how = {
    .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
    .resolve = RESOLVE_FROM_CACHE,
  };

  return (int) syscall (SYS_openat2, AT_FDCWD, path, &how, sizeof how);
#else
  (void) path;
  return -1;
#endif
}

/* False if it is no link. Those of /proc would be read as of this process. */
static bool
read_link (const struct named_path *path, char target[PATH_MAX])
{
  CLEANUP_CLOSE int descriptor = -1;
  ssize_t length;

  if (strncmp (path->text, "/proc/", 6) == 0)
    return false;
  descriptor = open_cached (path->text);
  if (descriptor < 0)
    return false;
  length = readlinkat (descriptor, "", target, PATH_MAX - 1);
  if (length <= 0)
    return false;
  target[length] = '\0';
  return true;
}

static void
leave (struct named_path *path)
{
  char *slash = strrchr (path->text, '/');

  if (slash == NULL)
    return;
  *slash = '\0';
  path->length = (size_t) (slash - path->text);
}

static bool walk (const struct path_view *view, const char *text, int links,
                  struct named_path *path);

/* Replaces a link by what it leads to; so many may come yet. */
static bool
follow (const struct path_view *view, int links, struct named_path *path)
{
  char target[PATH_MAX];
  char own[64];
  const char *rest;

  if (!path->is_whole)
    return true;
  snprintf (own, sizeof own, "/proc/%ld", (long) view->process);
  if (strcmp (path->text, "/proc/self") == 0)
    return replace (path, own);
  if (strcmp (path->text, "/proc/thread-self") == 0)
    return replace (path, own) && append (path, "/task", 5)
           && append (path, own + 5, strlen (own + 5));
  if (strcmp (path->text, "/dev/fd") == 0)
    return replace (path, own) && append (path, "/fd", 3);
  rest = behind_self (view, path);
  if (rest != NULL && strcmp (rest, "/root") == 0)
    return replace (path, "");
  if (rest != NULL && strcmp (rest, "/cwd") == 0)
    return enter_current (view, path);
  if (!read_link (path, target))
    return true;
  if (links == 0)
    return false;
  leave (path);
  return (target[0] != '/' || replace (path, ""))
         && walk (view, target, links - 1, path);
}

/* ---- Walking ----------------------------------------------------------- */

/* Goes on by one part, which has no slash. */
static bool
step (const struct path_view *view, const char *part, size_t length, int links,
      struct named_path *path)
{
  if (length == 0 || (length == 1 && part[0] == '.'))
    return true;
  if (!leave_descriptor (view, path))
    return false;
  if (length == 2 && part[0] == '.' && part[1] == '.') {
    leave (path);
    return true;
  }
  return append (path, "/", 1) && append (path, part, length)
         && follow (view, links, path);
}

static bool
walk (const struct path_view *view, const char *text, int links,
      struct named_path *path)
{
  bool fits = true;

  while (fits && *text != '\0') {
    size_t length = strcspn (text, "/");
    fits = step (view, text, length, links, path);
    text += length + (text[length] == '/');
  }
  return fits;
}

bool
named_path_make (const struct path_view *view, bool in_folder,
                 const char *path, struct named_path *ret_path)
{
  bool fits;

  ret_path->is_whole = path[0] == '/' || !in_folder;
  fits = path[0] == '/' || in_folder ? replace (ret_path, "")
                                     : enter_current (view, ret_path);
  return fits && walk (view, path, LINKS_MAX, ret_path);
}
