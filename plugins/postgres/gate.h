/* SPDX-License-Identifier: Apache-2.0 */
/* Stands between libpq and a server that has not let us in yet, so that libpq
 * sees no byte that authentication.h has not allowed.
 *
 * libpq reads all that the socket holds and answers it in one go; a look at the
 * socket before would miss what arrives a moment later. Therefore:
 *
 *   in the clear  the descriptor of libpq's socket is given one end of a pair;
 *                 we hold the connection and the other end, and pass on one
 *                 message at a time. When TLS begins, or we are in, libpq gets
 *                 its connection back.
 *   over TLS      libpq reads at most the record that OpenSSL holds, which is
 *                 looked at first.
 *
 *      server ── network [gate] inner ══ pair ══ PQsocket() [libpq]
 */

#ifndef POSTGRES_GATE_H
#define POSTGRES_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <libpq-fe.h>

#include "authentication.h"
#include "session.h"

/* What is expected from the server. */
enum gate_phase {
  GATE_IDLE,       /* nothing: libpq has not spoken yet */
  GATE_TLS_ANSWER, /* S or N */
  GATE_MESSAGES,
};

struct gate {
  struct session *session; /* lent */
  struct authentication authentication;
  unsigned
    methods_clear; /* AUTHENTICATION_..., for a connection without TLS */
  unsigned methods_tls;
  int network; /* the connection; -1: libpq has it */
  int inner;   /* our end of the pair, or -1 */
  ino_t outer; /* inode of libpq's end */
  enum gate_phase phase;
};

void gate_open (struct gate *gate, struct session *session,
                unsigned methods_clear, unsigned methods_tls);
/* Whatever the state; libpq's connection can only be finished after that,
 * unless it stands. */
void gate_close (struct gate *gate);

/* Instead of PQsocket, to wait for the server. */
int gate_socket (const struct gate *gate);

/* One step of PQconnectPoll, after its socket has become ready; *status as
 * libpq wants it, unchanged if there was nothing that libpq may see. A code
 * below zero is a failure of the gate's own, which it has recorded. */
int gate_step (struct gate *gate, PostgresPollingStatusType *status);

#endif /* POSTGRES_GATE_H */
