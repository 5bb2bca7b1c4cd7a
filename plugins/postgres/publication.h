/* SPDX-License-Identifier: Apache-2.0 */
/* The publication: which changes of which tables the stream carries. */

#ifndef POSTGRES_PUBLICATION_H
#define POSTGRES_PUBLICATION_H

#include <stdbool.h>

#include "session.h"

struct publication {
  bool exists;
  bool all_tables;
  bool inserts;
  bool updates;
  bool deletes;
  bool truncates;
  bool via_root; /* a partitioned table appears as one */
};

int publication_read (struct postgres *self, struct session *session,
                      struct publication *ret_publication);

/* Creates it for all tables that the patterns take in, or checks that it
 * carries all kinds of changes. */
int publication_prepare (struct postgres *self, struct session *session);

/* What is wrong with an existing publication, NULL if nothing. */
const char *publication_problem (const struct publication *publication);

#endif /* POSTGRES_PUBLICATION_H */
