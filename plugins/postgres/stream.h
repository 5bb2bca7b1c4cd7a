/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of changes: the replication protocol (stream.c) and what it
 * carries (changes.c). */

#ifndef POSTGRES_STREAM_H
#define POSTGRES_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"
#include "relation.h"
#include "timeline.h"

struct stream {
  struct postgres *self;
  struct session *session;
  struct relations relations;

  struct timeline timeline; /* of the server */

  /* Positions, all of which only grow. */
  uint64_t received;  /* has arrived */
  uint64_t fed;       /* the core knows that nothing is missing up to here */
  uint64_t confirmed; /* the core needs nothing before it any more; 0: it has
                         not said yet */
  uint64_t reported;  /* the server has been told that */

  bool in_transaction;
  bool reply_wanted; /* the server asks for a status */
  bool asked;        /* we have asked, and heard nothing since */
  int64_t interval;  /* between two reports, microseconds */
  int64_t last_report;
  int64_t last_heard;
  int64_t opened; /* monotonic time */
  int64_t told;   /* when it was last said that the server is silent; 0: it is
                   * not */
};

/* Hands on one message of the output plugin. EZCDC_OK, EZCDC_FULL, or what
 * went wrong. Bytes of the message are changed. */
int changes_feed (struct stream *stream, struct ezcdc_feed *feed, char *data,
                  size_t length);

/* The source's functions. */
int postgres_stream_open (void *self, const struct ezcdc_position *after,
                          void **ret_stream);
void postgres_stream_close (void *stream);
int postgres_stream_read (void *stream, struct ezcdc_feed *feed,
                          int64_t timeout_ms);
int postgres_stream_confirm (void *stream,
                             const struct ezcdc_position *position);
int postgres_stream_holds (void *stream,
                           const struct ezcdc_position *position);

#endif /* POSTGRES_STREAM_H */
