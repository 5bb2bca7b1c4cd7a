/* SPDX-License-Identifier: Apache-2.0 */
/* The connector's options. */

#ifndef POSTGRES_OPTIONS_H
#define POSTGRES_OPTIONS_H

#include "postgres.h"

#define POSTGRES_OPTION_COUNT 14
extern const struct ezcdc_option postgres_options[POSTGRES_OPTION_COUNT];

/* Fills self from the instance's options. */
int options_read (struct postgres *self);

#endif /* POSTGRES_OPTIONS_H */
