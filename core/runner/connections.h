/* SPDX-License-Identifier: Apache-2.0 */
/* What was negotiated with each peer: for log, audit and status. */

#ifndef EZCDC_RUNNER_CONNECTIONS_H
#define EZCDC_RUNNER_CONNECTIONS_H

#include <stddef.h>

struct assembly;
struct ezcdc_instance;
struct text;

/* A connection was made; see tls_peer of struct ezcdc_host. context is the
 * assembly. From any thread. */
void connections_note (void *context, struct ezcdc_instance *instance,
                       const char *peer, const char *version,
                       const char *cipher, const void *certificate,
                       size_t length);

/* Warns, once for each, of certificates that have come to expire soon since
 * their connection was made. From one thread, now and then. */
void connections_watch (struct assembly *assembly);

/* Appends them as a JSON array of not much more than size bytes. */
void connections_print (struct assembly *assembly, struct text *text,
                        size_t size);

#endif
