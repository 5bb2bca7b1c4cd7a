/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the end of an audit log. */

#ifndef EZCDC_AUDIT_TAIL_H
#define EZCDC_AUDIT_TAIL_H

#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"

/* The last lines of a file; begins as { 0 }, freed with tail_free. The
 * pointers go into data. */
struct tail {
  char *data;           /* owned */
  const char *before;   /* the last line but one; NULL if there is none */
  size_t before_length; /* without its end */
  off_t end_of_before;  /* bytes of the file up to there */
  const char *last;     /* the last line that has an end, or NULL */
  size_t last_length;   /* without its end */
  size_t whole_length;  /* from there to the end of the file */
  off_t end_of_last;    /* bytes of the file up to there */
  const char *torn;     /* what stands behind it */
  size_t torn_length;   /* 0: nothing */
};

/* Finds them. Fails with EZCDC_E_OPERATOR if the end is longer than records
 * can be: then it is something else than a log. */
int tail_find (int descriptor, const char *path, struct tail *ret_tail,
               struct error *error) __attribute__ ((nonnull (2, 3)));

void tail_free (struct tail *tail) __attribute__ ((nonnull));

/* Reads from an offset on, as much as there is, but not more than a few
 * records' worth. The caller frees *ret_data, which is never NULL. */
int tail_read (int descriptor, const char *path, off_t offset, char **ret_data,
               size_t *ret_length, struct error *error)
  __attribute__ ((nonnull (2, 4, 5)));

#endif
