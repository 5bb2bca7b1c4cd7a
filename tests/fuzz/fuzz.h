/* SPDX-License-Identifier: Apache-2.0 */
/* What each fuzz target defines: one run over bytes from outside. Returns 0;
 * finds a fault by crashing, or through FUZZ_CHECK.
 */

#ifndef EZCDC_TESTS_FUZZ_H
#define EZCDC_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t length);

#define FUZZ_CHECK(condition)                                                 \
  do {                                                                        \
    if (!(condition))                                                         \
      abort ();                                                               \
  } while (0)

#endif
