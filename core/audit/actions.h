/* SPDX-License-Identifier: Apache-2.0 */
/* All actions that an audit record can name, in one table. */

#ifndef EZCDC_AUDIT_ACTIONS_H
#define EZCDC_AUDIT_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct audit_action {
  const char *name;    /* RESOURCE.PAST_PARTICIPLE */
  bool runner;         /* a runner may ask for it; the others are the
                          keeper's and the commands' own */
  const char *meaning; /* one line for the manual page */
};

/* The table, sorted by name; ends with a NULL name. */
extern const struct audit_action audit_actions[];

/* The entry of that name, or NULL. */
const struct audit_action *audit_action_find (const char *name)
  __attribute__ ((nonnull));

/* The name in the table that was meant by name, or NULL. */
const char *audit_action_nearest (const char *name) __attribute__ ((nonnull));

#endif
