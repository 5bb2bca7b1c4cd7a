/* SPDX-License-Identifier: Apache-2.0 */
/* Why an exchange has failed. */

#ifndef EZCDC_HTTP_FAILURE_H
#define EZCDC_HTTP_FAILURE_H

#include "core/http/progress.h"

/* Says it, and what is to be done, in words and by the result. */
int failure_explain (const struct progress *progress, CURLcode code,
                     struct error *error) __attribute__ ((nonnull (1)));

#endif
