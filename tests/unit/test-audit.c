/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: the chain, its writer, its verifier. */

#include <config.h>

#include <dirent.h>
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

#include "core/audit/actions.h"
#include "core/audit/actor.h"
#include "core/audit/chain.h"
#include "core/audit/checkpoint.h"
#include "core/audit/log.h"
#include "core/audit/verify.h"
#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/base/text.h"
#include "core/crypto/key_ring.h"
#include "tests/unit/unit.h"

#define GOOD "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496"
#define OTHER                                                                 \
  "c94e7a1b2d5f60830e1a9b7c4d3e2f58617a8b9c0d1e2f3a4b5c6d7e8f901223"
#define THIRD                                                                 \
  "2fd8a1c47e5b3690fa1c8d2e7b40953617e8c9d0a2b4f6587d9e1c3b5a70f482"

#define FOURTH                                                                \
  "a6e1d27c90b84f35116f8d0b2c7a9e43d57182f6c03b9da4e8275c61f09b3e48"

#define FUTURE "2099-01-01T00:00:00.000000Z"

/* Root key 00 01 ... 1f; checked by two other implementations. */
static const char *const known_chain[] = {
  "{\"v\":1,\"seq\":0,\"timestamp\":\"2024-01-15T10:30:00.000000Z\","
  "\"action\":\"audit.opened\",\"user_id\":\"user_123\","
  "\"resource_id\":\"audit\",\"ip_address\":\"203.0.113.1\","
  "\"outcome\":\"success\",\"epoch\":0,\"prev\":"
  "\"0000000000000000000000000000000000000000000000000000000000000000\","
  "\"mac\":"
  "\"a977f1da0ddbbbc008e8e1484404daedc0a457e3d7c95be6026e3044f6545cfe\"}",
  "{\"v\":1,\"seq\":1,\"timestamp\":\"2024-01-15T10:30:01.000000Z\","
  "\"action\":\"datasource.created\",\"user_id\":\"user_123\","
  "\"resource_id\":\"ds_abc\",\"ip_address\":\"203.0.113.1\","
  "\"outcome\":\"success\",\"epoch\":0,\"prev\":"
  "\"a977f1da0ddbbbc008e8e1484404daedc0a457e3d7c95be6026e3044f6545cfe\","
  "\"mac\":"
  "\"7b5f1fabe25887b625499b35aa6e3a7fe7d411875c586c4b87c713107ad4ca5c\"}",
  "{\"v\":1,\"seq\":2,\"timestamp\":\"2024-01-15T10:30:02.000000Z\","
  "\"action\":\"credential.unsealed\",\"user_id\":\"user_123\","
  "\"resource_id\":\"ds_abc\",\"ip_address\":\"203.0.113.1\","
  "\"outcome\":\"success\",\"epoch\":0,\"prev\":"
  "\"7b5f1fabe25887b625499b35aa6e3a7fe7d411875c586c4b87c713107ad4ca5c\","
  "\"mac\":"
  "\"d9e911fd7c5434706c57445191a8a5b47b1f0e4997adac3ce8cb160356113758\"}",
};

static char folder[] = "/tmp/ezcdc-audit-XXXXXX";
static char path[64];

static int
make_folder (void **state)
{
  (void) state;
  if (mkdtemp (folder) == NULL)
    return -1;
  snprintf (path, sizeof path, "%s/audit.jsonl", folder);
  signal (SIGXFSZ, SIG_IGN);
  return 0;
}

static int
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

static int
remove_folder (void **state)
{
  return empty_folder (state) | rmdir (folder);
}

static size_t
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

static struct key_ring *
ring_of (const char *primary, const char *old)
{
  struct key_ring *ring = key_ring_new (NULL);

  assert_non_null (ring);
  assert_int_equal (key_ring_add_digits (ring, primary, 64, "test", NULL), 0);
  if (old != NULL)
    assert_int_equal (key_ring_add_digits (ring, old, 64, "test", NULL), 0);
  return ring;
}

static struct key_ring *
known_ring (void)
{
  unsigned char key[KEY_SIZE];
  struct key_ring *ring = key_ring_new (NULL);

  assert_non_null (ring);
  for (size_t i = 0; i < sizeof key; i++)
    key[i] = (unsigned char) i;
  assert_int_equal (key_ring_add (ring, key, NULL), 0);
  return ring;
}

/* ---- Help for reading and changing the log ------------------------------ */

static void
read_log (struct text *text)
{
  text_clear (text);
  assert_int_equal (file_read (path, 100000000, text, NULL), 0);
}

static void
replace_log (const char *data, size_t length)
{
  assert_int_equal (file_replace (path, data, length, 0600, NULL), 0);
}

static struct audit_report
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

static struct audit_report
report_under (const struct key_ring *ring)
{
  const char *const paths[] = { path };

  return report_of (paths, 1, ring, NULL);
}

static void
assert_in_order (const char *primary, const char *old, uint64_t records)
{
  struct key_ring *ring = ring_of (primary, old);
  struct audit_report report = report_under (ring);

  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.records, records);
  key_ring_free (ring);
}

static int
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

static struct audit_log *
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
static struct audit_log *
open_rekeyed (const char *primary, const char *old)
{
  struct audit_log *log = open_log (primary, old);
  struct key_ring *ring = ring_of (primary, old);

  assert_int_equal (audit_log_rekey (log, ring, NULL), 0);
  key_ring_free (ring);
  return log;
}

/* A log of audit.opened and some more records. */
static void
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

static const char *
line_start (const struct text *text, size_t number)
{
  const char *at = text->data;

  while (number-- > 0)
    at = strchr (at, '\n') + 1;
  return at;
}

static const char *
last_line (const struct text *text)
{
  return (const char *) memrchr (text->data, '\n', text->length - 1) + 1;
}

/* ---- The chain --------------------------------------------------------- */

static void
the_known_chain_verifies (void **state)
{
  struct key_ring *ring = known_ring ();
  struct audit_keys *keys = audit_keys_new (ring, NULL);
  struct audit_place place = { 0 };

  (void) state;
  assert_non_null (keys);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal (audit_place_advance (&place, keys, known_chain[i],
                                           strlen (known_chain[i])),
                      AUDIT_FINE);
    assert_int_equal (place.next_seq, i + 1);
  }
  assert_string_equal (
    place.prev,
    "d9e911fd7c5434706c57445191a8a5b47b1f0e4997adac3ce8cb160356113758");
  audit_keys_free (keys);
  key_ring_free (ring);
}

static void
every_changed_bit_is_found (void **state)
{
  struct key_ring *ring = known_ring ();
  struct audit_keys *keys = audit_keys_new (ring, NULL);
  struct audit_place start = { 0 };
  char line[1024];
  size_t length = strlen (known_chain[1]);

  (void) state;
  assert_int_equal (audit_place_advance (&start, keys, known_chain[0],
                                         strlen (known_chain[0])),
                    AUDIT_FINE);
  for (size_t i = 0; i < length; i++)
    for (unsigned bit = 0; bit < 8; bit++) {
      struct audit_place place = start;
      memcpy (line, known_chain[1], length);
      line[i] = (char) (line[i] ^ 1 << bit);
      assert_int_not_equal (audit_place_advance (&place, keys, line, length),
                            AUDIT_FINE);
      assert_int_equal (place.next_seq, 1);
    }
  for (size_t cut = 0; cut < length; cut++) {
    struct audit_place place = start;
    assert_int_not_equal (
      audit_place_advance (&place, keys, known_chain[1], cut), AUDIT_FINE);
  }
  audit_keys_free (keys);
  key_ring_free (ring);
}

static void
actions_are_well_formed_and_sorted (void **state)
{
  (void) state;
  for (size_t i = 0; audit_actions[i].name != NULL; i++) {
    const char *name = audit_actions[i].name;
    const char *dot = strchr (name, '.');
    assert_non_null (dot);
    assert_int_equal (strspn (name, "abcdefghijklmnopqrstuvwxyz_"),
                      (size_t) (dot - name));
    assert_int_equal (strspn (dot + 1, "abcdefghijklmnopqrstuvwxyz_"),
                      strlen (dot + 1));
    assert_true (strlen (audit_actions[i].meaning) > 0);
    assert_ptr_equal (audit_action_find (name), &audit_actions[i]);
    if (i > 0)
      assert_true (strcmp (audit_actions[i - 1].name, name) < 0);
  }
  assert_null (audit_action_find ("pipeline.painted"));
}

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
  assert_int_equal (count_files (), 1);
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

/* ---- Keys change ------------------------------------------------------- */

static void
a_log_survives_a_change_of_keys (void **state)
{
  struct text text = { 0 };
  struct error error = { 0 };

  (void) state;
  write_log (3);
  struct audit_log *log = open_rekeyed (OTHER, GOOD);
  assert_int_equal (write_record (log, "shop/new", NULL), 0);
  audit_log_free (log);
  assert_in_order (OTHER, GOOD, 5);
  assert_in_order (GOOD, OTHER, 5);
  read_log (&text);
  assert_contains (line_start (&text, 3), "\"action\":\"audit.rekeyed\"");
  /* The new key alone is enough to go on and to verify it all. */
  log = open_log (OTHER, NULL);
  assert_int_equal (write_record (log, "shop/newer", NULL), 0);
  audit_log_free (log);
  assert_in_order (OTHER, GOOD, 6);
  assert_in_order (OTHER, NULL, 6);
  /* The old key alone does neither. */
  struct key_ring *ring = ring_of (GOOD, NULL);
  assert_int_equal (report_under (ring).fault, AUDIT_KEY);
  assert_int_equal (report_under (ring).bad_line, 5);
  assert_null (audit_log_open (path, ring, &error));
  assert_int_equal (error.code, EZCDC_E_CONFIG);
  key_ring_free (ring);
  text_free (&text);
}

static void
a_log_in_use_changes_its_key (void **state)
{
  struct key_ring *both = ring_of (OTHER, GOOD);
  struct key_ring *foreign = ring_of (OTHER, NULL);
  struct error error = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  /* A ring without the chain's key is refused, and the log goes on. */
  assert_int_equal (audit_log_rekey (log, foreign, &error), EZCDC_E_CONFIG);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  assert_int_equal (audit_log_rekey (log, both, NULL), 0);
  assert_int_equal (write_record (log, "shop/2", NULL), 0);
  audit_log_free (log);
  assert_in_order (OTHER, GOOD, 4);
  key_ring_free (both);
  key_ring_free (foreign);
}

/* Three keys, one after the other, and in the end the last one is enough. */
static void
a_log_survives_many_changes (void **state)
{
  (void) state;
  write_log (2);
  audit_log_free (open_rekeyed (OTHER, GOOD));
  audit_log_free (open_rekeyed (THIRD, OTHER));
  struct audit_log *log = open_rekeyed (THIRD, NULL);
  assert_int_equal (write_record (log, "shop/last", NULL), 0);
  audit_log_free (log);
  assert_in_order (THIRD, NULL, 5);
  struct key_ring *ring = ring_of (OTHER, NULL);
  struct audit_report report = report_under (ring);
  assert_int_equal (report.fault, AUDIT_KEY);
  assert_int_equal (report.records, 4);
  key_ring_free (ring);
}

/* While a process with the old key alone still writes. */
static void
a_bridge_lets_the_new_key_go_on (void **state)
{
  struct key_ring *both = ring_of (OTHER, GOOD);

  (void) state;
  struct audit_log *old = open_log (GOOD, NULL);
  struct audit_log *log = open_log (OTHER, GOOD);
  assert_int_equal (audit_log_bridge (log, both, NULL), 0);
  assert_int_equal (write_record (log, "shop/new", NULL), 0);
  assert_int_equal (write_record (old, "shop/old", NULL), 0);
  audit_log_free (log);
  audit_log_free (old);
  assert_in_order (GOOD, NULL, 4);
  /* The old key is gone now. */
  audit_log_free (open_rekeyed (OTHER, NULL));
  assert_in_order (OTHER, NULL, 5);
  key_ring_free (both);
}

/* A process that does not know the new key yet may not break the chain. */
static void
a_writer_without_the_new_key_stops (void **state)
{
  (void) state;
  struct audit_log *late = open_log (GOOD, NULL);
  struct audit_log *ready = open_log (GOOD, OTHER);
  audit_log_free (open_rekeyed (OTHER, GOOD));
  assert_int_equal (write_record (late, "shop/1", NULL), EZCDC_E_CONFIG);
  assert_int_equal (write_record (ready, "shop/2", NULL), 0);
  assert_int_equal (write_record (late, "shop/3", NULL), EZCDC_E_CONFIG);
  audit_log_free (late);
  audit_log_free (ready);
  assert_in_order (OTHER, GOOD, 3);
}

/* ---- The verifier ------------------------------------------------------ */

static void
assert_fault (const struct text *text, enum audit_fault fault, uint64_t line,
              uint64_t seq)
{
  struct key_ring *ring = ring_of (GOOD, NULL);

  replace_log (text->data, text->length);
  struct audit_report report = report_under (ring);
  assert_int_equal (report.fault, fault);
  assert_int_equal (report.bad_line, line);
  assert_int_equal (report.bad_seq, seq);
  key_ring_free (ring);
}

/* Line "which" of a log of five, in the place of line "at". */
static void
copy_without (const struct text *from, size_t without, struct text *to)
{
  text_clear (to);
  for (size_t i = 0; i < 5; i++) {
    const char *line = line_start (from, i);
    if (i != without)
      text_append (to, line, strcspn (line, "\n") + 1);
  }
}

static void
the_first_bad_record_is_named (void **state)
{
  struct text good = { 0 };
  struct text bad = { 0 };

  (void) state;
  write_log (5);
  read_log (&good);

  /* Changed. */
  text_append (&bad, good.data, good.length);
  memcpy (strstr (bad.data, "shop/2"), "shop/9", 6);
  assert_fault (&bad, AUDIT_MAC, 3, 2);
  /* Removed from the middle, and the first one. */
  copy_without (&good, 2, &bad);
  assert_fault (&bad, AUDIT_MISSING, 3, 3);
  copy_without (&good, 0, &bad);
  assert_fault (&bad, AUDIT_BEGINNING, 1, 1);
  /* There twice. */
  text_clear (&bad);
  text_append (&bad, good.data, good.length);
  const char *second = line_start (&good, 1);
  text_append (&bad, second, strcspn (second, "\n") + 1);
  assert_fault (&bad, AUDIT_ORDER, 6, 1);
  /* Inserted by somebody without the key. */
  text_clear (&bad);
  text_append (&bad, good.data, (size_t) (line_start (&good, 2) - good.data));
  text_append_string (&bad, "{\"v\":1}\n");
  text_append_string (&bad, line_start (&good, 2));
  assert_fault (&bad, AUDIT_FORM, 3, 2);
  /* Reordered. */
  text_clear (&bad);
  text_append (&bad, good.data, (size_t) (line_start (&good, 2) - good.data));
  text_append (&bad, line_start (&good, 3),
               strcspn (line_start (&good, 3), "\n") + 1);
  text_append (&bad, line_start (&good, 2),
               strcspn (line_start (&good, 2), "\n") + 1);
  text_append_string (&bad, line_start (&good, 4));
  assert_fault (&bad, AUDIT_MISSING, 3, 3);
  /* A line without an end that fills all memory, were one to wait for it. */
  text_clear (&bad);
  text_append (&bad, good.data, good.length);
  for (size_t i = 0; i < 1000000; i++)
    text_char (&bad, 'x');
  assert_fault (&bad, AUDIT_FORM, 6, 5);
  /* Nothing at all is in order. */
  replace_log ("", 0);
  assert_in_order (GOOD, NULL, 0);
  text_free (&good);
  text_free (&bad);
}

static void
another_chain_is_no_continuation (void **state)
{
  struct text first = { 0 };
  struct text second = { 0 };

  (void) state;
  write_log (3);
  read_log (&first);
  unlink (path);
  write_log (4);
  read_log (&second);
  text_append_string (&first, line_start (&second, 3));
  assert_fault (&first, AUDIT_PREV, 4, 3);
  text_free (&first);
  text_free (&second);
}

/* ---- Epochs ------------------------------------------------------------ */

/* The lines of a log that name an epoch. */
static size_t
count_epoch (const struct text *text, unsigned epoch)
{
  char pattern[32];
  size_t count = 0;

  snprintf (pattern, sizeof pattern, ",\"epoch\":%u,\"prev\"", epoch);
  for (const char *at = text->data; (at = strstr (at, pattern)) != NULL; at++)
    count++;
  return count;
}

/* Three epochs of audit.opened, shop/1 ... and their closing records. */
static void
write_epochs (struct audit_log *log)
{
  char resource[32];

  for (int epoch = 0; epoch < 3; epoch++) {
    for (int i = 0; i < 2; i++) {
      snprintf (resource, sizeof resource, "shop/%d.%d", epoch, i);
      assert_int_equal (write_record (log, resource, NULL), 0);
    }
    if (epoch < 2)
      assert_int_equal (audit_log_ratchet (log, NULL), 0);
  }
}

static void
epochs_are_one_chain (void **state)
{
  struct text text = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  struct audit_log *other = open_log (GOOD, NULL);
  write_epochs (log);
  /* Others notice it, and those that come later. */
  assert_int_equal (write_record (other, "shop/other", NULL), 0);
  audit_log_free (other);
  audit_log_free (log);
  log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/later", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, NULL, 11);
  read_log (&text);
  assert_int_equal (count_epoch (&text, 0), 4);
  assert_int_equal (count_epoch (&text, 1), 3);
  assert_int_equal (count_epoch (&text, 2), 4);
  assert_contains (line_start (&text, 3), "\"action\":\"audit.ratcheted\"");
  text_free (&text);
}

static void
an_epoch_ends_by_itself (void **state)
{
  struct text text = { 0 };

  (void) state;
  write_log (1002);
  assert_in_order (GOOD, NULL, 1003);
  read_log (&text);
  assert_int_equal (count_epoch (&text, 0), 1001);
  assert_int_equal (count_epoch (&text, 1), 2);
  text_free (&text);
}

static void
epochs_begin_anew_with_a_key (void **state)
{
  struct text text = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  write_epochs (log);
  audit_log_free (log);
  log = open_rekeyed (OTHER, GOOD);
  write_epochs (log);
  audit_log_free (log);
  assert_in_order (OTHER, NULL, 18);
  read_log (&text);
  assert_contains (line_start (&text, 10), "\"epoch\":0,");
  text_free (&text);
}

/* ---- A verification key that was given away ---------------------------- */

static void
read_beside (const char *suffix, struct text *text)
{
  char name[96];

  snprintf (name, sizeof name, "%s%s", path, suffix);
  text_clear (text);
  assert_int_equal (file_read (name, 100000, text, NULL), 0);
}

static void
replace_beside (const char *suffix, const struct text *text)
{
  char name[96];

  snprintf (name, sizeof name, "%s%s", path, suffix);
  assert_int_equal (file_replace (name, text->data, text->length, 0600, NULL),
                    0);
}

/* GOOD is the root key and THIRD the verification key. */
static void
give_third_away (struct audit_log *log)
{
  struct key_ring *third = ring_of (THIRD, NULL);

  assert_int_equal (audit_log_give_key (log, third, NULL), 0);
  key_ring_free (third);
}

static void
the_past_cannot_be_written_anew (void **state)
{
  struct text early = { 0 };
  struct text beside = { 0 };
  struct error error = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  write_epochs (log);
  audit_log_free (log);
  assert_in_order (GOOD, THIRD, 10);
  read_beside (".state", &beside);
  assert_contains (beside.data, "\"epoch\":2,");

  /* An intruder has the root key, the state and the program. The log is cut
   * back into the first epoch: nobody can go on with it there ... */
  read_log (&early);
  assert_int_equal (truncate (path, line_start (&early, 4) - early.data), 0);
  struct key_ring *ring = ring_of (GOOD, NULL);
  assert_null (audit_log_open (path, ring, &error));
  assert_int_equal (error.code, EZCDC_E_OPERATOR);
  assert_contains (error.text, "forgotten");
  /* ... nor begin another one in its place, */
  assert_int_equal (unlink (path), 0);
  assert_null (audit_log_open (path, ring, &error));
  assert_contains (error.text, ".state");
  /* and what there is does not verify what was before. */
  replace_log (early.data, early.length);
  struct audit_report report = report_under (ring);
  assert_int_equal (report.fault, AUDIT_FORGOTTEN);
  assert_int_equal (report.bad_seq, 2);
  key_ring_free (ring);
  /* The log itself goes on. */
  log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/late", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, THIRD, 11);
  text_free (&early);
  text_free (&beside);
}

/* The process ended between the record that closes an epoch and the state. */
static void
a_state_that_is_behind_catches_up (void **state)
{
  struct text before = { 0 };
  struct text after = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  read_beside (".state", &before);
  assert_int_equal (audit_log_ratchet (log, NULL), 0);
  audit_log_free (log);
  read_beside (".state", &after);
  assert_string_not_equal (before.data, after.data);
  replace_beside (".state", &before);
  log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/2", NULL), 0);
  audit_log_free (log);
  read_beside (".state", &after);
  assert_contains (after.data, "\"epoch\":1,");
  assert_in_order (GOOD, THIRD, 5);
  text_free (&before);
  text_free (&after);
}

/* The last record is under a key that is forgotten: the state names it. */
static void
a_log_that_ends_with_an_epoch_goes_on (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  char moved[96];
  const char *const paths[] = { moved, path };
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct key_ring *both = ring_of (GOOD, THIRD);

  (void) state;
  snprintf (moved, sizeof moved, "%s.1", path);
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  for (int i = 0; i < 3; i++) {
    assert_int_equal (write_record (log, "shop/1", NULL), 0);
    assert_int_equal (audit_log_ratchet (log, NULL), 0);
    audit_log_free (log);
    log = open_log (GOOD, NULL);
  }
  audit_log_free (log);
  assert_in_order (GOOD, THIRD, 8);

  /* No other record is taken for it. */
  read_log (&text);
  size_t last = (size_t) (last_line (&text) - text.data);
  for (size_t i = last; i < text.length; i++) {
    text.data[i] ^= 1;
    replace_log (text.data, text.length);
    log = audit_log_open (path, ring, NULL);
    if (log != NULL && write_record (log, "shop/2", NULL) == 0) {
      /* Nothing of what counts was changed, and the change is noticed. */
      struct audit_report report = report_under (both);
      assert_int_equal (report.fault, AUDIT_MAC);
      assert_int_equal (report.bad_line, 8);
    }
    audit_log_free (log);
    text.data[i] ^= 1;
  }
  replace_log (text.data, text.length);
  assert_int_equal (rename (path, moved), 0);
  log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/3", NULL), 0);
  audit_log_free (log);
  struct audit_report report = report_of (paths, 2, both, NULL);
  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.records, 10);
  key_ring_free (ring);
  key_ring_free (both);
}

static void
a_state_that_could_not_be_written_is_written_later (void **state)
{
  CLEANUP_TEXT struct text text = { 0 };
  char name[96];

  (void) state;
  snprintf (name, sizeof name, "%s.state", path);
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  assert_int_equal (unlink (name), 0);
  assert_int_equal (mkdir (name, 0700), 0);
  assert_int_not_equal (audit_log_ratchet (log, NULL), 0);
  assert_int_not_equal (write_record (log, "shop/2", NULL), 0);
  assert_int_equal (rmdir (name), 0);
  assert_int_equal (write_record (log, "shop/3", NULL), 0);
  audit_log_free (log);
  read_beside (".state", &text);
  assert_contains (text.data, "\"epoch\":1,");
  log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/4", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, THIRD, 6);
}

/* The process ended while it replaced the state. */
static void
a_state_that_was_left_half_way_is_removed (void **state)
{
  struct text text = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  read_beside (".state", &text);
  replace_beside (".state.aB3xY9", &text);
  replace_beside (".state.archive", &text);
  assert_int_equal (count_files (), 4);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  assert_int_equal (audit_log_ratchet (log, NULL), 0);
  audit_log_free (log);
  assert_int_equal (count_files (), 3);
  read_beside (".state.archive", &text);
  text_free (&text);
}

/* The root key changes, the verification key stays. */
static void
a_given_key_survives_a_change_of_keys (void **state)
{
  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  audit_log_free (log);
  audit_log_free (open_rekeyed (OTHER, GOOD));
  log = open_log (OTHER, NULL);
  assert_int_equal (write_record (log, "shop/2", NULL), 0);
  audit_log_free (log);
  /* What was written before the key was given away is under the root key of
   * that time. */
  assert_in_order (GOOD, THIRD, 4);
  struct key_ring *ring = ring_of (GOOD, NULL);
  assert_null (audit_log_open (path, ring, NULL));
  key_ring_free (ring);
}

/* Each time under the newest root key alone, and with epochs between. */
static void
a_given_key_survives_many_changes_of_keys (void **state)
{
  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  write_epochs (log);
  audit_log_free (log);
  log = open_rekeyed (OTHER, GOOD);
  write_epochs (log);
  audit_log_free (log);
  log = open_rekeyed (FOURTH, OTHER);
  write_epochs (log);
  audit_log_free (log);
  log = open_log (FOURTH, NULL);
  assert_int_equal (write_record (log, "shop/last", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, THIRD, 27);
}

/* A process with the former root key writes on, and closes epochs, until it
 * goes over itself: the state is under the former key until then. */
static void
a_given_key_is_kept_for_a_process_with_the_former_key (void **state)
{
  struct key_ring *both = ring_of (OTHER, GOOD);
  struct key_ring *newest = ring_of (OTHER, NULL);
  struct error error = { 0 };

  (void) state;
  struct audit_log *old = open_log (GOOD, NULL);
  give_third_away (old);
  struct audit_log *log = open_log (OTHER, GOOD);
  assert_int_equal (audit_log_bridge (log, both, NULL), 0);
  assert_int_equal (write_record (log, "shop/new", NULL), 0);
  audit_log_free (log);
  assert_int_equal (audit_log_ratchet (old, NULL), 0);
  assert_int_equal (write_record (old, "shop/old", NULL), 0);
  assert_null (audit_log_open (path, newest, &error));
  assert_int_equal (error.code, EZCDC_E_CONFIG);
  assert_contains (error.text, ".state");
  assert_int_equal (audit_log_rekey (old, both, NULL), 0);
  audit_log_free (old);
  log = open_log (OTHER, NULL);
  assert_int_equal (write_record (log, "shop/newest", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, THIRD, 6);
  key_ring_free (both);
  key_ring_free (newest);
}

/* The process ended between the state and audit.rekeyed: the chain is where it
 * was, and the key is void. */
static void
a_key_that_was_not_gone_over_to_is_replaced (void **state)
{
  struct text before = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  read_log (&before);
  give_third_away (log);
  audit_log_free (log);
  replace_log (before.data, before.length);

  log = open_log (GOOD, NULL);
  assert_false (audit_log_has_given_key (log));
  assert_int_equal (write_record (log, "shop/2", NULL), 0);
  assert_int_equal (audit_log_ratchet (log, NULL), 0);
  assert_in_order (GOOD, NULL, 4);
  struct key_ring *fourth = ring_of (FOURTH, NULL);
  assert_int_equal (audit_log_give_key (log, fourth, NULL), 0);
  write_epochs (log);
  audit_log_free (log);
  log = open_log (GOOD, NULL);
  assert_true (audit_log_has_given_key (log));
  assert_int_equal (write_record (log, "shop/3", NULL), 0);
  assert_int_not_equal (audit_log_give_key (log, fourth, NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, FOURTH, 14);
  key_ring_free (fourth);
  text_free (&before);
}

static void
assert_refused (const struct key_ring *ring, const char *what)
{
  struct error error = { 0 };
  struct text before = { 0 };
  struct text after = { 0 };

  read_log (&before);
  assert_null (audit_log_open (path, ring, &error));
  assert_contains (error.text, what);
  read_log (&after);
  assert_string_equal (before.data, after.data);
  text_free (&before);
  text_free (&after);
}

static void
a_state_that_is_not_what_was_written_is_refused (void **state)
{
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct key_ring *foreign = ring_of (OTHER, NULL);
  struct text text = { 0 };
  char name[96];

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  audit_log_free (log);
  read_beside (".state", &text);
  for (size_t i = 0; i < text.length; i++) {
    text.data[i] ^= 1;
    replace_beside (".state", &text);
    assert_refused (ring, ".state");
    text.data[i] ^= 1;
  }
  size_t whole = text.length;
  for (text.length = 0; text.length < whole - 1; text.length += 7) {
    replace_beside (".state", &text);
    assert_refused (ring, ".state");
  }
  text.length = whole;
  replace_beside (".state", &text);
  assert_refused (foreign, ".state");
  /* Without it, and that of a log that has gone on since. */
  snprintf (name, sizeof name, "%s.state", path);
  assert_int_equal (unlink (name), 0);
  assert_refused (ring, ".state");
  replace_beside (".state", &text);
  log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/2", NULL), 0);
  audit_log_free (log);
  assert_in_order (GOOD, THIRD, 4);
  text_free (&text);
  key_ring_free (ring);
  key_ring_free (foreign);
}

/* A file that goes on under the key, moved away in use and not. */
static void
a_log_with_a_given_key_may_be_moved (void **state)
{
  char moved[2][96];
  const char *const paths[] = { moved[0], moved[1], path };

  (void) state;
  for (int i = 0; i < 2; i++)
    snprintf (moved[i], sizeof moved[i], "%s-%d", path, i);
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  write_epochs (log);
  assert_int_equal (rename (path, moved[0]), 0);
  write_epochs (log);
  audit_log_free (log);
  assert_int_equal (rename (path, moved[1]), 0);
  log = open_log (GOOD, NULL);
  write_epochs (log);
  audit_log_free (log);
  struct key_ring *ring = ring_of (GOOD, THIRD);
  struct audit_report report = report_of (paths, 3, ring, NULL);
  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.records, 28);
  key_ring_free (ring);
}

/* Writes and closes epochs until it is killed. */
static void
write_until_killed (void)
{
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_log *log = audit_log_open (path, ring, NULL);

  while (log != NULL && write_record (log, "shop/1", NULL) == 0
         && write_record (log, "shop/2", NULL) == 0
         && audit_log_ratchet (log, NULL) == 0)
    ;
  _exit (1);
}

static off_t
log_size (void)
{
  struct stat status;

  assert_int_equal (stat (path, &status), 0);
  return status.st_size;
}

/* Wherever it is killed, also between a record and the state beside it. */
static void
a_writer_that_is_killed_leaves_one_chain (void **state)
{
  struct key_ring *ring = ring_of (GOOD, THIRD);

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  give_third_away (log);
  audit_log_free (log);
  for (int round = 0; round < 60; round++) {
    off_t before = log_size ();
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0)
      write_until_killed ();
    /* A few records, and then at any point of the next one. */
    while (log_size () < before + 700 + 37 * round)
      assert_int_equal (waitpid (child, NULL, WNOHANG), 0);
    for (volatile int spin = 0; spin < 5000 * (round % 13); spin++)
      ;
    int status;
    assert_int_equal (kill (child, SIGKILL), 0);
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_true (WIFSIGNALED (status));
    log = open_log (GOOD, NULL);
    assert_int_equal (write_record (log, "shop/after", NULL), 0);
    audit_log_free (log);
    struct audit_report report = report_under (ring);
    if (report.fault != AUDIT_FINE)
      fail_msg ("round %d, seq %lu: %s", round, (unsigned long) report.bad_seq,
                audit_fault_text (report.fault));
  }
  key_ring_free (ring);
}

/* ---- Several files ----------------------------------------------------- */

static char moved_path[2][96];
static const char *const three_files[] = { moved_path[0], moved_path[1],
                                           path };

/* The log, moved away twice, as logrotate does it. */
static void
write_three_files (bool in_use)
{
  struct audit_log *log = open_log (GOOD, NULL);

  for (int i = 0; i < 2; i++) {
    snprintf (moved_path[i], sizeof moved_path[i], "%s.%d", path, 2 - i);
    assert_int_equal (write_record (log, "shop/before", NULL), 0);
    assert_int_equal (write_record (log, "shop/before", NULL), 0);
    if (!in_use)
      audit_log_free (log);
    assert_int_equal (rename (path, moved_path[i]), 0);
    if (!in_use)
      log = open_log (GOOD, NULL);
  }
  assert_int_equal (write_record (log, "shop/after", NULL), 0);
  audit_log_free (log);
}

static void
files_that_were_moved_away_are_one_chain (void **state)
{
  struct key_ring *ring = ring_of (GOOD, NULL);

  (void) state;
  for (int in_use = 0; in_use < 2; in_use++) {
    write_three_files (in_use != 0);
    struct audit_report report = report_of (three_files, 3, ring, NULL);
    assert_int_equal (report.fault, AUDIT_FINE);
    assert_int_equal (report.first_seq, 0);
    assert_int_equal (report.records, report.last_seq + 1);
    assert_int_equal (report.records, 8);
    assert_int_equal (empty_folder (state), 0);
  }
  key_ring_free (ring);
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

/* Takes a line out of a file, or puts one in. */
static void
edit_file (const char *name, size_t line, const char *instead)
{
  struct text text = { 0 };
  struct text edited = { 0 };

  assert_int_equal (file_read (name, 100000, &text, NULL), 0);
  const char *at = line_start (&text, line);
  text_append (&edited, text.data, (size_t) (at - text.data));
  text_append_string (&edited, instead);
  text_append_string (&edited, at + strcspn (at, "\n") + 1);
  assert_int_equal (
    file_replace (name, edited.data, edited.length, 0600, NULL), 0);
  text_free (&text);
  text_free (&edited);
}

static void
tampering_is_found_across_files (void **state)
{
  /* Which files are shown in which order, and a line that is taken out. */
  static const struct {
    const char *what;
    size_t order[4];
    size_t count;
    int without_file; /* -1: nothing is taken out */
    size_t without_line;
    enum audit_fault fault;
    size_t file;
    uint64_t line;
    uint64_t seq;
  } cases[] = {
    { "all", { 0, 1, 2 }, 3, -1, 0, AUDIT_FINE, 2, 0, 0 },
    { "first file gone", { 1, 2 }, 2, -1, 0, AUDIT_FINE, 1, 0, 0 },
    { "middle file gone", { 0, 2 }, 2, -1, 0, AUDIT_MISSING, 1, 1, 6 },
    { "wrong order", { 1, 0, 2 }, 3, -1, 0, AUDIT_ORDER, 1, 1, 0 },
    { "a file twice", { 0, 0, 1 }, 3, -1, 0, AUDIT_ORDER, 1, 1, 0 },
    { "end of a file cut", { 0, 1, 2 }, 3, 0, 2, AUDIT_MISSING, 1, 1, 3 },
    { "beginning cut", { 0, 1, 2 }, 3, 1, 0, AUDIT_MISSING, 1, 1, 4 },
    { "middle cut", { 0, 1, 2 }, 3, 1, 1, AUDIT_MISSING, 1, 2, 5 },
  };
  struct key_ring *ring = ring_of (GOOD, NULL);

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *paths[4];
    write_three_files (true);
    if (cases[i].without_file >= 0)
      edit_file (three_files[cases[i].without_file], cases[i].without_line,
                 "");
    for (size_t j = 0; j < cases[i].count; j++)
      paths[j] = three_files[cases[i].order[j]];
    struct audit_report report = report_of (paths, cases[i].count, ring, NULL);
    if (report.fault != cases[i].fault || report.file != cases[i].file
        || report.bad_line != cases[i].line || report.bad_seq != cases[i].seq)
      fail_msg ("%s: fault %d, file %zu, line %lu, seq %lu", cases[i].what,
                (int) report.fault, report.file,
                (unsigned long) report.bad_line,
                (unsigned long) report.bad_seq);
    assert_int_equal (empty_folder (state), 0);
  }
  key_ring_free (ring);
}

/* ---- Checkpoints ------------------------------------------------------- */

static const char *const no_public_keys[] = { NULL };

static void
make_checkpoint (struct audit_log *log, struct text *lines)
{
  assert_int_equal (audit_log_checkpoint (log, lines, NULL), 0);
}

/* Reads the lines as a file of checkpoints. */
static int
read_checkpoints (const struct text *lines, const struct key_ring *ring,
                  const char *const *public_keys,
                  struct audit_checkpoints *checkpoints, struct error *error)
{
  char name[96];

  replace_beside (".kept", lines);
  snprintf (name, sizeof name, "%s.kept", path);
  return audit_checkpoints_read (checkpoints, name, ring, public_keys, error);
}

static struct audit_report
report_with (const struct text *lines)
{
  const char *const paths[] = { path };
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct audit_checkpoints checkpoints = { 0 };
  struct error error = { 0 };

  if (read_checkpoints (lines, ring, no_public_keys, &checkpoints, &error)
      != 0)
    fail_msg ("%s", error.text);
  struct audit_report report = report_of (paths, 1, ring, &checkpoints);
  audit_checkpoints_free (&checkpoints);
  key_ring_free (ring);
  return report;
}

static void
a_log_that_was_cut_is_noticed (void **state)
{
  struct text lines = { 0 };
  struct text whole = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  make_checkpoint (log, &lines);
  assert_int_equal (write_record (log, "shop/2", NULL), 0);
  assert_int_equal (write_record (log, "shop/3", NULL), 0);
  make_checkpoint (log, &lines);
  audit_log_free (log);
  struct audit_report report = report_with (&lines);
  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.checkpoints, 2);

  read_log (&whole);
  replace_log (whole.data, (size_t) (line_start (&whole, 3) - whole.data));
  report = report_with (&lines);
  assert_int_equal (report.fault, AUDIT_CUT);
  assert_int_equal (report.bad_line, 4);
  assert_int_equal (report.bad_seq, 3);
  assert_in_order (GOOD, NULL, 3);

  /* Cut and written on by somebody with the key. */
  log = open_log (GOOD, NULL);
  assert_int_equal (write_record (log, "shop/false", NULL), 0);
  audit_log_free (log);
  report = report_with (&lines);
  assert_int_equal (report.fault, AUDIT_REWRITTEN);
  assert_int_equal (report.bad_line, 4);
  assert_int_equal (report.bad_seq, 3);
  /* Nothing at all is left. */
  replace_log ("", 0);
  assert_int_equal (report_with (&lines).fault, AUDIT_CUT);
  text_free (&lines);
  text_free (&whole);
}

static void
a_moved_file_is_held_against_checkpoints (void **state)
{
  struct text lines = { 0 };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  make_checkpoint (log, &lines);
  snprintf (moved_path[0], sizeof moved_path[0], "%s.1", path);
  assert_int_equal (rename (path, moved_path[0]), 0);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  make_checkpoint (log, &lines);
  audit_log_free (log);
  /* The first checkpoint names what the file goes on from. */
  struct audit_report report = report_with (&lines);
  assert_int_equal (report.fault, AUDIT_FINE);
  assert_int_equal (report.checkpoints, 2);
  text_free (&lines);
}

static void
forged_checkpoints_are_refused (void **state)
{
  struct text line = { 0 };
  struct audit_checkpoints checkpoints = { 0 };
  struct key_ring *ring = ring_of (GOOD, NULL);
  struct key_ring *other = ring_of (OTHER, NULL);
  struct error error = { 0 };
  char digits[PUBLIC_KEY_TEXT_SIZE];
  const char *const public_keys[] = { digits, NULL };

  (void) state;
  struct audit_log *log = open_log (GOOD, NULL);
  make_checkpoint (log, &line);
  audit_log_free (log);
  for (size_t i = 0; i < line.length; i++) {
    line.data[i] ^= 1;
    if (read_checkpoints (&line, ring, no_public_keys, &checkpoints, &error)
        == 0)
      fail_msg ("byte %zu can be changed", i);
    line.data[i] ^= 1;
  }
  assert_int_equal (checkpoints.count, 0);
  /* With another key it needs the public one. */
  assert_int_equal (
    read_checkpoints (&line, other, no_public_keys, &checkpoints, &error),
    EZCDC_E_CONFIG);
  assert_contains (error.text, "--public-key");
  assert_int_equal (audit_public_key (ring, 0, digits, NULL), 0);
  assert_int_equal (
    read_checkpoints (&line, other, public_keys, &checkpoints, &error), 0);
  assert_int_equal (checkpoints.count, 1);
  audit_checkpoints_free (&checkpoints);
  key_ring_free (ring);
  key_ring_free (other);
  text_free (&line);
}

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
#define LOG_TEST(name_) cmocka_unit_test_teardown (name_, empty_folder)
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (the_known_chain_verifies),
    cmocka_unit_test (every_changed_bit_is_found),
    cmocka_unit_test (actions_are_well_formed_and_sorted),
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
    LOG_TEST (a_full_disk_leaves_no_half_recovery),
    LOG_TEST (a_full_disk_leaves_no_file_without_a_beginning),
    LOG_TEST (records_cut_off_a_log_in_use_are_noticed),
    LOG_TEST (several_processes_write_one_chain),
    LOG_TEST (a_log_that_was_moved_away_goes_on),
    LOG_TEST (a_log_survives_a_change_of_keys),
    LOG_TEST (a_log_in_use_changes_its_key),
    LOG_TEST (a_log_survives_many_changes),
    LOG_TEST (a_bridge_lets_the_new_key_go_on),
    LOG_TEST (a_writer_without_the_new_key_stops),
    LOG_TEST (the_first_bad_record_is_named),
    LOG_TEST (another_chain_is_no_continuation),
    LOG_TEST (epochs_are_one_chain),
    LOG_TEST (an_epoch_ends_by_itself),
    LOG_TEST (epochs_begin_anew_with_a_key),
    LOG_TEST (the_past_cannot_be_written_anew),
    LOG_TEST (a_state_that_is_behind_catches_up),
    LOG_TEST (a_log_that_ends_with_an_epoch_goes_on),
    LOG_TEST (a_state_that_could_not_be_written_is_written_later),
    LOG_TEST (a_state_that_was_left_half_way_is_removed),
    LOG_TEST (a_given_key_survives_a_change_of_keys),
    LOG_TEST (a_given_key_survives_many_changes_of_keys),
    LOG_TEST (a_given_key_is_kept_for_a_process_with_the_former_key),
    LOG_TEST (a_key_that_was_not_gone_over_to_is_replaced),
    LOG_TEST (a_state_that_is_not_what_was_written_is_refused),
    LOG_TEST (a_log_with_a_given_key_may_be_moved),
    LOG_TEST (a_writer_that_is_killed_leaves_one_chain),
    LOG_TEST (files_that_were_moved_away_are_one_chain),
    LOG_TEST (a_log_is_moved_away_under_load),
    LOG_TEST (tampering_is_found_across_files),
    LOG_TEST (a_log_that_was_cut_is_noticed),
    LOG_TEST (a_moved_file_is_held_against_checkpoints),
    LOG_TEST (forged_checkpoints_are_refused),
    LOG_TEST (a_run_keeps_a_checkpoint),
    LOG_TEST (records_are_copied),
    LOG_TEST (without_a_receiver_records_are_written),
    LOG_TEST (a_receiver_that_does_not_read_holds_nothing_up),
    LOG_TEST (the_path_of_a_socket_has_a_limit),
  };
  return cmocka_run_group_tests_name ("audit", tests, make_folder,
                                      remove_folder);
}
