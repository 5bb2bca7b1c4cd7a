/* SPDX-License-Identifier: Apache-2.0 */
/* The starrocks connector: its entry point. */

#include <stddef.h>

__attribute__ ((visibility ("default"))) const void *
ezcdc_connector_v1 (const void *host);

const void *
ezcdc_connector_v1 (const void *host)
{
  (void) host;
  return NULL;
}
