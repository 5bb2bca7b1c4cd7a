/* SPDX-License-Identifier: Apache-2.0 */
/* Guessing what was meant by a misspelt name. */

#ifndef EZCDC_BASE_NAMES_H
#define EZCDC_BASE_NAMES_H

#include <stddef.h>

/* The one of count names that is nearest to wanted, counting letters that
 * were left out, added, changed or swapped; NULL if none is near enough to
 * have been meant. Names that are NULL are passed over. The result is one of
 * names. */
const char *nearest_name (const char *wanted, const char *const *names,
                          size_t count) __attribute__ ((nonnull (1)));

#endif
