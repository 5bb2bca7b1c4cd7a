/* SPDX-License-Identifier: Apache-2.0 */
/* Reports every prerequisite. */

#ifndef POSTGRES_CHECK_H
#define POSTGRES_CHECK_H

#include <stdint.h>

#include "publication.h"
#include "slot.h"
#include "text.h"

struct check {
  struct postgres *self;
  struct session *session;
  struct slot slot;
  struct publication publication;
  struct text oids; /* of the tables, {16384,16390} */
};

/* Prints a line. remedy may be NULL. */
void check_report (struct check *check, uint32_t outcome, const char *subject,
                   const char *remedy, const char *format, ...)
  __attribute__ ((format (printf, 5, 6)));

/* What the role may do (check_rights.c): each prints its lines and returns
 * EZCDC_OK, or what went wrong. */
int check_role (struct check *check);
/* Whether it may have as many connections as a run needs. */
int check_connections (struct check *check);
/* The schemas of the tables. */
int check_schemas (struct check *check);
/* Whether it may make the publication that is missing. */
int check_may_publish (struct check *check);

/* The source's function. */
int postgres_check (void *self);

#endif /* POSTGRES_CHECK_H */
