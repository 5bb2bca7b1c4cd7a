/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client of an instance: its options, its services. */

#ifndef EZCDC_HTTP_INSTANCE_HTTP_H
#define EZCDC_HTTP_INSTANCE_HTTP_H

#include <stdint.h>

struct error;
struct ezcdc_http_request;
struct ezcdc_http_response;
struct ezcdc_instance;

/* After instance_tls_open, before instance_open. Does nothing for a connector
 * without EZCDC_USES_HTTP. */
int instance_http_open (struct ezcdc_instance *instance, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* After instance_close. Wipes the credential. */
void instance_http_close (struct ezcdc_instance *instance)
  __attribute__ ((nonnull));

/* Members of struct instance_services; context is not used. */
int instance_http_perform (void *context, struct ezcdc_instance *instance,
                           const struct ezcdc_http_request *request,
                           struct ezcdc_http_response *response,
                           struct error *error)
  __attribute__ ((nonnull (2, 3, 4, 5)));
int instance_http_allow (void *context, struct ezcdc_instance *instance,
                         const char *host, uint32_t port, struct error *error)
  __attribute__ ((nonnull (2, 3, 5)));
void instance_http_scrub (void *context, struct ezcdc_instance *instance,
                          char *text) __attribute__ ((nonnull (2, 3)));

#endif
