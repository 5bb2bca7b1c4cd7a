/* SPDX-License-Identifier: Apache-2.0 */
/* Trying again: growing, jittered delays, visibly. */
#ifndef EZCDC_PIPELINE_RETRY_H
#define EZCDC_PIPELINE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

struct pipeline;

/* One operation that may be tried again.  Begins as { 0 }; set what to the
 * words that go before "failed" in the log. */
struct retry {
  const char *what;
  uint32_t attempts;     /* failures in a row */
  int64_t first_failure; /* monotonic; 0: none */
};

/* Whether a failure of this kind may pass by itself. */
bool retry_is_transient (int code);

/* Waits before the next attempt, says so in log and status.  Returns 0 to try
 * again; below zero when it is pointless or the pipeline ends: then error is
 * what to report (unchanged), or has code EZCDC_E_STOPPED. */
int retry_wait (struct pipeline *pipeline, struct retry *retry,
                struct error *error);

/* It worked: the next failure starts from the shortest delay. */
void retry_reset (struct retry *retry);

#endif
