/* SPDX-License-Identifier: Apache-2.0 */
/* A lock that is granted in the order of asking, so that a thread that calls
 * a connector in a loop cannot starve the others.
 */

#ifndef EZCDC_PLUGIN_TURN_H
#define EZCDC_PLUGIN_TURN_H

#include <pthread.h>
#include <stdint.h>

struct turn {
  pthread_mutex_t mutex; /* innermost: held for the bookkeeping only */
  pthread_cond_t changed;
  uint64_t next;    /* number for whoever asks next */
  uint64_t serving; /* number whose turn it is */
};

#define TURN_INITIALIZER                                                      \
  {                                                                           \
    .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER   \
  }

void turn_take (struct turn *turn);
void turn_give (struct turn *turn);

#endif
