/* SPDX-License-Identifier: Apache-2.0 */
/* Time in microseconds. */

#include <config.h>

#include <stdio.h>
#include <time.h>

#include "core/base/clock.h"

#define SECOND INT64_C (1000000)
#define YEAR_0 (INT64_C (-62167219200) * SECOND)
#define YEAR_10000 (INT64_C (253402300800) * SECOND)

static int64_t
read_clock (clockid_t clock)
{
  struct timespec now;

  /* Cannot fail with these clocks and a valid address. */
  clock_gettime (clock, &now);
  return (int64_t) now.tv_sec * SECOND + now.tv_nsec / 1000;
}

int64_t
clock_monotonic (void)
{
  return read_clock (CLOCK_MONOTONIC);
}

int64_t
clock_realtime (void)
{
  return read_clock (CLOCK_REALTIME);
}

const char *
clock_rfc3339 (int64_t microseconds, char buffer[CLOCK_TEXT_SIZE])
{
  struct tm parts;
  time_t seconds;
  int64_t fraction;

  if (microseconds < YEAR_0)
    microseconds = YEAR_0;
  if (microseconds >= YEAR_10000)
    microseconds = YEAR_10000 - 1;
  fraction = microseconds % SECOND;
  if (fraction < 0)
    fraction += SECOND;
  seconds = (time_t) ((microseconds - fraction) / SECOND);
  gmtime_r (&seconds, &parts);
  /* The moduli tell the compiler that all fits; they change nothing. */
  snprintf (buffer, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
            (unsigned) (parts.tm_year + 1900) % 10000u,
            (unsigned) (parts.tm_mon + 1) % 100u,
            (unsigned) parts.tm_mday % 100u, (unsigned) parts.tm_hour % 100u,
            (unsigned) parts.tm_min % 100u, (unsigned) parts.tm_sec % 100u,
            (unsigned) fraction % 1000000u);
  return buffer;
}

struct timespec
clock_deadline (int64_t timeout)
{
  int64_t when = clock_monotonic () + timeout;
  struct timespec deadline = {
    .tv_sec = when / 1000000,
    .tv_nsec = when % 1000000 * 1000,
  };

  return deadline;
}
