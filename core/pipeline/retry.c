/* SPDX-License-Identifier: Apache-2.0 */
/* Trying again. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/retry.h"

/* Microseconds. A throttled sink asks for more patience. */
#define RETRY_FIRST INT64_C (250000)
#define RETRY_FIRST_THROTTLED INT64_C (2000000)
#define RETRY_LONGEST INT64_C (60000000)

bool
retry_is_transient (int code)
{
  return code == EZCDC_E_UNAVAILABLE || code == EZCDC_E_THROTTLED
         || code == EZCDC_E_MEMORY || code == EZCDC_E_SCHEMA;
}

/* A random time between half of the delay and all of it, so that many
 * pipelines do not come back at the same moment. */
static int64_t
jitter (int64_t delay)
{
  uint32_t random = 0;

  if (getrandom (&random, sizeof random, GRND_NONBLOCK) < 0)
    random = (uint32_t) clock_monotonic ();
  return delay / 2 + (int64_t) (random % (uint32_t) (delay / 2 + 1));
}

static int64_t
retry_delay (const struct retry *retry, int code)
{
  int64_t delay = code == EZCDC_E_THROTTLED ? RETRY_FIRST_THROTTLED
                                            : RETRY_FIRST;

  for (uint32_t i = 1; i < retry->attempts && delay < RETRY_LONGEST; i++)
    delay *= 2;
  if (delay > RETRY_LONGEST)
    delay = RETRY_LONGEST;
  return jitter (delay);
}

/* Waits until the time is over or the pipeline ends; false if it ends. */
static bool
retry_sleep (struct pipeline *pipeline, int64_t delay, const char *reason)
{
  struct timespec deadline = clock_deadline (delay);
  int result = 0;

  pthread_mutex_lock (&pipeline->lock);
  pipeline->waiting++;
  snprintf (pipeline->wait_reason, sizeof pipeline->wait_reason, "%s", reason);
  pipeline_wake (pipeline);
  while (pipeline->stop == STOP_NONE && result == 0)
    result = pthread_cond_timedwait (&pipeline->changed, &pipeline->lock,
                                     &deadline);
  pipeline->waiting--;
  pthread_mutex_unlock (&pipeline->lock);
  return pipeline->stop == STOP_NONE;
}

int
retry_wait (struct pipeline *pipeline, struct retry *retry,
            struct error *error)
{
  int64_t now = clock_monotonic ();
  int64_t delay, left;

  if (pipeline->stop != STOP_NONE)
    return error_set (error, EZCDC_E_STOPPED, "%s: the pipeline ends",
                      retry->what);
  if (!retry_is_transient (error->code))
    return error->code;
  if (retry->first_failure == 0)
    retry->first_failure = now;
  retry->attempts++;
  left = retry->first_failure + pipeline->settings.retry_limit - now;
  if (pipeline->settings.until_caught_up && left <= 0)
    return error_prefix (error, "gave up after %d s",
                         (int) ((now - retry->first_failure) / 1000000));
  delay = retry_delay (retry, error->code);
  /* The last try is when the time is over, not long after it. */
  if (pipeline->settings.until_caught_up && delay > left)
    delay = left;
  log_message (LEVEL_WARNING, "%s failed, next attempt in %.1f s: %s",
               retry->what, (double) delay / 1e6, error->text);
  if (!retry_sleep (pipeline, delay, error->text))
    return error_set (error, EZCDC_E_STOPPED, "%s: the pipeline ends",
                      retry->what);
  return 0;
}

void
retry_reset (struct retry *retry)
{
  retry->attempts = 0;
  retry->first_failure = 0;
}
