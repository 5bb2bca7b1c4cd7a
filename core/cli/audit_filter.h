/* SPDX-License-Identifier: Apache-2.0 */
/* Which records "ezcdc audit show" is asked for. */

#ifndef EZCDC_CLI_AUDIT_FILTER_H
#define EZCDC_CLI_AUDIT_FILTER_H

#include <stdbool.h>

#include <jansson.h>

#include "core/base/error.h"

/* Room for "2026-01-31T23:59:59.123456" and the NUL. */
#define AUDIT_TIME_SIZE 27

struct audit_filter {
  /* As they were asked for, strings of argv; NULL: not asked for. */
  const char *since;
  const char *until;
  const char *action;
  const char *outcome;
  const char *resource;
  /* since and until as records have times, by audit_filter_check. */
  char first[AUDIT_TIME_SIZE];
  char end[AUDIT_TIME_SIZE];
};

/* A record's string of that name, "" if there is none. */
const char *audit_record_word (const json_t *record, const char *name)
  __attribute__ ((nonnull));

/* Where the value of an option goes; NULL if the filter has no such option. */
const char **audit_filter_place (struct audit_filter *filter,
                                 const char *option) __attribute__ ((nonnull));

/* Has to come before audit_filter_fits. Refuses what no record can fit: to
 * show nothing would say that nothing has happened. */
int audit_filter_check (struct audit_filter *filter, struct error *error)
  __attribute__ ((nonnull (1)));

bool audit_filter_fits (const struct audit_filter *filter,
                        const json_t *record) __attribute__ ((nonnull));

#endif
