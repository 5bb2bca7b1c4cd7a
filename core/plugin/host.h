/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions that every connector is given. */

#ifndef EZCDC_PLUGIN_HOST_H
#define EZCDC_PLUGIN_HOST_H

#include <ezcdc/connector.h>

/* Constant; the same for all connectors and instances. */
extern const struct ezcdc_host host_table;

#endif
