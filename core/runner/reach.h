/* SPDX-License-Identifier: Apache-2.0 */
/* What of the file system a runner can still open. */

#ifndef EZCDC_RUNNER_REACH_H
#define EZCDC_RUNNER_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/ini.h"

/* The files in /etc that libraries read while they work. */
#define REACH_FILES 14

/* Allowed is the file that had the name at the start, not the name: when an
 * administrator puts another file in its place, the runner does not see that
 * one. So it remembers which files they were. Constant once made. */
struct reach {
  int abi; /* of Landlock; 0: the kernel has none, and nothing is restricted */
  struct {
    uint64_t device;
    uint64_t inode; /* 0: there was none */
  } files[REACH_FILES];
};

/* What differs between processes. */
struct reach_places {
  const char *connector_dir; /* NULL: no connector is loaded */
  /* Names connectors in [source] and [sink], and gives paths there. NULL: all
   * of the folder, and connector. */
  const struct ini *ini;
  const char *connector;    /* the path of another one, or NULL */
  const char *state_folder; /* the pipeline's, or NULL */
};

/* Lets this process, which has one thread yet, open for good only
 *
 *   to read      the system's programs and libraries, trusted certificates, a
 *                few files of /etc, the connectors
 *   and write    the pipeline's folder; the folders of paths in [source] and
 *                [sink]
 *
 * Certificates and keys that ssl_ options name are opened by the keeper. */
int reach_restrict (const struct reach_places *places, struct reach *ret_reach,
                    struct error *error) __attribute__ ((nonnull (1, 2)));

/* Whether a path, without links, lies in a tree of the system that every runner
 * may read. */
bool reach_covers (const char *path) __attribute__ ((nonnull));

/* The path of a file that has been replaced since, or NULL. */
const char *reach_replaced (const struct reach *reach)
  __attribute__ ((nonnull));

#endif
