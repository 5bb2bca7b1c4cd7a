/* SPDX-License-Identifier: Apache-2.0 */
/* The host's table of functions: the only global of the connector, set once
 * by its entry point and never changed. */
#ifndef STARROCKS_HOST_H
#define STARROCKS_HOST_H

#include <ezcdc/connector.h>

extern const struct ezcdc_host *host;

/* Tells the user what is waited for; NULL: it is over.  Older hosts have no
 * ear for it. */
static inline void
host_waits (struct ezcdc_instance *instance, const char *reason)
{
  if (EZCDC_HOST_HAS (host, waiting))
    host->waiting (instance, reason);
}

#endif /* STARROCKS_HOST_H */
