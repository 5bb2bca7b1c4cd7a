/* SPDX-License-Identifier: Apache-2.0 */
/* Growable arrays. */

#include <config.h>

#include <string.h>

#include "core/base/memory.h"

bool
array_reserve (void *array, size_t *capacity, size_t needed,
               size_t element_size)
{
  void *old, *grown;
  size_t wanted, bytes;

  if (needed <= *capacity)
    return true;
  if (!size_add (*capacity, *capacity / 2, &wanted) || wanted < needed)
    wanted = needed;
  if (wanted < 8 && needed <= 8)
    wanted = 8;
  if (!size_multiply (wanted, element_size, &bytes))
    return false;

  /* The array's pointer has some other pointer type: copy its bytes. */
  memcpy (&old, array, sizeof old);
  grown = realloc (old, bytes);
  if (grown == NULL)
    return false;
  memcpy (array, &grown, sizeof grown);
  *capacity = wanted;
  return true;
}
