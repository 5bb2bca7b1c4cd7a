/* SPDX-License-Identifier: Apache-2.0 */
/* Writer threads: they take sealed batches and make them durable.
 *
 * Batches of one table are written one after the other, in the order they
 * were handed in; different tables side by side.  A log sink has one queue
 * for everything.
 */
#ifndef EZCDC_PIPELINE_WRITER_H
#define EZCDC_PIPELINE_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/pipeline/table.h"

struct batch;
struct pipeline;

struct writers {
  pthread_mutex_t lock;
  pthread_cond_t work; /* a table became ready, or it is over */
  pthread_cond_t idle; /* unwritten has reached zero, or it is over */
  struct table *ready_head;
  struct table *ready_tail;
  struct table log; /* the queue of a log sink */
  size_t unwritten; /* batches queued or being written */
  bool over;        /* the threads shall end */
  pthread_t *threads;
  size_t thread_count;
};

void writers_init (struct writers *writers);
void writers_destroy (struct writers *writers);
/* Ends the waits of writers_drain, which look whether to go on. */
void writers_wake (struct writers *writers);

int writers_start (struct pipeline *pipeline, struct error *error);
/* Ends the threads; batches that are still queued are dropped, so call
 * writers_drain first to end well. */
void writers_end (struct pipeline *pipeline);

/* Hands in a sealed batch with its label; it belongs to the writers now. */
void writers_submit (struct pipeline *pipeline, struct batch *batch);

/* Waits until everything handed in is durable; false if the pipeline fails
 * or the timeout (microseconds) passes first. */
bool writers_drain (struct pipeline *pipeline, int64_t timeout);

/* Since when the sink has not answered, in monotonic time, and about which
 * table (NULL: about all). 0: it has answered everything. */
int64_t writers_asked (const struct pipeline *pipeline,
                       const char **ret_table);

/* Whether the target is said to hold rows of the table, which one that is made
 * anew would lack. */
bool writer_target_has_rows (const struct pipeline *pipeline,
                             const struct table *table);

/* The target of a table that was followed cannot follow a change of it: adds to
 * the error what to do, and returns its code.  Rows from before the change wait
 * in the log too: a target that is made anew gets them by a copy, not from
 * there. */
int writer_name_the_way_out (const struct pipeline *pipeline,
                             const struct table *table, struct error *error);

/* Has the sink create or extend the target of a table, with retries.  0, or
 * below with error set. */
int writer_prepare (struct pipeline *pipeline, struct table *table,
                    const struct ezcdc_table *description,
                    struct error *error);

#endif
