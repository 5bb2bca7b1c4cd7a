/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: the chain, its writer, its verifier. */

#include <config.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/actions.h"
#include "core/audit/actor.h"
#include "core/audit/chain.h"
#include "core/audit/log.h"
#include "core/audit/verify.h"
#include "core/base/files.h"
#include "core/base/text.h"
#include "core/crypto/key_ring.h"
#include "tests/unit/unit.h"

#define GOOD "6b1f0c3d9ae27458b06d1c2f83e4a7955ac3de18f27b40690e8d51a2c7fb3496"
#define OTHER                                                                 \
  "c94e7a1b2d5f60830e1a9b7c4d3e2f58617a8b9c0d1e2f3a4b5c6d7e8f901223"
#define THIRD                                                                 \
  "2fd8a1c47e5b3690fa1c8d2e7b40953617e8c9d0a2b4f6587d9e1c3b5a70f482"

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
report_under (const struct key_ring *ring)
{
  struct audit_report report;

  assert_int_equal (audit_verify (path, ring, &report, NULL), 0);
  return report;
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

static void
several_processes_write_one_chain (void **state)
{
  enum {
    WRITERS = 4,
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
    LOG_TEST (torn_ends_are_put_aside),
    LOG_TEST (a_torn_first_record_begins_anew),
    LOG_TEST (a_damaged_last_record_is_put_aside),
    LOG_TEST (a_damaged_earlier_record_is_refused),
    LOG_TEST (unfit_files_are_refused),
    LOG_TEST (a_full_disk_leaves_no_half_record),
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
  };
  return cmocka_run_group_tests_name ("audit", tests, make_folder,
                                      remove_folder);
}
