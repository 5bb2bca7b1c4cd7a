/* SPDX-License-Identifier: Apache-2.0 */
/* Holds a new connection back from Connector/C, which reads the greeting and
 * begins TLS in one go if it may, before anybody can look at the one or stand
 * before the other. Meanwhile its descriptor is one end of a pair where nobody
 * speaks, so that it waits, and comes to us. */
#ifndef STARROCKS_HOLD_H
#define STARROCKS_HOLD_H

struct hold {
  int network; /* the connection; -1: it is not held */
  int silent;  /* the other end of the pair */
};

/* 0, or -1 with errno: the connection is as it was. */
int hold_begin (struct hold *hold, int descriptor);
/* Gives the connection back, with what the library has set on the pair. -1 if
 * that is not possible. */
int hold_end (struct hold *hold, int descriptor);
/* Whatever the state; what is held is closed. */
void hold_drop (struct hold *hold);

#endif /* STARROCKS_HOLD_H */
