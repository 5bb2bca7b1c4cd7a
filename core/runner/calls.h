/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that a runner may make. */

#ifndef EZCDC_RUNNER_CALLS_H
#define EZCDC_RUNNER_CALLS_H

#include "core/base/error.h"

/* Lets this thread, and those that it will start, make the calls of the list
 * in calls.c only: call it before there are others. Nothing takes it back.
 *
 * A call that is not in the list waits for who has *ret_listener (the keeper,
 * core/keeper/watch.h), is told to it and fails with EPERM. The descriptor is
 * the caller's. Whoever has it may also let calls through: once it is sent it
 * must not stay open here. It is -1 where the kernel has no such descriptors;
 * then the calls fail without a word.
 *
 * Returns 0, EZCDC_E_UNSUPPORTED if the program was built without filters,
 * EZCDC_E_UNAVAILABLE if the kernel will not. */
int calls_restrict (int *ret_listener, struct error *error)
  __attribute__ ((nonnull (1)));

#endif
