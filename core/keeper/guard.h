/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the files that are none of a runner's business, by whatever name:
 *
 *   keys, the configuration, the audit log and what belongs to it, files of
 *   other pipelines beside this one, and all of /proc/PID of others
 *
 * so that the keeper can say who asks for them (core/keeper/watch.h). It keeps
 * nobody from them: Landlock does, from these and most others
 * (core/runner/reach.h). */

#ifndef EZCDC_KEEPER_GUARD_H
#define EZCDC_KEEPER_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "core/crypto/key_source.h"
#include "core/keeper/settings.h"

struct guard;

/* A file that was recognised. */
struct guarded {
  const char *what; /* for people; constant */
  char path[256];   /* cut off where it is too long */
};

/* Relative paths start from the current folder, which must stay the same and
 * be that of the runners. The guard keeps no pointers to its arguments. NULL
 * if memory is out. */
struct guard *guard_new (const struct pipeline_settings *settings,
                         const char *ini_path, const struct key_source *source,
                         struct error *error)
  __attribute__ ((nonnull (1, 2, 3)));
void guard_free (struct guard *guard);

/* Forgets what a former runner did; this one has not begun. */
void guard_begin (struct guard *guard, pid_t runner) __attribute__ ((nonnull));

/* Whether the path that the runner has given to a system call leads to one of
 * the files. in_folder: it starts from a folder that the call names by a
 * descriptor, which cannot be looked up from here; then a path counts if it
 * is the end of a guarded one and the runner has asked for a folder above that
 * one before.
 *
 * Never waits for a file system: a link that is not in the kernel's memory is
 * not followed. */
bool guard_recognises (struct guard *guard, bool in_folder, const char *path,
                       struct guarded *ret_guarded) __attribute__ ((nonnull));

#endif
