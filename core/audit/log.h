/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of an audit log.
 *
 * Several processes may write one log: each takes the file's lock for one
 * record, reads what others have added since, and appends. A record is on the
 * disk when the function returns; if it cannot be, nothing of it remains in
 * the file, and the act must not happen.
 */

#ifndef EZCDC_AUDIT_LOG_H
#define EZCDC_AUDIT_LOG_H

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/crypto/key_ring.h"

#define AUDIT_SUCCESS "success"
#define AUDIT_FAILURE "failure"
#define AUDIT_DENIED "denied"

struct audit_log;

/* Opens the log at path, or begins one (mode 0600; it belongs to whoever owns
 * the folder, so that root can seal for a service). A torn last line is put
 * aside to PATH.torn-TIME and audit.recovered written. The chain goes on under
 * the key that it has; see audit_log_rekey. NULL on failure: EZCDC_E_CONFIG
 * (the file is not fit, or under a key that is not in the ring),
 * EZCDC_E_OPERATOR (its last records were changed), EZCDC_E_UNAVAILABLE (the
 * disk). */
struct audit_log *audit_log_open (const char *path,
                                  const struct key_ring *ring,
                                  struct error *error)
  __attribute__ ((nonnull (1, 2)));

/* log may be NULL. */
void audit_log_free (struct audit_log *log);

/* Goes over to another ring, and with audit.rekeyed to its primary key. Other
 * processes that write the log have to know that key by then. On failure the
 * log goes on with the ring that it has. */
int audit_log_rekey (struct audit_log *log, const struct key_ring *ring,
                     struct error *error) __attribute__ ((nonnull (1, 2)));

/* Goes over to another ring, but leaves the chain under the key that it has,
 * because another process that writes the log knows no newer one. With
 * audit.bridged, who has the ring's primary key alone can go on with the chain
 * later. */
int audit_log_bridge (struct audit_log *log, const struct key_ring *ring,
                      struct error *error) __attribute__ ((nonnull (1, 2)));

/* What to write; everything is lent for the call. */
struct audit_record {
  const char *action;      /* one of core/audit/actions.h */
  const char *resource_id; /* what it was done to; cut after 256 bytes */
  const char *outcome;     /* AUDIT_... */
  const char *detail;      /* a JSON object without line ends; NULL: {} */
};

/* Appends one record and waits until it is on the disk. */
int audit_log_write (struct audit_log *log, const struct audit_record *record,
                     struct error *error)
  __attribute__ ((nonnull (1, 2), warn_unused_result));

/* The path, for messages. */
const char *audit_log_path (const struct audit_log *log)
  __attribute__ ((nonnull));

#endif
