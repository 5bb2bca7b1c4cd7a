/* SPDX-License-Identifier: Apache-2.0 */
/* The few things we need to know about UTF-8. */

#ifndef EZCDC_BASE_UTF8_H
#define EZCDC_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of bytes (1 to 4) of the character at the start of data; 0 if
 * there is no valid one: cut, overlong, a surrogate, beyond U+10FFFF, or
 * length is 0. */
size_t utf8_character (const char *data, size_t length);

/* As utf8_character, but 0 also for characters that change how a terminal or
 * a reader of lines shows what stands around them: C0 and C1 controls, DEL,
 * the separators of lines and paragraphs (U+2028, U+2029), and what turns the
 * direction of writing (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to
 * U+2069). */
size_t utf8_plain_character (const char *data, size_t length);

/* Whether all of it is plain: a text that can stand in a line. */
bool utf8_is_line (const char *data, size_t length);

/* The code point of a valid character of so many bytes. */
uint32_t utf8_code_point (const char *data, size_t size);

/* Whether all of it is valid. */
bool utf8_valid (const char *data, size_t length);

/* The largest length <= the given one that does not cut a character which
 * begins before it. */
size_t utf8_whole_length (const char *data, size_t length);

#endif
