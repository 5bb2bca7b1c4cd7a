/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline: rows from a source to a sink, and what everybody in it
 * shares.
 *
 *             reader threads                    writer threads
 *   source ──► feed ──► batch (per table) ──► queue ──► sink.write
 *     ▲                    │                                │ durable
 *     │                    └── round or chunk ◄─────────────┘
 *     │                            │ all of it durable
 *     └── confirm ◄── stored ◄── control thread (state)
 *
 * The stream has one reader thread, which never waits for the sink: when
 * memory is short it only keeps the connection alive.  A snapshot has
 * several.  The control thread is the process's first: it watches signals
 * and the keeper, stores positions and writes the status.
 *
 * Lock order: no lock of this file is held while connector code runs;
 * writers.lock, rounds.lock and pipeline.lock are never held together.
 */
#ifndef EZCDC_PIPELINE_PIPELINE_H
#define EZCDC_PIPELINE_PIPELINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/pipeline/pool.h"
#include "core/pipeline/round.h"
#include "core/pipeline/table.h"
#include "core/pipeline/writer.h"
#include "core/state/state.h"

struct ezcdc_instance;
struct keeper_link;
struct option_set;

enum snapshot_mode {
  SNAPSHOT_INITIAL,
  SNAPSHOT_NEVER,
  SNAPSHOT_ONLY,
};

enum bad_row_policy {
  BAD_ROW_STOP,
  BAD_ROW_DEAD_LETTER,
};

/* What the INI file says, as numbers.  Constant while the pipeline runs. */
struct pipeline_settings {
  const char *name;         /* lent by the configuration */
  const char *state_folder; /* lent; state_dir/NAME */
  size_t memory;            /* bytes, for all buffers together */
  size_t batch_bytes;       /* most bytes of one batch */
  size_t batch_rows;        /* most rows of one batch */
  size_t body_limit;        /* bytes of one request's body */
  int64_t max_delay;        /* microseconds */
  int64_t retry_limit;      /* microseconds until a bounded run gives up */
  int64_t recheck_interval; /* microseconds between two looks at the tables */
  uint32_t writers;
  uint32_t snapshot_workers;
  enum snapshot_mode snapshot;
  enum bad_row_policy bad_row;
  bool until_caught_up;
};

/* How far the pipeline has come in ending; only ever grows. */
enum stop_kind {
  STOP_NONE,
  STOP_DRAIN, /* take nothing new, finish what is under way, end well */
  STOP_DONE,  /* all is done */
  STOP_FAIL,  /* give up at once */
};

enum pipeline_phase {
  PHASE_SETUP,
  PHASE_SNAPSHOT,
  PHASE_STREAMING,
};

struct pipeline {
  struct pipeline_settings settings;
  /* Lent by the runner, which outlives the pipeline. */
  struct ezcdc_instance *source;
  struct ezcdc_instance *sink;
  const struct ezcdc_source *source_calls;
  const struct ezcdc_sink *sink_calls;
  uint64_t sink_capabilities;
  struct state *state;
  struct keeper_link *link; /* NULL in tests */
  /* The names that [table ...] sections give to targets. */
  const char *(*target_of) (void *context, const char *schema,
                            const char *name);
  void *target_context;

  struct pool pool;
  struct table_set tables; /* fixed after discovery */
  struct rounds rounds;
  struct writers writers;
  char identity[STATE_IDENTITY_SIZE]; /* of the source */
  int64_t run;                        /* the number of this run */
  uint64_t readings; /* views and streams opened in this run; of the reader
                        thread */
  struct snapshot *snapshots; /* all that were taken; writers may still hold
                                 batches of them */

  pthread_mutex_t ahead_lock;  /* guards "ahead" here and in the state */
  struct ezcdc_position ahead; /* the sink may have been taken up to here */

  pthread_mutex_t lock;             /* guards what follows */
  pthread_cond_t changed;           /* stop has grown */
  struct error failure;             /* the first that ended it; code 0: none */
  uint32_t waiting;                 /* how many threads wait to try again */
  char wait_reason[1024];           /* of the newest of them */
  struct ezcdc_position read;       /* the reader is up to here */
  struct ezcdc_position confirmed;  /* the source was told */
  struct ezcdc_position source_end; /* last known end of the source's log */
  int64_t caught_up; /* monotonic time when nothing was left to do; 0: never */
  int64_t durable_commit_time; /* of the newest commit in the sink, as the
                                  source's clock has it; 0: none */

  _Atomic uint32_t stop;  /* enum stop_kind */
  _Atomic uint32_t phase; /* enum pipeline_phase */
  _Atomic bool listed;    /* tables may be looked at by other threads */
  _Atomic bool again;     /* it shall begin again when it has stopped */
  _Atomic int64_t dead_letters;
  int wake_event;     /* eventfd: something for the control thread to do */
  _Atomic bool ended; /* the reader thread has nothing more to do */
};

int pipeline_init (struct pipeline *pipeline, struct error *error);
void pipeline_destroy (struct pipeline *pipeline);

/* Whether tables are copied, so that they can be copied again: not with
 * snapshot = never, and not into a log. */
bool pipeline_copies (const struct pipeline *pipeline);

/* A table as the state stores it; strings are the table's. */
struct state_table pipeline_stored_table (const struct table *table);

/* The position of the source now, with retries. */
int pipeline_source_position (struct pipeline *pipeline,
                              struct ezcdc_position *ret_position,
                              struct error *error);

/* The body of the reader thread: prepare, snapshot, stream.  Ends when all
 * is done or stop says so; a failure is in pipeline->failure. */
void pipeline_run (struct pipeline *pipeline);

/* Stop, and why.  Wakes everybody who waits in the core. */
void pipeline_stop (struct pipeline *pipeline, enum stop_kind kind);
/* STOP_DRAIN, and then again from the start, with a new list of tables. */
void pipeline_begin_again (struct pipeline *pipeline);
/* The first failure counts; implies STOP_FAIL. */
void pipeline_fail (struct pipeline *pipeline, const struct error *error);
enum stop_kind pipeline_stopping (struct pipeline *pipeline);

/* Wakes the control thread. */
void pipeline_wake (struct pipeline *pipeline);

/* The index of the phase's name: setup, snapshot, streaming. */
const char *pipeline_phase_name (uint32_t phase);

/* Audit record through the keeper; a failure is returned, and the act must
 * not happen. Does nothing without a keeper (tests). */
int pipeline_audit (struct pipeline *pipeline, const char *action,
                    const char *resource, const char *outcome,
                    const char *detail_json, struct error *error);

#endif
