/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's side of the socket to its keeper. */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/crypto/secret.h"
#include "core/keeper/link.h"
#include "core/keeper/protocol.h"

/* The keeper itself waits up to 10 s for the audit log's lock. */
#define PATIENCE (30 * INT64_C (1000000))

struct keeper_link {
  int socket;             /* borrowed from runner_enter */
  pthread_mutex_t lock;   /* around a request and its answer */
  uint32_t serial;        /* of the last request; under lock */
  struct message message; /* the last answer; under lock */
};

struct keeper_link *
keeper_link_open (int descriptor, struct error *error)
{
  struct keeper_link *link = calloc (1, sizeof *link);

  if (link == NULL) {
    error_set (error, EZCDC_E_MEMORY, "out of memory for the keeper's link");
    return NULL;
  }
  link->socket = descriptor;
  pthread_mutex_init (&link->lock, NULL);
  return link;
}

void
keeper_link_free (struct keeper_link *link)
{
  if (link == NULL)
    return;
  pthread_mutex_destroy (&link->lock);
  free (link);
}

int
keeper_link_descriptor (const struct keeper_link *link)
{
  return link->socket;
}

static int
keeper_gone (struct error *error)
{
  return error_set (error, EZCDC_E_UNAVAILABLE, "the keeper is gone");
}

/* Waits until something can be read, or the keeper is gone. */
static int
wait_readable (struct keeper_link *link, int64_t deadline, struct error *error)
{
  struct pollfd entry = { .fd = link->socket, .events = POLLIN };
  int64_t left = deadline - clock_monotonic ();
  int ready = poll (&entry, 1, left < 0 ? 0 : (int) (left / 1000 + 1));

  if (ready == 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "the keeper has not answered for 30 s");
  if (ready < 0 && errno != EINTR)
    return error_set (error, EZCDC_E_UNAVAILABLE, "wait for the keeper: %m");
  return 0;
}

/* The answer to the last request; answers to earlier ones, which were not
 * waited for, are thrown away. */
static int
await_answer (struct keeper_link *link, int *ret_descriptor,
              struct error *error)
{
  int64_t deadline = clock_monotonic () + PATIENCE;

  for (;;) {
    CLEANUP_CLOSE int descriptor = -1;
    int code = 0;
    switch (message_receive (link->socket, &link->message, &descriptor)) {
    case RECEIPT_MESSAGE:
      if (link->message.serial == link->serial) {
        *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
        return 0;
      }
      break;
    case RECEIPT_NOTHING:
      code = wait_readable (link, deadline, error);
      break;
    case RECEIPT_END:
      return keeper_gone (error);
    case RECEIPT_INVALID:
      return error_set (error, EZCDC_E_BUG,
                        "the keeper's answer is malformed");
    }
    if (code != 0)
      return code;
  }
}

/* Sends a request, with a descriptor if it is not negative, and reads the
 * answer; under the lock. */
static int
ask (struct keeper_link *link, enum message_type type,
     const char *const fields[MESSAGE_FIELDS_MAX], int sent,
     int *ret_descriptor, struct error *error)
{
  unsigned char bytes[MESSAGE_MAX];
  size_t length = message_encode (type, ++link->serial, 0, fields, bytes);

  if (length == 0)
    return error_set (error, EZCDC_E_CONFIG,
                      "a request to the keeper is too long");
  if (!message_send_patiently (link->socket, bytes, length, sent))
    return errno == EPIPE || errno == ECONNRESET
             ? keeper_gone (error)
             : error_set (error, EZCDC_E_UNAVAILABLE, "ask the keeper: %s",
                          message_send_fault (errno));
  int code = await_answer (link, ret_descriptor, error);
  if (code != 0)
    return code;
  if (link->message.type == MESSAGE_REFUSED)
    return error_set (
      error, link->message.number < 0 ? link->message.number : EZCDC_E_BUG,
      "%s", link->message.fields[0]);
  return 0;
}

/* Maps the value that the keeper sends; the descriptor is closed again. */
static int
open_secret (struct keeper_link *link, const char *const *fields,
             struct secret *secret, size_t *ret_length, struct error *error)
{
  CLEANUP_CLOSE int descriptor = -1;
  int code;

  pthread_mutex_lock (&link->lock);
  code = ask (link, MESSAGE_OPEN, fields, -1, &descriptor, error);
  size_t length = (size_t) (uint32_t) link->message.number;
  if (code == 0 && (link->message.type != MESSAGE_OPENED || descriptor < 0))
    code = error_set (error, EZCDC_E_BUG, "the keeper's answer is malformed");
  pthread_mutex_unlock (&link->lock);
  if (code == 0)
    code = secret_receive (descriptor, length, secret, error);
  if (code == 0)
    *ret_length = length;
  return code;
}

int
keeper_link_use_secret (struct keeper_link *link, const char *section,
                        const char *option, const char *reason,
                        ezcdc_secret_function function, void *context,
                        struct error *error)
{
  const char *const fields[MESSAGE_FIELDS_MAX] = { section, option, reason };
  CLEANUP_SECRET struct secret secret = { 0 };
  size_t length = 0;
  int code = open_secret (link, fields, &secret, &length, error);

  if (code != 0)
    return code;
  return function (context, (const char *) secret.data, length);
}

/* A request that is answered by "opened", with a file. */
static int
ask_for_file (struct keeper_link *link, enum message_type type,
              const char *const fields[MESSAGE_FIELDS_MAX],
              int *ret_descriptor, struct error *error)
{
  CLEANUP_CLOSE int descriptor = -1;

  pthread_mutex_lock (&link->lock);
  int code = ask (link, type, fields, -1, &descriptor, error);
  if (code == 0 && (link->message.type != MESSAGE_OPENED || descriptor < 0))
    code = error_set (error, EZCDC_E_BUG, "the keeper's answer is malformed");
  pthread_mutex_unlock (&link->lock);
  if (code == 0)
    *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
  return code;
}

int
keeper_link_open_file (struct keeper_link *link, const char *section,
                       const char *option, int *ret_descriptor,
                       struct error *error)
{
  const char *const fields[MESSAGE_FIELDS_MAX] = { section, option };

  return ask_for_file (link, MESSAGE_FILE, fields, ret_descriptor, error);
}

int
keeper_link_make_file (struct keeper_link *link, int *ret_descriptor,
                       struct error *error)
{
  const char *const fields[MESSAGE_FIELDS_MAX] = { NULL };

  return ask_for_file (link, MESSAGE_NEW_FILE, fields, ret_descriptor, error);
}

/* A request that is answered by "written". */
static int
tell (struct keeper_link *link, enum message_type type,
      const char *const fields[MESSAGE_FIELDS_MAX], int sent,
      int32_t *ret_number, struct error *error)
{
  CLEANUP_CLOSE int descriptor = -1;

  pthread_mutex_lock (&link->lock);
  int code = ask (link, type, fields, sent, &descriptor, error);
  if (code == 0 && link->message.type != MESSAGE_WRITTEN)
    code = error_set (error, EZCDC_E_BUG, "the keeper's answer is malformed");
  *ret_number = link->message.number;
  pthread_mutex_unlock (&link->lock);
  return code;
}

int
keeper_link_watch (struct keeper_link *link, int listener, bool *ret_files,
                   struct error *error)
{
  const char *const fields[MESSAGE_FIELDS_MAX] = { NULL };
  int32_t number = 0;
  int code = tell (link, MESSAGE_WATCH, fields, listener, &number, error);

  *ret_files = code == 0 && number == 1;
  return code;
}

int
keeper_link_audit (struct keeper_link *link, const char *action,
                   const char *resource_id, const char *outcome,
                   const char *detail_json, struct error *error)
{
  const char *const fields[MESSAGE_FIELDS_MAX] = {
    action, resource_id, outcome, detail_json != NULL ? detail_json : "{}"
  };
  int32_t unused;

  return tell (link, MESSAGE_AUDIT, fields, -1, &unused, error);
}
