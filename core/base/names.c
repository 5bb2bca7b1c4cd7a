/* SPDX-License-Identifier: Apache-2.0 */
/* Guessing what was meant by a misspelt name. */

#include <config.h>

#include <ctype.h>
#include <string.h>

#include "core/base/names.h"

/* Longer names are not compared: nobody mistypes those. */
#define LONGEST 63

static size_t
smallest (size_t a, size_t b, size_t c)
{
  size_t least = a < b ? a : b;

  return least < c ? least : c;
}

static int
same_letter (char a, char b)
{
  return tolower ((unsigned char) a) == tolower ((unsigned char) b);
}

/* How many letters must be inserted, deleted, changed or swapped with their
 * neighbour to make b out of a. Both have at most LONGEST bytes. */
static size_t
edit_distance (const char *a, size_t a_length, const char *b, size_t b_length)
{
  size_t rows[3][LONGEST + 1];

  for (size_t j = 0; j <= b_length; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i + 2) % 3];
    const size_t *above_that = rows[(i + 1) % 3];

    row[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t change = same_letter (a[i - 1], b[j - 1]) ? 0 : 1;
      row[j] = smallest (above[j] + 1, row[j - 1] + 1, above[j - 1] + change);
      if (i > 1 && j > 1 && same_letter (a[i - 1], b[j - 2])
          && same_letter (a[i - 2], b[j - 1])
          && above_that[j - 2] + 1 < row[j])
        row[j] = above_that[j - 2] + 1;
    }
  }
  return rows[a_length % 3][b_length];
}

const char *
nearest_name (const char *wanted, const char *const *names, size_t count)
{
  size_t length = strlen (wanted);
  /* A third of the letters may be wrong, but not one of two. */
  size_t best_distance = length / 3 + 1;
  const char *best = NULL;

  if (length < 3 || length > LONGEST)
    return NULL;
  for (size_t i = 0; i < count; i++) {
    size_t name_length = names[i] == NULL ? 0 : strlen (names[i]);
    size_t distance;

    if (name_length == 0 || name_length > LONGEST)
      continue;
    distance = edit_distance (wanted, length, names[i], name_length);
    if (distance < best_distance) {
      best_distance = distance;
      best = names[i];
    }
  }
  return best;
}
