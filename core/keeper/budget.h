/* SPDX-License-Identifier: Apache-2.0 */
/* How much may be written into the audit log of a run.
 *
 * A runner has records written, of what it does and of credentials that it asks
 * for. One that is hostile would have so many written that the disk is full,
 * and then no pipeline whose log lies there opens a credential.
 */

#ifndef EZCDC_KEEPER_BUDGET_H
#define EZCDC_KEEPER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At once: some 30,000 records, one for each table of a large pipeline many
 * times over; and what comes back with each second: 56 MiB an hour. */
#define BUDGET_BYTES (16 * INT64_C (1048576))
#define BUDGET_BYTES_A_SECOND (16 * INT64_C (1024))

/* Begins as { 0 }. Of the keeper, not of a runner: the next one has no more. */
struct budget {
  int64_t spent; /* bytes */
  int64_t since; /* clock_monotonic, up to which they have come back */
};

void budget_spend (struct budget *budget, size_t bytes, int64_t now)
  __attribute__ ((nonnull));

/* Whether it was too much. */
bool budget_is_overspent (const struct budget *budget)
  __attribute__ ((nonnull));

#endif
