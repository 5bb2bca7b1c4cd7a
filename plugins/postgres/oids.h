/* SPDX-License-Identifier: Apache-2.0 */
/* A set of OIDs, which only grows. */

#ifndef POSTGRES_OIDS_H
#define POSTGRES_OIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts zeroed. */
struct oids {
  uint32_t *items; /* in ascending order */
  size_t count;
  size_t space;
};

bool oids_have (const struct oids *oids, uint32_t oid);
/* false if out of memory. */
bool oids_add (struct oids *oids, uint32_t oid);
void oids_clear (struct oids *oids);

#endif /* POSTGRES_OIDS_H */
