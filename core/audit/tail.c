/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the end of an audit log. */

#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/chain.h"
#include "core/audit/tail.h"
#include "core/base/memory.h"

/* Two whole records and what is left of a third. */
#define WINDOW ((size_t) 4 * AUDIT_LINE_MAX)

int
tail_read (int descriptor, const char *path, off_t offset, char **ret_data,
           size_t *ret_length, struct error *error)
{
  CLEANUP_FREE char *data = malloc (WINDOW);
  size_t length = 0;

  if (data == NULL)
    return error_set (error, EZCDC_E_MEMORY, "out of memory to read %s", path);
  while (length < WINDOW) {
    ssize_t got = pread (descriptor, data + length, WINDOW - length,
                         offset + (off_t) length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return error_set (error, EZCDC_E_UNAVAILABLE,
                        "read the audit log %s: %m", path);
    if (got == 0)
      break;
    length += (size_t) got;
  }
  *ret_data = TAKE_POINTER (data);
  *ret_length = length;
  return 0;
}

void
tail_free (struct tail *tail)
{
  free (tail->data);
  *tail = (struct tail){ 0 };
}

/* The beginning of the line that ends before "end" (its line end). */
static const char *
line_begin (const char *data, const char *end)
{
  const char *before = memrchr (data, '\n', (size_t) (end - data));

  return before != NULL ? before + 1 : data;
}

static void
split (struct tail *tail, size_t length, off_t offset)
{
  const char *data = tail->data;
  const char *end = memrchr (data, '\n', length);

  tail->torn = end != NULL ? end + 1 : data;
  tail->torn_length = length - (size_t) (tail->torn - data);
  tail->end_of_last = offset + (tail->torn - data);
  if (end == NULL)
    return;
  tail->last = line_begin (data, end);
  tail->last_length = (size_t) (end - tail->last);
  tail->whole_length = length - (size_t) (tail->last - data);
  if (tail->last == data)
    return;
  end = tail->last - 1;
  tail->before = line_begin (data, end);
  tail->before_length = (size_t) (end - tail->before);
  tail->end_of_before = offset + (tail->last - data);
}

int
tail_find (int descriptor, const char *path, struct tail *ret_tail,
           struct error *error)
{
  struct stat status;
  struct tail tail = { 0 };
  size_t length;

  if (fstat (descriptor, &status) != 0)
    return error_set (error, EZCDC_E_UNAVAILABLE, "audit log %s: %m", path);
  off_t offset = status.st_size > (off_t) WINDOW
                   ? status.st_size - (off_t) WINDOW
                   : 0;
  int code = tail_read (descriptor, path, offset, &tail.data, &length, error);
  if (code != 0)
    return code;
  split (&tail, length, offset);
  if (offset > 0
      && (tail.torn_length > AUDIT_LINE_MAX
          || tail.last_length > AUDIT_LINE_MAX)) {
    tail_free (&tail);
    return error_set (error, EZCDC_E_OPERATOR,
                      "audit log %s: its end is not an audit record; move "
                      "the file away",
                      path);
  }
  *ret_tail = tail;
  return 0;
}
