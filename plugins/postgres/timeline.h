/* SPDX-License-Identifier: Apache-2.0 */
/* The server's timeline: whether it still has what was read before.
 *
 * A standby that is promoted begins a new timeline. What the old primary had
 * written behind that point is not in it; if that was read already, the target
 * has rows that the server never had.
 */

#ifndef POSTGRES_TIMELINE_H
#define POSTGRES_TIMELINE_H

#include "session.h"

struct timeline {
  uint32_t number;
  PGresult *history; /* what the server says of its history; NULL: nothing */
};

/* Reads the timeline over a replication connection.  The history is read if
 * there is one; whoever needs it is told if it is missing. */
int timeline_read (struct session *session, struct timeline *ret_timeline);
void timeline_clear (struct timeline *timeline);

/* Checks that a stream may go on after that position. */
int timeline_check (struct postgres *self, const struct timeline *timeline,
                    const struct ezcdc_position *after);

/* Whether the server has had what was there at the position. */
bool timeline_holds (const struct timeline *timeline,
                     const struct ezcdc_position *position);

#endif /* POSTGRES_TIMELINE_H */
