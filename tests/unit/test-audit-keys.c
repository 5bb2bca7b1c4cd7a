/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: its keys, their epochs, and how they change. */

#include <config.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/files.h"
#include "tests/unit/audit.h"

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
  replace_beside (".state.ezcdc-aB3xY9", &text);
  replace_beside (".state.backup", &text);
  /* The log, its lock and its state, and these two. */
  assert_int_equal (count_files (), 5);
  assert_int_equal (write_record (log, "shop/1", NULL), 0);
  assert_int_equal (audit_log_ratchet (log, NULL), 0);
  audit_log_free (log);
  assert_int_equal (count_files (), 4);
  read_beside (".state.backup", &text);
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

int
main (void)
{
  const struct CMUnitTest tests[] = {
    LOG_TEST (a_log_survives_a_change_of_keys),
    LOG_TEST (a_log_in_use_changes_its_key),
    LOG_TEST (a_log_survives_many_changes),
    LOG_TEST (a_bridge_lets_the_new_key_go_on),
    LOG_TEST (a_writer_without_the_new_key_stops),
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
  };
  return cmocka_run_group_tests_name ("audit-keys", tests, make_folder,
                                      remove_folder);
}
