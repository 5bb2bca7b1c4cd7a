/* SPDX-License-Identifier: Apache-2.0 */
/* One value against its option; behind options.h. */

#ifndef EZCDC_PLUGIN_OPTION_VALUE_H
#define EZCDC_PLUGIN_OPTION_VALUE_H

#include <stdint.h>

#include <ezcdc/connector.h>

struct error;
struct text;

/* Checks a value as it was written and, for types that are numbers, reads it:
 * see option_set_integer. For a STRING, SECRET or PEM ret_number becomes 0.
 * error says what is wrong and what was expected, with code EZCDC_E_CONFIG;
 * the value of a secret is never in it.
 */
int option_value_read (const struct ezcdc_option *option, const char *text,
                       int64_t *ret_number, struct error *error);

/* Appends a number as it would be written for this option: 64KiB, 500ms. */
void option_number_append (const struct ezcdc_option *option, int64_t number,
                           struct text *text);

/* The index-th word of "a|b|c", from 0, or NULL; it is not NUL-terminated. */
const char *option_choice (const char *choices, unsigned index,
                           size_t *ret_length);

/* The text of an inline PEM with real line breaks, for the caller to free;
 * NULL if memory is out. \n stands for a line break, or, where there is none
 * at all, each space that is not in a BEGIN or END line. */
char *option_pem_unfold (const char *text);

#endif
