/* SPDX-License-Identifier: Apache-2.0 */
/* How numbers, sizes, durations and truth are written in configuration and
 * on the command line. */

#ifndef EZCDC_BASE_VALUES_H
#define EZCDC_BASE_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* All return 0, or EZCDC_E_CONFIG with an error that says what is wrong and
 * how it is written ("\"12MB\" is no size; write bytes, or 64KiB, 32MiB,
 * 1GiB"). The text must be the value and nothing else, without spaces.
 */

/* Decimal digits with an optional "-", within [minimum, maximum]. */
int value_integer (const char *text, int64_t minimum, int64_t maximum,
                   int64_t *ret_value, struct error *error)
  __attribute__ ((nonnull (1, 4)));

/* Bytes: digits, then nothing or B, KiB, MiB, GiB, TiB. */
int value_size (const char *text, int64_t *ret_bytes, struct error *error)
  __attribute__ ((nonnull (1, 2)));

/* Microseconds: digits, then us, ms, s, min, h or d. "0" needs no unit. */
int value_duration (const char *text, int64_t *ret_microseconds,
                    struct error *error) __attribute__ ((nonnull (1, 2)));

/* yes, true, on, or no, false, off; in any case. */
int value_boolean (const char *text, bool *ret_value, struct error *error)
  __attribute__ ((nonnull (1, 2)));

#endif
