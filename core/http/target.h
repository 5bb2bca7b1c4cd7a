/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes: a checked URL, and where a redirect may lead. */

#ifndef EZCDC_HTTP_TARGET_H
#define EZCDC_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define HTTP_HOST_MAX 256

/* A host and a port in one spelling: lower case, no brackets, no dot at the
 * end, an address as inet_ntop writes it. */
struct http_place {
  char host[HTTP_HOST_MAX];
  uint32_t port;
};

/* Begins as { 0 }; http_target_clear gives the texts back. */
struct http_target {
  char *url;         /* without user information and fragment */
  char *description; /* "https://fe.example.com:8443/api/shop": no query,
                        and no path if a server chose it */
  struct http_place place;
  bool https;
  bool loopback; /* the host is this machine by its name or address */
};

#define CLEANUP_TARGET __attribute__ ((cleanup (http_target_clear)))

/* Returns 0 or EZCDC_E_CONFIG. */
int http_place_set (const char *host, uint32_t port,
                    struct http_place *ret_place, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));
/* Whether a host is this machine by its name or address. */
bool http_host_is_loopback (const char *host) __attribute__ ((nonnull));
bool http_place_equal (const struct http_place *a, const struct http_place *b)
  __attribute__ ((nonnull));

/* Reads an absolute URL. http and https only; a user name, a password or a
 * fragment in it is refused. Returns 0, EZCDC_E_CONFIG or EZCDC_E_MEMORY. */
int http_target_parse (const char *url, struct http_target *ret_target,
                       struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* Where a Location header leads from a target. User information in it is
 * dropped. Results as above. */
int http_target_resolve (const struct http_target *from, const char *location,
                         struct http_target *ret_target, struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* The same target on another host. */
int http_target_move (struct http_target *target, const char *host,
                      struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

void http_target_clear (struct http_target *target) __attribute__ ((nonnull));

#endif
