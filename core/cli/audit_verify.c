/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc audit verify: checks the chain of an audit log. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/audit/verify.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/print.h"
#include "core/cli/audit_words.h"
#include "core/cli/command.h"
#include "core/crypto/key_source.h"

#define PUBLIC_KEYS_MAX 16

/* What was asked for; the strings are those of argv. */
struct order {
  const char **logs; /* in argv */
  size_t log_count;
  const char *checkpoint_file;
  const char *verification_key_file;
  const char *public_keys[PUBLIC_KEYS_MAX + 1]; /* ends with NULL */
  size_t public_key_count;
  bool as_json;
};

static void
print_fine (const struct order *order, const struct audit_report *report)
{
  CLEANUP_TEXT struct text more = { 0 };

  if (order->log_count > 1)
    text_printf (&more, ", %zu files", order->log_count);
  if (order->checkpoint_file != NULL)
    text_printf (&more, ", %zu checkpoints", report->checkpoints);
  print_line (
    "%s: ok: %" PRIu64 " records, seq %" PRIu64 " to %" PRIu64 ", key %s%s",
    order->logs[order->log_count - 1], report->records, report->first_seq,
    report->last_seq, report->key_id, text_string (&more));
}

static void
print_text (const struct order *order, const struct audit_report *report)
{
  const char *path = order->logs[report->file];

  if (report->fault == AUDIT_FINE)
    print_fine (order, report);
  else if (report->torn)
    print_line ("%s: line %" PRIu64 ", seq %" PRIu64
                ": the last record is torn",
                path, report->bad_line, report->bad_seq);
  else if (report->bad_seq != report->expected_seq)
    print_line ("%s: line %" PRIu64 ", seq %" PRIu64 ": %s (seq %" PRIu64
                " should be here)",
                path, report->bad_line, report->bad_seq,
                audit_fault_text (report->fault), report->expected_seq);
  else
    print_line ("%s: line %" PRIu64 ", seq %" PRIu64 ": %s", path,
                report->bad_line, report->bad_seq,
                audit_fault_text (report->fault));
}

static int
print_json (const struct order *order, const struct audit_report *report)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };

  json_object_begin (&json);
  json_member_text (&json, "log", order->logs[report->file]);
  json_member_bool (&json, "ok", report->fault == AUDIT_FINE);
  json_member_uint64 (&json, "records", report->records);
  json_member_uint64 (&json, "files", order->log_count);
  json_member_uint64 (&json, "checkpoints", report->checkpoints);
  json_member_text (&json, "key_id", report->key_id);
  if (report->records > 0) {
    json_member_uint64 (&json, "first_seq", report->first_seq);
    json_member_uint64 (&json, "last_seq", report->last_seq);
  }
  if (report->fault != AUDIT_FINE) {
    json_member_uint64 (&json, "bad_line", report->bad_line);
    json_member_uint64 (&json, "bad_seq", report->bad_seq);
    json_member_uint64 (&json, "expected_seq", report->expected_seq);
    json_member_bool (&json, "torn", report->torn);
    json_member_text (&json, "reason", audit_fault_text (report->fault));
  }
  json_object_end (&json);
  if (text.failed) {
    log_message (LEVEL_ERROR, "out of memory");
    return EXIT_RUN_FAILED;
  }
  puts (text_string (&text));
  return EXIT_OK;
}

/* The ring of the environment, and the verification key. Who only verifies
 * may have that one alone. */
static struct key_ring *
load_keys (const struct order *order, struct error *error)
{
  struct key_source *source = key_source_take (error);
  struct key_ring *ring = NULL;

  if (source == NULL)
    return NULL;
  if (order->verification_key_file != NULL && !key_source_is_given (source))
    ring = key_ring_new (error);
  else
    ring = key_source_load (source, error);
  key_source_free (source);
  if (ring != NULL && order->verification_key_file != NULL
      && key_file_add (ring, order->verification_key_file, error) != 0) {
    key_ring_free (ring);
    return NULL;
  }
  return ring;
}

static int
check (const struct order *order, const struct key_ring *ring,
       struct audit_report *report, struct error *error)
{
  struct audit_checkpoints checkpoints = { 0 };
  const struct audit_request request = {
    .paths = order->logs,
    .count = order->log_count,
    .ring = ring,
    .checkpoints = order->checkpoint_file != NULL ? &checkpoints : NULL,
  };
  int code = 0;

  if (order->checkpoint_file != NULL)
    code = audit_checkpoints_read (&checkpoints, order->checkpoint_file, ring,
                                   order->public_keys, error);
  if (code == 0)
    code = audit_verify (&request, report, error);
  audit_checkpoints_free (&checkpoints);
  return code;
}

static int
verify (const struct order *order)
{
  struct error error = { 0 };
  struct audit_report report = { 0 };
  struct key_ring *ring = load_keys (order, &error);
  int code = ring == NULL ? error.code : check (order, ring, &report, &error);

  key_ring_free (ring);
  if (code != 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    /* A checkpoint that is not genuine was found, too. */
    if (code == EZCDC_E_OPERATOR)
      return EXIT_FOUND;
    return code == EZCDC_E_CONFIG ? EXIT_USAGE : EXIT_RUN_FAILED;
  }
  if (order->as_json && print_json (order, &report) != EXIT_OK)
    return EXIT_RUN_FAILED;
  if (!order->as_json)
    print_text (order, &report);
  return report.fault == AUDIT_FINE ? EXIT_OK : EXIT_FOUND;
}

/* Takes the value of an option, argv[*at], which moves to it. */
static bool
take_value (int argc, char **argv, int *at, const char **ret_value)
{
  if (*at + 1 >= argc)
    return false;
  *ret_value = argv[++*at];
  return true;
}

static int
read_order (int argc, char **argv, struct order *order)
{
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    bool whole = true;
    if (strcmp (word, "--json") == 0)
      order->as_json = true;
    else if (strcmp (word, "--checkpoint") == 0)
      whole = take_value (argc, argv, &i, &order->checkpoint_file);
    else if (strcmp (word, "--verification-key-file") == 0)
      whole = take_value (argc, argv, &i, &order->verification_key_file);
    else if (strcmp (word, "--public-key") == 0
             && order->public_key_count < PUBLIC_KEYS_MAX)
      whole = take_value (argc, argv, &i,
                          &order->public_keys[order->public_key_count++]);
    else if (word[0] == '-')
      return command_usage_error (&command_audit, "unknown option %s", word);
    else
      order->logs[order->log_count++] = word;
    if (!whole)
      return command_usage_error (&command_audit, "%s needs a value", word);
  }
  if (order->log_count == 0)
    return command_usage_error (&command_audit, "which log?");
  return EXIT_OK;
}

int
audit_verify_word (int argc, char **argv)
{
  struct order order = {
    .logs = calloc ((size_t) argc, sizeof *order.logs),
  };

  if (order.logs == NULL) {
    log_message (LEVEL_ERROR, "out of memory");
    return EXIT_RUN_FAILED;
  }
  int code = read_order (argc, argv, &order);
  if (code == EXIT_OK)
    code = verify (&order);
  free (order.logs);
  return code;
}
