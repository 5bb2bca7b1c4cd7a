/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of changes: the replication protocol. */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "position.h"
#include "query.h"
#include "receive.h"
#include "slot.h"
#include "stream.h"
#include "timeline.h"
#include "text.h"

#define STREAM_WHAT "read changes"

/* Control goes back to the core about this often. */
#define STREAM_TURN_US 100000
#define STREAM_MESSAGES_PER_LOOK 64

/* Reports of our position: at least this often, and not more often. */
#define STREAM_REPORT_US 10000000
#define STREAM_REPORT_SOON_US 100000
/* When it is quiet we ask, and hear how far the server has come. */
#define STREAM_QUIET_US 2000000
/* What it has is not known when it has not answered for so long. */
#define STREAM_SILENT_US 6000000
/* Then a server that does not answer for so long is gone. */
#define STREAM_DEAD_US 300000000

/* How long closing may take. */
#define STREAM_CLOSE_US 5000000

/* From 1970-01-01 to 2000-01-01, PostgreSQL's zero, in microseconds. */
#define STREAM_EPOCH INT64_C (946684800000000)

static void
stream_put (char *at, uint64_t number)
{
  int i;

  for (i = 7; i >= 0; i--, number >>= 8)
    at[i] = (char) (number & 0xff);
}

/* Queues a status report and sends what can be sent without waiting. */
static int
stream_report (struct stream *stream, int64_t now, bool ask)
{
  PGconn *connection = stream->session->connection;
  char message[1 + 8 + 8 + 8 + 8 + 1] = { 'r' };

  stream_put (message + 1, stream->received);
  stream_put (message + 9, stream->confirmed);
  stream_put (message + 17, stream->confirmed);
  stream_put (message + 25, (uint64_t) (host->real_time () - STREAM_EPOCH));
  message[33] = ask;
  if (PQputCopyData (connection, message, sizeof message) < 0
      || PQflush (connection) < 0)
    return session_fail (stream->session, NULL, "report the position");
  stream->last_report = now;
  stream->reported = stream->confirmed;
  stream->reply_wanted = false;
  stream->asked |= ask;
  return EZCDC_OK;
}

/* When the next report is due if nothing happens. */
static int64_t
stream_due (const struct stream *stream)
{
  int64_t due = stream->last_report + stream->interval;
  int64_t ask = stream->last_heard + STREAM_QUIET_US;

  if (stream->confirmed > stream->reported
      && due > stream->last_report + STREAM_REPORT_SOON_US)
    due = stream->last_report + STREAM_REPORT_SOON_US;
  if (!stream->asked && ask < due)
    due = ask;
  return due;
}

/* Nothing has come. All there is has been read, if the server still answers. */
static int
stream_quiet (struct stream *stream)
{
  struct ezcdc_instance *instance = stream->self->instance;
  int64_t now = host->monotonic_time ();
  char reason[80];

  if (!stream->asked || now < stream->last_heard + STREAM_SILENT_US)
    return EZCDC_IDLE;
  if (now < stream->told + STREAM_QUIET_US)
    return EZCDC_OK;
  stream->told = now;
  snprintf (
    reason, sizeof reason,
    "no answer from the server for %d s (after %d s the stream is opened anew)",
    (int) ((now - stream->last_heard) / 1000000),
    (int) (STREAM_DEAD_US / 1000000));
  if (EZCDC_HOST_HAS (host, waiting))
    host->waiting (instance, reason);
  return EZCDC_OK;
}

static void
stream_heard (struct stream *stream, int64_t now)
{
  stream->last_heard = now;
  stream->asked = false;
  if (stream->told == 0)
    return;
  stream->told = 0;
  if (EZCDC_HOST_HAS (host, waiting))
    host->waiting (stream->self->instance, NULL);
}

static int
stream_keep_alive (struct stream *stream, int64_t now, bool listening)
{
  bool ask = listening && now >= stream->last_heard + STREAM_QUIET_US;

  if (!stream->reply_wanted && now < stream_due (stream))
    return EZCDC_OK;
  if (listening && stream->asked && now >= stream->last_heard + STREAM_DEAD_US)
    return host->fail (stream->self->instance, EZCDC_E_UNAVAILABLE,
                       STREAM_WHAT " (%s): the server has not answered for"
                                   " %d s",
                       stream->session->peer,
                       (int) (STREAM_DEAD_US / 1000000));
  return stream_report (stream, now, ask && !stream->asked);
}

/* A keepalive says how far the server has read its log. Outside of a
 * transaction all before that has been sent. */
static int
stream_keepalive_message (struct stream *stream, struct ezcdc_feed *feed,
                          const char *data, int length)
{
  struct ezcdc_position position;
  uint64_t end;

  if (length < 1 + 8 + 8 + 1)
    return EZCDC_E_BUG;
  end = pgoutput_uint64 (data + 1);
  if (data[17])
    stream->reply_wanted = true;
  if (end > stream->received)
    stream->received = end;
  if (stream->in_transaction || end <= stream->fed)
    return EZCDC_OK;
  stream->fed = end;
  position = position_on_timeline (end, stream->timeline.number);
  return host->feed_progress (feed, &position);
}

static int
stream_data_message (struct stream *stream, struct ezcdc_feed *feed,
                     char *data, int length)
{
  uint64_t start;

  if (length < 1 + 8 + 8 + 8 + 1)
    return EZCDC_E_BUG;
  start = pgoutput_uint64 (data + 1);
  if (start > stream->received)
    stream->received = start;
  return changes_feed (stream, feed, data + 25, (size_t) length - 25);
}

static int
stream_message (struct stream *stream, struct ezcdc_feed *feed, char *data,
                int length)
{
  int code;

  switch (*data) {
  case 'w':
    code = stream_data_message (stream, feed, data, length);
    break;
  case 'k':
    code = stream_keepalive_message (stream, feed, data, length);
    break;
  default:
    code = EZCDC_E_BUG;
    break;
  }
  if (code == EZCDC_E_BUG)
    code = host->fail (stream->self->instance, EZCDC_E_BUG,
                       STREAM_WHAT " (%s): a message that makes no sense",
                       stream->session->peer);
  return code;
}

/* The server looks at the publication as it was when a change was made. */
static int
stream_lacks_publication (struct stream *stream)
{
  struct postgres *self = stream->self;

  return host->fail (self->instance, EZCDC_E_OPERATOR,
                     STREAM_WHAT " (%s): when the changes were made that slot"
                                 " %s has come to, publication %s did not"
                                 " exist (SQLSTATE 42704): it was dropped, and"
                                 " making it again does not bring those"
                                 " changes back" SLOT_WAYS_OUT,
                     stream->session->peer, self->slot, self->publication,
                     self->slot);
}

static int
stream_ended (struct stream *stream)
{
  int code = receive_end (stream->session, STREAM_WHAT);

  if (code != EZCDC_OK && strcmp (stream->session->failure, "42704") == 0)
    return stream_lacks_publication (stream);
  if (code != EZCDC_OK)
    return code;
  return host->fail (stream->self->instance, EZCDC_E_UNAVAILABLE,
                     STREAM_WHAT " (%s): the server ended the stream (is it"
                                 " being shut down?)",
                     stream->session->peer);
}

/* The core takes nothing now: only time passes. */
static int
stream_pass_time (struct stream *stream, int64_t deadline)
{
  int64_t now = host->monotonic_time (), until;
  int code = EZCDC_OK;

  do {
    code = stream_keep_alive (stream, now, false);
    if (code != EZCDC_OK)
      return code;
    until = stream->last_report + stream->interval;
    if (until > deadline)
      until = deadline;
    /* What could not be sent at once is tried again. */
    if (PQflush (stream->session->connection) != 0 && until > now + 100000)
      until = now + 100000;
    code = host->wait (stream->self->instance, -1, 0,
                       until > now ? (until - now + 999) / 1000 : 0);
    now = host->monotonic_time ();
  } while (code >= 0 && now < deadline);
  /* Who does not listen hears no answer. */
  stream->last_heard = now;
  return code < 0 ? code : EZCDC_IDLE;
}

/* A server that shuts down waits until all it has sent is confirmed. When the
 * sink is behind, or needs rows that the server no longer gives, that would
 * never be; so the stream is closed, and goes on when the server is back. */
static int
stream_check_shutdown (struct stream *stream)
{
  struct postgres *self = stream->self;
  bool refused;

  pthread_mutex_lock (&self->lock);
  refused = self->refused > stream->opened;
  pthread_mutex_unlock (&self->lock);
  if (!refused)
    return EZCDC_OK;
  return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                     STREAM_WHAT " (%s): the server is shutting down",
                     stream->session->peer);
}

int
postgres_stream_read (void *opaque, struct ezcdc_feed *feed,
                      int64_t timeout_ms)
{
  struct stream *stream = opaque;
  int64_t now = host->monotonic_time ();
  int64_t turn = now + STREAM_TURN_US;
  int64_t deadline = now + timeout_ms * 1000, until;
  unsigned count = 0;
  char *data;
  int length, code;

  code = stream_check_shutdown (stream);
  if (code != EZCDC_OK)
    return code;
  if (feed == NULL)
    return stream_pass_time (stream, deadline);
  for (;;) {
    if (count++ % STREAM_MESSAGES_PER_LOOK == 0 || stream->reply_wanted) {
      now = host->monotonic_time ();
      code = stream_keep_alive (stream, now, true);
      if (code != EZCDC_OK)
        return code;
      if (now >= turn && count > 1)
        return EZCDC_OK;
    }
    until = stream_due (stream);
    code = receive_message (stream->session, STREAM_WHAT,
                            until < deadline ? until : deadline, &data,
                            &length);
    if (code == EZCDC_IDLE && until < deadline) {
      count = 0;
      continue;
    }
    if (code == EZCDC_IDLE)
      return stream_quiet (stream);
    if (code == EZCDC_END)
      return stream_ended (stream);
    if (code != EZCDC_OK)
      return code;
    stream_heard (stream, now);
    code = stream_message (stream, feed, data, length);
    PQfreemem (data);
    if (code != EZCDC_OK)
      return code;
  }
}

int
postgres_stream_confirm (void *opaque, const struct ezcdc_position *position)
{
  struct stream *stream = opaque;
  uint64_t lsn = position_lsn (position);

  if (lsn > stream->confirmed)
    stream->confirmed = lsn;
  return EZCDC_OK;
}

/* Reports are due at a third of the server's patience. */
static int
stream_set_interval (struct stream *stream)
{
  char text[32];
  int64_t patience;
  int code;

  code = session_text (stream->session, "look at wal_sender_timeout",
                       "SELECT setting FROM pg_settings"
                       " WHERE name = 'wal_sender_timeout'",
                       text, sizeof text);
  if (code != EZCDC_OK)
    return code;
  patience = strtoll (text, NULL, 10) * 1000;
  stream->interval = STREAM_REPORT_US;
  if (patience > 0 && patience / 3 < stream->interval)
    stream->interval = patience / 3;
  return EZCDC_OK;
}

static int
stream_check_slot (struct postgres *self, uint64_t after)
{
  struct session *session;
  struct slot slot;
  int code;

  code = session_take (self, &session);
  if (code != EZCDC_OK)
    return code;
  code = slot_read (self, session, &slot);
  session_give (self, session);
  /* The server would go on over a gap without a word. */
  return code == EZCDC_OK ? slot_check_position (self, &slot, after) : code;
}

static int
stream_start (struct stream *stream, uint64_t after)
{
  struct postgres *self = stream->self;
  struct text sql = { .data = NULL }, name = { .data = NULL };
  char lsn[LSN_TEXT_SIZE];
  PGresult *result;
  int code;

  text_add_name (&name, self->publication);
  text_format (&sql,
               "START_REPLICATION SLOT \"%s\" LOGICAL %s (proto_version '1',"
               " publication_names ",
               self->slot, lsn_text (after, lsn));
  if (!name.failed)
    text_add_literal (&sql, name.data, name.length);
  text_add (&sql, ")");
  if (sql.failed || name.failed)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  else
    code = session_send (stream->session, "start the stream", sql.data, 0,
                         NULL);
  text_free (&name);
  text_free (&sql);
  if (code == EZCDC_OK)
    code = session_receive (stream->session, "start the stream", -1, &result);
  if (code != EZCDC_OK)
    return code;
  if (PQresultStatus (result) != PGRES_COPY_BOTH)
    code = session_fail (stream->session, result, "start the stream");
  PQclear (result);
  return code;
}

static void
stream_free (struct stream *stream)
{
  session_close (stream->session);
  relations_clear (&stream->relations);
  timeline_clear (&stream->timeline);
  free (stream);
}

int
postgres_stream_open (void *opaque, const struct ezcdc_position *after,
                      void **ret_stream)
{
  struct postgres *self = opaque;
  struct stream *stream = calloc (1, sizeof *stream);
  uint64_t lsn = position_lsn (after);
  int code;

  if (stream == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  stream->self = self;
  /* Nothing is confirmed by that: after a lost connection the core goes on
   * after what was read, which need not be durable yet. Zero tells the server
   * nothing. */
  stream->received = stream->fed = lsn;
  code = stream_check_slot (self, lsn);
  if (code == EZCDC_OK)
    code = session_open (self, true, &stream->session);
  if (code == EZCDC_OK)
    code = timeline_read (stream->session, &stream->timeline);
  if (code == EZCDC_OK)
    code = timeline_check (self, &stream->timeline, after);
  if (code == EZCDC_OK)
    code = stream_set_interval (stream);
  if (code == EZCDC_OK)
    code = stream_start (stream, lsn);
  stream->opened = host->monotonic_time ();
  if (code != EZCDC_OK) {
    stream_free (stream);
    return code;
  }
  stream->last_report = stream->last_heard = host->monotonic_time ();
  *ret_stream = stream;
  return EZCDC_OK;
}

/* Waits a bounded time, also when the instance is interrupted: the last
 * report is what keeps work from being repeated. */
static bool
stream_close_wait (struct stream *stream, int64_t deadline, short events)
{
  struct pollfd descriptor = { .fd = PQsocket (stream->session->connection),
                               .events = events };
  int64_t left = deadline - host->monotonic_time ();

  if (left <= 0)
    return false;
  if ((events & POLLIN) && session_has_bytes (stream->session))
    return true;
  (void) poll (&descriptor, 1, (int) (left / 1000 + 1));
  return true;
}

/* The server answers to the end of our side when it has read all before it,
 * and what is under way until then is thrown away. */
static void
stream_finish (struct stream *stream)
{
  PGconn *connection = stream->session->connection;
  int64_t deadline = host->monotonic_time () + STREAM_CLOSE_US;
  char *data;
  int length;

  session_lazy (stream->session, false);
  if (stream_report (stream, 0, false) != EZCDC_OK
      || PQputCopyEnd (connection, NULL) < 0)
    return;
  while (PQflush (connection) == 1) {
    if (!stream_close_wait (stream, deadline, POLLIN | POLLOUT)
        || !PQconsumeInput (connection))
      return;
  }
  for (;;) {
    length = PQgetCopyData (connection, &data, 1);
    if (length > 0)
      PQfreemem (data);
    else if (length < 0)
      return;
    else if (!stream_close_wait (stream, deadline, POLLIN)
             || !PQconsumeInput (connection))
      return;
  }
}

void
postgres_stream_close (void *opaque)
{
  struct stream *stream = opaque;

  if (stream == NULL)
    return;
  if (PQstatus (stream->session->connection) == CONNECTION_OK
      && PQtransactionStatus (stream->session->connection) == PQTRANS_ACTIVE)
    stream_finish (stream);
  stream_heard (stream, 0);
  stream_free (stream);
}

int
postgres_stream_holds (void *opaque, const struct ezcdc_position *position)
{
  const struct stream *stream = opaque;

  return timeline_holds (&stream->timeline, position) ? EZCDC_OK : EZCDC_END;
}
