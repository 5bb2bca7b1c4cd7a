/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes, after <config.h>. */

#ifndef EZCDC_TESTS_UNIT_H
#define EZCDC_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* That a string contains another; shows both if not. */
#define assert_contains(text, part)                                           \
  do {                                                                        \
    if (strstr (text, part) == NULL) {                                        \
      print_error ("\"%s\" is not in \"%s\"\n", part, text);                  \
      fail ();                                                                \
    }                                                                         \
  } while (0)

#endif
