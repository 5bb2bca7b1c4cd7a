/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two sets of rows in bounded memory.
 *
 * Rows are hashed; by the hash of its key each row falls into one of some
 * hundred thousand buckets, which keeps a sum over its rows: plus for the
 * source, minus for the target.  Where all sums are zero, the sets are equal.
 * The rows of the other buckets are read once more and looked at one by one;
 * as many buckets at a time as fit into memory, so that it takes as many
 * passes as there are such groups of them.
 */
#ifndef EZCDC_RUNNER_COMPARE_H
#define EZCDC_RUNNER_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"

#define COMPARE_BUCKETS 262144
/* Rows of both sides that one pass looks at, unless a single bucket has
 * more. */
#define COMPARE_PASS_ROWS 100000
/* When this many keys differ, or after as many passes, no further pass is
 * made: there may be more. */
#define COMPARE_KEYS 50000
#define COMPARE_PASSES 16

enum compare_side {
  COMPARE_SOURCE,
  COMPARE_TARGET,
};

struct compare_bucket {
  uint64_t sum;
  uint64_t other_sum; /* of an independent hash */
  int64_t rows[2];    /* by enum compare_side */
};

/* A key of a bucket that differs. */
struct compare_key {
  char *text; /* owned; name=value, name=value */
  uint64_t key_hash;
  uint64_t row_hash[2]; /* by enum compare_side */
  bool present[2];
};

struct compare {
  const struct ezcdc_table *table;
  struct compare_bucket *buckets;
  int64_t rows[2];
  /* The second look: the buckets of this pass, and the keys that differ and
   * those of this pass, found by open addressing. */
  int passes;
  size_t pass_begin;
  size_t pass_end;
  struct compare_key *keys;
  size_t key_count;
  size_t key_capacity;
  size_t *slots; /* index + 1 */
  size_t slot_count;
  bool truncated; /* there may be keys that differ beside these */
  bool settled;   /* compare_settle was asked */
};

int compare_init (struct compare *compare, const struct ezcdc_table *table,
                  struct error *error);
void compare_free (struct compare *compare);

/* The first look: one row of one side. */
void compare_add (struct compare *compare, enum compare_side side,
                  const struct ezcdc_value *values);
/* Whether the sets differ: in the first look, or, when compare_settle was
 * asked, in a way that has settled or in rows that no pass came to. */
bool compare_differs (const struct compare *compare);

/* The second look: chooses the buckets of the next pass.  *ret_more is false
 * if none is left or enough keys are known. */
int compare_pass_begin (struct compare *compare, bool *ret_more,
                        struct error *error);
/* One row of one side, the source's first.  -1 if out of memory. */
int compare_look (struct compare *compare, enum compare_side side,
                  const struct ezcdc_value *values);
/* Drops the keys that are equal after all. */
void compare_pass_end (struct compare *compare);

/* While rows change, the sides are never read at one position: a difference is
 * what was just so in earlier, a comparison of the same table before.  Drops
 * the other keys.  Returns whether another comparison would tell no more. */
bool compare_settle (struct compare *compare, const struct compare *earlier);

#endif
