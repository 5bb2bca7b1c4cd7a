/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities that a connector declares, by name. */

#ifndef EZCDC_PLUGIN_CAPABILITIES_H
#define EZCDC_PLUGIN_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capability {
  uint64_t bit;     /* EZCDC_CAN_... or EZCDC_USES_... */
  const char *name; /* for programs and configuration */
  const char *text; /* for people: "it ..." */
  bool deniable;    /* an administrator may forbid it */
};

extern const struct capability capabilities[];
extern const size_t capability_count;

#endif
