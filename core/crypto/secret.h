/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets: pages of their own between two guard pages, out of core
 * dumps, never swapped, wiped before they are given back.
 *
 * Where the kernel has memfd_secret the pages are outside of its own map too,
 * so that neither /proc/PID/mem nor a debugger of root reads them. Elsewhere
 * they are locked anonymous pages.
 */

#ifndef EZCDC_CRYPTO_SECRET_H
#define EZCDC_CRYPTO_SECRET_H

#include <stddef.h>

#include "core/base/error.h"

/* Begins as { 0 }. Owns its pages, which secret_free wipes and gives back. */
struct secret {
  unsigned char *data; /* capacity bytes, zero at first */
  size_t capacity;     /* what was asked for, or more */
  void *region;        /* the pages with their guards */
  size_t region_length;
};

#define CLEANUP_SECRET __attribute__ ((cleanup (secret_free)))

/* Makes pages for at least capacity bytes. Returns 0 or EZCDC_E_MEMORY. */
int secret_create (struct secret *secret, size_t capacity, struct error *error)
  __attribute__ ((nonnull (1)));

/* Wipes the pages and unmaps them; secret is { 0 } again. */
void secret_free (struct secret *secret) __attribute__ ((nonnull));

/* Makes a descriptor whose pages hold length bytes and a NUL, to be sent to
 * another process. *ret_descriptor is the caller's. */
int secret_send_prepare (const void *data, size_t length, int *ret_descriptor,
                         struct error *error) __attribute__ ((nonnull (1, 3)));

/* Maps a descriptor made by secret_send_prepare in another process. The
 * descriptor stays the caller's and can be closed at once. */
int secret_receive (int descriptor, size_t length, struct secret *secret,
                    struct error *error) __attribute__ ((nonnull (3)));

/* The poorest protection that any secret of this process has had. */
enum secret_protection {
  SECRET_HIDDEN,   /* memfd_secret */
  SECRET_LOCKED,   /* locked in memory, out of core dumps */
  SECRET_UNLOCKED, /* out of core dumps, but it may be swapped: RLIMIT_MEMLOCK
                      is too small */
};
enum secret_protection secret_protection (void);

/* For tests: do as if the kernel had no memfd_secret. */
void secret_refuse_hidden (void);

#endif
