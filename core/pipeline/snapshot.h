/* SPDX-License-Identifier: Apache-2.0 */
/* Copying the tables: chunks, read by several workers.
 *
 *   snapshot_copy
 *     attempt: open a snapshot, plan the tables that are not finished,
 *              workers read chunks, writers load them
 *     again with a later snapshot, if one was lost or a table was rewritten
 *
 * The stream follows after the copy, from a position that is not behind any
 * snapshot, and applies everything in order; so chunks of different snapshots
 * may be mixed, as long as rows that moved between them are repaired (see
 * repair_before in table.h).
 */
#ifndef EZCDC_PIPELINE_SNAPSHOT_H
#define EZCDC_PIPELINE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

struct pipeline;
struct snapshot;

/* Copies the tables that wait for it: those that were never copied, and with
 * again those that have to be copied once more.  kind is EZCDC_SNAPSHOT_... of
 * the first attempt. */
int snapshot_copy (struct pipeline *pipeline, uint32_t kind, bool again,
                   struct error *error);

/* Frees all attempts; after the writers have ended. */
void snapshots_free (struct snapshot *snapshots);

#endif
