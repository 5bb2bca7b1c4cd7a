/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner gives up before it loads a connector. */

#ifndef EZCDC_RUNNER_CONFINE_H
#define EZCDC_RUNNER_CONFINE_H

#include "core/base/error.h"
#include "core/keeper/link.h"
#include "core/runner/config.h"
#include "core/runner/reach.h"

/* What is left. Constant once made. */
struct confinement {
  struct reach reach;
};

/* Confines this process, which has one thread yet, for good, and has it
 * audited: "runner.confined", or "runner.unconfined" with a warning if the
 * kernel, the build or the configuration leave something out. That is no
 * failure: a program that did not run on an older kernel would protect
 * nothing. Returns 0 or the code of *error. */
int confine (struct keeper_link *link, const struct config *config,
             struct confinement *ret_confinement, struct error *error)
  __attribute__ ((nonnull (1, 2, 3)));

/* The same for a command that only loads connectors and has no keeper: it can
 * read them and what they are linked with. connector is the path of one that
 * lies elsewhere, or NULL. What cannot be had is left out. */
void confine_loading (const char *connector_dir, const char *connector)
  __attribute__ ((nonnull (1)));

/* The same for a command that only reads what lies in a pipeline's folder: it
 * takes the folder's owner if this process is root's, and can open nothing of
 * others. Not to become the owner is an error; what else cannot be had is left
 * out. */
int confine_reading (const char *state_folder, struct error *error)
  __attribute__ ((nonnull (1)));

/* The path of a file that was replaced, so that this process cannot read it
 * any more; a new runner can. NULL: there is none. */
const char *confinement_outdated (const struct confinement *confinement)
  __attribute__ ((nonnull));

#endif
