/* SPDX-License-Identifier: Apache-2.0 */
/* The replication slot: keeps the log until we say that it is no longer
 * needed. It is never dropped by us. */

#ifndef POSTGRES_SLOT_H
#define POSTGRES_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"

#define SLOT_PROBLEM_SIZE 600

/* What a person can do when the slot no longer has what we need; with the
 * slot's name. */
#define SLOT_WAYS_OUT                                                         \
  "; take a new snapshot: drop the slot (SELECT"                              \
  " pg_drop_replication_slot('%s')), remove this pipeline's state and start"  \
  " again"

struct slot {
  bool exists;
  int active_pid;     /* 0: nobody reads it */
  uint64_t confirmed; /* 0: it is still being created */
  char problem[400];  /* "" or why it is of no use, with the ways out */
};

int slot_read (struct postgres *self, struct session *session,
               struct slot *ret_slot);

/* Why the stream can't go on after this position, and the ways out: false
 * and ret_problem. */
bool slot_has_position (const struct postgres *self, const struct slot *slot,
                        uint64_t after, char ret_problem[SLOT_PROBLEM_SIZE]);

/* Fails if it can't. */
int slot_check_position (struct postgres *self, const struct slot *slot,
                         uint64_t after);

/* The source's function. */
int postgres_prepare (void *self, const struct ezcdc_position *stored,
                      struct ezcdc_prepared *ret_prepared);

#endif /* POSTGRES_SLOT_H */
