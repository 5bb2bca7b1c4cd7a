/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the audit log's writer share; for others there is log.h.
 *
 * A record is written like this:
 *
 *   writer_begin    locks the log, reads what others have added, goes over
 *                   to a new file if this one was moved away
 *   writer_append   as often as needed
 *   writer_unlock
 */

#ifndef EZCDC_AUDIT_WRITER_H
#define EZCDC_AUDIT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/audit/chain.h"
#include "core/audit/log.h"
#include "core/audit/syslog.h"

/* An epoch of the chain ends after so many records or so long. */
#define EPOCH_RECORDS 1000
#define EPOCH_TIME (3600 * INT64_C (1000000))

struct audit_log {
  char *path;                  /* owned */
  char *folder;                /* owned; where path lies */
  int lock;                    /* owned; LOG.lock, -1 before it is opened */
  int descriptor;              /* owned; -1 before it is opened */
  struct key_ring *ring;       /* owned */
  struct audit_keys *keys;     /* owned; key 0 is the primary */
  struct audit_syslog *syslog; /* owned; NULL: no copies */
  struct audit_place place;    /* behind the last line that was checked */
  off_t checked;               /* bytes of the file up to there */
  uint64_t epoch_seq;          /* of place, when epoch_since was noted */
  int64_t epoch_since;         /* when this process first saw the epoch */
  uint64_t checkpoint_seq;     /* next_seq at the last checkpoint */
  int64_t checkpoint_since;    /* when it was made; 0: never */
  bool state_is_behind;        /* LOG.state could not be written */
  bool clock_behind; /* the clock was found set back, and it is noted */
  char user[128];
};

/* ---- The file (writer_file.c) ------------------------------------------ */

/* Opens what path names, or makes it. It has to be fit for a log. */
int writer_open_file (const struct audit_log *log, int *ret_descriptor,
                      struct error *error) __attribute__ ((nonnull (1, 2)));

/* Whether path still names the file that is open. */
bool writer_has_current_file (const struct audit_log *log)
  __attribute__ ((nonnull));

/* ---- The lock (writer_lock.c) ------------------------------------------- */

/* Locks the log against other writers. It is a file of its own, LOG.lock, that
 * nobody moves away: a lock of the log's file would be one for each file, and
 * writers that come from different files must not begin the next one at the
 * same time. Whoever has it keeps it for the length of one write, so waiting
 * long means that somebody else's process is stuck. On failure it is not
 * locked. */
int writer_lock (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));
void writer_unlock (const struct audit_log *log) __attribute__ ((nonnull));

/* Waits for the lock of an open file of the log. */
int writer_wait_for (const struct audit_log *log, int descriptor,
                     struct error *error) __attribute__ ((nonnull (1)));

/* ---- Records (writer_record.c): the log is locked, the place its end --- */

int writer_append (struct audit_log *log, const struct audit_record *record,
                   struct error *error) __attribute__ ((nonnull (1, 2)));
/* A record about the log itself. */
int writer_append_action (struct audit_log *log, const char *action,
                          const char *detail, struct error *error)
  __attribute__ ((nonnull (1, 2, 3)));
/* The first record of a file; a new chain or the next part of one. */
int writer_begin_file (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));

uint64_t writer_epoch_records (const struct audit_log *log)
  __attribute__ ((nonnull));
int writer_close_epoch (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));
/* Notes since when the epoch lasts, and forgets the keys before. */
int writer_note_epoch (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));

/* ---- The end of the log (writer_place.c, writer_recover.c) ------------- */

/* Opens what path names and goes to its end. */
int writer_enter (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));

/* Locks the log and goes to its end; on failure it is not locked. */
int writer_begin (struct audit_log *log, struct error *error)
  __attribute__ ((nonnull (1)));

/* Moves what lies behind the last good record to a file of its own, and
 * writes a record of that. */
int writer_recover (struct audit_log *log, const char *torn, size_t length,
                    struct error *error) __attribute__ ((nonnull (1, 2)));

#endif
