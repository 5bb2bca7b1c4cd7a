/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes of where an audit log stood, to be kept elsewhere.
 *
 *   {"v":1,"checkpoint":"audit","log":"/path","seq":7,"mac":"64 digits",
 *    "timestamp":"...","key_id":"16 digits","public_key":"64 digits",
 *    "signature":"128 digits"}
 *
 * seq and mac are those of the last record. The signature is Ed25519, over
 * the line's bytes before ,"signature":" . The private key is
 *   HKDF-SHA256 (root key, 32 zero bytes, "ezcdc/v1/audit/checkpoint");
 * key_id names the root key. A log that ends before a checkpoint was cut, and
 * one that has another record there was written anew.
 */

#ifndef EZCDC_AUDIT_CHECKPOINT_H
#define EZCDC_AUDIT_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/audit/chain.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/crypto/key_ring.h"

#define PUBLIC_KEY_TEXT_SIZE 65 /* 64 hexadecimal digits and a NUL */

/* The public key that belongs to a key of the ring. */
int audit_public_key (const struct key_ring *ring, size_t index,
                      char ret_digits[PUBLIC_KEY_TEXT_SIZE],
                      struct error *error) __attribute__ ((nonnull (1, 3)));

/* Appends a checkpoint of that place, signed under the ring's primary key,
 * with a line end. */
int audit_checkpoint_sign (const struct key_ring *ring, const char *log_path,
                           const struct audit_place *place, struct text *line,
                           struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4)));

struct audit_checkpoint {
  uint64_t seq;
  char mac[AUDIT_MAC_TEXT_SIZE];
};

/* Checkpoints in the order of seq; begins as { 0 }. */
struct audit_checkpoints {
  struct audit_checkpoint *list; /* owned */
  size_t count;
  size_t capacity;
};

void audit_checkpoints_free (struct audit_checkpoints *checkpoints)
  __attribute__ ((nonnull));

/* Reads a file of checkpoints, one a line. Each has to be signed by a key of
 * the ring or by one of public_keys, which ends with NULL. EZCDC_E_CONFIG if
 * the file cannot be read or a signing key is not known, EZCDC_E_OPERATOR if a
 * checkpoint is not genuine. */
int audit_checkpoints_read (struct audit_checkpoints *checkpoints,
                            const char *path, const struct key_ring *ring,
                            const char *const *public_keys,
                            struct error *error)
  __attribute__ ((nonnull (1, 2, 3, 4)));

#endif
