/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS parameters of an instance: its options, its services. */

#ifndef EZCDC_TLS_INSTANCE_TLS_H
#define EZCDC_TLS_INSTANCE_TLS_H

struct error;
struct ezcdc_instance;
struct tls_parameters;

/* Between instance_new and instance_open: sets instance->tls. Does nothing
 * for a connector without EZCDC_USES_TLS. Returns as tls_parameters_load. */
int instance_tls_open (struct ezcdc_instance *instance, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* SIGHUP: reads the certificates again and writes an audit record,
 * "tls.reloaded" or "tls.reload_rejected". On failure the old ones stay in
 * use. From one thread at a time. */
int instance_tls_reload (struct ezcdc_instance *instance, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* After instance_close and instance_http_close. */
void instance_tls_close (struct ezcdc_instance *instance)
  __attribute__ ((nonnull));

/* NULL if there are none. */
const struct tls_parameters *instance_tls_parameters (
  const struct ezcdc_instance *instance) __attribute__ ((nonnull));

#endif
