/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the server's log. */

#include "position.h"
#include "query.h"
#include "wal.h"

/* How long the log may take to reach the disk, and how often we look. */
#define WAL_FLUSH_US 2000000
#define WAL_LOOK_MS 20

static int
wal_lsn (struct session *session, const char *sql, uint64_t *ret_lsn)
{
  char text[LSN_TEXT_SIZE];
  int code = session_text (session, "look at the log's end", sql, text,
                           sizeof text);

  if (code == EZCDC_OK && !lsn_parse (text, ret_lsn))
    code = host->fail (session->instance, EZCDC_E_BUG, "%s is no LSN", text);
  return code;
}

/* The log's end, once it is on disk: the server sends no more than that. On a
 * quiet server the end may be one that is never flushed (the head of an empty
 * page); then what is flushed has all that is committed. */
int
wal_end (struct session *session, uint64_t *ret_lsn)
{
  int64_t deadline = host->monotonic_time () + WAL_FLUSH_US;
  uint64_t end, flushed;
  int code;

  code = wal_lsn (session, "SELECT pg_current_wal_insert_lsn()", &end);
  while (code >= 0) {
    code = wal_lsn (session, "SELECT pg_current_wal_flush_lsn()", &flushed);
    if (code != EZCDC_OK)
      break;
    if (flushed >= end || host->monotonic_time () >= deadline) {
      *ret_lsn = flushed < end ? flushed : end;
      break;
    }
    code = host->wait (session->instance, -1, 0, WAL_LOOK_MS);
  }
  return code;
}

int
wal_timeline (struct session *session, uint32_t *ret_timeline)
{
  PGresult *result;
  /* The first eight digits of a segment's name. */
  int code = session_query (session, "look at the timeline",
                            "SELECT ('x' || left(pg_walfile_name("
                            "pg_current_wal_lsn()), 8))::bit(32)::bigint",
                            0, NULL, &result);

  if (code != EZCDC_OK)
    return code;
  *ret_timeline = (uint32_t) field_number (result, 0, 0);
  PQclear (result);
  return EZCDC_OK;
}

int
postgres_current_position (void *opaque, struct ezcdc_position *ret_position)
{
  struct postgres *self = opaque;
  struct session *session;
  uint64_t lsn;
  int code;

  code = session_take (self, &session);
  if (code != EZCDC_OK)
    return code;
  /* This needs no lock. A session that gives no answer is not used again. */
  session->answer_ms = self->connect_timeout_ms;
  code = wal_end (session, &lsn);
  session->answer_ms = self->answer_timeout_ms;
  session_give (self, session);
  if (code == EZCDC_OK)
    *ret_position = position_of_lsn (lsn);
  return code;
}
