/* SPDX-License-Identifier: Apache-2.0 */
/* The copies that libraries make of a secret which they are lent. */

#ifndef EZCDC_PLUGIN_COPIES_H
#define EZCDC_PLUGIN_COPIES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/allocations.h"

struct option_set;

/* Whether the bytes of a secret can stand for nothing else: twenty at least,
 * or eight of two kinds (letters, digits, others), and not part of what another
 * option of its section says. What is wiped as a copy of "database" might be a
 * word of a library's own. */
bool copies_are_certain (const struct option_set *options, const char *secret,
                         size_t length);

/* Ends the record, and wipes a secret that is certain in the blocks that are
 * still there: as it is, and as SASLprep makes it, if that is certain, too;
 * either also in the base64 text of something that it is part of, as
 * "user:secret". Returns whether it can say so of all blocks. */
bool copies_wipe (struct allocations *record, const struct option_set *options,
                  const char *secret, size_t length)
  __attribute__ ((nonnull (2, 3)));

#endif
