/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the audit log share. */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/files.h"
#include "tests/unit/audit.h"

char folder[] = "/tmp/ezcdc-audit-XXXXXX";
char path[64];

int
make_folder (void **state)
{
  (void) state;
  if (mkdtemp (folder) == NULL)
    return -1;
  snprintf (path, sizeof path, "%s/audit.jsonl", folder);
  signal (SIGXFSZ, SIG_IGN);
  return 0;
}

int
empty_folder (void **state)
{
  char command[96];

  (void) state;
  snprintf (command, sizeof command, "%s/", folder);
  /* The files of a test: the log, moved logs, torn ends. */
  pid_t child = fork ();
  if (child == 0) {
    execlp ("find", "find", command, "-mindepth", "1", "-delete",
            (char *) NULL);
    _exit (127);
  }
  int status;
  return waitpid (child, &status, 0) == child ? status : -1;
}

int
remove_folder (void **state)
{
  return empty_folder (state) | rmdir (folder);
}

size_t
count_files (void)
{
  DIR *listing = opendir (folder);
  size_t count = 0;

  assert_non_null (listing);
  for (const struct dirent *entry; (entry = readdir (listing)) != NULL;)
    count += entry->d_name[0] != '.';
  closedir (listing);
  return count;
}

struct key_ring *
ring_of (const char *primary, const char *old)
{
  struct key_ring *ring = key_ring_new (NULL);

  assert_non_null (ring);
  assert_int_equal (key_ring_add_digits (ring, primary, 64, "test", NULL), 0);
  if (old != NULL)
    assert_int_equal (key_ring_add_digits (ring, old, 64, "test", NULL), 0);
  return ring;
}

void
read_log (struct text *text)
{
  text_clear (text);
  assert_int_equal (file_read (path, 100000000, text, NULL), 0);
}

void
replace_log (const char *data, size_t length)
{
  assert_int_equal (file_replace (path, data, length, 0600, NULL), 0);
}

struct audit_report
report_of (const char *const *paths, size_t count, const struct key_ring *ring,
           const struct audit_checkpoints *checkpoints)
{
  const struct audit_request request = {
    .paths = paths,
    .count = count,
    .ring = ring,
    .checkpoints = checkpoints,
  };
  struct audit_report report;
  struct error error = { 0 };

  if (audit_verify (&request, &report, &error) != 0)
    fail_msg ("%s", error.text);
  return report;
}

struct audit_report
report_under (const struct key_ring *ring)
{
  const char *const paths[] = { path };

  return report_of (paths, 1, ring, NULL);
}

void
assert_in_order (const char *primary, const char *old, uint64_t records)
{
  struct key_ring *ring = ring_of (primary, old);
  struct audit_report report = report_under (ring);

  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.records, records);
  key_ring_free (ring);
}

int
write_record (struct audit_log *log, const char *resource, const char *detail)
{
  const struct audit_record record = {
    .action = "credential.unsealed",
    .resource_id = resource,
    .outcome = AUDIT_SUCCESS,
    .detail = detail,
  };

  return audit_log_write (log, &record, NULL);
}

struct audit_log *
open_log (const char *primary, const char *old)
{
  struct key_ring *ring = ring_of (primary, old);
  struct error error = { 0 };
  struct audit_log *log = audit_log_open (path, ring, &error);

  if (log == NULL)
    print_error ("%s\n", error.text);
  assert_non_null (log);
  key_ring_free (ring);
  return log;
}

/* The same, and the chain goes over to the primary key. */
struct audit_log *
open_rekeyed (const char *primary, const char *old)
{
  struct audit_log *log = open_log (primary, old);
  struct key_ring *ring = ring_of (primary, old);

  assert_int_equal (audit_log_rekey (log, ring, NULL), 0);
  key_ring_free (ring);
  return log;
}

/* A log of audit.opened and some more records. */
void
write_log (size_t count)
{
  struct audit_log *log = open_log (GOOD, NULL);
  char resource[32];

  for (size_t i = 1; i < count; i++) {
    snprintf (resource, sizeof resource, "shop/%zu", i);
    assert_int_equal (write_record (log, resource, NULL), 0);
  }
  audit_log_free (log);
}

const char *
line_start (const struct text *text, size_t number)
{
  const char *at = text->data;

  while (number-- > 0)
    at = strchr (at, '\n') + 1;
  return at;
}

const char *
last_line (const struct text *text)
{
  return (const char *) memrchr (text->data, '\n', text->length - 1) + 1;
}

void
read_beside (const char *suffix, struct text *text)
{
  char name[96];

  snprintf (name, sizeof name, "%s%s", path, suffix);
  text_clear (text);
  assert_int_equal (file_read (name, 100000, text, NULL), 0);
}

void
replace_beside (const char *suffix, const struct text *text)
{
  char name[96];

  snprintf (name, sizeof name, "%s%s", path, suffix);
  assert_int_equal (file_replace (name, text->data, text->length, 0600, NULL),
                    0);
}
