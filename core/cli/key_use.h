/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys the sealed values of configuration files need. */

#ifndef EZCDC_CLI_KEY_USE_H
#define EZCDC_CLI_KEY_USE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/crypto/key_ring.h"

/* How many values are under each key; begins as { 0 }. */
struct key_use {
  size_t under[KEY_RING_MAX]; /* by the key's index in the ring */
  size_t under_missing;       /* under keys that are not in the ring */
};

/* Called for each sealed value, with the id of the key that it is under and
 * the key's index in the ring, -1 if it is not there. */
typedef void key_use_visit (void *context, const struct ini *ini,
                            const struct ini_section *section,
                            const struct ini_key *key,
                            const unsigned char id[KEY_ID_SIZE], int index);

/* Adds the values of a file; nothing is opened. A sealed value that is
 * damaged so far that its key cannot be told is an error, as the key that it
 * needs might be any. */
int key_use_count (const struct ini *ini, const struct key_ring *ring,
                   key_use_visit *visit, void *context, struct key_use *use,
                   struct error *error) __attribute__ ((nonnull (1, 2, 3, 5)));

/* ezcdc key status [--json] FILE... and ezcdc key retire ID FILE...; they
 * return exit codes. */
int key_status (char **paths, bool json);
int key_retire (const char *id, char **paths);

#endif
