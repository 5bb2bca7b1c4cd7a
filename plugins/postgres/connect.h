/* SPDX-License-Identifier: Apache-2.0 */
/* How a session connects: what libpq is told, who is let in between, and
 * what was agreed on. */

#ifndef POSTGRES_CONNECT_H
#define POSTGRES_CONNECT_H

#include "session.h"

/* Makes the connection of a session that has its peer and waits until it
 * stands, with the TLS that was asked for. Its settings are the server's
 * still. The session stays the caller's, also when this fails. */
int session_connect (struct postgres *self, struct session *session);

#endif /* POSTGRES_CONNECT_H */
