/* SPDX-License-Identifier: Apache-2.0 */
/* Which values StarRocks can store without changing them. */
#ifndef STARROCKS_VALUES_H
#define STARROCKS_VALUES_H

#include "layout.h"

/* NULL if the column can hold the value, else why it can't: constant text
 * that goes behind "column NAME: the value ". */
const char *value_problem (const struct layout_column *column,
                           const char *data, size_t length);

/* The same for the key as a whole, whose encoded form is limited. */
const char *key_problem (const struct layout *layout,
                         const struct ezcdc_value *values);

#endif /* STARROCKS_VALUES_H */
