/* SPDX-License-Identifier: Apache-2.0 */
/* Reports every prerequisite. */

#ifndef POSTGRES_CHECK_H
#define POSTGRES_CHECK_H

#include "postgres.h"

/* The source's function. */
int postgres_check (void *self);

#endif /* POSTGRES_CHECK_H */
