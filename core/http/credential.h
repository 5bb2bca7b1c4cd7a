/* SPDX-License-Identifier: Apache-2.0 */
/* The value of an Authorization header, kept where secrets are kept. */

#ifndef EZCDC_HTTP_CREDENTIAL_H
#define EZCDC_HTTP_CREDENTIAL_H

#include <stdbool.h>

#include <ezcdc/connector.h>

#include "core/crypto/secret.h"

struct error;
struct http_services;

/* One credential, ready to be sent. Counted by its users; the last one wipes
 * it. Not for use by several threads without a lock. */
struct http_credential {
  struct secret secret; /* holds "Authorization: Basic ...", then a NUL */
  const struct ezcdc_sealed *sealed;
  char *user; /* owned */
  size_t password_length;
  unsigned users;
};

/* Opens the sealed password (NULL: it is empty) and makes the header. The
 * caller is its first user. Returns 0 or what open_sealed returned. */
int http_credential_open (const struct http_services *services,
                          const char *user,
                          const struct ezcdc_sealed *password,
                          struct http_credential **ret_credential,
                          struct error *error)
  __attribute__ ((nonnull (1, 2, 4, 5), warn_unused_result));

bool http_credential_matches (const struct http_credential *credential,
                              const char *user,
                              const struct ezcdc_sealed *password)
  __attribute__ ((nonnull (2)));

/* Replaces the header's value and the password in a string by asterisks, whole
 * or cut off behind their first eight bytes. Passwords of fewer than four bytes
 * are let through: they would be found everywhere. */
void http_credential_scrub (const struct http_credential *credential,
                            char *text) __attribute__ ((nonnull));

/* One user less. NULL is fine. */
void http_credential_release (struct http_credential *credential);

#endif
