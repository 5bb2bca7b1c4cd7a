/* SPDX-License-Identifier: Apache-2.0 */
/* Time in microseconds. */

#ifndef EZCDC_BASE_CLOCK_H
#define EZCDC_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* For measuring and waiting; only differences mean something. */
int64_t clock_monotonic (void);

/* The monotonic time that is timeout microseconds from now, for functions
 * that wait until then (with CLOCK_MONOTONIC). */
struct timespec clock_deadline (int64_t timeout);

/* Since 1970-01-01 UTC; may jump. */
int64_t clock_realtime (void);

/* Room for "2026-01-31T23:59:59.123456Z" and the NUL. */
#define CLOCK_TEXT_SIZE 32

/* Writes a time since 1970 as RFC 3339, in UTC, with microseconds, and
 * returns buffer. Times that have no four-digit year (before 0000 or after
 * 9999) come out as the nearest that has. */
const char *clock_rfc3339 (int64_t microseconds, char buffer[CLOCK_TEXT_SIZE]);

#endif
