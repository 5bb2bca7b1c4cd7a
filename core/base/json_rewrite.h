/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of somebody else's, written anew. */

#ifndef EZCDC_BASE_JSON_REWRITE_H
#define EZCDC_BASE_JSON_REWRITE_H

#include <stdbool.h>

#include "core/base/text.h"

/* Both read JSON and append it anew, in one line of printable ASCII, so that
 * nothing in it can end what it is put into, pretend to be a part of that, or
 * speak to a terminal. False if it is no JSON object, or array. */
bool json_rewrite_object (const char *json, struct text *text)
  __attribute__ ((nonnull));
bool json_rewrite_array (const char *json, struct text *text)
  __attribute__ ((nonnull));

#endif
