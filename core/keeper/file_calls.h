/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that name files, make, open, move or remove them, and that
 * a runner may make. The keeper looks at the names (core/keeper/watch.h). */

#ifndef EZCDC_KEEPER_FILE_CALLS_H
#define EZCDC_KEEPER_FILE_CALLS_H

#define FILE_CALLS 10
#define FILE_CALL_PATHS 2

struct file_call {
  const char *name;
  /* Which of its arguments, from 0 on, is a path, and which the descriptor of
   * the folder that the path starts from; -1: none. */
  struct {
    int folder;
    int path;
  } paths[FILE_CALL_PATHS];
};

extern const struct file_call file_calls[FILE_CALLS];

/* NULL if it is not one of them. */
const struct file_call *file_call_find (const char *name)
  __attribute__ ((nonnull));

#endif
