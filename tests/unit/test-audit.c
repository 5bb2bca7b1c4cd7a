/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: its writer. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/actor.h"
#include "core/base/clock.h"
#include "core/base/files.h"
#include "tests/unit/audit.h"

#define FUTURE "2099-01-01T00:00:00.000000Z"

/* ---- The writer -------------------------------------------------------- */

static void
a_log_goes_on_where_it_ended (void **state)
{
  struct text text = { 0 };
  struct stat status;

  (void) state;
  write_log (3);
  assert_in_order (GOOD, NULL, 3);
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/again", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, NULL, 4);
  read_log (&text);
  assert_contains (text.data, "\"seq\":0,");
  assert_contains (text.data, "\"action\":\"audit.opened\"");
  assert_contains (line_start (&text, 3), "\"seq\":3,");
  assert_contains (line_start (&text, 3), "\"resource_id\":\"shop/again\"");
  assert_contains (line_start (&text, 3), "\"ip_address\":\"127.0.0.1\"");
  char user[128];
  actor_name (user, sizeof user);
  assert_contains (line_start (&text, 3), user);
  assert_int_equal (stat (path, &status), 0);
  assert_int_equal (status.st_mode & 07777, 0600);
  text_free (&text);
}

static void
an_unknown_action_is_refused (void **state)
{
  struct audit_log *log = open_log (GOOD, NULL);
  const struct audit_record record = {
    .action = "pipeline.painted",
    .resource_id = "shop",
    .outcome = AUDIT_SUCCESS,
  };

  (void) state;
  assert_int_not_equal (audit_log_write (log, &record, NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, NULL, 1);
}

static void
hostile_names_stay_in_their_line (void **state)
{
  static const char hostile[] =
    "a\"b\\c\nd\re\tf\033[31m\177 \377\376 {\"seq\":99}\n{\"v\":1,\"seq\":7}"
    "\",\"epoch\":0,\"prev\":\"";
  struct audit_log *log = open_log (GOOD, NULL);
  struct text text = { 0 };
  char long_name[1000];

  (void) state;
  memset (long_name, 'x', sizeof long_name);
  memcpy (long_name + 254, "\303\244\303\244", 4);
  long_name[sizeof long_name - 1] = '\0';
  assert_int_equal (write_record (log, hostile, NULL), 0);
  assert_int_equal (write_record (log, long_name, NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, NULL, 3);
  read_log (&text);
  size_t lines = 0;
  for (size_t i = 0; i < text.length; i++) {
    unsigned char byte = (unsigned char) text.data[i];
    assert_true (byte == '\n' || (byte >= 0x20 && byte != 0x7f));
    lines += byte == '\n';
  }
  assert_int_equal (lines, 3);
  assert_contains (text.data, "\\ufffd");
  assert_contains (line_start (&text, 2), "\"truncated\":true");
  text_free (&text);
}

/* A log whose first record is from the year 2099: the clock was set back
 * since. */
static void
write_future_log (void)
{
  CLEANUP_TEXT struct text line = { 0 };
  char mac[AUDIT_MAC_TEXT_SIZE];
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_keys *keys = audit_keys_new (ring, NULL);

  assert_non_null (keys);
  text_printf (&line,
               "{\"v\":1,\"seq\":0,\"timestamp\":\"" FUTURE
               "\",\"action\":\"audit.opened\",\"user_id\":\"ezcdc\","
               "\"resource_id\":\"audit\",\"ip_address\":\"127.0.0.1\","
               "\"outcome\":\"success\",\"detail\":{\"key_id\":\"%s\"},"
               "\"epoch\":0,\"prev\":\"%064d\"",
               audit_keys_id (keys, 0), 0);
  assert_true (audit_mac (keys, 0, 0, line.data, line.length, mac));
  text_printf (&line, ",\"mac\":\"%s\"}\n", mac);
  replace_log (line.data, line.length);
  audit_keys_free (keys);
  key_ring_free (ring);
}

static void
a_clock_that_was_set_back_is_noted_once (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };

  (void) state;
  write_future_log ();
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  assert_int_equal (write_record (log, "shop/2", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, NULL, 4);
  read_log (&text);
  assert_contains (line_start (&text, 1), "\"action\":\"clock.stepped\"");
  for (size_t i = 0; i < 4; i++)
    assert_contains (line_start (&text, i), "\"timestamp\":\"" FUTURE "\"");
  assert_null (strstr (line_start (&text, 2), "clock.stepped"));
}

static void
torn_ends_are_put_aside (void **state)
{
  struct text text = { 0 };
  static const char torn[] = "{\"v\":1,\"seq\":3,\"timest";

  (void) state;
  write_log (3);
  read_log (&text);
  text_append_string (&text, torn);
  replace_log (text.data, text.length);
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_report report = report_under (ring);
  key_ring_free (ring);
  assert_true (report.torn);
  assert_int_equal (report.bad_line, 4);
  assert_int_equal (report.bad_seq, 3);

  audit_log_free (open_log (GOOD, NULL));
  assert_in_order (GOOD, NULL, 4);
  read_log (&text);
  assert_contains (line_start (&text, 3), "\"action\":\"audit.recovered\"");
  const char *file = strstr (text.data, "\"file\":\"") + 8;
  struct text aside = { 0 };
  char *name = strndup (file, strcspn (file, "\""));
  assert_int_equal (file_read (name, 1000, &aside, NULL), 0);
  assert_string_equal (aside.data, torn);
  free (name);
  text_free (&aside);
  text_free (&text);
}

static void
a_torn_first_record_begins_anew (void **state)
{
  (void) state;
  replace_log ("{\"v\":1,\"se", 10);
  audit_log_free (open_log (GOOD, NULL));
  assert_in_order (GOOD, NULL, 2);
}

/* The same in a file that goes on where another one ended, for a process that
 * has the log open and for one that has not. */
static void
a_torn_first_record_of_a_later_file (void **state)
{
  char moved[96];
  const char *const paths[] = { moved, path };
  struct key_ring *ring = ring_of (GOOD, NULL);

  (void) state;
  snprintf (moved, sizeof moved, "%s.1", path);
  for (int in_use = 0; in_use < 2; in_use++) {
    struct audit_log *log = open_log (GOOD, NULL);
    assert_int_equal (write_record (log, "shop/1", NULL), 0);
    assert_int_equal (rename (path, moved), 0);
    replace_log ("{\"v\":1,\"se", 10);
    if (in_use == 0) {
      audit_log_free (log);
      log = open_log (GOOD, NULL);
    }
    assert_int_equal (write_record (log, "shop/2", NULL), 0);
    audit_log_free (log);
    struct audit_report report = report_of (paths, 2, ring, NULL);
    assert_int_equal (report.fault, AUDIT_FINE);
    assert_int_equal (report.records, 5);
    assert_int_equal (empty_folder (state), 0);
  }
  key_ring_free (ring);
}

/* The power can cut a write so that the last line is whole but wrong. */
static void
a_damaged_last_record_is_put_aside (void **state)
{
  struct text text = { 0 };

  (void) state;
  write_log (4);
  read_log (&text);
  text.data[text.length - 200] ^= 1;
  replace_log (text.data, text.length);
  audit_log_free (open_log (GOOD, NULL));
  assert_in_order (GOOD, NULL, 4);
  text_free (&text);
}

static void
a_damaged_earlier_record_is_refused (void **state)
{
  struct text text = { 0 };
  struct error error = { 0 };

  (void) state;
  write_log (4);
  read_log (&text);
  /* The last two lines, each at the end of its body. */
  text.data[text.length - 200] ^= 1;
  *(char *) (line_start (&text, 2) + 60) ^= 1;
  replace_log (text.data, text.length);
  struct key_ring *ring = ring_of (GOOD, NULL);
  assert_null (audit_log_open (path, ring, &error));
  assert_contains (error.text, "audit verify");
  key_ring_free (ring);
  text_free (&text);
}

static void
unfit_files_are_refused (void **state)
{
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct error error = { 0 };
  char other[96];

  (void) state;
  snprintf (other, sizeof other, "%s/other", folder);
  assert_int_equal (symlink (other, path), 0);
  assert_null (audit_log_open (path, ring, &error));
  assert_contains (error.text, "symbolic link");
  unlink (path);
  write_log (1);
  assert_int_equal (link (path, other), 0);
  assert_null (audit_log_open (path, ring, &error));
  assert_contains (error.text, "more than one name");
  unlink (other);
  assert_int_equal (chmod (path, 0622), 0);
  assert_null (audit_log_open (path, ring, &error));
  assert_contains (error.text, "others may write");
  unlink (path);
  assert_int_equal (mkfifo (path, 0600), 0);
  assert_null (audit_log_open (path, ring, &error));
  unlink (path);
  key_ring_free (ring);
}

/* RLIMIT_FSIZE cuts a write as a full disk does. */
static void
a_full_disk_leaves_no_half_record (void **state)
{
  struct text text = { 0 };
  struct rlimit limit;
  struct rlimit small;

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  read_log (&text);
  size_t before = text.length;
  assert_int_equal (getrlimit (RLIMIT_FSIZE, &limit), 0);
  small = limit;
  small.rlim_cur = before + 46;
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
  struct error error = { 0 };
  const struct audit_record record = {
    .action = "credential.unsealed",
    .resource_id = "shop/2",
    .outcome = AUDIT_SUCCESS,
  };
  assert_int_equal (audit_log_write (log, &record, &error),
                    EZCDC_E_UNAVAILABLE);
  assert_contains (error.text, path);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &limit), 0);
  read_log (&text);
  assert_int_equal (text.length, before);
  /* And it goes on when there is room again. */
  assert_int_equal (write_record (log, "shop/3", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, NULL, 3);
  text_free (&text);
}

/* The disk is full when a log that was moved away is to go on. */
static void
a_full_disk_leaves_no_file_without_a_beginning (void **state)
{
  char moved[96];
  const char *const paths[] = { moved, path };
  struct rlimit limit;
  struct rlimit small;
  struct stat status;

  (void) state;
  snprintf (moved, sizeof moved, "%s.1", path);
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (rename (path, moved), 0);
  assert_int_equal (getrlimit (RLIMIT_FSIZE, &limit), 0);
  small = limit;
  small.rlim_cur = 10;
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
  int code = write_record (log, "shop/1", NULL);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &limit), 0);
  assert_int_equal (code, EZCDC_E_UNAVAILABLE);
  assert_int_equal (stat (path, &status), 0);
  assert_int_equal (status.st_size, 0);
  assert_int_equal (write_record (log, "shop/2", NULL), 0);
  audit_log_free (log);
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_report report = report_of (paths, 2, ring, NULL);
  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.records, 3);
  assert_int_equal (report_under (ring).fault, AUDIT_FINE);
  key_ring_free (ring);
}

/* The end that is put aside does not fit either: all stays as it was. */
static void
a_full_disk_leaves_no_half_recovery (void **state)
{
  struct text before = { 0 };
  struct text after = { 0 };
  struct rlimit limit;
  struct rlimit small;
  struct error error = { 0 };

  (void) state;
  write_log (3);
  read_log (&before);
  text_append_string (&before, "{\"v\":1,\"seq\":3,\"timest");
  replace_log (before.data, before.length);
  struct key_ring *ring = ring_of (GOOD, NULL);
  assert_int_equal (getrlimit (RLIMIT_FSIZE, &limit), 0);
  small = limit;
  small.rlim_cur = 10;
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
  struct audit_log *log = audit_log_open (path, ring, &error);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &limit), 0);
  assert_null (log);
  assert_int_equal (error.code, EZCDC_E_UNAVAILABLE);
  assert_contains (error.text, ".torn-");
  read_log (&after);
  assert_string_equal (before.data, after.data);
  assert_int_equal (count_files (), 2); /* and its lock */
  key_ring_free (ring);
  text_free (&before);
  text_free (&after);
}

static void
records_cut_off_a_log_in_use_are_noticed (void **state)
{
  struct text text = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  read_log (&text);
  assert_int_equal (truncate (path, line_start (&text, 1) - text.data), 0);
  assert_int_equal (write_record (log, "shop/2", NULL), EZCDC_E_OPERATOR);
  audit_log_free (log);
  text_free (&text);
}

/* Longer than what is read at once, so not all of it could be put aside. */
static void
what_is_no_record_is_left_behind_a_log_in_use (void **state)
{
  static const char foreign[5 * AUDIT_LINE_MAX];
  struct text before = { 0 };
  struct text after = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  FILE *file = fopen (path, "ae");
  assert_non_null (file);
  assert_int_equal (fwrite (foreign, 1, sizeof foreign, file), sizeof foreign);
  assert_int_equal (fclose (file), 0);
  read_log (&before);
  assert_int_equal (write_record (log, "shop/2", NULL), EZCDC_E_OPERATOR);
  audit_log_free (log);
  read_log (&after);
  assert_int_equal (after.length, before.length);
  assert_memory_equal (after.data, before.data, before.length);
  assert_int_equal (count_files (), 2); /* and its lock */
  text_free (&before);
  text_free (&after);
}

enum {
  WRITERS = 4,
  WRITER_ROUNDS = 60, /* of each, and in each */
  ROUND_RECORDS = 4
};

static void
several_processes_write_one_chain (void **state)
{
  enum {
    RECORDS = 25
  };

  (void) state;
  audit_log_free (open_log (GOOD, NULL));
  for (int i = 0; i < WRITERS; i++) {
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child > 0)
      continue;
    struct key_ring *ring = ring_of (GOOD, NULL);
    struct audit_log *log = audit_log_open (path, ring, NULL);
    int status = log == NULL;
    for (int j = 0; j < RECORDS && status == 0; j++)
      status = write_record (log, "shop", NULL) != 0;
    audit_log_free (log);
    key_ring_free (ring);
    _exit (status);
  }
  for (int i = 0; i < WRITERS; i++) {
    int status;
    assert_true (wait (&status) > 0);
    assert_int_equal (status, 0);
  }
  assert_in_order (GOOD, NULL, 1 + WRITERS * RECORDS);
}

static void
a_log_that_was_moved_away_goes_on (void **state)
{
  char moved[96];
  struct text text = { 0 };

  (void) state;
  snprintf (moved, sizeof moved, "%s.1", path);
  struct audit_log *first = open_log (GOOD, NULL);
  struct audit_log *second = open_log (GOOD, NULL);
  assert_int_equal (write_record (first, "shop/1", NULL), 0);
  assert_int_equal (write_record (second, "shop/2", NULL), 0);
  assert_int_equal (rename (path, moved), 0);
  assert_int_equal (write_record (first, "shop/3", NULL), 0);
  assert_int_equal (write_record (second, "shop/4", NULL), 0);
  audit_log_free (first);
  audit_log_free (second);
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_report report = report_under (ring);
  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.first_seq, 3);
  assert_int_equal (report.last_seq, 5);
  read_log (&text);
  assert_contains (text.data, "\"action\":\"audit.opened\"");
  /* Without its first record such a file is no beginning. */
  const char *rest = line_start (&text, 1);
  replace_log (rest, strlen (rest));
  report = report_under (ring);
  assert_int_equal (report.fault, AUDIT_BEGINNING);
  assert_int_equal (report.bad_line, 1);
  key_ring_free (ring);
  text_free (&text);
}

/* A writer that does nothing while the log is moved away twice. */
static void
a_log_goes_on_from_its_newest_file (void **state)
{
  char moved[2][96];
  const char *paths[] = { moved[0], moved[1], path };

  (void) state;
  snprintf (moved[0], sizeof moved[0], "%s.2", path);
  snprintf (moved[1], sizeof moved[1], "%s.1", path);
  struct audit_log *busy = open_log (GOOD, NULL);
  struct audit_log *slow = open_log (GOOD, NULL);
  assert_int_equal (rename (path, moved[0]), 0);
  assert_int_equal (write_record (busy, "shop/1", NULL), 0);
  assert_int_equal (rename (path, moved[1]), 0);
  assert_int_equal (write_record (slow, "shop/2", NULL), 0);
  assert_int_equal (write_record (busy, "shop/3", NULL), 0);
  audit_log_free (busy);
  audit_log_free (slow);
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_report report = report_of (paths, 3, ring, NULL);
  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.last_seq, 5);
  key_ring_free (ring);
}

/* The folder may be somebody else's, and the writer root. */
static void
a_link_beside_the_log_is_not_followed (void **state)
{
  char name[96];
  char victim[96];
  struct text content = { 0 };
  struct stat status;

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  snprintf (name, sizeof name, "%s.checkpoint", path);
  text_append_string (&content, "precious");
  replace_beside (".victim", &content);
  snprintf (victim, sizeof victim, "%s.victim", path);
  assert_int_equal (symlink (victim, name), 0);
  assert_int_equal (audit_log_maintain (log, NULL), 0);
  read_beside (".victim", &content);
  assert_string_equal (content.data, "precious");
  assert_int_equal (lstat (name, &status), 0);
  assert_true (S_ISREG (status.st_mode));
  assert_int_equal (status.st_mode & 07777, 0600);
  audit_log_free (log);
  text_free (&content);
}

/* Nobody will ever write into it. */
static void
a_state_that_is_a_fifo_is_not_waited_for (void **state)
{
  char name[96];
  struct error error = { 0 };

  (void) state;
  audit_log_free (open_log (GOOD, NULL));
  snprintf (name, sizeof name, "%s.state", path);
  assert_int_equal (mkfifo (name, 0600), 0);
  struct key_ring *ring = ring_of (GOOD, NULL);
  assert_null (audit_log_open (path, ring, &error));
  assert_contains (error.text, "is not a regular file");
  key_ring_free (ring);
}

/* What others lock when the lock was removed is another file. */
static void
a_lock_that_was_removed_is_made_anew (void **state)
{
  char lock[96];
  struct stat first;
  struct stat second;

  (void) state;
  snprintf (lock, sizeof lock, "%s.lock", path);
  struct audit_log *log = open_log (GOOD, NULL);
  int held = open (lock, O_RDWR | O_CLOEXEC);
  assert_true (held >= 0);
  assert_int_equal (fstat (held, &first), 0);
  assert_int_equal (first.st_mode & 0777, 0600);
  assert_int_equal (unlink (lock), 0);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  assert_int_equal (stat (lock, &second), 0);
  assert_int_not_equal (first.st_ino, second.st_ino);
  close (held);
  audit_log_free (log);
}

/* Opens the log again and again, as commands do, and writes a little. */
static int
write_in_rounds (void)
{
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct error error = { 0 };
  int code = 0;

  for (int round = 0; round < WRITER_ROUNDS && code == 0; round++) {
    struct audit_log *log = audit_log_open (path, ring, &error);
    code = log == NULL ? error.code : 0;
    for (int i = 0; i < ROUND_RECORDS && code == 0; i++)
      code = write_record (log, "shop", NULL);
    if (code == 0 && round % 8 == 0)
      code = audit_log_ratchet (log, &error);
    audit_log_free (log);
  }
  if (code != 0)
    print_error ("%s\n", error.text);
  key_ring_free (ring);
  return code;
}

/* Moves the log away as often as there is something in it, until the writers
 * have ended. The number of files. */
static size_t
move_under_load (char moved[][96], size_t most)
{
  size_t count = 0;
  int writers = WRITERS;
  int status;
  struct stat about;

  while (writers > 0) {
    if (count < most && stat (path, &about) == 0 && about.st_size > 2000) {
      snprintf (moved[count], 96, "%s.%zu", path, count);
      assert_int_equal (rename (path, moved[count]), 0);
      count++;
    }
    if (waitpid (-1, &status, WNOHANG) > 0) {
      assert_int_equal (status, 0);
      writers--;
    }
  }
  return count;
}

static void
a_log_is_moved_away_under_load (void **state)
{
  enum {
    FILES = 200
  };
  static char moved[FILES][96];
  const char *paths[FILES + 1];

  (void) state;
  audit_log_free (open_log (GOOD, NULL));
  for (int i = 0; i < WRITERS; i++) {
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0)
      _exit (write_in_rounds () != 0);
  }
  size_t count = move_under_load (moved, FILES);
  assert_true (count > 10);
  for (size_t i = 0; i < count; i++)
    paths[i] = moved[i];
  audit_log_free (open_log (GOOD, NULL));
  paths[count] = path;
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_report report = report_of (paths, count + 1, ring, NULL);
  if (report.fault != AUDIT_FINE)
    fail_msg ("%s, line %lu, seq %lu: %s", paths[report.file],
              (unsigned long) report.bad_line, (unsigned long) report.bad_seq,
              audit_fault_text (report.fault));
  assert_true (report.records
               >= (uint64_t) WRITERS * WRITER_ROUNDS * ROUND_RECORDS);
  key_ring_free (ring);
}

/* ---- From time to time ------------------------------------------------- */

static void
a_run_keeps_a_checkpoint (void **state)
{
  struct text line = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (audit_log_maintain (log, NULL), 0);
  read_beside (".checkpoint", &line);
  assert_contains (line.data, "\"seq\":0,");
  /* Nothing is due but with the next record, and then a while later. */
  assert_true (audit_log_due (log) > 60000);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  int due = audit_log_due (log);
  assert_true (due > 0 && due <= 60001);
  audit_log_free (log);
  text_free (&line);
}

/* ---- Copies ------------------------------------------------------------- */

static char socket_path[96];

/* A syslog daemon. */
static int
listen_for_copies (void)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int receiver = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                         0);

  snprintf (socket_path, sizeof socket_path, "%s/syslog", folder);
  memcpy (address.sun_path, socket_path, strlen (socket_path) + 1);
  unlink (socket_path);
  assert_true (receiver >= 0);
  assert_int_equal (
    bind (receiver, (const struct sockaddr *) &address, sizeof address), 0);
  return receiver;
}

/* The next copy: a priority, who sent it, and a line of the log. */
static void
assert_copied (int receiver, int priority, const char *line)
{
  static char got[2 * AUDIT_LINE_MAX];
  CLEANUP_TEXT struct text wanted = { 0 };
  ssize_t length = recv (receiver, got, sizeof got - 1, 0);

  assert_true (length >= 0);
  got[length] = '\0';
  text_printf (&wanted, "<%d>ezcdc[%ld]: %.*s", priority, (long) getpid (),
               (int) strcspn (line, "\n"), line);
  assert_string_equal (got, wanted.data);
}

static void
assert_nothing_copied (int receiver)
{
  char byte;

  assert_int_equal (recv (receiver, &byte, 1, 0), -1);
  assert_int_equal (errno, EAGAIN);
}

static struct audit_log *
open_copied (void)
{
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_log *log = audit_log_open_copied (path, socket_path, ring,
                                                 NULL);

  assert_non_null (log);
  key_ring_free (ring);
  return log;
}

static int
write_failure (struct audit_log *log)
{
  const struct audit_record record = {
    .action = "credential.unseal_failed",
    .resource_id = "shop",
    .outcome = AUDIT_FAILURE,
  };

  return audit_log_write (log, &record, NULL);
}

static void
records_are_copied (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  CLEANUP_TEXT struct text detail = { 0 };
  int receiver = listen_for_copies ();

  (void) state;
  struct audit_log *log = open_copied ();
  assert_int_equal (write_failure (log), 0);
  text_append_string (&detail, "{\"long\":\"");
  for (int i = 0; i < 60000; i++)
    text_char (&detail, 'x');
  text_append_string (&detail, "\"}");
  assert_int_equal (write_record (log, "shop/1", detail.data), 0);
  assert_int_equal (audit_log_ratchet (log, NULL), 0);
  audit_log_free (log);
  read_log (&text);
  assert_copied (receiver, 85, line_start (&text, 0));
  assert_copied (receiver, 84, line_start (&text, 1));
  assert_copied (receiver, 85, line_start (&text, 2));
  assert_copied (receiver, 85, line_start (&text, 3));
  assert_nothing_copied (receiver);
  close (receiver);
}

/* A copy holds nothing up, and what is refused is not copied. */
static void
without_a_receiver_records_are_written (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct rlimit limit;
  struct rlimit small;

  (void) state;
  close (listen_for_copies ());
  assert_int_equal (unlink (socket_path), 0);
  struct audit_log *log = open_copied ();
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  /* It comes, goes, and comes again. */
  for (size_t i = 0; i < 2; i++) {
    int receiver = listen_for_copies ();
    assert_int_equal (write_record (log, "shop/2", NULL), 0);
    read_log (&text);
    assert_copied (receiver, 85, line_start (&text, 2 + 2 * i));
    assert_nothing_copied (receiver);
    close (receiver);
    assert_int_equal (write_record (log, "shop/3", NULL), 0);
  }
  int receiver = listen_for_copies ();
  assert_int_equal (getrlimit (RLIMIT_FSIZE, &limit), 0);
  small = limit;
  small.rlim_cur = 1;
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
  int code = write_record (log, "shop/4", NULL);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &limit), 0);
  assert_int_equal (code, EZCDC_E_UNAVAILABLE);
  assert_nothing_copied (receiver);
  close (receiver);
  audit_log_free (log);
  assert_in_order (GOOD, NULL, 6);
}

/* It is waited for once, a second at most. */
static void
a_receiver_that_does_not_read_holds_nothing_up (void **state)
{
  enum {
    RECORDS = 500
  };
  CLEANUP_TEXT struct text text = { 0 };
  int receiver = listen_for_copies ();
  size_t copies = 0;
  int waits = 0;
  char byte;

  (void) state;
  struct audit_log *log = open_copied ();
  for (int i = 0; i < RECORDS; i++) {
    int64_t begun = clock_monotonic ();
    assert_int_equal (write_record (log, "shop", NULL), 0);
    waits += clock_monotonic () - begun >= 900000;
  }
  /* The receiver was full, and most did not wait; a disk may be slow, too. */
  assert_in_range (waits, 1, 5);
  while (recv (receiver, &byte, 1, 0) == 1)
    copies++;
  assert_true (copies > 0 && copies < RECORDS);
  assert_int_equal (write_record (log, "shop/last", NULL), 0);
  read_log (&text);
  assert_copied (receiver, 85, last_line (&text));
  close (receiver);
  audit_log_free (log);
}

static void
the_path_of_a_socket_has_a_limit (void **state)
{
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct error error = { 0 };
  char long_path[200];

  (void) state;
  memset (long_path, 'x', sizeof long_path);
  long_path[0] = '/';
  long_path[108] = '\0';
  assert_null (audit_log_open_copied (path, long_path, ring, &error));
  assert_int_equal (error.code, EZCDC_E_CONFIG);
  assert_contains (error.text, "audit_syslog");
  assert_int_not_equal (access (path, F_OK), 0);
  long_path[107] = '\0';
  audit_log_free (audit_log_open_copied (path, long_path, ring, &error));
  assert_in_order (GOOD, NULL, 1);
  key_ring_free (ring);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    LOG_TEST (a_log_goes_on_where_it_ended),
    LOG_TEST (an_unknown_action_is_refused),
    LOG_TEST (hostile_names_stay_in_their_line),
    LOG_TEST (a_clock_that_was_set_back_is_noted_once),
    LOG_TEST (torn_ends_are_put_aside),
    LOG_TEST (a_torn_first_record_begins_anew),
    LOG_TEST (a_torn_first_record_of_a_later_file),
    LOG_TEST (a_damaged_last_record_is_put_aside),
    LOG_TEST (a_damaged_earlier_record_is_refused),
    LOG_TEST (unfit_files_are_refused),
    LOG_TEST (a_full_disk_leaves_no_half_record),
    LOG_TEST (a_full_disk_leaves_no_file_without_a_beginning),
    LOG_TEST (a_full_disk_leaves_no_half_recovery),
    LOG_TEST (records_cut_off_a_log_in_use_are_noticed),
    LOG_TEST (what_is_no_record_is_left_behind_a_log_in_use),
    LOG_TEST (several_processes_write_one_chain),
    LOG_TEST (a_log_that_was_moved_away_goes_on),
    LOG_TEST (a_log_goes_on_from_its_newest_file),
    LOG_TEST (a_link_beside_the_log_is_not_followed),
    LOG_TEST (a_state_that_is_a_fifo_is_not_waited_for),
    LOG_TEST (a_lock_that_was_removed_is_made_anew),
    LOG_TEST (a_log_is_moved_away_under_load),
    LOG_TEST (a_run_keeps_a_checkpoint),
    LOG_TEST (records_are_copied),
    LOG_TEST (without_a_receiver_records_are_written),
    LOG_TEST (a_receiver_that_does_not_read_holds_nothing_up),
    LOG_TEST (the_path_of_a_socket_has_a_limit),
  };
  return cmocka_run_group_tests_name ("audit", tests, make_folder,
                                      remove_folder);
}
