/* SPDX-License-Identifier: Apache-2.0 */
/* The lock that a run holds on its pipeline, state_dir/NAME/lock. It ends
 * with the process that holds it, however that ends.
 */

#ifndef EZCDC_KEEPER_RUN_LOCK_H
#define EZCDC_KEEPER_RUN_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/error.h"

/* Takes the lock in the folder state_dir/NAME. *ret_descriptor, which the
 * caller owns, holds it until it is closed. Fails with EZCDC_E_OPERATOR if
 * another process holds it.
 */
int run_lock_take (const char *folder, int *ret_descriptor,
                   struct error *error) __attribute__ ((nonnull (1, 2)));

/* Whether a run of this pipeline lives, and the process id of its keeper (0
 * if none, or if it cannot be told). Takes no lock and creates nothing; a
 * folder that does not exist means no.
 */
int run_lock_probe (const char *folder, bool *ret_alive, pid_t *ret_pid,
                    struct error *error) __attribute__ ((nonnull (1, 2, 3)));

#endif
