/* SPDX-License-Identifier: Apache-2.0 */
/* Positions as the core sees them: bytes in an order. */
#ifndef EZCDC_PIPELINE_POSITION_H
#define EZCDC_PIPELINE_POSITION_H

#include <stdbool.h>

#include <ezcdc/connector.h>

#define POSITION_HEX_SIZE (2 * EZCDC_POSITION_MAX + 1)

/* Below, at or above zero, as memcmp; a prefix comes first. */
int position_compare (const struct ezcdc_position *one,
                      const struct ezcdc_position *other);

/* Copies the part that is in use and zeroes the rest, so that copies can be
 * compared as a whole.  false if the length is impossible. */
bool position_copy (struct ezcdc_position *to,
                    const struct ezcdc_position *from);

/* Lower-case hexadecimal digits. */
void position_hex (const struct ezcdc_position *position,
                   char ret_hex[POSITION_HEX_SIZE]);

#endif
