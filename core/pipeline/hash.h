/* SPDX-License-Identifier: Apache-2.0 */
/* A fast hash of bytes, for finding and comparing rows. Not for secrets, and
 * not the same on machines of another byte order. */
#ifndef EZCDC_PIPELINE_HASH_H
#define EZCDC_PIPELINE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_MULTIPLIER UINT64_C (0x9fb21c651e98df25)

/* Mixes length bytes, and the length, into hash. */
static inline uint64_t
hash_bytes (uint64_t hash, const char *data, size_t length)
{
  uint64_t word;

  hash ^= length;
  for (; length >= 8; data += 8, length -= 8) {
    memcpy (&word, data, 8);
    hash = (hash ^ word) * HASH_MULTIPLIER;
    hash ^= hash >> 32;
  }
  word = 0;
  if (length > 0)
    memcpy (&word, data, length);
  hash = (hash ^ word) * HASH_MULTIPLIER;
  return hash ^ (hash >> 29);
}

#endif
