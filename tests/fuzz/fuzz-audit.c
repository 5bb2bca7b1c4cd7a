/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: an audit log that somebody else has written. */

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

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  struct audit_report report = { 0 };
  struct error error = { 0 };
  char path[40];
  size_t lines = check_lines ((const char *) data, length);
  int file = memfd_create ("log", MFD_CLOEXEC);

  FUZZ_CHECK (file >= 0);
  FUZZ_CHECK (write (file, data, length) == (ssize_t) length);
  snprintf (path, sizeof path, "/proc/self/fd/%d", file);
  if (audit_verify (path, ring (), &report, &error) == 0) {
    FUZZ_CHECK (report.records <= lines);
    if (report.fault == AUDIT_FINE)
      FUZZ_CHECK (report.records == lines);
    else
      FUZZ_CHECK (report.bad_line == report.records + 1);
  }
  else
    FUZZ_CHECK (error.text[0] != '\0');
  close (file);
  return 0;
}
