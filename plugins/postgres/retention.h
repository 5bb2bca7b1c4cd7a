/* SPDX-License-Identifier: Apache-2.0 */
/* How much of its log the server keeps for the slot, and how much it is still
 * willing to keep. */

#ifndef POSTGRES_RETENTION_H
#define POSTGRES_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#define RETENTION_OFTEN INT64_C (0)
#define RETENTION_SELDOM INT64_C (10000000)

struct postgres;
struct session;

/* What was seen last; in struct postgres, under its lock. */
struct retention {
  int64_t looked;  /* monotonic time; 0: never */
  int64_t warned;  /* bytes that were left then; 0: there was no need */
  char oldest[24]; /* the oldest transaction then */
  bool held;       /* the status says that a transaction holds the log */
};

/* Warns before the server gives the slot up, and says which transaction makes
 * it keep more than the pipeline needs. Looks if the last look is interval
 * (microseconds) ago. A look that fails says nothing, but ends a transaction
 * that the session is in. */
void retention_look (struct postgres *self, struct session *session,
                     int64_t interval);
/* The same in a session of its own. */
void retention_look_aside (struct postgres *self, int64_t interval);

#endif /* POSTGRES_RETENTION_H */
