/* SPDX-License-Identifier: Apache-2.0 */
/* One Stream Load, from the request to a settled outcome. */
#ifndef STARROCKS_LOAD_H
#define STARROCKS_LOAD_H

#include "starrocks.h"

/* StarRocks takes 128 characters: 100 of the core and what write.c adds. */
#define LABEL_SIZE 192

struct load {
  const struct ezcdc_batch *batch; /* it is a part of */
  const char *table;
  const char *label;
  const char *columns;     /* the header of that name; NULL: none */
  const char *compression; /* or NULL */
  int partial;             /* 1: columns that are absent keep their values */
  const char *body;
  size_t body_length;
};

/* EZCDC_OK: durable and visible.  EZCDC_E_ROW: StarRocks refused the load for
 * some of its rows, which is not recorded as a failure yet; ret_reason (of
 * LOAD_REASON_SIZE bytes) says what it said. */
int load_run (struct starrocks *self, const struct load *load,
              char *ret_reason);

#define LOAD_REASON_SIZE 640

/* Waits until a label is certainly loaded, or certainly not. */
int load_settle (struct starrocks *self, const char *table, const char *label);

/* Asks for the state of a label that was never used: reachable, signed in. */
int load_probe (struct starrocks *self);

#endif /* STARROCKS_LOAD_H */
