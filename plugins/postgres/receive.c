/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a running COPY, whichever way is cheapest for both sides.
 *
 * A server that sends many small messages pays for each time that it wakes
 * us up. So, while much arrives, the kernel gathers a good piece before we
 * are woken; as soon as little arrives, every message wakes us.
 */

#include "query.h"
#include "receive.h"

/* How long is measured before the way of waiting changes, and from which
 * rate on we are lazy. */
#define RECEIVE_WINDOW_US 10000
#define RECEIVE_LAZY_RATE 2000000 /* bytes a second */

static void
receive_measure (struct session *session, int64_t now)
{
  int64_t elapsed = now - session->window_start;

  if (elapsed < RECEIVE_WINDOW_US)
    return;
  session_lazy (session, session->window_bytes * 1000000 / elapsed
                           >= RECEIVE_LAZY_RATE);
  session->window_start = now;
  session->window_bytes = 0;
}

/* Waits until there may be something to consume: also for a while after the
 * deadline when it is the kernel that gathers. */
static int
receive_wait (struct session *session, int64_t deadline)
{
  uint32_t events = 1;
  int64_t now, wait_ms;
  int ready, rest;

  for (;;) {
    now = host->monotonic_time ();
    receive_measure (session, now);
    wait_ms = SESSION_LAZY_MS;
    if (!session->lazy)
      wait_ms = deadline > now ? (deadline - now + 999) / 1000 : 0;
    rest = PQflush (session->connection);
    if (rest < 0)
      return session_fail (session, NULL, "send");
    ready = session_wait (session, rest ? events | 2 : events, wait_ms);
    if (ready < 0)
      return ready;
    session->late = ready == 0;
    if ((ready & 1) || (session->lazy && session->late)) {
      session->announced = session_announced (session);
      return EZCDC_OK;
    }
    if (session->late && host->monotonic_time () >= deadline)
      return EZCDC_IDLE;
  }
}

/* Where the last bytes came from there may be more.  Under load there always
 * is, a message or two, and fetching those one by one costs more than they
 * do: then only what was there when we were woken is fetched at once. */
static bool
receive_expects_more (const struct session *session)
{
  if (!session->fresh)
    return false;
  return !session->lazy || session->announced > 0
         || session_has_bytes (session);
}

int
receive_message (struct session *session, const char *what, int64_t deadline,
                 char **ret_data, int *ret_length)
{
  int length, code;

  for (;;) {
    length = PQgetCopyData (session->connection, ret_data, 1);
    if (length > 0) {
      session->fresh = true;
      session->late = false;
      session->window_bytes += length;
      session->announced -= length + session->overhead;
      *ret_length = length;
      return EZCDC_OK;
    }
    if (length < 0)
      return EZCDC_END;
    if (!receive_expects_more (session)) {
      /* What little the kernel had gathered is no message yet. */
      if (session->late && host->monotonic_time () >= deadline)
        return EZCDC_IDLE;
      code = receive_wait (session, deadline);
      if (code != EZCDC_OK)
        return code;
    }
    session->fresh = false;
    if (!PQconsumeInput (session->connection))
      return session_fail (session, NULL, what);
  }
}

int
receive_end (struct session *session, const char *what)
{
  PGresult *result;
  int code;

  code = session_receive (session, what, -1, &result);
  if (code != EZCDC_OK)
    return code;
  if (result != NULL && PQresultStatus (result) == PGRES_FATAL_ERROR)
    code = session_fail (session, result, what);
  PQclear (result);
  while (code == EZCDC_OK) {
    code = session_receive (session, what, -1, &result);
    if (code != EZCDC_OK || result == NULL)
      break;
    PQclear (result);
  }
  return code;
}
