/* SPDX-License-Identifier: Apache-2.0 */
/* The lock that a run holds on its pipeline, state_dir/NAME/lock. It ends
 * with the process that holds it, however that ends.
 */

#ifndef EZCDC_KEEPER_RUN_LOCK_H
#define EZCDC_KEEPER_RUN_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "core/base/text.h"

/* Takes the lock in the folder state_dir/NAME. *ret_descriptor, which the
 * caller owns, holds it until it is closed. Fails with EZCDC_E_OPERATOR if
 * another process holds it.
 */
int run_lock_take (const char *folder, int *ret_descriptor,
                   struct error *error) __attribute__ ((nonnull (1, 2)));

/* Puts a line for others into the lock that descriptor holds, in the place of
 * the last one; it has no line end. A line that is empty is none. */
void run_lock_tell (int descriptor, const char *line)
  __attribute__ ((nonnull));

/* Appends that line to text; nothing if there is none. */
void run_lock_read (const char *folder, struct text *text)
  __attribute__ ((nonnull));

/* Whether a run of this pipeline lives, and the process id of its keeper (0
 * if none, or if it cannot be told). Takes no lock and creates nothing; a
 * folder that does not exist means no.
 */
int run_lock_probe (const char *folder, bool *ret_alive, pid_t *ret_pid,
                    struct error *error) __attribute__ ((nonnull (1, 2, 3)));

#endif
