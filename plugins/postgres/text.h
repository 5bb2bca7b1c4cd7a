/* SPDX-License-Identifier: Apache-2.0 */
/* A string that grows, for statements. */

#ifndef POSTGRES_TEXT_H
#define POSTGRES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Starts zeroed. Once memory was short it stays failed and empty, so that one
 * look at the end is enough. */
struct text {
  char *data; /* NUL-terminated, NULL while empty */
  size_t length;
  size_t space;
  bool failed;
};

void text_add (struct text *text, const char *string);
void text_add_bytes (struct text *text, const char *data, size_t length);
void text_format (struct text *text, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));
/* "name", with its quotes doubled. */
void text_add_name (struct text *text, const char *name);
/* 'text', with its quotes doubled; standard_conforming_strings is on. */
void text_add_literal (struct text *text, const char *data, size_t length);
void text_clear (struct text *text);
void text_free (struct text *text);

#endif /* POSTGRES_TEXT_H */
