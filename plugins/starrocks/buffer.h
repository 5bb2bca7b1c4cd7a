/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow at their end; reused, never shrunk by use. */
#ifndef STARROCKS_BUFFER_H
#define STARROCKS_BUFFER_H

#include <stddef.h>

struct buffer {
  char *data; /* owned; NULL while nothing was appended */
  size_t length;
  size_t capacity;
  int failed; /* 1 once memory ran out: what was built is not complete */
};

/* Makes room for more bytes behind length.  0, or -1 (and failed is set). */
int buffer_reserve (struct buffer *buffer, size_t more);
void buffer_append (struct buffer *buffer, const char *data, size_t length);
void buffer_text (struct buffer *buffer, const char *text);
void buffer_printf (struct buffer *buffer, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));
/* The text with a NUL behind it, lent until the next change; "" if memory
 * ran out at the very beginning. */
const char *buffer_string (struct buffer *buffer);
/* Forgets the content, keeps the memory, forgives an earlier failure. */
void buffer_clear (struct buffer *buffer);
void buffer_free (struct buffer *buffer);

#endif /* STARROCKS_BUFFER_H */
