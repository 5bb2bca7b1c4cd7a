/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between runner and keeper. */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/keeper/protocol.h"

#define HEADER_LENGTH 12

/* What fields a type has, and how long each may be. */
struct shape {
  unsigned count;
  size_t limits[MESSAGE_FIELDS_MAX];
};

/* NULL for what is no type. */
static const struct shape *
shape_of (unsigned type)
{
  static const struct shape open = { 3, { 16, 64, 64 } };
  static const struct shape file = { 2, { 16, 64 } };
  static const struct shape audit = { 4, { 64, 4096, 16, 8192 } };
  static const struct shape none = { 0, { 0 } };
  static const struct shape refused = { 1, { 1024 } };

  switch (type) {
  case MESSAGE_OPEN:
    return &open;
  case MESSAGE_FILE:
    return &file;
  case MESSAGE_AUDIT:
    return &audit;
  case MESSAGE_OPENED:
  case MESSAGE_WRITTEN:
  case MESSAGE_WATCH:
  case MESSAGE_MEMORY:
  case MESSAGE_DONE:
  case MESSAGE_NEW_FILE:
    return &none;
  case MESSAGE_REFUSED:
    return &refused;
  default:
    return NULL;
  }
}

static void
put_u32 (unsigned char *at, uint32_t value)
{
  for (int i = 0; i < 4; i++)
    at[i] = (unsigned char) (value >> (8 * i) & 0xff);
}

static uint32_t
get_u32 (const unsigned char *at)
{
  return (uint32_t) at[0] | (uint32_t) at[1] << 8 | (uint32_t) at[2] << 16
         | (uint32_t) at[3] << 24;
}

size_t
message_encode (enum message_type type, uint32_t serial, int32_t number,
                const char *const fields[MESSAGE_FIELDS_MAX],
                unsigned char buffer[MESSAGE_MAX])
{
  const struct shape *shape = shape_of (type);
  size_t at = HEADER_LENGTH;

  if (shape == NULL)
    return 0;
  buffer[0] = (unsigned char) type;
  buffer[1] = (unsigned char) shape->count;
  buffer[2] = buffer[3] = 0;
  put_u32 (buffer + 4, serial);
  put_u32 (buffer + 8, (uint32_t) number);
  for (unsigned i = 0; i < shape->count; i++) {
    size_t length = strlen (fields[i]);
    if (length > shape->limits[i])
      return 0;
    buffer[at++] = (unsigned char) (length & 0xff);
    buffer[at++] = (unsigned char) (length >> 8);
    memcpy (buffer + at, fields[i], length);
    at += length;
  }
  return at;
}

/* One field from *at on, as a string into *storage; both move on. */
static bool
take_field (const unsigned char **at, const unsigned char *end, size_t limit,
            char **storage)
{
  if (end - *at < 2)
    return false;
  size_t length = (size_t) (*at)[0] | (size_t) (*at)[1] << 8;
  *at += 2;
  if (length > limit || length > (size_t) (end - *at)
      || memchr (*at, '\0', length) != NULL)
    return false;
  memcpy (*storage, *at, length);
  (*storage)[length] = '\0';
  *storage += length + 1;
  *at += length;
  return true;
}

bool
message_decode (const unsigned char *bytes, size_t length,
                struct message *ret_message)
{
  const unsigned char *at = bytes + HEADER_LENGTH;
  const unsigned char *end = bytes + length;
  char *storage = ret_message->storage;

  if (length < HEADER_LENGTH || length > MESSAGE_MAX || bytes[2] != 0
      || bytes[3] != 0)
    return false;
  const struct shape *shape = shape_of (bytes[0]);
  if (shape == NULL || bytes[1] != shape->count)
    return false;
  /* A field takes two bytes on the wire and one more in storage, so what fits
   * there fits here. */
  for (unsigned i = 0; i < shape->count; i++) {
    ret_message->fields[i] = storage;
    if (!take_field (&at, end, shape->limits[i], &storage))
      return false;
  }
  if (at != end)
    return false;
  ret_message->type = (enum message_type) bytes[0];
  ret_message->serial = get_u32 (bytes + 4);
  ret_message->number = (int32_t) get_u32 (bytes + 8);
  return true;
}

/* ---- On the socket ----------------------------------------------------- */

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
  struct cmsghdr header;
  char room[CMSG_SPACE (sizeof (int))];
};

bool
message_send (int socket, const unsigned char *bytes, size_t length,
              int descriptor)
{
  struct iovec part = { .iov_base = (void *) bytes, .iov_len = length };
  struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
  union control control = { 0 };

  if (descriptor >= 0) {
    packet.msg_control = &control;
    packet.msg_controllen = sizeof control.room;
    struct cmsghdr *header = CMSG_FIRSTHDR (&packet);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN (sizeof descriptor);
    memcpy (CMSG_DATA (header), &descriptor, sizeof descriptor);
  }
  ssize_t sent;
  do
    sent = sendmsg (socket, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent == (ssize_t) length;
}

#define CROWDED                                                               \
  "too many files of this user are on their way between processes, which a "  \
  "single process can bring about: give each pipeline a user of its own "     \
  "(ezcdc-security(7))"

const char *
message_send_fault (int fault)
{
  return fault == ETOOMANYREFS ? CROWDED : strerror (fault);
}

/* Milliseconds: 10, 20, 40 ... together 5 s. */
#define FIRST_WAIT 10
#define LAST_WAIT 2560

bool
message_send_patiently (int socket, const unsigned char *bytes, size_t length,
                        int descriptor)
{
  bool sent = message_send (socket, bytes, length, descriptor);

  for (int wait = FIRST_WAIT;
       !sent && errno == ETOOMANYREFS && wait <= LAST_WAIT; wait *= 2) {
    if (wait == FIRST_WAIT)
      log_message (LEVEL_WARNING, "hand a file to the keeper: %s; waiting",
                   CROWDED);
    poll (NULL, 0, wait);
    sent = message_send (socket, bytes, length, descriptor);
  }
  return sent;
}

static int
received_descriptor (struct msghdr *packet)
{
  struct cmsghdr *header = CMSG_FIRSTHDR (packet);
  int descriptor = -1;

  if (header != NULL && header->cmsg_level == SOL_SOCKET
      && header->cmsg_type == SCM_RIGHTS
      && header->cmsg_len == CMSG_LEN (sizeof descriptor))
    memcpy (&descriptor, CMSG_DATA (header), sizeof descriptor);
  return descriptor;
}

enum receipt
message_receive (int socket, struct message *ret_message, int *ret_descriptor)
{
  unsigned char bytes[MESSAGE_MAX];
  union control control = { 0 };
  struct iovec part = { .iov_base = bytes, .iov_len = sizeof bytes };
  struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
  ssize_t got;

  if (ret_descriptor != NULL) {
    packet.msg_control = &control;
    packet.msg_controllen = sizeof control.room;
  }
  do
    got = recvmsg (socket, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN)
    return RECEIPT_NOTHING;
  /* No message is empty, so nothing read is the end. */
  if (got <= 0)
    return RECEIPT_END;
  int descriptor = ret_descriptor != NULL ? received_descriptor (&packet) : -1;
  /* Without room for them the kernel has closed descriptors that came. */
  if ((packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0
      || !message_decode (bytes, (size_t) got, ret_message)) {
    if (descriptor >= 0)
      close (descriptor);
    return RECEIPT_INVALID;
  }
  if (ret_descriptor != NULL)
    *ret_descriptor = descriptor;
  return RECEIPT_MESSAGE;
}
