/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of audit records for the system's log, as syslog(3) sends messages:
 *
 *   <PRIORITY>ezcdc[PID]: RECORD
 *
 * in one datagram to the socket of a syslog daemon or of journald. They are
 * copies: one that cannot be sent holds nothing up, and the record says by
 * its seq that it was one.
 */

#ifndef EZCDC_AUDIT_SYSLOG_H
#define EZCDC_AUDIT_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

struct audit_syslog;

/* For the socket at path, which need not be there yet. NULL on failure, with
 * EZCDC_E_CONFIG if the path is too long for a socket. */
struct audit_syslog *audit_syslog_new (const char *path, struct error *error)
  __attribute__ ((nonnull (1)));
/* May be NULL. */
void audit_syslog_free (struct audit_syslog *syslog);

/* Sends a record, a line without its end. Says in a message when it cannot,
 * once, and when it can again. A receiver that is slow is waited for, for at
 * most a second, and not again until it is quick. */
void audit_syslog_send (struct audit_syslog *syslog, const char *line,
                        size_t length, bool success) __attribute__ ((nonnull));

#endif
