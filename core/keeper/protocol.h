/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between runner and keeper, one a packet.
 *
 *   u8 type | u8 number of fields | u16 zero | u32 serial | i32 number |
 *   for each field: u16 length | bytes
 *
 * Little-endian. A field has no NUL inside. The runner asks, the keeper
 * answers with the same serial, and one request waits at a time. Only to the
 * first and the last message there is no answer.
 */

#ifndef EZCDC_KEEPER_PROTOCOL_H
#define EZCDC_KEEPER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_MAX 16384u
#define MESSAGE_FIELDS_MAX 4

enum message_type {
  MESSAGE_OPEN = 1,  /* section, option, reason */
  MESSAGE_AUDIT = 2, /* action, resource id, outcome, detail */
  MESSAGE_OPENED =
    3, /* number: the value's length; a descriptor comes along */
  MESSAGE_WRITTEN = 4,   /* to "watch", number: 1 if names of files are seen */
  MESSAGE_REFUSED = 5,   /* number: EZCDC_E_...; a text for people */
  MESSAGE_WATCH = 6,     /* a descriptor comes along: watch.h. Once at most */
  MESSAGE_FILE = 7,      /* section, option; answered by "opened", 0 */
  MESSAGE_MEMORY = 8,    /* first, if at all: /proc/self/mem comes along */
  MESSAGE_DONE = 9,      /* last; number: the exit code that follows */
  MESSAGE_NEW_FILE = 10, /* answered by "opened", 0 */
};

/* A message that was read; its fields are strings in its own storage. */
struct message {
  enum message_type type;
  uint32_t serial;
  int32_t number;
  const char *fields[MESSAGE_FIELDS_MAX];
  char storage[MESSAGE_MAX];
};

/* Writes a message into buffer; fields that the type does not have are
 * ignored. Returns its length, or 0 if a field is too long for its type. */
size_t message_encode (enum message_type type, uint32_t serial, int32_t number,
                       const char *const fields[MESSAGE_FIELDS_MAX],
                       unsigned char buffer[MESSAGE_MAX])
  __attribute__ ((nonnull));

/* Reads a message, believing nothing. False if it is not exactly one. */
bool message_decode (const unsigned char *bytes, size_t length,
                     struct message *ret_message) __attribute__ ((nonnull));

/* Sends bytes, with a descriptor if it is not negative; it stays the
 * caller's. Does not wait. False with errno set on failure. */
bool message_send (int socket, const unsigned char *bytes, size_t length,
                   int descriptor) __attribute__ ((nonnull));

/* The same, but where the kernel has too many descriptors of this user on
 * their way between processes (ETOOMANYREFS), which any process of the user
 * can bring about, it waits for room: some seconds at most. Once the first
 * wait begins there is a warning. */
bool message_send_patiently (int socket, const unsigned char *bytes,
                             size_t length, int descriptor)
  __attribute__ ((nonnull));

/* What an errno of the two means, for people. */
const char *message_send_fault (int fault);

enum receipt {
  RECEIPT_MESSAGE,
  RECEIPT_NOTHING, /* nothing is there; waiting may help */
  RECEIPT_END,     /* the other side is gone */
  RECEIPT_INVALID, /* something that is no message came */
};

/* Receives one message. If ret_descriptor is NULL, descriptors are not taken
 * and a message that brings one is invalid; else it is set to the one that
 * came, which is the caller's, or to -1. Does not wait. */
enum receipt message_receive (int socket, struct message *ret_message,
                              int *ret_descriptor)
  __attribute__ ((nonnull (2)));

#endif
