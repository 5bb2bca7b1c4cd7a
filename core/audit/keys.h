/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that chains of audit logs are under. */

#ifndef EZCDC_AUDIT_KEYS_H
#define EZCDC_AUDIT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/crypto/key_ring.h"

#define AUDIT_MAC_TEXT_SIZE 65 /* 64 hexadecimal digits and a NUL */

/* No chain goes beyond this epoch: its writer then stays in it. It bounds the
 * work that a forged line can ask for. */
#define AUDIT_EPOCH_MAX UINT64_C (1000000)

/* audit.ratcheted at the end of an epoch: once its key is forgotten, the mac
 * cannot be checked, but it has to be the same. */
struct audit_closing {
  uint64_t seq; /* 0: not known */
  char mac[AUDIT_MAC_TEXT_SIZE];
};

/* The chain keys of a ring, in the same order, and behind them those that
 * were found in a log or beside it; in a secret page. A key has the id of the
 * root key that it was derived from.
 *
 * A chain key stands for all keys that follow from it: that of an epoch is
 * derived from that of the epoch before, and there is no way back. Of most
 * keys that of epoch 0 is known, and so are all; of one whose root key was
 * given away only the present one and those to come. */
struct audit_keys;

/* NULL on failure. The ring is not kept. */
struct audit_keys *audit_keys_new (const struct key_ring *ring,
                                   struct error *error)
  __attribute__ ((nonnull (1)));
void audit_keys_free (struct audit_keys *keys);

/* The id of the root key, as 16 digits. */
const char *audit_keys_id (const struct audit_keys *keys, size_t index)
  __attribute__ ((nonnull));
/* The index of the key with that id (16 digits), or -1. */
int audit_keys_find (const struct audit_keys *keys, const char *id)
  __attribute__ ((nonnull));
size_t audit_keys_count (const struct audit_keys *keys)
  __attribute__ ((nonnull));

/* Whether the key of that epoch can be had. */
bool audit_keys_reach (const struct audit_keys *keys, size_t index,
                       uint64_t epoch) __attribute__ ((nonnull));

/* The mac of a line's bytes before ,"mac":" as digits, under the key of an
 * epoch that can be had. False only if memory is out. */
bool audit_mac (struct audit_keys *keys, size_t index, uint64_t epoch,
                const char *data, size_t length,
                char ret_mac[AUDIT_MAC_TEXT_SIZE])
  __attribute__ ((nonnull, warn_unused_result));

/* Takes up the chain key of an epoch, DIGEST_SIZE bytes, whose root key was
 * given away, and what closed the epoch before. One with that id is passed
 * over: it is known from its root. */
int audit_keys_import (struct audit_keys *keys, const char *id, uint64_t epoch,
                       const struct audit_closing *closing,
                       const unsigned char *key, struct error *error)
  __attribute__ ((nonnull (1, 2, 4, 5)));
/* Whether the key of that index is such a key; no is the answer for -1. */
bool audit_keys_is_given (const struct audit_keys *keys, int index)
  __attribute__ ((nonnull));
/* Whether there is such a key. */
bool audit_keys_have_given (const struct audit_keys *keys)
  __attribute__ ((nonnull));
/* Forgets such a key as it was before an epoch that can be had, but not what
 * closed the one before. */
bool audit_keys_forget (struct audit_keys *keys, size_t index, uint64_t epoch,
                        const struct audit_closing *closing)
  __attribute__ ((nonnull, warn_unused_result));
/* The earliest epoch whose key is known, and that key. */
const unsigned char *audit_keys_first (const struct audit_keys *keys,
                                       size_t index, uint64_t *ret_epoch)
  __attribute__ ((nonnull));
/* What closed the epoch before that one. */
const struct audit_closing *audit_keys_closing (const struct audit_keys *keys,
                                                size_t index)
  __attribute__ ((nonnull));

/* Takes up the chain keys that the records of a log carry and a key of the
 * ring opens; *keys was made from the same ring. Reads the whole file, whether
 * its chain is in order or not: what opens is genuine. */
int audit_keys_learn (struct audit_keys *keys, const struct key_ring *ring,
                      int descriptor, const char *path, struct error *error)
  __attribute__ ((nonnull (1, 2, 4)));

/* Writes "chains": the keys that were learned from a log, and the one with
 * that index, sealed under the ring's primary key. */
int audit_keys_describe (const struct audit_keys *keys,
                         const struct key_ring *ring, size_t index,
                         struct json *json, struct error *error)
  __attribute__ ((nonnull (1, 2, 4)));

#endif
