/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's state, and the parts that work on it, each in a file of its own
 * name. There is one thread.
 *
 *   keeper.c -> prepare.c                        keys, configuration, lock, log
 *            -> supervise.c -> attend.c          runners, and one of them
 *                               -> signals.c -> reload.c
 *               note.c                           records of all that
 */

#ifndef EZCDC_KEEPER_PARTS_H
#define EZCDC_KEEPER_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "core/crypto/key_source.h"
#include "core/keeper/serve.h"

struct keeper {
  const char *mode;
  int argc;
  char **argv;
  const char *ini_path;
  bool is_run;       /* takes the lock and restarts runners */
  unsigned patience; /* crashes in a row before it gives up; 0: never */

  struct key_source *source;         /* owned */
  struct key_ring *ring;             /* owned */
  struct ini *ini;                   /* owned */
  struct pipeline_settings settings; /* owned */
  struct audit_log *audit;           /* owned */
  struct audit_trouble trouble;      /* in writing it */
  struct budget budget;              /* for what is written */
  struct guard *guard;               /* owned */
  int lock;                          /* owned; -1: none */
  int signals;                       /* owned; a signalfd */

  struct service service;
  pid_t runner;       /* 0: none */
  bool stopping;      /* a signal said so */
  int64_t stop_since; /* when it came */
  bool killed;        /* the runner was, because it did not stop */
  unsigned crashes;   /* in a row */
};

/* note.c: a record about what has happened already: if it cannot be written,
 * the log says so and life goes on. detail is a JSON object or NULL. */
void keeper_note (const struct keeper *keeper, const char *action,
                  const char *outcome, const char *detail);

/* The same with the mode and an exit code as its detail. */
void keeper_audit_exit (const struct keeper *keeper, const char *action,
                        const char *outcome, int exit_code);

/* The record without which the keeper does not begin. */
int keeper_audit_start (const struct keeper *keeper, struct error *error);

/* prepare.c: reads and checks everything; nothing has been started when it
 * fails. keeper_clear frees what is there, also then. */
int keeper_prepare (struct keeper *keeper, struct error *error);
void keeper_clear (struct keeper *keeper);

/* supervise.c: starts runners until one has ended in order, or no other is to
 * be started; the exit code of the program. */
int keeper_supervise (struct keeper *keeper);

/* attend.c: starts a runner; and attends it until it has ended, which gives
 * its wait status. */
int keeper_start_runner (struct keeper *keeper, struct error *error);
int keeper_attend (struct keeper *keeper);

/* signals.c: from keeper_catch_signals on they wait in keeper->signals until
 * keeper_take_signals does what they ask for. */
int keeper_catch_signals (struct keeper *keeper, struct error *error);
void keeper_take_signals (struct keeper *keeper);
void keeper_forward (const struct keeper *keeper, int number);
void keeper_kill_runner (struct keeper *keeper, const char *why);

/* reload.c: reads keys and configuration anew; the former ones stay if that
 * fails. It has been logged either way. */
void keeper_reload (struct keeper *keeper);

#endif
