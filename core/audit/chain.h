/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of an audit log: what a line looks like and how it hangs on the
 * line before it.
 *
 *   {"v":1,"seq":7,"timestamp":"...","action":"...","user_id":"...",
 *    "resource_id":"...","ip_address":"...","outcome":"...","detail":{...},
 *    "epoch":0,"prev":"64 digits","mac":"64 digits"}
 *
 * mac is the HMAC-SHA256 of the line's bytes before ,"mac":" under the chain's
 * key in that epoch; prev is the mac of the line before, zeros for the first.
 * The key of epoch 0 is
 *   HKDF-SHA256 (root key, 32 zero bytes, "ezcdc/v1/audit/epoch0"),
 * that of a later one
 *   HKDF-SHA256 (key of the epoch before, 32 zero bytes,
 *                "ezcdc/v1/audit/ratchet").
 *
 * audit.ratcheted is the last record of an epoch, and the only way into the
 * next. So who has got hold of the key of an epoch can do nothing about what
 * was written before it: the record that closed the epoch before is missing
 * if more is cut off, and the keys that were before cannot be derived. A log
 * of one endless epoch 0, as an earlier version wrote it, is a chain as well.
 *
 * The first line of a log is audit.opened; its detail begins with the id of
 * the root key. After audit.rekeyed, which is still under the key before it,
 * the chain goes on under the key whose id its detail begins with. A log that
 * goes on where a file ended that was moved away begins with audit.opened,
 * too, and with that file's next seq and last mac.
 *
 * So that the former key need not be kept for ever, audit.rekeyed carries the
 * chain keys that the log was under, sealed under the new root key, in
 * "chains" of its detail: who has the newest root key can verify all of the
 * log. audit.bridged carries the same for a key that the chain is to go over
 * to later, because a process that knows only the older key is still running.
 * Each key has its own epochs, from 0.
 */

#ifndef EZCDC_AUDIT_CHAIN_H
#define EZCDC_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/audit/keys.h"
#include "core/base/clock.h"

/* No record is longer than this, with its line end. */
#define AUDIT_LINE_MAX 65536u

/* ---- One line ---------------------------------------------------------- */

/* The parts of a line that the chain needs; all point into it. */
struct audit_line {
  uint64_t seq;
  const char *timestamp; /* timestamp_length bytes */
  size_t timestamp_length;
  const char *action; /* action_length bytes */
  size_t action_length;
  const char *key_id; /* 16 digits at the start of detail; NULL if none */
  const char *prev;   /* 64 digits */
  const char *mac;    /* 64 digits */
  uint64_t epoch;
  size_t body_length; /* bytes of the line that mac covers */
};

/* Takes a line apart, without its line end. False if it is none of ours. */
bool audit_line_parse (const char *line, size_t length,
                       struct audit_line *ret_line) __attribute__ ((nonnull));

/* ---- The place in a chain ---------------------------------------------- */

/* Where a chain stands after its last line; begins as { 0 }. */
struct audit_place {
  bool begun;        /* false before the first line */
  uint64_t next_seq; /* of the line to come */
  char prev[AUDIT_MAC_TEXT_SIZE];
  char timestamp[CLOCK_TEXT_SIZE]; /* of the last line */
  int key; /* the key of the line to come; -1 if it is not in the ring */
  char key_id[KEY_ID_TEXT_SIZE]; /* its root key */
  uint64_t epoch;                /* of the line to come */
  uint64_t epoch_seq; /* the first line of the epoch, or the first one seen */
  struct audit_closing closing; /* the record before the epoch, if seen */
};

enum audit_fault {
  AUDIT_FINE,
  AUDIT_FORM,      /* no audit record */
  AUDIT_KEY,       /* the chain's key is not in the ring */
  AUDIT_FORGOTTEN, /* the key of its epoch was forgotten here */
  AUDIT_MAC,       /* changed, or made by somebody without the key */
  AUDIT_BEGINNING, /* the lines before the first one are missing */
  AUDIT_MISSING,   /* one or more records before it were removed */
  AUDIT_ORDER,     /* it stands too late: moved, or there twice */
  AUDIT_PREV,      /* it belongs to another chain */
  AUDIT_TIME,      /* it is older than the record before it */
  AUDIT_EPOCH,     /* its epoch is not the one that it stands in */
  AUDIT_REWRITTEN, /* it is not the record that a checkpoint names */
  AUDIT_CUT,       /* the log ends before a checkpoint */
  AUDIT_EMPTY,     /* there is no record at all */
  AUDIT_RESOURCES, /* out of memory */
};

/* One line for people, for example "it was changed". */
const char *audit_fault_text (enum audit_fault fault);

/* Checks that a line (without its end) is the next one and goes on to it. On
 * a fault the place is unchanged. */
enum audit_fault audit_place_advance (struct audit_place *place,
                                      struct audit_keys *keys,
                                      const char *line, size_t length)
  __attribute__ ((nonnull, warn_unused_result));

/* Goes to the place behind a line whose predecessor is not known: the last
 * one of a log that exists already. AUDIT_FINE, AUDIT_FORM, AUDIT_KEY (no key
 * of the ring verifies it), AUDIT_FORGOTTEN or AUDIT_RESOURCES. */
enum audit_fault audit_place_enter (struct audit_place *place,
                                    struct audit_keys *keys, const char *line,
                                    size_t length)
  __attribute__ ((nonnull, warn_unused_result));

#endif
