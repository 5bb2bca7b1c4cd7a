/* SPDX-License-Identifier: Apache-2.0 */
/* Table patterns: public.orders, public.order_*, "Odd Name".t, !*.*_archive */

#ifndef POSTGRES_PATTERN_H
#define POSTGRES_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct pattern {
  char *text;   /* as it was written, owns the memory of all three */
  char *schema; /* \ before a character that is meant literally */
  char *name;
  bool exclude; /* had a ! before it */
  bool exact;   /* no * and no ? */
};

struct patterns {
  struct pattern *items;
  size_t count;
};

/* Parses a list with commas between. A name without a schema means the
 * schema public. Returns false and writes what is wrong to ret_problem. */
bool patterns_parse (const char *text, struct patterns *ret_patterns,
                     char *ret_problem, size_t problem_size);
void patterns_free (struct patterns *patterns);

/* Unquoted letters match as they are written and, as in SQL, in lower
 * case. */
bool pattern_matches (const struct pattern *pattern, const char *schema,
                      const char *name);

/* The first pattern that takes the table in, NULL if there is none or if
 * the table is excluded, wherever the exclusion stands. */
const struct pattern *patterns_find (const struct patterns *patterns,
                                     const char *schema, const char *name);

#endif /* POSTGRES_PATTERN_H */
