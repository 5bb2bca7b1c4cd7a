/* SPDX-License-Identifier: Apache-2.0 */
/* Where a path leads that another process has given to a system call. */

#ifndef EZCDC_KEEPER_NAMED_PATH_H
#define EZCDC_KEEPER_NAMED_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NAMED_PATH_MAX (2 * PATH_MAX)

/* Whose path it is. */
struct path_view {
  pid_t process;
  const char *folder; /* its current one; NULL: not known */
};

/* "" is the root; others begin with a slash. Nothing in it is empty, "." or
 * "..". */
struct named_path {
  bool is_whole; /* else it starts from a folder that is not known */
  size_t length;
  char text[NAMED_PATH_MAX];
};

/* in_folder: the call names a folder by a descriptor, which only the process
 * itself can look up. Links are replaced by what they lead to, also the last
 * one, and /proc/self and "root" and "cwd" in it as they are for that process.
 * Never waits for a file system: what is not in the kernel's memory stays as
 * it is. False if it is too long, or has too many links. */
bool named_path_make (const struct path_view *view, bool in_folder,
                      const char *path, struct named_path *ret_path)
  __attribute__ ((nonnull));

/* Whether it is, or is a thread of, that process; digits need not be all of
 * the string. */
bool path_view_is_self (const struct path_view *view, const char *digits)
  __attribute__ ((nonnull));

#endif
