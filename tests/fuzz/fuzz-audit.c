/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: audit logs and checkpoints that somebody else has written. */

#include <config.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/audit/verify.h"
#include "tests/fuzz/fuzz.h"

/* The key of the logs in the corpus. */
static const unsigned char key[KEY_SIZE] = "of the logs in the corpus, only";

static const struct key_ring *
ring (void)
{
  static struct key_ring *ring;

  if (ring != NULL)
    return ring;
  ring = key_ring_new (NULL);
  FUZZ_CHECK (ring != NULL && key_ring_add (ring, key, NULL) == 0);
  return ring;
}

static size_t
check_lines (const char *data, size_t length)
{
  const char *end = data + length;
  struct audit_line line;
  size_t count = 0;

  while (data < end) {
    const char *next = memchr (data, '\n', (size_t) (end - data));
    size_t size = (size_t) ((next == NULL ? end : next) - data);
    count++;
    if (audit_line_parse (data, size, &line)) {
      FUZZ_CHECK (line.body_length < size);
      FUZZ_CHECK (line.timestamp + line.timestamp_length <= data + size);
      FUZZ_CHECK (line.action + line.action_length <= data + size);
      FUZZ_CHECK (line.prev + 64 <= data + size);
      FUZZ_CHECK (line.mac + 64 <= data + size);
    }
    data += size + 1;
  }
  return count;
}

/* What the input holds: the files of a chain and checkpoints, NUL between
 * them. */
#define FILES_MAX 2

struct input {
  char paths[FILES_MAX + 1][40];
  const char *logs[FILES_MAX];
  size_t count; /* of logs */
  size_t lines; /* of all logs */
  int descriptors[FILES_MAX + 1];
  bool has_checkpoints; /* in the last file */
};

/* A file that has no name but that of its descriptor. */
static void
make_file (struct input *input, size_t index, const char *data, size_t length)
{
  int descriptor = memfd_create ("log", MFD_CLOEXEC);

  FUZZ_CHECK (descriptor >= 0);
  FUZZ_CHECK (write (descriptor, data, length) == (ssize_t) length);
  input->descriptors[index] = descriptor;
  snprintf (input->paths[index], sizeof input->paths[index],
            "/proc/self/fd/%d", descriptor);
}

static void
take_apart (struct input *input, const char *data, size_t length)
{
  const char *end = data + length;

  for (size_t i = 0; i <= FILES_MAX; i++) {
    const char *next = memchr (data, '\0', (size_t) (end - data));
    const char *stop = next != NULL && i < FILES_MAX ? next : end;
    make_file (input, i, data, (size_t) (stop - data));
    if (i < FILES_MAX) {
      input->lines += check_lines (data, (size_t) (stop - data));
      input->logs[input->count++] = input->paths[i];
    }
    else
      input->has_checkpoints = true;
    if (stop == end)
      return;
    data = stop + 1;
  }
}

static void
put_away (struct input *input)
{
  for (size_t i = 0; i < input->count + input->has_checkpoints; i++)
    close (input->descriptors[i]);
}

static void
check_report (const struct input *input, const struct audit_report *report)
{
  FUZZ_CHECK (report->records <= input->lines);
  FUZZ_CHECK (report->file < input->count);
  if (report->fault == AUDIT_FINE)
    FUZZ_CHECK (report->records == input->lines);
  else
    FUZZ_CHECK (report->bad_line >= 1
                && report->bad_line <= report->records + 1);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  static const char *const no_public_keys[] = { NULL };
  struct input input = { 0 };
  struct audit_checkpoints checkpoints = { 0 };
  struct audit_report report = { 0 };
  struct error error = { 0 };

  take_apart (&input, (const char *) data, length);
  struct audit_request request = {
    .paths = input.logs,
    .count = input.count,
    .ring = ring (),
  };
  if (input.has_checkpoints) {
    if (audit_checkpoints_read (&checkpoints, input.paths[input.count],
                                ring (), no_public_keys, &error)
        == 0)
      request.checkpoints = &checkpoints;
    else
      FUZZ_CHECK (error.text[0] != '\0');
  }
  if (audit_verify (&request, &report, &error) == 0)
    check_report (&input, &report);
  else
    FUZZ_CHECK (error.text[0] != '\0');
  audit_checkpoints_free (&checkpoints);
  put_away (&input);
  return 0;
}
