/* SPDX-License-Identifier: Apache-2.0 */
/* What the runner tells the world while it works: the status in the state
 * file, and progress on standard error. */
#ifndef EZCDC_RUNNER_STATUS_H
#define EZCDC_RUNNER_STATUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/pipeline/pipeline.h"
#include "core/runner/assembly.h"

/* Used by the control thread; the watch is a thread of its own. */
struct reporter {
  struct assembly *assembly;
  struct pipeline *pipeline;
  int64_t started; /* real time */
  int64_t started_monotonic;
  bool terminal; /* standard error is one */

  /* Of the last line, for rates. */
  int64_t line_time;
  int64_t line_rows;
  int64_t line_changes;

  /* Asks the source for the end of its log now and then. */
  pthread_t watch;
  bool watching;
  _Atomic int64_t watched; /* monotonic time of its last answer */
};

void reporter_start (struct reporter *reporter, struct assembly *assembly,
                     struct pipeline *pipeline);
void reporter_end (struct reporter *reporter);

/* Stores the status; state is NULL while running, else "stopped" or
 * "failed" with the reason. */
int reporter_store (struct reporter *reporter, const char *state,
                    const char *reason, struct error *error);

/* Shows progress, if it is time for it. */
void reporter_show (struct reporter *reporter);

/* A number that is another one when anything has got on. */
uint64_t reporter_progress (const struct reporter *reporter);

#endif
