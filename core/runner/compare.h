/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two sets of rows in bounded memory.
 *
 * Rows are hashed; by the hash of its key each row falls into one of some
 * thousand buckets, which keeps a sum over its rows: plus for the source,
 * minus for the target.  Where all sums are zero, the sets are equal.  The
 * rows of the other buckets are read once more and looked at one by one.
 */
#ifndef EZCDC_RUNNER_COMPARE_H
#define EZCDC_RUNNER_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"

#define COMPARE_BUCKETS 65536
/* Most keys that are looked at one by one. */
#define COMPARE_KEYS 10000

enum compare_side {
  COMPARE_SOURCE,
  COMPARE_TARGET,
};

struct compare_bucket {
  uint64_t sum;
  uint64_t other_sum; /* of an independent hash */
  int64_t rows;       /* of the source minus of the target */
};

/* A key of a bucket that differs. */
struct compare_key {
  char *text; /* owned; name=value, name=value */
  uint64_t key_hash;
  uint64_t row_hash[2]; /* by enum compare_side */
  bool present[2];
  bool settled; /* was the same in the comparison before */
};

struct compare {
  const struct ezcdc_table *table;
  struct compare_bucket *buckets;
  int64_t rows[2];
  /* The second look: keys, found by open addressing. */
  struct compare_key *keys;
  size_t key_count;
  size_t *slots; /* index + 1 */
  size_t slot_count;
  bool truncated; /* more keys than COMPARE_KEYS */
};

int compare_init (struct compare *compare, const struct ezcdc_table *table,
                  struct error *error);
void compare_free (struct compare *compare);

/* The first look: one row of one side. */
void compare_add (struct compare *compare, enum compare_side side,
                  const struct ezcdc_value *values);
/* Whether the first look found a difference. */
bool compare_differs (const struct compare *compare);

/* The second look: rows of buckets that differ. -1 if out of memory. */
int compare_look (struct compare *compare, enum compare_side side,
                  const struct ezcdc_value *values);
/* Drops the keys that are equal after all. */
void compare_drop_equal (struct compare *compare);

/* Marks what earlier, a comparison of the same table before, has seen just
 * so, and drops the rest from compare; returns how many were dropped. */
size_t compare_settle (struct compare *compare, const struct compare *earlier);

#endif
