/* SPDX-License-Identifier: Apache-2.0 */
/* A lock that is granted in the order of asking. */

#include <config.h>

#include "core/plugin/turn.h"

void
turn_take (struct turn *turn)
{
  pthread_mutex_lock (&turn->mutex);
  uint64_t number = turn->next++;
  while (turn->serving != number)
    pthread_cond_wait (&turn->changed, &turn->mutex);
  pthread_mutex_unlock (&turn->mutex);
}

void
turn_give (struct turn *turn)
{
  pthread_mutex_lock (&turn->mutex);
  turn->serving++;
  pthread_cond_broadcast (&turn->changed);
  pthread_mutex_unlock (&turn->mutex);
}
