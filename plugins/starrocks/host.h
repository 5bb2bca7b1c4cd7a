/* SPDX-License-Identifier: Apache-2.0 */
/* The host's table of functions: the only global of the connector, set once
 * by its entry point and never changed. */
#ifndef STARROCKS_HOST_H
#define STARROCKS_HOST_H

#include <ezcdc/connector.h>

extern const struct ezcdc_host *host;

#endif /* STARROCKS_HOST_H */
