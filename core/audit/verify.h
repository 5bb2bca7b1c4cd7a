/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies an audit log. */

#ifndef EZCDC_AUDIT_VERIFY_H
#define EZCDC_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/audit/chain.h"

/* What was found. The records before the first bad one are in order. */
struct audit_report {
  uint64_t records;   /* in order, from the beginning of the file */
  uint64_t first_seq; /* of the first record; not 0 if the file goes on where
                         another one ended */
  uint64_t last_seq;  /* of the last one in order */
  char key_id[KEY_ID_TEXT_SIZE]; /* the key at the end */

  enum audit_fault fault; /* AUDIT_FINE: all of it is in order */
  uint64_t bad_line;      /* counted from 1 */
  uint64_t bad_seq;       /* that the record has, or should have had if it
                             cannot be believed */
  uint64_t expected_seq;
  bool torn; /* the bad line is the last one and has no end: a write that was
                cut short; the next start will put it aside */
};

/* Reads the file once, in constant memory; it works while others write. The
 * result is 0 if the file could be read, whatever was found in it. */
int audit_verify (const char *path, const struct key_ring *ring,
                  struct audit_report *ret_report, struct error *error)
  __attribute__ ((nonnull (1, 2, 3)));

#endif
