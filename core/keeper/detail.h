/* SPDX-License-Identifier: Apache-2.0 */
/* The detail of an audit record that a runner has asked for. */

#ifndef EZCDC_KEEPER_DETAIL_H
#define EZCDC_KEEPER_DETAIL_H

#include <stdbool.h>

#include "core/base/text.h"

/* Reads a JSON object and writes it anew, in one line of printable ASCII, so
 * that nothing in it can end the record or pretend to be a part of it. False
 * if it is no JSON object. */
bool detail_rewrite (const char *json, struct text *text)
  __attribute__ ((nonnull));

#endif
