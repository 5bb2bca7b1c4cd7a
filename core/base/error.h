/* SPDX-License-Identifier: Apache-2.0 */
/* An error on its way up: what to do about it, and a text for people. */

#ifndef EZCDC_BASE_ERROR_H
#define EZCDC_BASE_ERROR_H

#include <stdarg.h>

/* Lives in the caller's frame or structure and owns nothing. Begins as
 * { 0 }: no error. */
struct error {
  int code;        /* EZCDC_E_... of connector.h, negative; 0: no error */
  char text[1024]; /* UTF-8, one line: what was tried, on what, why it failed,
                      what to do; never a secret, never row data */
};

/* Sets code and text and returns code, so that the usual error exit is
 * "return error_set (error, EZCDC_E_CONFIG, ...)". A text that is too long is
 * cut between two characters. The arguments may point into error->text. With
 * error NULL only the code is returned. errno is left as it was, so "%m"
 * works.
 */
int error_set (struct error *error, int code, const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));
int error_vset (struct error *error, int code, const char *format,
                va_list args) __attribute__ ((format (printf, 3, 0)));

/* Puts "prefix: " before the text and returns the code, which stays. With
 * error NULL it does nothing and returns 0.
 */
int error_prefix (struct error *error, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

#endif
