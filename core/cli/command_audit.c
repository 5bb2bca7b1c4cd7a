/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc audit: verifies audit logs. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <ezcdc/connector.h>

#include "core/audit/verify.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/cli/command.h"
#include "core/crypto/key_source.h"

static void
print_text (const char *path, const struct audit_report *report)
{
  if (report->fault == AUDIT_FINE && report->records == 0)
    printf ("%s: ok: no records\n", path);
  else if (report->fault == AUDIT_FINE)
    printf ("%s: ok: %" PRIu64 " records, seq %" PRIu64 " to %" PRIu64
            ", key %s\n",
            path, report->records, report->first_seq, report->last_seq,
            report->key_id);
  else if (report->torn)
    printf ("%s: line %" PRIu64 ", seq %" PRIu64 ": the last record is torn\n",
            path, report->bad_line, report->bad_seq);
  else if (report->bad_seq != report->expected_seq)
    printf ("%s: line %" PRIu64 ", seq %" PRIu64 ": %s (seq %" PRIu64
            " should be here)\n",
            path, report->bad_line, report->bad_seq,
            audit_fault_text (report->fault), report->expected_seq);
  else
    printf ("%s: line %" PRIu64 ", seq %" PRIu64 ": %s\n", path,
            report->bad_line, report->bad_seq,
            audit_fault_text (report->fault));
}

static int
print_json (const char *path, const struct audit_report *report)
{
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };

  json_object_begin (&json);
  json_member_text (&json, "log", path);
  json_member_bool (&json, "ok", report->fault == AUDIT_FINE);
  json_member_uint64 (&json, "records", report->records);
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

static int
verify (const char *path, bool as_json)
{
  struct error error = { 0 };
  struct audit_report report;
  struct key_ring *ring = key_ring_from_environment (&error);
  int code = ring == NULL ? error.code
                          : audit_verify (path, ring, &report, &error);

  key_ring_free (ring);
  if (code != 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    return code == EZCDC_E_CONFIG ? EXIT_USAGE : EXIT_RUN_FAILED;
  }
  if (as_json && print_json (path, &report) != EXIT_OK)
    return EXIT_RUN_FAILED;
  if (!as_json)
    print_text (path, &report);
  return report.fault == AUDIT_FINE ? EXIT_OK : EXIT_FOUND;
}

static int
run (int argc, char **argv)
{
  const char *path = NULL;
  bool as_json = false;

  if (argc > 1 && argv[1][0] == '-')
    return command_usage_error (&command_audit, "unknown option %s", argv[1]);
  if (argc < 2 || strcmp (argv[1], "verify") != 0)
    return command_usage_error (&command_audit,
                                "verify is the only word here");
  for (int i = 2; i < argc; i++) {
    if (strcmp (argv[i], "--json") == 0)
      as_json = true;
    else if (argv[i][0] == '-')
      return command_usage_error (&command_audit, "unknown option %s",
                                  argv[i]);
    else if (path != NULL)
      return command_usage_error (&command_audit,
                                  "\"%s\" is one word too many", argv[i]);
    else
      path = argv[i];
  }
  if (path == NULL)
    return command_usage_error (&command_audit, "which log?");
  return verify (path, as_json);
}

const struct command command_audit = {
  .name = "audit",
  .summary = "verify an audit log",
  .usage =
    "Usage: ezcdc audit verify [--json] LOG\n"
    "\n"
    "Reads the log from its beginning and checks that no record was changed,\n"
    "removed, inserted or moved. Names the first bad record by its seq and\n"
    "its line; exit code 3 then. It needs the encryption key, and the older\n"
    "keys under which a part of the log was written (ezcdc key --help). The\n"
    "log may be in use.\n"
    "\n"
    "  --json  the result as a JSON object\n"
    "\n"
    "Records that were cut off the end leave no trace in the log itself:\n"
    "compare the last seq with a copy that is kept elsewhere.\n",
  .run = run,
};
