/* SPDX-License-Identifier: Apache-2.0 */
/* A net under the use of secrets: while a connector's function has one, what
 * it logs on that thread is searched for it; and the copies that libraries have
 * made on that thread meanwhile are wiped when it returns.
 */

#ifndef EZCDC_PLUGIN_REVEAL_H
#define EZCDC_PLUGIN_REVEAL_H

#include <stddef.h>

#include <ezcdc/connector.h>

/* A connector's function on its way through secret_use; lives on the stack
 * of that call. */
struct reveal {
  ezcdc_secret_function function;
  void *context;
  const struct ezcdc_instance *instance;
  const char *option; /* whose value the secret is */
};

/* An ezcdc_secret_function; context is a struct reveal. Calls its function
 * and knows the secret meanwhile. */
int reveal_call (void *context, const char *data, size_t length);

/* Replaces the secret that this thread holds just now, if it holds one, in a
 * string, by asterisks. Secrets of fewer than four bytes are let through:
 * they would be found everywhere. */
void reveal_scrub (char *text);

#endif
