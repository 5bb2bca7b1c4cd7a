/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the server's log. */

#ifndef POSTGRES_WAL_H
#define POSTGRES_WAL_H

#include "session.h"

/* A position that the stream will reach and that has all before it that is
 * committed now. Waits a moment if need be. */
int wal_end (struct session *session, uint64_t *ret_lsn);
/* The timeline that the server writes. */
int wal_timeline (struct session *session, uint32_t *ret_timeline);

/* The source's function. */
int postgres_current_position (void *self,
                               struct ezcdc_position *ret_position);

#endif /* POSTGRES_WAL_H */
