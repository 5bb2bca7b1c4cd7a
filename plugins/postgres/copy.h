/* SPDX-License-Identifier: Apache-2.0 */
/* One row of COPY ... TO STDOUT in text format. */

#ifndef POSTGRES_COPY_H
#define POSTGRES_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

/* Splits the row into exactly count values, which point into it; escapes are
 * resolved in place. The newline at its end may be there. */
bool copy_row (char *row, size_t length, uint32_t count,
               struct ezcdc_value *ret_values);

#endif /* POSTGRES_COPY_H */
