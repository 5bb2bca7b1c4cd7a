/* SPDX-License-Identifier: Apache-2.0 */
/* Where the keys come from.
 *
 * The primary key, from exactly one of
 *   config-encryption-key         a file of that name in the folder that
 *                                 $CREDENTIALS_DIRECTORY names (systemd)
 *   CONFIG_ENCRYPTION_KEY_FILE    a path
 *   CONFIG_ENCRYPTION_KEY_COMMAND a program that prints the digits
 *   CONFIG_ENCRYPTION_KEY         the digits themselves
 *
 * Keys that only open, from any of
 *   config-encryption-keys-old, CONFIG_ENCRYPTION_KEYS_OLD_FILE,
 *   CONFIG_ENCRYPTION_KEYS_OLD_COMMAND, CONFIG_ENCRYPTION_KEYS_OLD
 *                                 a list, between commas or line ends
 */

#ifndef EZCDC_CRYPTO_KEY_SOURCE_H
#define EZCDC_CRYPTO_KEY_SOURCE_H

#include <stdbool.h>

#include "core/base/error.h"
#include "core/crypto/key_ring.h"

struct key_source;

/* Takes the keys and paths out of the environment of this process and
 * overwrites the keys there, every duplicate too. Call it once, before any
 * thread, fork or foreign code. NULL on failure; the environment is wiped
 * even so. */
struct key_source *key_source_take (struct error *error);

/* Wipes and frees. source may be NULL. */
void key_source_free (struct key_source *source);

/* Makes a ring of what the sources hold now: files are read and programs are
 * run anew each time, so that keys can be changed while a pipeline runs. NULL
 * on failure, with EZCDC_E_CONFIG if a key is missing, malformed or weak. */
struct key_ring *key_source_load (const struct key_source *source,
                                  struct error *error)
  __attribute__ ((nonnull (1)));

/* Whether there is a source of a primary key at all. */
bool key_source_is_given (const struct key_source *source)
  __attribute__ ((nonnull));

/* The paths of files that keys are read from; NULL for those that are not
 * given. They live as long as the source. */
#define KEY_SOURCE_FILES 4
void key_source_files (const struct key_source *source,
                       const char *ret_paths[KEY_SOURCE_FILES])
  __attribute__ ((nonnull));

/* Adds the key that a file holds, as strictly as that of
 * CONFIG_ENCRYPTION_KEY_FILE is read. */
int key_file_add (struct key_ring *ring, const char *path, struct error *error)
  __attribute__ ((nonnull (1, 2)));

/* Take and load at once, for commands that need the ring a single time. */
struct key_ring *key_ring_from_environment (struct error *error);

#endif
