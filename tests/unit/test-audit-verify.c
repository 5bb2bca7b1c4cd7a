/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: its chain, its verifier, checkpoints. */

#include <config.h>

#include <fcntl.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/actions.h"
#include "core/audit/chain.h"
#include "core/audit/checkpoint.h"
#include "core/base/files.h"
#include "tests/unit/audit.h"

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

/* ---- The chain --------------------------------------------------------- */

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
  /* All of it. */
  text_clear (&bad);
  assert_fault (&bad, AUDIT_EMPTY, 1, 0);
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

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (the_known_chain_verifies),
    cmocka_unit_test (every_changed_bit_is_found),
    cmocka_unit_test (actions_are_well_formed_and_sorted),
    LOG_TEST (the_first_bad_record_is_named),
    LOG_TEST (another_chain_is_no_continuation),
    LOG_TEST (files_that_were_moved_away_are_one_chain),
    LOG_TEST (tampering_is_found_across_files),
    LOG_TEST (a_log_that_was_cut_is_noticed),
    LOG_TEST (a_moved_file_is_held_against_checkpoints),
    LOG_TEST (forged_checkpoints_are_refused),
  };
  return cmocka_run_group_tests_name ("audit-verify", tests, make_folder,
                                      remove_folder);
}
