/* SPDX-License-Identifier: Apache-2.0 */
/* What of the file system this process can still open: Landlock.
 *
 * Rights only ever get fewer. Without Landlock in the kernel (5.13 and later
 * have it, if it is switched on) nothing is restricted and the caller is told
 * so. What is open already stays open.
 */

#ifndef EZCDC_RUNNER_LANDLOCK_H
#define EZCDC_RUNNER_LANDLOCK_H

#include <stdint.h>

#include "core/base/error.h"

/* Being made up: begins with landlock_begin, ends with landlock_enforce. */
struct landlock {
  int ruleset;      /* owned; -1: the kernel has no Landlock */
  int abi;          /* the kernel's version of it; 0: none */
  uint64_t handled; /* the rights that it knows, all refused at first */
};

enum landlock_use {
  LANDLOCK_LIST, /* lists of folders */
  LANDLOCK_READ, /* files, and lists of folders */
  LANDLOCK_WRITE /* all that, and to make, change and remove files */
};

int landlock_begin (struct landlock *landlock, struct error *error)
  __attribute__ ((nonnull (1)));

/* Allows a file, or a folder and all below. What does not exist is passed
 * over. */
void landlock_allow (const struct landlock *landlock, const char *path,
                     enum landlock_use use) __attribute__ ((nonnull));

/* From here on, for this thread and those that it will start: call it before
 * there are others. Needs no_new_privs. */
int landlock_enforce (struct landlock *landlock, struct error *error)
  __attribute__ ((nonnull (1)));

#endif
