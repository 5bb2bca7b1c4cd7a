/* SPDX-License-Identifier: Apache-2.0 */
/* What StarRocks' answers to HTTP requests mean. */
#ifndef STARROCKS_ANSWER_H
#define STARROCKS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

enum outcome {
  OUTCOME_DONE,      /* committed and visible */
  OUTCOME_COMMITTED, /* committed, visible soon */
  OUTCOME_RUNNING,   /* a load of this label is under way */
  OUTCOME_UNKNOWN,   /* ask for the label's state */
  OUTCOME_FAILED,    /* not committed; code says what to do */
  OUTCOME_ROWS,      /* not committed: some of the rows are to blame */
};

struct answer {
  enum outcome outcome;
  int code;           /* OUTCOME_FAILED: EZCDC_E_... */
  const char *remedy; /* constant text or NULL */
  const char *phrase; /* what of the message is known; constant, or NULL */
  const char *status; /* a word of StarRocks', or "unknown"; constant */
  char message[512];  /* what it said, control characters replaced */
};

/* Of a Stream Load: http is the HTTP status, body what came with it. */
void answer_read_load (uint32_t http, const char *body, size_t length,
                       struct answer *ret_answer);

/* Puts words of ours in the place of the message, which may quote a row: for
 * the answer to a request whose rows may have been read. */
void answer_withhold_message (struct answer *answer);

enum load_state {
  STATE_UNKNOWN, /* never seen, or forgotten */
  STATE_PREPARE,
  STATE_PREPARED,
  STATE_COMMITTED,
  STATE_VISIBLE,
  STATE_ABORTED,
  STATE_UNREADABLE, /* the answer is none of these */
};

/* Of get_load_state; *ret_answer tells more if it is unreadable. */
enum load_state answer_read_state (uint32_t http, const char *body,
                                   size_t length, struct answer *ret_answer);

#endif /* STARROCKS_ANSWER_H */
