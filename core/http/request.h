/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a connector's request is one that may be sent at all. */

#ifndef EZCDC_HTTP_REQUEST_H
#define EZCDC_HTTP_REQUEST_H

#include <ezcdc/connector.h>

struct error;

/* Nothing may slip a line of its own into a request, or a header that is the
 * core's to write. Returns EZCDC_OK or EZCDC_E_BUG. */
int http_request_check (const struct ezcdc_http_request *request,
                        struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

#endif
