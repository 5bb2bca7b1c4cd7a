/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses the system calls that a runner may not make (core/runner/calls.h),
 * and says which they were. */

#ifndef EZCDC_KEEPER_WATCH_H
#define EZCDC_KEEPER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WATCH_NUMBERS 1024u /* system calls have smaller numbers */

/* Over one runner; begins with watch_begin and ends with watch_end. */
struct watch {
  int listener; /* owned; -1: none */
  uint8_t told[WATCH_NUMBERS / 8];
};

struct refused_call {
  char name[32];
  uint64_t arguments[2]; /* the first two */
};

void watch_begin (struct watch *watch, int listener) __attribute__ ((nonnull));
void watch_end (struct watch *watch) __attribute__ ((nonnull));

/* For when something can be read from the listener, or it is closed on the
 * other side: refuses one call, if one waits. True if it is the first of that
 * name, which is worth a word; a connector that tries in a loop shall not fill
 * the log. */
bool watch_refuse (struct watch *watch, struct refused_call *ret_call)
  __attribute__ ((nonnull));

#endif
