/* SPDX-License-Identifier: Apache-2.0 */
/* The transaction that others wait for. */

#ifndef POSTGRES_BLOCKER_H
#define POSTGRES_BLOCKER_H

#include <stdbool.h>

#include "session.h"

/* The transaction that has written something and is open for longest. */
struct blocker {
  char transaction[24];
  char text[400]; /* "waiting for open transactions to end; the oldest ..." */
};

/* False if there is none, or it could not be asked. */
bool blocker_find (struct session *session, struct blocker *ret_blocker);

/* Says in the log and the status which transaction something has to wait
 * for; and that the wait is over. */
void blocker_tell (struct postgres *self, const char *what);
void blocker_gone (struct postgres *self);

#endif /* POSTGRES_BLOCKER_H */
