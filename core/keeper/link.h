/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's side of the socket to its keeper. */

#ifndef EZCDC_KEEPER_LINK_H
#define EZCDC_KEEPER_LINK_H

#include <stdbool.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"

/* All functions may be called from any thread; requests wait for each other.
 * A request takes well under a millisecond, unless the disk of the audit log
 * is slow.
 */
struct keeper_link;

/* Uses the descriptor that runner_main was given. NULL on failure. */
struct keeper_link *keeper_link_open (int descriptor, struct error *error);

/* The descriptor stays open. link may be NULL. */
void keeper_link_free (struct keeper_link *link);

/* A descriptor to poll with events = 0: POLLHUP means that the keeper is gone
 * and the runner has to end within ten seconds. (It is also killed with its
 * keeper; this is the second net.) Owned by the link: never read or close it.
 */
int keeper_link_descriptor (const struct keeper_link *link)
  __attribute__ ((nonnull));

/* Has the keeper open the sealed value of an option and calls function with
 * it; the bytes are wiped and unmapped before this returns. section is the
 * section's word, "source" or "sink"; reason is a word or two for the audit
 * record. Returns what function returned, or, if it was not called, the code
 * of *error: EZCDC_E_CREDENTIAL (the value does not open), EZCDC_E_CONFIG
 * (there is no such sealed value), EZCDC_E_UNAVAILABLE (no audit record could
 * be written, or the keeper is gone).
 */
int keeper_link_use_secret (struct keeper_link *link, const char *section,
                            const char *option, const char *reason,
                            ezcdc_secret_function function, void *context,
                            struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4, 5)));

/* Has the keeper open the file that the option of a section names, so that the
 * runner need not be able to reach it: a certificate that was renewed, or a
 * key for root alone. *ret_descriptor is the caller's. Returns 0 or the code
 * of *error. */
int keeper_link_open_file (struct keeper_link *link, const char *section,
                           const char *option, int *ret_descriptor,
                           struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4)));

/* Has the keeper make an empty file in memory that is for the user of this
 * process alone: the mode of a file is not for a runner to give.
 * *ret_descriptor is the caller's. Returns 0 or the code of *error. */
int keeper_link_make_file (struct keeper_link *link, int *ret_descriptor,
                           struct error *error)
  __attribute__ ((nonnull (1, 2)));

/* Has the keeper watch over the system calls of this process: listener is what
 * calls_restrict (core/runner/calls.h) made, and stays the caller's to close.
 * *ret_files says whether the keeper sees the files that calls name. Returns 0
 * or the code of *error. */
int keeper_link_watch (struct keeper_link *link, int listener, bool *ret_files,
                       struct error *error) __attribute__ ((nonnull (1, 3)));

/* Has the keeper write an audit record, which is durable when this returns 0.
 * action is one of core/audit/actions.h that a runner may write, resource_id
 * what it was done to (a table, a host, a file), outcome "success", "failure"
 * or "denied", detail_json a JSON object or NULL. Returns 0 or the code of
 * *error; then the act must not happen.
 */
int keeper_link_audit (struct keeper_link *link, const char *action,
                       const char *resource_id, const char *outcome,
                       const char *detail_json, struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4)));

#endif
