/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies an audit log. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/verify.h"
#include "core/base/memory.h"

#define BUFFER_SIZE ((size_t) 4 * AUDIT_LINE_MAX)

struct verifier {
  const char *path;
  int descriptor;
  off_t left;   /* bytes of the file that are to be read */
  char *buffer; /* BUFFER_SIZE bytes */
  size_t length;
  struct audit_keys *keys;
  struct audit_place place;
  struct audit_report report;
};

static void
note_fault (struct verifier *verifier, enum audit_fault fault,
            const char *line, size_t length)
{
  struct audit_report *report = &verifier->report;
  struct audit_line parsed;

  report->fault = fault;
  report->bad_line = report->records + 1;
  report->expected_seq = verifier->place.next_seq;
  report->bad_seq = report->expected_seq;
  /* A seq is believed if the mac is right. */
  if (fault != AUDIT_MAC && fault != AUDIT_KEY && fault != AUDIT_FORM
      && audit_line_parse (line, length, &parsed))
    report->bad_seq = parsed.seq;
}

static void
check_line (struct verifier *verifier, const char *line, size_t length)
{
  struct audit_report *report = &verifier->report;
  enum audit_fault fault = audit_place_advance (&verifier->place,
                                                verifier->keys, line, length);

  if (fault != AUDIT_FINE) {
    note_fault (verifier, fault, line, length);
    return;
  }
  report->last_seq = verifier->place.next_seq - 1;
  if (report->records++ == 0)
    report->first_seq = report->last_seq;
}

/* Checks the whole lines in the buffer and keeps what is behind them. */
static void
check_buffer (struct verifier *verifier)
{
  char *at = verifier->buffer;
  char *end = at + verifier->length;
  char *line_end;

  while (verifier->report.fault == AUDIT_FINE
         && (line_end = memchr (at, '\n', (size_t) (end - at))) != NULL) {
    check_line (verifier, at, (size_t) (line_end - at));
    at = line_end + 1;
  }
  verifier->length = (size_t) (end - at);
  memmove (verifier->buffer, at, verifier->length);
  if (verifier->report.fault == AUDIT_FINE
      && verifier->length >= AUDIT_LINE_MAX)
    note_fault (verifier, AUDIT_FORM, verifier->buffer, verifier->length);
}

static int
fill_buffer (struct verifier *verifier, struct error *error)
{
  size_t room = BUFFER_SIZE - verifier->length;
  ssize_t got;

  if ((off_t) room > verifier->left)
    room = (size_t) verifier->left;
  do
    got = read (verifier->descriptor, verifier->buffer + verifier->length,
                room);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "read %s: %m",
                      verifier->path);
  verifier->length += (size_t) got;
  verifier->left = got == 0 ? 0 : verifier->left - got;
  return 0;
}

static int
check_file (struct verifier *verifier, struct error *error)
{
  while (verifier->left > 0 && verifier->report.fault == AUDIT_FINE) {
    int code = fill_buffer (verifier, error);
    if (code != 0)
      return code;
    check_buffer (verifier);
  }
  if (verifier->report.fault == AUDIT_FINE && verifier->length > 0) {
    note_fault (verifier, AUDIT_FORM, verifier->buffer, verifier->length);
    verifier->report.torn = true;
  }
  memcpy (verifier->report.key_id, verifier->place.key_id, KEY_ID_TEXT_SIZE);
  return 0;
}

/* Opens the file and notes how long it is while nobody writes, so that no
 * record is seen half. */
static int
open_log (struct verifier *verifier, struct error *error)
{
  struct stat status;

  verifier->descriptor = open (verifier->path,
                               O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (verifier->descriptor < 0)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m", verifier->path);
  if (flock (verifier->descriptor, LOCK_SH) != 0
      || fstat (verifier->descriptor, &status) != 0
      || flock (verifier->descriptor, LOCK_UN) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "read %s: %m",
                      verifier->path);
  if (!S_ISREG (status.st_mode))
    return error_set (error, EZCDC_E_CONFIG, "%s is not a regular file",
                      verifier->path);
  verifier->left = status.st_size;
  return 0;
}

static int
run (struct verifier *verifier, const struct key_ring *ring,
     struct error *error)
{
  int code = open_log (verifier, error);

  if (code != 0)
    return code;
  verifier->buffer = malloc (BUFFER_SIZE);
  if (verifier->buffer == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  verifier->keys = audit_keys_new (ring, error);
  if (verifier->keys == NULL)
    return EZCDC_E_MEMORY;
  code = audit_keys_learn (verifier->keys, ring, verifier->descriptor,
                           verifier->path, error);
  return code == 0 ? check_file (verifier, error) : code;
}

int
audit_verify (const char *path, const struct key_ring *ring,
              struct audit_report *ret_report, struct error *error)
{
  struct verifier verifier = { .path = path, .descriptor = -1 };
  int code = run (&verifier, ring, error);

  if (verifier.descriptor >= 0)
    close (verifier.descriptor);
  free (verifier.buffer);
  audit_keys_free (verifier.keys);
  if (code == 0)
    *ret_report = verifier.report;
  return code;
}
