/* SPDX-License-Identifier: Apache-2.0 */
/* Checked size arithmetic, growable arrays, clean-up by scope, and what need
 * not be wiped. */

#ifndef EZCDC_BASE_MEMORY_H
#define EZCDC_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* a + b into *ret_sum; false if it does not fit. */
static inline bool
size_add (size_t a, size_t b, size_t *ret_sum)
{
  size_t sum;

  if (__builtin_add_overflow (a, b, &sum))
    return false;
  *ret_sum = sum;
  return true;
}

/* a * b into *ret_product; false if it does not fit. */
static inline bool
size_multiply (size_t a, size_t b, size_t *ret_product)
{
  size_t product;

  if (__builtin_mul_overflow (a, b, &product))
    return false;
  *ret_product = product;
  return true;
}

/* Makes room for at least `needed` elements of element_size bytes in *array
 * (a pointer to the array's pointer), which has room for *capacity. Grows by
 * half at least, so that appending one by one stays cheap. Returns false, and
 * changes nothing, if memory is out. New elements are not initialised.
 */
bool array_reserve (void *array, size_t *capacity, size_t needed,
                    size_t element_size) __attribute__ ((nonnull));

/* Clean-up by scope: a variable that is declared with one of these is freed
 * or closed when its scope ends, on every way out. Initialise it at its
 * declaration (NULL, -1). Ownership leaves by TAKE_POINTER or TAKE_DESCRIPTOR.
 */
#define CLEANUP_FREE __attribute__ ((cleanup (cleanup_free)))
#define CLEANUP_CLOSE __attribute__ ((cleanup (cleanup_close)))
#define CLEANUP_FCLOSE __attribute__ ((cleanup (cleanup_fclose)))

/* The value of a pointer variable, which is NULL afterwards. */
#define TAKE_POINTER(variable)                                                \
  __extension__({                                                             \
    __typeof__ (variable) *take_address = &(variable);                        \
    __typeof__ (variable) take_value = *take_address;                         \
    *take_address = NULL;                                                     \
    take_value;                                                               \
  })

/* The value of a descriptor variable, which is -1 afterwards. */
#define TAKE_DESCRIPTOR(variable)                                             \
  __extension__({                                                             \
    int *take_address = &(variable);                                          \
    int take_value = *take_address;                                           \
    *take_address = -1;                                                       \
    take_value;                                                               \
  })

static inline void
cleanup_free (void *variable)
{
  free (*(void **) variable);
}

static inline void
cleanup_close (int *variable)
{
  if (*variable >= 0)
    close (*variable);
}

static inline void
cleanup_fclose (FILE **variable)
{
  if (*variable != NULL)
    fclose (*variable);
}

#endif
