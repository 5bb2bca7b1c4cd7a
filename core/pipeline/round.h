/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: which position may be confirmed.
 *
 * The stream's batches of all tables that are handed on together form a
 * round.  A round remembers the last position that is complete when it is
 * sealed: everything up to there is in this round or in an earlier one.
 * When all batches of the first rounds are durable, their position is.
 */
#ifndef EZCDC_PIPELINE_ROUND_H
#define EZCDC_PIPELINE_ROUND_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

struct round {
  struct round *next; /* the later one */
  struct ezcdc_position end;
  int64_t commit_time; /* of its newest commit; 0 if there was none */
  size_t pending;      /* batches that are not durable yet */
  bool sealed;         /* no more batches will come */
};

struct rounds {
  pthread_mutex_t lock;
  struct round *first; /* the oldest that is not durable */
  struct round *last;
  size_t count;
  struct ezcdc_position durable; /* in the sink; only grows */
  int64_t durable_commit_time;
  struct ezcdc_position stored; /* and in the state: may be confirmed */
};

void rounds_init (struct rounds *rounds);
void rounds_destroy (struct rounds *rounds);

/* A new round behind the others; NULL if out of memory. */
struct round *rounds_open (struct rounds *rounds);
/* One more batch belongs to it. */
void rounds_expect (struct rounds *rounds, struct round *round);
/* All its batches are known. True if the durable position grew. */
bool rounds_seal (struct rounds *rounds, struct round *round,
                  const struct ezcdc_position *end, int64_t commit_time);
/* One of its batches is durable. True if the durable position grew. */
bool rounds_settle (struct rounds *rounds, struct round *round);
/* Everything up to position needed nothing from the sink; only while no
 * round is open. True if the durable position grew. */
bool rounds_advance (struct rounds *rounds,
                     const struct ezcdc_position *position);

bool rounds_empty (struct rounds *rounds);
size_t rounds_count (struct rounds *rounds);
void rounds_set_start (struct rounds *rounds,
                       const struct ezcdc_position *position);
struct ezcdc_position rounds_durable (struct rounds *rounds,
                                      int64_t *ret_commit_time);
struct ezcdc_position rounds_stored (struct rounds *rounds);
void rounds_set_stored (struct rounds *rounds,
                        const struct ezcdc_position *position);

#endif
