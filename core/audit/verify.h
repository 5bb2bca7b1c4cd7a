/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies an audit log. */

#ifndef EZCDC_AUDIT_VERIFY_H
#define EZCDC_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/audit/chain.h"
#include "core/audit/checkpoint.h"

/* What is to be verified; everything is lent. */
struct audit_request {
  const char *const *paths; /* the files of one chain, the oldest first */
  size_t count;             /* at least one */
  const struct key_ring *ring;
  const struct audit_checkpoints *checkpoints; /* or NULL */
};

/* What was found. The records before the first bad one are in order. */
struct audit_report {
  uint64_t records;   /* in order, in all files */
  uint64_t first_seq; /* of the first record; not 0 if files before it are not
                         there */
  uint64_t last_seq;  /* of the last one in order */
  char key_id[KEY_ID_TEXT_SIZE]; /* the key at the end */
  size_t checkpoints;            /* that the records were held against */
  size_t file; /* index of the last file that was read: that of the bad
                         record, if there is one */

  enum audit_fault fault; /* AUDIT_FINE: all of it is in order */
  uint64_t bad_line;      /* counted from 1, in its file */
  uint64_t bad_seq;       /* that the record has, or should have had if it
                             cannot be believed */
  uint64_t expected_seq;
  bool torn; /* the bad line is the last one and has no end: a write that was
                cut short; the next start will put it aside */
};

/* Reads the files once, in constant memory; it works while others write. The
 * result is 0 if they could be read, whatever was found in them. */
int audit_verify (const struct audit_request *request,
                  struct audit_report *ret_report, struct error *error)
  __attribute__ ((nonnull (1, 2)));

#endif
