/* SPDX-License-Identifier: Apache-2.0 */
/* The root keys: one primary, which seals and opens, and others that only
 * open, so that keys can be changed while pipelines run. */

#ifndef EZCDC_CRYPTO_KEY_RING_H
#define EZCDC_CRYPTO_KEY_RING_H

#include <stddef.h>

#include "core/base/error.h"

#define KEY_SIZE 32
#define KEY_ID_SIZE 8
#define KEY_ID_TEXT_SIZE 17 /* 16 hexadecimal digits and a NUL */
#define KEY_RING_MAX 16

/* The keys lie in a secret page. A ring does not change once it is in use, so
 * any thread may read it. */
struct key_ring;

/* An empty ring, NULL on failure. */
struct key_ring *key_ring_new (struct error *error);
/* Wipes the keys. ring may be NULL. */
void key_ring_free (struct key_ring *ring);

/* Adds a key; the first one is the primary. A key that is in the ring already
 * stays where it is. */
int key_ring_add (struct key_ring *ring, const unsigned char key[KEY_SIZE],
                  struct error *error) __attribute__ ((nonnull (1, 2)));

/* The same from 64 hexadecimal digits, and weak keys are refused. origin says
 * in a message where the digits came from. Fails with EZCDC_E_CONFIG; the
 * message never holds any of the digits. */
int key_ring_add_digits (struct key_ring *ring, const char *digits,
                         size_t length, const char *origin,
                         struct error *error)
  __attribute__ ((nonnull (1, 2, 4)));

/* The same keys in the same order, NULL on failure. */
struct key_ring *key_ring_copy (const struct key_ring *ring,
                                struct error *error)
  __attribute__ ((nonnull (1)));

/* How many keys there are, and each of them; 0 is the primary. */
size_t key_ring_count (const struct key_ring *ring) __attribute__ ((nonnull));
const unsigned char *key_ring_key (const struct key_ring *ring, size_t index)
  __attribute__ ((nonnull));
const unsigned char *key_ring_id (const struct key_ring *ring, size_t index)
  __attribute__ ((nonnull));

/* The index of the key with that id, or -1. Takes the same time wherever it
 * is. */
int key_ring_find (const struct key_ring *ring,
                   const unsigned char id[KEY_ID_SIZE])
  __attribute__ ((nonnull));

/* The id as 16 hexadecimal digits. Ids are no secret. */
void key_id_text (const unsigned char id[KEY_ID_SIZE],
                  char ret_text[KEY_ID_TEXT_SIZE]) __attribute__ ((nonnull));

/* Why these bytes must not be a key, or NULL. */
const char *key_weakness (const unsigned char key[KEY_SIZE])
  __attribute__ ((nonnull));

#endif
