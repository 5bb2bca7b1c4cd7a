/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the file that a new log goes on from. */

#ifndef EZCDC_AUDIT_PREDECESSOR_H
#define EZCDC_AUDIT_PREDECESSOR_H

#include "core/audit/chain.h"

/* Goes to the end of the log that was moved away from path while nobody had
 * it open: of the files in its folder whose names begin with the log's name
 * and "." or "-", as logrotate makes them, the one whose last record has the
 * highest seq. What is no log, or not ours, is passed over; place->begun stays
 * false if there is none.
 *
 * *ret_busy is set if somebody has one of them locked, and may be about to
 * write into it: then nothing is known yet. The lock of the new log, which the
 * caller holds, has to be given up before the next try, because who has the
 * moved one locked may wait for it.
 */
int audit_predecessor_find (const char *path, struct audit_keys *keys,
                            const struct key_ring *ring,
                            struct audit_place *place, bool *ret_busy,
                            struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4, 5)));

#endif
