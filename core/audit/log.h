/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of an audit log.
 *
 * Several processes may write one log: each takes its lock (LOG.lock) for one
 * record, reads what others have added since, and appends. A record is on the
 * disk when the function returns; if it cannot be, nothing of it remains in
 * the file, and the act must not happen.
 */

#ifndef EZCDC_AUDIT_LOG_H
#define EZCDC_AUDIT_LOG_H

#include <stdbool.h>

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

/* The same, and copies every record that this process writes to the socket of
 * a syslog daemon (audit/syslog.h), if one is given. */
struct audit_log *audit_log_open_copied (const char *path,
                                         const char *syslog_path,
                                         const struct key_ring *ring,
                                         struct error *error)
  __attribute__ ((nonnull (1, 3)));

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

/* Whether the chain is under a key that was given away. */
bool audit_log_has_given_key (const struct audit_log *log)
  __attribute__ ((nonnull));

/* Goes over to a chain key that nothing on this machine leads back to: that of
 * the only key of the ring "verification", which whoever calls this has given
 * away and then forgets. Only the key of the present epoch is kept, in
 * LOG.state. No other process may have the log open, and the chain may not be
 * under such a key already. */
int audit_log_give_key (struct audit_log *log,
                        const struct key_ring *verification,
                        struct error *error) __attribute__ ((nonnull (1, 2)));

/* Closes the epoch of the chain, if anything was written in it. It is closed
 * by itself after 1,000 records, or with the first record after an hour. */
int audit_log_ratchet (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));

/* Appends a checkpoint of the log's end as it is now (audit/checkpoint.h). */
int audit_log_checkpoint (struct audit_log *log, struct text *line,
                          struct error *error)
  __attribute__ ((nonnull (1, 2)));

/* What is to be done from time to time by the process that a log belongs to:
 * closes an epoch that has lasted too long, and replaces LOG.checkpoint, if
 * anything was written since. */
int audit_log_maintain (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));
/* At the end of a process: replaces LOG.checkpoint, if anything was written
 * since. */
int audit_log_finish (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));

/* Milliseconds until audit_log_maintain has something to do; -1 if that
 * depends on the next record. */
int audit_log_due (const struct audit_log *log) __attribute__ ((nonnull));

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
