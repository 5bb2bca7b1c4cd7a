/* SPDX-License-Identifier: Apache-2.0 */
/* What stands beside an audit log whose verification key was given away:
 * LOG.state, with the chain key of the present epoch.
 *
 *   {"key_id":"16 digits","epoch":N,"seq":N,"mac":"64 digits",
 *    "key":"ezc1:..."}
 *
 * seq and mac are those of the record that closed the epoch before (0 and
 * zeros: not known). The key is sealed under the ring's primary key for
 * AUDIT/STATE and KEY_ID/EPOCH/SEQ/MAC. The file is replaced when an epoch
 * ends, and then nothing on this machine leads back to the keys before.
 */

#ifndef EZCDC_AUDIT_STATE_H
#define EZCDC_AUDIT_STATE_H

#include "core/audit/keys.h"
#include "core/base/error.h"
#include "core/crypto/key_ring.h"

/* Takes up the key that stands beside the log, if there is one. */
int audit_state_load (struct audit_keys *keys, const struct key_ring *ring,
                      const char *log_path, struct error *error)
  __attribute__ ((nonnull (1, 2, 3)));

/* Writes the earliest key that is known of that index; the log is locked. What
 * an earlier try has left is removed, because it would lead back to its key. */
int audit_state_save (const struct audit_keys *keys, size_t index,
                      const struct key_ring *ring, const char *log_path,
                      struct error *error) __attribute__ ((nonnull (1, 3, 4)));

#endif
