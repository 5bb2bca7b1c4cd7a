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

#include "core/audit/state.h"
#include "core/audit/verify.h"
#include "core/base/memory.h"
#include "core/base/print.h"

#define BUFFER_SIZE ((size_t) 4 * AUDIT_LINE_MAX)

struct verifier {
  const char *path;
  int descriptor;
  off_t left;   /* bytes of the file that are to be read */
  char *buffer; /* BUFFER_SIZE bytes */
  size_t length;
  struct audit_keys *keys;
  struct audit_place place;
  uint64_t line; /* that was read last, in its file */
  const struct audit_checkpoints *checkpoints;
  size_t next_checkpoint;
  struct audit_report report;
};

static void
note_fault (struct verifier *verifier, enum audit_fault fault,
            const char *line, size_t length)
{
  struct audit_report *report = &verifier->report;
  struct audit_line parsed;

  report->fault = fault;
  report->bad_line = verifier->line;
  report->expected_seq = verifier->place.next_seq;
  report->bad_seq = report->expected_seq;
  /* A seq is believed if the mac is right. */
  if (fault != AUDIT_MAC && fault != AUDIT_KEY && fault != AUDIT_FORM
      && audit_line_parse (line, length, &parsed))
    report->bad_seq = parsed.seq;
}

/* Holds what the place stands behind against the checkpoints of that seq, or
 * passes those over that are older than the first file. */
static enum audit_fault
check_checkpoints (struct verifier *verifier, uint64_t seq, const char *mac)
{
  const struct audit_checkpoints *all = verifier->checkpoints;

  for (; verifier->next_checkpoint < all->count; verifier->next_checkpoint++) {
    const struct audit_checkpoint *next =
      &all->list[verifier->next_checkpoint];
    if (next->seq > seq)
      break;
    if (next->seq < seq)
      continue;
    if (memcmp (next->mac, mac, AUDIT_MAC_TEXT_SIZE - 1) != 0)
      return AUDIT_REWRITTEN;
    verifier->report.checkpoints++;
  }
  return AUDIT_FINE;
}

/* The same for a line that is in order otherwise. */
static enum audit_fault
check_against_checkpoints (struct verifier *verifier, const char *line,
                           size_t length)
{
  struct audit_line parsed;
  enum audit_fault fault = AUDIT_FINE;

  if (verifier->checkpoints == NULL
      || !audit_line_parse (line, length, &parsed))
    return AUDIT_FINE;
  /* What the first file goes on from can be known, too. */
  if (verifier->report.records == 0 && parsed.seq > 0)
    fault = check_checkpoints (verifier, parsed.seq - 1, parsed.prev);
  if (fault == AUDIT_FINE)
    fault = check_checkpoints (verifier, parsed.seq, parsed.mac);
  return fault;
}

static void
check_line (struct verifier *verifier, const char *line, size_t length)
{
  struct audit_report *report = &verifier->report;
  enum audit_fault fault = audit_place_advance (&verifier->place,
                                                verifier->keys, line, length);

  verifier->line++;
  if (fault == AUDIT_FINE)
    fault = check_against_checkpoints (verifier, line, length);
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
      && verifier->length >= AUDIT_LINE_MAX) {
    verifier->line++;
    note_fault (verifier, AUDIT_FORM, verifier->buffer, verifier->length);
  }
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
    verifier->line++;
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
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m",
                      print_given (verifier->path));
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

static void
close_log (struct verifier *verifier)
{
  if (verifier->descriptor >= 0)
    close (verifier->descriptor);
  verifier->descriptor = -1;
}

/* Collects the keys that the files carry; the last one first, because what it
 * carries is sealed under the newest key. */
static int
learn_keys (struct verifier *verifier, const struct audit_request *request,
            struct error *error)
{
  int code = 0;

  for (size_t i = request->count; i-- > 0 && code == 0;) {
    verifier->path = request->paths[i];
    /* What does not open here may not be needed. */
    if (audit_state_load (verifier->keys, request->ring, verifier->path, error)
          != 0
        && error != NULL)
      *error = (struct error){ 0 };
    code = open_log (verifier, error);
    if (code == 0)
      code = audit_keys_learn (verifier->keys, request->ring,
                               verifier->descriptor, verifier->path, error);
    close_log (verifier);
  }
  return code;
}

static int
check_files (struct verifier *verifier, const struct audit_request *request,
             struct error *error)
{
  int code = 0;

  for (size_t i = 0;
       i < request->count && code == 0 && verifier->report.fault == AUDIT_FINE;
       i++) {
    verifier->report.file = i;
    verifier->path = request->paths[i];
    verifier->line = 0;
    verifier->length = 0;
    code = open_log (verifier, error);
    if (code == 0)
      code = check_file (verifier, error);
    close_log (verifier);
  }
  return code;
}

/* Whether a checkpoint names a record behind the end; whether there is an end,
 * and not nothing. */
static void
check_end (struct verifier *verifier)
{
  const struct audit_checkpoints *all = verifier->checkpoints;
  bool cut = all != NULL && verifier->next_checkpoint != all->count;

  if (verifier->report.fault != AUDIT_FINE
      || (!cut && verifier->report.records > 0))
    return;
  verifier->line++;
  note_fault (verifier, cut ? AUDIT_CUT : AUDIT_EMPTY, "", 0);
}

static int
run (struct verifier *verifier, const struct audit_request *request,
     struct error *error)
{
  verifier->checkpoints = request->checkpoints;
  verifier->buffer = malloc (BUFFER_SIZE);
  if (verifier->buffer == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  verifier->keys = audit_keys_new (request->ring, error);
  if (verifier->keys == NULL)
    return EZCDC_E_MEMORY;
  int code = learn_keys (verifier, request, error);
  if (code == 0)
    code = check_files (verifier, request, error);
  if (code == 0)
    check_end (verifier);
  return code;
}

int
audit_verify (const struct audit_request *request,
              struct audit_report *ret_report, struct error *error)
{
  struct verifier verifier = { .descriptor = -1 };
  int code = run (&verifier, request, error);

  close_log (&verifier);
  free (verifier.buffer);
  audit_keys_free (verifier.keys);
  if (code == 0)
    *ret_report = verifier.report;
  return code;
}
