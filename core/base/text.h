/* SPDX-License-Identifier: Apache-2.0 */
/* A growable buffer of bytes. */

#ifndef EZCDC_BASE_TEXT_H
#define EZCDC_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* Begins as { 0 }. Owns data, which text_free gives back. Running out of
 * memory sets failed and leaves the bytes that are there; later appends do
 * nothing, so one look at failed at the end is enough.
 */
struct text {
  char *data;      /* length bytes and a NUL; NULL as long as it is empty and
                      nothing was reserved (see text_string) */
  size_t length;   /* bytes in use, without the NUL */
  size_t capacity; /* bytes allocated, with room for the NUL */
  int failed;      /* 1: memory ran out, something is missing */
};

#define CLEANUP_TEXT __attribute__ ((cleanup (text_free)))
#define CLEANUP_TEXT_WIPE __attribute__ ((cleanup (text_wipe_free)))

/* Makes room for so many more bytes. A buffer for a secret reserves all that
 * it needs before the first byte: growing leaves copies behind. */
void text_reserve (struct text *text, size_t more) __attribute__ ((nonnull));

/* Append; data may contain NUL, and may be NULL if length is 0. */
void text_append (struct text *text, const void *data, size_t length)
  __attribute__ ((nonnull (1)));
void text_char (struct text *text, char c) __attribute__ ((nonnull));
void text_append_string (struct text *text, const char *string)
  __attribute__ ((nonnull));
void text_printf (struct text *text, const char *format, ...)
  __attribute__ ((nonnull (1), format (printf, 2, 3)));
void text_vprintf (struct text *text, const char *format, va_list args)
  __attribute__ ((nonnull (1), format (printf, 2, 0)));

/* The content as a string, never NULL. Valid until the next change. */
const char *text_string (const struct text *text) __attribute__ ((nonnull));

/* Empty again, no longer failed; the memory stays for the next use. */
void text_clear (struct text *text) __attribute__ ((nonnull));

/* Gives the memory back; the buffer is as { 0 } and can be used again. The
 * second one overwrites all of it first. */
void text_free (struct text *text) __attribute__ ((nonnull));
void text_wipe_free (struct text *text) __attribute__ ((nonnull));

/* The content as a string that the caller owns and frees; the buffer is as
 * { 0 } then. NULL if it has failed (it is freed then, too). */
char *text_take (struct text *text)
  __attribute__ ((nonnull, warn_unused_result));

#endif
