/* SPDX-License-Identifier: Apache-2.0 */
/* The few things we need to know about UTF-8. */

#ifndef EZCDC_BASE_UTF8_H
#define EZCDC_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The number of bytes (1 to 4) of the character at the start of data; 0 if
 * there is no valid one: cut, overlong, a surrogate, beyond U+10FFFF, or
 * length is 0. */
size_t utf8_character (const char *data, size_t length);

/* Whether all of it is valid. */
bool utf8_valid (const char *data, size_t length);

/* The largest length <= the given one that does not cut a character which
 * begins before it. */
size_t utf8_whole_length (const char *data, size_t length);

#endif
