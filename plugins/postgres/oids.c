/* SPDX-License-Identifier: Apache-2.0 */
/* A set of OIDs. */

#include <stdlib.h>
#include <string.h>

#include "oids.h"

/* Where the OID is, or where it belongs. */
static size_t
oids_place (const struct oids *oids, uint32_t oid)
{
  size_t low = 0, high = oids->count, middle;

  while (low < high) {
    middle = low + (high - low) / 2;
    if (oids->items[middle] < oid)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool
oids_have (const struct oids *oids, uint32_t oid)
{
  size_t place = oids_place (oids, oid);

  return place < oids->count && oids->items[place] == oid;
}

bool
oids_add (struct oids *oids, uint32_t oid)
{
  size_t place = oids_place (oids, oid);

  if (oids_have (oids, oid))
    return true;
  if (oids->count == oids->space) {
    size_t space = oids->space * 2 + 16;
    uint32_t *items = realloc (oids->items, space * sizeof *items);

    if (items == NULL)
      return false;
    oids->items = items;
    oids->space = space;
  }
  memmove (oids->items + place + 1, oids->items + place,
           (oids->count - place) * sizeof *oids->items);
  oids->items[place] = oid;
  oids->count++;
  return true;
}

void
oids_clear (struct oids *oids)
{
  free (oids->items);
  memset (oids, 0, sizeof *oids);
}
