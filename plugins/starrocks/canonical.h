/* SPDX-License-Identifier: Apache-2.0 */
/* From the text that StarRocks prints back to the canonical one. */
#ifndef STARROCKS_CANONICAL_H
#define STARROCKS_CANONICAL_H

#include "buffer.h"
#include "layout.h"

/* The most that a value of that many bytes can need in out. */
size_t canonical_bound (size_t length);
/* Sets ret_value, which lies in data or in out; out must have room for
 * canonical_bound (length) bytes and does not move.  0, or -1 if the text is
 * not one of the column's type. */
int canonical_value (const struct layout_column *column, const char *data,
                     size_t length, struct buffer *out,
                     struct ezcdc_value *ret_value);

#endif /* STARROCKS_CANONICAL_H */
