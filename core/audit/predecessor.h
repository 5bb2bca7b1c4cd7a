/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the file that a new log goes on from. */

#ifndef EZCDC_AUDIT_PREDECESSOR_H
#define EZCDC_AUDIT_PREDECESSOR_H

#include "core/audit/chain.h"

/* Goes to the end of the chain: of the files in the log's folder whose names
 * begin with the log's name and "." or "-", as logrotate makes them, to the
 * end of the one whose last record has the highest seq. What is no log, or not
 * ours, is passed over. place is the end that is known so far, and stays as it
 * is if no file goes further; place->begun is false if none is known. The log
 * is locked.
 */
int audit_predecessor_find (const char *path, struct audit_keys *keys,
                            const struct key_ring *ring,
                            struct audit_place *place, struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4)));

#endif
