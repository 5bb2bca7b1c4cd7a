/* SPDX-License-Identifier: Apache-2.0 */
/* One consistent view of all tables.
 *
 * One session holds it; each reader imports it and exports it again under a
 * name of its own, so that the view lives as long as any of them.
 */

#ifndef POSTGRES_SNAPSHOT_H
#define POSTGRES_SNAPSHOT_H

#include <pthread.h>

#include "session.h"

/* One who has the view. */
struct snapshot_holder {
  struct session *session;
  char name[POSTGRES_NAME_SIZE]; /* of what it exports */
  struct snapshot_holder *next;
};

struct snapshot {
  struct postgres *self;
  pthread_mutex_t lock; /* guards the list, not the sessions */
  struct snapshot_holder *holders;
  struct snapshot_holder first;
};

/* Opens a session that sees the view, from whoever still has it, and adds it
 * to the holders. */
int snapshot_join (struct snapshot *snapshot, struct snapshot_holder *holder);
/* Takes it out and closes its session. */
void snapshot_leave (struct snapshot *snapshot,
                     struct snapshot_holder *holder);

/* The source's functions. */
int postgres_snapshot_open (void *self, uint32_t kind, void **ret_snapshot,
                            struct ezcdc_position *ret_position);
void postgres_snapshot_close (void *snapshot);
int postgres_snapshot_plan (void *snapshot, const struct ezcdc_table *table,
                            struct ezcdc_list *list); /* in plan.c */

#endif /* POSTGRES_SNAPSHOT_H */
