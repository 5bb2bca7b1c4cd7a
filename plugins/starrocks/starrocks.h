/* SPDX-License-Identifier: Apache-2.0 */
/* One configured StarRocks sink, and what its files share. */
#ifndef STARROCKS_STARROCKS_H
#define STARROCKS_STARROCKS_H

#include <pthread.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "host.h"
#include "settings.h"

struct body;
struct connection;
struct layout;

/* A table of the database that this sink has worked with. */
struct target {
  struct target *next;
  char *name;            /* owned */
  pthread_mutex_t lock;  /* held while one thread works on the table */
  struct layout *layout; /* NULL until it was prepared; under lock */
  int created; /* 1: it was not there and was made; under lock, until the
                  core was told */
};

struct node; /* a host and port that loads may be redirected to */

struct starrocks {
  struct ezcdc_instance *instance;
  struct settings settings; /* constant after open */

  pthread_mutex_t lock; /* for all below */
  struct connection *connections;
  struct body *bodies; /* idle */
  struct target *targets;
  struct node *nodes;
  int64_t nodes_read; /* monotonic time; 0: not yet */
  int version;        /* as version_parse has it; 0: not known yet */
  int backends; /* how many were listed; 0: none, or a shared-data cluster */
  size_t endpoint; /* index of the one to use */
};

/* cluster.c: version of the server and its nodes, asked once and now and
 * then. */
int starrocks_ready (struct starrocks *self);
int starrocks_version (struct starrocks *self);
/* Whether tables lie on backends, as far as SHOW BACKENDS told. */
int starrocks_backends (struct starrocks *self);

/* starrocks.c */
struct body *body_take (struct starrocks *self); /* NULL: out of memory */
void body_give (struct starrocks *self, struct body *body);
/* Found or made; lives as long as self.  NULL: out of memory. */
struct target *target_get (struct starrocks *self, const char *name);

/* prepare.c: called with target->lock held. */
int target_prepare (struct starrocks *self, struct target *target,
                    const struct ezcdc_table *table);
/* Binds table to what is there, without a change; EZCDC_E_SCHEMA if
 * something is missing. */
int target_bind (struct starrocks *self, const struct ezcdc_table *table,
                 struct layout **ret_layout);

/* The first version that takes compressed loads. */
#define COMPRESSION_OLDEST 30207

/* write.c, scan.c, check.c */
/* Whether the server takes the compression that is configured. */
int compression_is_known (struct starrocks *self);
int starrocks_write (void *self, const struct ezcdc_batch *batch);
int starrocks_scan (void *self, const struct ezcdc_table *table,
                    struct ezcdc_feed *feed);
int starrocks_check (void *self, const struct ezcdc_table *const *tables,
                     uint64_t table_count);

#endif /* STARROCKS_STARROCKS_H */
