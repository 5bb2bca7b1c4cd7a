/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities that a connector declares, by name. */

#include <config.h>

#include <ezcdc/connector.h>

#include "core/plugin/capabilities.h"

const struct capability capabilities[] = {
  { EZCDC_CAN_REVEAL, "reveal", "sees secrets", true },
  { EZCDC_CAN_NETWORK, "network", "opens connections of its own", true },
  { EZCDC_CAN_TLS, "tls", "runs TLS by itself", true },
  { EZCDC_CAN_THREADS, "threads", "starts threads", true },
  { EZCDC_CAN_FILES, "files", "writes files", true },
  { EZCDC_CAN_LOG, "log", "takes every change in commit order", false },
  { EZCDC_CAN_PARTIAL, "partial", "keeps values that did not change", false },
  { EZCDC_USES_TLS, "uses_tls", "has the TLS options", false },
  { EZCDC_USES_HTTP, "uses_http", "sends HTTP requests through ezcdc", false },
};
const size_t capability_count = sizeof capabilities / sizeof capabilities[0];
