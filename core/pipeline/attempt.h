/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the copying of tables: one attempt, planned by snapshot_plan.c, read
 * by snapshot_read.c and brought to its end by snapshot.c. */
#ifndef EZCDC_PIPELINE_ATTEMPT_H
#define EZCDC_PIPELINE_ATTEMPT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/pipeline/batch.h"
#include "core/pipeline/pipeline.h"
#include "core/pipeline/table.h"

#define CHUNK_TEXT_MAX 200
/* Microseconds between two looks whether the pipeline stops. */
#define SNAPSHOT_TICK INT64_C (100000)

struct snapshot;

struct chunk {
  struct snapshot *snapshot;
  struct table *table;
  int64_t sequence;
  char text[CHUNK_TEXT_MAX + 1];
  uint64_t attempt; /* to read it, from 0; of the worker that has it */
  /* Under the snapshot's lock. */
  size_t pending; /* batches that are not durable yet */
  int64_t rows;   /* durable */
  bool read;      /* the source has given all of it */
};

/* One attempt with one consistent view of the source. */
struct snapshot {
  struct snapshot *next; /* the attempt before */
  struct pipeline *pipeline;
  bool again;       /* of all tables that wait, not only of new ones */
  uint64_t reading; /* its number, for the labels */
  void *view;       /* the source's */
  struct ezcdc_position position;

  pthread_mutex_t lock;   /* guards what follows */
  pthread_cond_t settled; /* a batch became durable */
  struct chunk *chunks;
  size_t chunk_count;
  size_t chunk_capacity;
  size_t next_chunk;
  size_t in_flight;    /* batches that are not durable yet, of all chunks */
  struct error broken; /* code 0: the view is good */
  bool restart;        /* a table has to be planned again */
};

/* The chunks of a table as the state has them. */
struct collect {
  struct snapshot *snapshot;
  struct table *table;
  size_t done; /* result */
  size_t open; /* result */
  bool add;    /* those that are open go to the snapshot's list */
};

int snapshot_collect (struct collect *collect, struct error *error);
int snapshot_store_table (struct pipeline *pipeline, const struct table *table,
                          struct error *error);

/* What labels are made of; chunk is the chunk's text. */
struct label_origin snapshot_origin (const struct snapshot *snapshot,
                                     const char *chunk);

/* Puts what is left to do of all waiting tables on the list of chunks. */
int snapshot_plan_all (struct snapshot *snapshot, struct error *error);

/* Runs the workers until all chunks are read or the view is broken. */
int snapshot_read (struct snapshot *snapshot, struct error *error);

#endif
