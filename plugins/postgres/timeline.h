/* SPDX-License-Identifier: Apache-2.0 */
/* The server's timeline: whether it still has what was read before.
 *
 * A standby that is promoted begins a new timeline. What the old primary had
 * written behind that point is not in it; if that was read already, the target
 * has rows that the server never had.
 */

#ifndef POSTGRES_TIMELINE_H
#define POSTGRES_TIMELINE_H

#include "connect.h"

/* Reads the timeline over a replication connection, and checks that a stream
 * may go on after that position. */
int timeline_check (struct postgres *self, struct session *session,
                    const struct ezcdc_position *after,
                    uint32_t *ret_timeline);

#endif /* POSTGRES_TIMELINE_H */
