/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from elsewhere in lines of ours: names, values of keys and messages of
 * servers cannot end a line, begin another one, or move a terminal's cursor. */

#ifndef EZCDC_BASE_PRINT_H
#define EZCDC_BASE_PRINT_H

#include <stddef.h>

#include "core/base/text.h"

/* Long enough for a character as it is shown. */
#define PRINT_CHARACTER_SIZE 5

/* Writes how the character at the start of data is shown, without a NUL: as
 * it is if it is plain (utf8.h), else its first byte as \xNN. Returns how many
 * bytes of data that was; length is not 0. */
size_t print_character (const char *data, size_t length,
                        char ret_shown[PRINT_CHARACTER_SIZE], size_t *ret_size)
  __attribute__ ((nonnull));

/* Appends a string so. */
void print_append (struct text *text, const char *string)
  __attribute__ ((nonnull));

/* A word that somebody gave as a path, a command or an id, for a message that
 * says that it is none: the word, or, if it looks like a key that stands in the
 * wrong place, words that say so. */
const char *print_given (const char *word) __attribute__ ((nonnull));

/* Writes one line to standard output, escaped as a whole. */
void print_line (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

#endif
