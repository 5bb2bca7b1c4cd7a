/* SPDX-License-Identifier: Apache-2.0 */
/* How much may be written into the audit log of a run. */

#include <config.h>

#include "core/keeper/budget.h"

#define SECOND INT64_C (1000000)

void
budget_spend (struct budget *budget, size_t bytes, int64_t now)
{
  int64_t seconds = (now - budget->since) / SECOND;

  budget->since += seconds * SECOND;
  budget->spent -= seconds * BUDGET_BYTES_A_SECOND;
  if (budget->spent < 0)
    budget->spent = 0;
  budget->spent += (int64_t) bytes;
}

bool
budget_is_overspent (const struct budget *budget)
{
  return budget->spent > BUDGET_BYTES;
}
