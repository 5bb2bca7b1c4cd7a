/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a running COPY, whichever way is cheapest for both sides. */

#ifndef POSTGRES_RECEIVE_H
#define POSTGRES_RECEIVE_H

#include <stdint.h>

#include "session.h"

/* The next message, to be freed with PQfreemem. EZCDC_IDLE if none has come
 * before the deadline (of host->monotonic_time), EZCDC_END if the server has
 * ended the copy or failed: then receive_end says which. */
int receive_message (struct session *session, const char *what,
                     int64_t deadline, char **ret_data, int *ret_length);

/* After EZCDC_END: EZCDC_OK if the copy ended well. */
int receive_end (struct session *session, const char *what);

#endif /* POSTGRES_RECEIVE_H */
