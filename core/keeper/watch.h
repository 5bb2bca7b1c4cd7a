/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the system calls of a runner that wait for the keeper
 * (core/runner/calls.h): refuses those that it may not make, lets through
 * those that name files, and says which were refused.
 *
 * What a call names is read from the runner's memory, where another thread may
 * change it before the kernel reads it. So nothing rests on it but words:
 * whatever is let through here is still Landlock's to refuse
 * (core/runner/reach.h). A call that names a guarded file is refused already
 * here, because then what is said about it is true wherever that file lies.
 *
 * The keeper waits for nothing of the runner while it answers. A call waits
 * while the keeper does something else: at most for as long as a record for
 * the audit log or a command that prints a key may take.
 */

#ifndef EZCDC_KEEPER_WATCH_H
#define EZCDC_KEEPER_WATCH_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/keeper/guard.h"

#define WATCH_NUMBERS 1024u /* system calls have smaller numbers */
#define WATCH_FILES 32u     /* a connector shall not fill the log */

struct refused_call {
  char name[32];
  uint64_t arguments[2];  /* the first two */
  struct guarded guarded; /* .what is NULL: it is the call that is refused */
};

/* Over one runner; begins with watch_begin and ends with watch_end. */
struct watch {
  int listener;        /* owned; -1: none */
  int memory;          /* owned; the runner's, to read; -1: none */
  struct guard *guard; /* NULL: files are not looked at */
  uint8_t told[WATCH_NUMBERS / 8];
  unsigned told_count;
  struct told_file {
    char call[32];
    char path[sizeof ((struct guarded *) NULL)->path];
  } told_files[WATCH_FILES];
};

/* guard must have begun for this runner, or is NULL. */
void watch_begin (struct watch *watch, struct guard *guard)
  __attribute__ ((nonnull (1)));
void watch_end (struct watch *watch) __attribute__ ((nonnull));

/* Take over the descriptor of a listener, or of the memory of the runner; it
 * is closed, and the answer false, if it is of something else. */
void watch_listen (struct watch *watch, int listener)
  __attribute__ ((nonnull));
bool watch_see (struct watch *watch, pid_t runner, int memory)
  __attribute__ ((nonnull));

/* Reads the name at the address from a process's memory; false if none that the
 * kernel would take ends there. Nothing of what lies behind the name stays in
 * path: it may be a password or a row. */
bool watch_read_path (int memory, uint64_t address, char path[PATH_MAX])
  __attribute__ ((nonnull));

/* Whether the names of files can be told. */
bool watch_sees (const struct watch *watch) __attribute__ ((nonnull));

enum watch_event {
  WATCH_NOTHING,  /* no call waits */
  WATCH_ANSWERED, /* one was answered, and is not worth a word */
  WATCH_REFUSED,  /* one was refused, the first of that name, or the first of
                     that name for that file */
};

/* For when something can be read from the listener, or it is closed on the
 * other side: answers one call, if one waits. */
enum watch_event watch_answer (struct watch *watch,
                               struct refused_call *ret_call)
  __attribute__ ((nonnull));

#endif
