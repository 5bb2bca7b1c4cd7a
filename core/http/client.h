/* SPDX-License-Identifier: Apache-2.0 */
/* What a client consists of; for its own files. */

#ifndef EZCDC_HTTP_CLIENT_H
#define EZCDC_HTTP_CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/http/target.h"

struct error;
struct http_credential;
struct http_services;
struct http_session;
struct tls_parameters;

#define IDLE_SESSIONS_MAX 16

struct idle_session {
  struct http_session *session;
  uint64_t generation; /* of the certificates it has read */
};

struct http_client {
  const struct http_services *services;
  const struct tls_parameters *tls; /* or NULL */
  char *section;                    /* owned */
  bool plaintext_allowed;
  int interrupt_descriptor;

  /* Guards what follows; held while a credential is opened, so that it is
   * opened once for all threads, and never during an exchange. */
  pthread_mutex_t lock;
  struct idle_session idle[IDLE_SESSIONS_MAX];
  size_t idle_count;
  struct http_place *places; /* owned; where redirects may lead */
  size_t place_count;
  size_t place_capacity;
  struct http_credential *credential; /* the last one, or NULL */
  bool plaintext_reported;
};

/* Whether the configuration lets rows and password cross a network in the
 * clear. */
bool http_client_may_be_plain (const struct http_client *client)
  __attribute__ ((nonnull));

/* Sets the target to where its answer's location leads, if a request that
 * went to the origin first may go there; else writes an audit record.
 * EZCDC_E_CONFIG if it may not. */
int http_client_follow (struct http_client *client,
                        const struct http_target *origin,
                        struct http_target *target, const char *location,
                        struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

#endif
