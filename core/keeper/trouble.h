/* SPDX-License-Identifier: Apache-2.0 */
/* That the audit log of a run cannot be written: the keeper tells it in the
 * lock of the run, as the log itself cannot, and ezcdc status shows it. The
 * file has its block on the disk already, so that a full one is no obstacle.
 */

#ifndef EZCDC_KEEPER_TROUBLE_H
#define EZCDC_KEEPER_TROUBLE_H

#include <stdint.h>

#include "core/base/error.h"

/* Begins as { 0 }: every record was written. */
struct audit_trouble {
  int64_t since;    /* when the first record was refused; 0: none was */
  int64_t refused;  /* how many were since */
  char reason[512]; /* of the last one */
};

/* Notes the outcome of writing a record, 0 or a code with an error, and tells
 * it in the lock, which the caller holds; with lock -1 nobody asks. */
void audit_trouble_note (struct audit_trouble *trouble, int lock, int code,
                         const struct error *error)
  __attribute__ ((nonnull (1)));

/* What the run of the pipeline in the folder has told; { 0 } if it is not in
 * trouble, or nothing can be read. Whether it lives is run_lock_probe's to
 * say. */
void audit_trouble_read (const char *folder, struct audit_trouble *ret_trouble)
  __attribute__ ((nonnull));

#endif
