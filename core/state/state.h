/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline must remember: one SQLite file, state_dir/NAME/state.db.
 *
 * The run writes, "status" and "verify" read beside it.  Every write is
 * durable when its function returns (write-ahead log, synchronous FULL).
 */
#ifndef EZCDC_STATE_STATE_H
#define EZCDC_STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/text.h"

struct state; /* thread-safe */

#define STATE_IDENTITY_SIZE 120
#define STATE_TEXT_SIZE 64

/* Opens the file in folder; with read_only, a file that does not exist is
 * EZCDC_E_OPERATOR and nothing is created. */
int state_open (const char *folder, bool read_only, struct state **ret_state,
                struct error *error);
void state_close (struct state *state);

/* The source and how far it was read.  position is what the stream goes on
 * after: all before it is durable in the sink. */
struct state_source {
  bool known; /* false: nothing is stored yet, the rest is empty */
  char identity[STATE_IDENTITY_SIZE];
  struct ezcdc_position position;
};

int state_get_source (struct state *state, struct state_source *ret_source,
                      struct error *error);
int state_set_source (struct state *state, const char *identity,
                      const struct ezcdc_position *position,
                      struct error *error);
int state_set_position (struct state *state,
                        const struct ezcdc_position *position,
                        struct error *error);

/* Counts the runs of the pipeline: the number of the one that begins, from 1
 * on.  It is part of the labels. */
int state_next_run (struct state *state, int64_t *ret_number,
                    struct error *error);

/* The loads of a target that were begun and whose end was not noted. */
int state_announce_load (struct state *state, const char *target,
                         const char *load, struct error *error);
int state_forget_loads (struct state *state, const char *target,
                        struct error *error);
typedef int (*state_load_function) (void *context, const char *load);
/* function must not call the state. */
int state_each_load (struct state *state, const char *target,
                     state_load_function function, void *context,
                     struct error *error);

/* One table.  phase is enum table_phase. */
struct state_table {
  bool known;
  uint64_t id;
  const char *name;   /* for set; not filled by get */
  const char *target; /* for set; not filled by get */
  uint32_t phase;
  int64_t rows;
  int64_t rows_total;
  int64_t changes;
  struct ezcdc_position repair_before;
};

int state_get_table (struct state *state, uint64_t id,
                     struct state_table *ret_table, struct error *error);
int state_set_table (struct state *state, const struct state_table *table,
                     struct error *error);

/* Only the counters and rows_total of a table that is known. */
int state_set_counters (struct state *state, const struct state_table *table,
                        struct error *error);

/* Calls function for each table in the order of names; strings are lent. */
typedef int (*state_table_function) (void *context,
                                     const struct state_table *table);
int state_each_table (struct state *state, state_table_function function,
                      void *context, struct error *error);

/* How far the sink may have been taken; length 0: not beyond the position. */
int state_set_ahead (struct state *state,
                     const struct ezcdc_position *position,
                     struct error *error);
int state_get_ahead (struct state *state, struct ezcdc_position *ret_position,
                     struct error *error);

/* The columns that a table had when the pipeline last looked.  Of a column,
 * element_type and key_ordinal are not stored. */
int state_set_columns (struct state *state, const struct ezcdc_table *table,
                       struct error *error);
typedef int (*state_column_function) (void *context,
                                      const struct ezcdc_column *column);
int state_each_column (struct state *state, uint64_t table_id,
                       state_column_function function, void *context,
                       struct error *error);

/* Whether a column that the table does not have was stored for it once: the
 * target may have kept its values. */
int state_has_dropped (struct state *state, uint64_t table_id,
                       const char *column, bool *ret_dropped,
                       struct error *error);

/* The view of the source that a table's rows were copied from; length 0 if it
 * was not copied. */
int state_set_copied (struct state *state, uint64_t table_id,
                      const struct ezcdc_position *position,
                      struct error *error);
int state_get_copied (struct state *state, uint64_t table_id,
                      struct ezcdc_position *ret_position,
                      struct error *error);

/* What is to be remembered of a table until it is copied.  The numbers stand
 * in the file. */
enum state_mark {
  STATE_MARK_GAPS = 1,     /* rows of it are among the dead letters */
  STATE_MARK_LEFT_OUT = 2, /* its changes are left out */
};

int state_set_mark (struct state *state, uint64_t table_id,
                    enum state_mark mark, bool set, struct error *error);
int state_has_mark (struct state *state, uint64_t table_id,
                    enum state_mark mark, bool *ret_has, struct error *error);

/* Whether the last copy of tables was finished, of all that were due. */
int state_set_copied_all (struct state *state, bool copied,
                          struct error *error);
int state_get_copied_all (struct state *state, bool *ret_copied,
                          struct error *error);

/* The view that the copy of a table was begun with. */
int state_set_viewed (struct state *state, uint64_t table_id,
                      const struct ezcdc_position *position,
                      struct error *error);
int state_get_viewed (struct state *state, uint64_t table_id,
                      struct ezcdc_position *ret_position,
                      struct error *error);

/* As what the table's changes were followed: the edition is what the source
 * gave as its version, the target where its rows go.  Of a table that was not
 * followed yet, 0 and an empty text. */
int state_set_followed (struct state *state, uint64_t table_id,
                        uint64_t edition, const char *target,
                        struct error *error);
int state_get_followed (struct state *state, uint64_t table_id,
                        uint64_t *ret_edition, struct text *ret_target,
                        struct error *error);

/* Everything of a table. */
int state_forget_table (struct state *state, uint64_t table_id,
                        struct error *error);

/* The chunks of a table's snapshot.  sequence counts from 0. */
struct state_chunk {
  const char *chunk; /* the source's text */
  int64_t sequence;
  int64_t estimated_rows;
  bool done;
};

int state_add_chunk (struct state *state, uint64_t table_id,
                     const struct state_chunk *chunk, struct error *error);
int state_finish_chunk (struct state *state, uint64_t table_id,
                        int64_t sequence, struct error *error);
int state_clear_chunks (struct state *state, uint64_t table_id,
                        struct error *error);
typedef int (*state_chunk_function) (void *context,
                                     const struct state_chunk *chunk);
int state_each_chunk (struct state *state, uint64_t table_id,
                      state_chunk_function function, void *context,
                      struct error *error);

/* Several writes as one.  Nothing else may write meanwhile. */
int state_begin (struct state *state, struct error *error);
int state_commit (struct state *state, struct error *error);
/* Instead of state_commit, when one of the writes has failed. */
void state_rollback (struct state *state);

/* Rows that the sink refused.  *ret_new is false if exactly this one is known
 * already, from before a restart. */
int state_add_dead_letter (struct state *state, const char *table,
                           const char *position, uint64_t ordinal,
                           const char *key, const char *reason, bool *ret_new,
                           struct error *error);
int state_count_dead_letters (struct state *state, int64_t *ret_count,
                              struct error *error);

/* What "ezcdc status" shows of the pipeline as a whole. */
struct state_status {
  char state[16];    /* starting running backing_off stopped failed */
  char phase[16];    /* setup snapshot streaming */
  char reason[1024]; /* why it is waiting or has ended; may be empty */
  char position[STATE_TEXT_SIZE];  /* read up to here; may be empty */
  char confirmed[STATE_TEXT_SIZE]; /* durable in the sink; may be empty */
  int64_t lag_bytes;               /* -1 if unknown */
  double lag_seconds;              /* -1 if unknown */
  int64_t updated;                 /* microseconds since 1970 */
  int64_t started;                 /* microseconds since 1970 */
  int64_t pid;                     /* of the runner */
  char counters[4096];             /* a JSON object */
  char connections[8192];          /* a JSON array: what TLS was negotiated */
};

int state_set_status (struct state *state, const struct state_status *status,
                      struct error *error);
/* *ret_known is false if there never was a run. */
int state_get_status (struct state *state, struct state_status *ret_status,
                      bool *ret_known, struct error *error);

#endif
