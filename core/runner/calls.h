/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that a runner may make. */

#ifndef EZCDC_RUNNER_CALLS_H
#define EZCDC_RUNNER_CALLS_H

#include <stdbool.h>

#include "core/base/error.h"

/* Lets this thread, and those that it will start, make the calls of the lists
 * in calls.c only: call it before there are others. Nothing takes it back.
 *
 * A call that is not in a list waits for who has *ret_listener (the keeper,
 * core/keeper/watch.h), is told to it and fails with EPERM. So do, if
 * watch_files is true, calls that name files, which the keeper lets through
 * but for a few files; the kernel must have Landlock for that. The descriptor
 * is the caller's. Whoever has it may also let calls through: once it is sent
 * it must not stay open here. It is -1 where the kernel has no such
 * descriptors; then the calls that are not allowed fail without a word, and
 * those that name files succeed. Some uses of calls that name files are
 * refused in any case and without a word.
 *
 * Returns 0, EZCDC_E_UNSUPPORTED if the program was built without filters,
 * EZCDC_E_UNAVAILABLE if the kernel will not. */
int calls_restrict (bool watch_files, int *ret_listener, struct error *error)
  __attribute__ ((nonnull (2)));

#endif
