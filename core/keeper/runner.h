/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a runner: this program again, with nothing but what it needs. */

#ifndef EZCDC_KEEPER_RUNNER_H
#define EZCDC_KEEPER_RUNNER_H

#include <sys/types.h>

#include "core/base/error.h"

/* Where a runner finds the socket to its keeper. */
#define RUNNER_LINK_DESCRIPTOR 3

/* Starts a runner with mode and words (argc of them); it gets a process group
 * of its own, standard output and error of this process, nothing to read from
 * standard input, an environment with no more than the time zone and the
 * language, and dies with the calling thread. *ret_socket is the keeper's end
 * of the socket, the caller's, non-blocking. */
int runner_start (const char *mode, int argc, char *const *argv,
                  pid_t *ret_process, int *ret_socket, struct error *error)
  __attribute__ ((nonnull (1, 4, 5)));

#endif
