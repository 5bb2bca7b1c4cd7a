/* SPDX-License-Identifier: Apache-2.0 */
/* The file sink, driven by a tiny host of the test's own. It is linked in, so
 * that sanitizers see all of it.
 */

#include <config.h>

#include <ezcdc/connector.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* ---- A tiny host ------------------------------------------------------- */

struct ezcdc_instance {
  char path[64];
  int64_t rotate_size;
  int fsync;
  char error[1024];
  char report[256];
  uint32_t report_outcome;
  int64_t lines;
  int64_t repeated;
  int warnings;
  uint64_t refused_row;
  int refused_count;
};

static void host_log (struct ezcdc_instance *, uint32_t, const char *, ...)
  EZCDC_PRINTF (3, 4);
static int host_fail (struct ezcdc_instance *, int, const char *, ...)
  EZCDC_PRINTF (3, 4);

static void
host_log (struct ezcdc_instance *instance, uint32_t level, const char *format,
          ...)
{
  assert_int_equal (level, EZCDC_LOG_WARNING);
  assert_non_null (format);
  instance->warnings++;
}

static int
host_fail (struct ezcdc_instance *instance, int code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (instance->error, sizeof instance->error, format, arguments);
  va_end (arguments);
  return code;
}

static const char *
host_option_string (struct ezcdc_instance *instance, const char *name)
{
  assert_string_equal (name, "path");
  return instance->path;
}

static int64_t
host_option_integer (struct ezcdc_instance *instance, const char *name)
{
  return strcmp (name, "fsync") == 0 ? instance->fsync : instance->rotate_size;
}

static void
host_count (struct ezcdc_instance *instance, const char *counter,
            int64_t delta)
{
  *(strcmp (counter, "lines") == 0 ? &instance->lines
                                   : &instance->repeated) += delta;
}

static void
host_report (struct ezcdc_instance *instance, uint32_t outcome,
             const char *subject, const char *finding, const char *remedy)
{
  instance->report_outcome = outcome;
  snprintf (instance->report, sizeof instance->report, "%s %s%s%s", subject,
            finding, remedy == NULL ? "" : "; ", remedy == NULL ? "" : remedy);
}

static int
host_refuse_row (struct ezcdc_instance *instance,
                 const struct ezcdc_batch *batch, uint64_t row,
                 const char *reason)
{
  assert_true (row < batch->row_count);
  assert_string_equal (reason, "a value is not valid UTF-8");
  instance->refused_row = row;
  instance->refused_count++;
  return EZCDC_OK;
}

static const struct ezcdc_host tiny_host = {
  .size = sizeof tiny_host,
  .log = host_log,
  .fail = host_fail,
  .option_string = host_option_string,
  .option_integer = host_option_integer,
  .count = host_count,
  .report = host_report,
  .refuse_row = host_refuse_row,
};

/* ---- A sink and its file ----------------------------------------------- */

static struct ezcdc_instance instance;
static const struct ezcdc_sink *sink;
static void *self;
static char folder[] = "/tmp/ezcdc-file-XXXXXX";

static void
open_sink (void)
{
  sink = ezcdc_connector_v1 (&tiny_host)->sink;
  assert_int_equal (sink->open (&instance, &self), EZCDC_OK);
}

static void
close_sink (void)
{
  sink->close (self);
  self = NULL;
}

/* Like a process that dies and is started again. */
static void
reopen_sink (void)
{
  close_sink ();
  open_sink ();
}

static int
set_up (void **state)
{
  (void) state;
  memcpy (folder + sizeof folder - 7, "XXXXXX", 6);
  assert_non_null (mkdtemp (folder));
  memset (&instance, 0, sizeof instance);
  snprintf (instance.path, sizeof instance.path, "%s/out.jsonl", folder);
  instance.fsync = 1;
  open_sink ();
  return 0;
}

static int
tear_down (void **state)
{
  static const char *const suffixes[] = { "", ".000001", ".000002", ".000041",
                                          ".000042" };
  char path[100];

  (void) state;
  if (self != NULL)
    close_sink ();
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    snprintf (path, sizeof path, "%s/out.jsonl%s", folder, suffixes[i]);
    unlink (path);
  }
  return rmdir (folder);
}

static void
read_file (const char *suffix, char *ret_content, size_t size)
{
  char path[100];

  snprintf (path, sizeof path, "%s%s", instance.path, suffix);
  int descriptor = open (path, O_RDONLY | O_CLOEXEC);
  assert_true (descriptor >= 0);
  ssize_t length = read (descriptor, ret_content, size - 1);
  assert_in_range (length, 0, size - 2);
  ret_content[length] = '\0';
  close (descriptor);
}

static void
assert_file (const char *suffix, const char *content)
{
  static char found[65536];

  read_file (suffix, found, sizeof found);
  assert_string_equal (found, content);
}

static void
append_to_file (const char *text)
{
  int descriptor = open (instance.path,
                         O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

  assert_true (descriptor >= 0);
  assert_int_equal (write (descriptor, text, strlen (text)), strlen (text));
  close (descriptor);
}

/* ---- Rows -------------------------------------------------------------- */

static const struct ezcdc_column columns[] = {
  {
    .name = "id",
    .type = EZCDC_TYPE_INT64,
    .flags = EZCDC_COLUMN_KEY,
    .key_ordinal = 1,
  },
  { .name = "na\"me", .type = EZCDC_TYPE_STRING },
  { .name = "price", .type = EZCDC_TYPE_DECIMAL },
  { .name = "big", .type = EZCDC_TYPE_STRING },
};

static const struct ezcdc_table table = {
  .id = 1,
  .schema = "public",
  .name = "orders",
  .target = "orders",
  .columns = columns,
  .column_count = 4,
  .key_count = 1,
};

#define TEXT(text_)                                                           \
  {                                                                           \
    .data = text_, .length = sizeof text_ - 1, .state = EZCDC_VALUE           \
  }
#define NOTHING                                                               \
  {                                                                           \
    .state = EZCDC_NULL                                                       \
  }
#define SAME                                                                  \
  {                                                                           \
    .state = EZCDC_UNCHANGED                                                  \
  }

static const struct ezcdc_value row_one[] = { TEXT ("1"),
                                              TEXT ("a\n\"\\\x01\xc3\xa4"),
                                              TEXT ("1.50"), NOTHING };
static const struct ezcdc_value row_two[] = { TEXT ("2"), TEXT (""), NOTHING,
                                              SAME };
static const struct ezcdc_value key_one[] = { TEXT ("1"), NOTHING, NOTHING,
                                              NOTHING };

static const struct ezcdc_position at_5 = { 2, { 0x00, 0x05 } };
static const struct ezcdc_position at_6 = { 2, { 0x00, 0xf6 } };

/* 2026-01-31T23:59:59.000007Z */
#define COMMIT_TIME INT64_C (1769903999000007)

static struct ezcdc_row
change (uint32_t operation, const struct ezcdc_position *commit,
        uint64_t ordinal, const struct ezcdc_value *values,
        const struct ezcdc_value *old_values)
{
  return (struct ezcdc_row){
    .table = &table,
    .values = values,
    .old_values = old_values,
    .commit = commit,
    .commit_time = COMMIT_TIME + (commit == &at_6),
    .ordinal = ordinal,
    .operation = operation,
  };
}

static int
write_rows (const struct ezcdc_row *rows, uint64_t count)
{
  return sink->write (self, &(struct ezcdc_batch){
                              .rows = rows,
                              .row_count = count,
                              .label = "label",
                              .first = rows[0].commit,
                              .last = rows[count - 1].commit,
                            });
}

static void
write_change (uint32_t operation, const struct ezcdc_position *commit,
              uint64_t ordinal)
{
  struct ezcdc_row row = change (operation, commit, ordinal, row_one, NULL);

  assert_int_equal (write_rows (&row, 1), EZCDC_OK);
}

#define AT_5(operation_, ordinal_)                                            \
  "{\"op\":\"" operation_ "\",\"position\":\"0005\",\"ordinal\":" ordinal_    \
  ",\"commit_time\":\"2026-01-31T23:59:59.000007Z\",\"schema\":\"public\","   \
  "\"table\":\"orders\""
#define AT_6(operation_, ordinal_)                                            \
  "{\"op\":\"" operation_ "\",\"position\":\"00f6\",\"ordinal\":" ordinal_    \
  ",\"commit_time\":\"2026-01-31T23:59:59.000008Z\",\"schema\":\"public\","   \
  "\"table\":\"orders\""
#define ROW_ONE                                                               \
  "{\"id\":1,\"na\\\"me\":\"a\\n\\\"\\\\\\u0001\xc3\xa4\",\"price\":\"1.50\"" \
  ",\"big\":null}"
#define INSERTED ",\"key\":{\"id\":1},\"after\":" ROW_ONE "}\n"

/* ---- Tests ------------------------------------------------------------- */

static void
test_every_operation (void **state)
{
  const struct ezcdc_row rows[] = {
    change (EZCDC_READ, &at_5, 0, row_one, NULL),
    change (EZCDC_INSERT, &at_5, 0, row_one, NULL),
    change (EZCDC_UPDATE, &at_5, 1, row_two, NULL),
    change (EZCDC_UPDATE, &at_5, 2, row_two, key_one),
    change (EZCDC_UPDATE, &at_5, 3, row_two, row_one),
    change (EZCDC_DELETE, &at_6, 0, key_one, NULL),
    change (EZCDC_DELETE, &at_6, 1, key_one, row_one),
    change (EZCDC_TRUNCATE, &at_6, 2, NULL, NULL),
  };

  (void) state;
  assert_int_equal (write_rows (rows, 8), EZCDC_OK);
  assert_int_equal (instance.lines, 8);
  /* clang-format off */
  assert_file (
    "",
    AT_5 ("read", "0") INSERTED
    AT_5 ("insert", "0") INSERTED
    AT_5 ("update", "1")
      ",\"key\":{\"id\":2},\"after\":{\"id\":2,\"na\\\"me\":"
      "\"\",\"price\":null},\"unchanged\":[\"big\"]}\n"
    AT_5 ("update", "2")
      ",\"key\":{\"id\":1},\"after\":{\"id\":2,\"na\\\"me\":"
      "\"\",\"price\":null},\"unchanged\":[\"big\"]}\n"
    AT_5 ("update", "3")
      ",\"key\":{\"id\":1},\"before\":" ROW_ONE
      ",\"after\":{\"id\":2,\"na\\\"me\":\"\",\"price\":null},"
      "\"unchanged\":[\"big\"]}\n"
    AT_6 ("delete", "0") ",\"key\":{\"id\":1}}\n"
    AT_6 ("delete", "1")
      ",\"key\":{\"id\":1},\"before\":" ROW_ONE "}\n"
    AT_6 ("truncate", "2") "}\n");
  /* clang-format on */
}

/* One column of each type that is not simply a string, and how it looks. */
static void
assert_value (uint32_t type, const char *text, const char *json)
{
  const struct ezcdc_column column = { .name = "v",
                                       .type = type,
                                       .flags = EZCDC_COLUMN_KEY };
  const struct ezcdc_table one = {
    .schema = "", .name = "t", .columns = &column, .column_count = 1
  };
  const struct ezcdc_value value = { .data = text,
                                     .length = (uint32_t) strlen (text) };
  const struct ezcdc_row row = {
    .table = &one,
    .values = &value,
    .commit = &at_5,
    .operation = EZCDC_READ,
  };
  char line[300];

  snprintf (line, sizeof line,
            "{\"op\":\"read\",\"position\":\"0005\",\"ordinal\":0,"
            "\"commit_time\":null,\"schema\":\"\",\"table\":\"t\","
            "\"key\":{\"v\":%s},\"after\":{\"v\":%s}}\n",
            json, json);
  assert_int_equal (write_rows (&row, 1), EZCDC_OK);
  assert_file ("", line);
  reopen_sink ();
  unlink (instance.path);
}

static void
test_types (void **state)
{
  (void) state;
  assert_value (EZCDC_TYPE_BOOL, "true", "true");
  assert_value (EZCDC_TYPE_BOOL, "false", "false");
  assert_value (EZCDC_TYPE_BOOL, "t", "\"t\"");
  assert_value (EZCDC_TYPE_INT16, "-32768", "-32768");
  assert_value (EZCDC_TYPE_INT32, "0", "0");
  assert_value (EZCDC_TYPE_INT64, "9223372036854775807",
                "9223372036854775807");
  assert_value (EZCDC_TYPE_INT64, "-", "\"-\"");
  assert_value (EZCDC_TYPE_INT64, "", "\"\"");
  assert_value (EZCDC_TYPE_INT64, "1,\"x\":2", "\"1,\\\"x\\\":2\"");
  assert_value (EZCDC_TYPE_DECIMAL, "1.10", "\"1.10\"");
  assert_value (EZCDC_TYPE_FLOAT64, "NaN", "\"NaN\"");
  assert_value (EZCDC_TYPE_JSON, "{\"a\":\n1}", "\"{\\\"a\\\":\\n1}\"");
  assert_value (EZCDC_TYPE_STRING, "\t\r\x7f", "\"\\t\\r\x7f\"");
  assert_value (EZCDC_TYPE_STRING, "1", "\"1\"");
}

static void
test_times (void **state)
{
  struct ezcdc_row row = change (EZCDC_TRUNCATE, &at_5, 0, NULL, NULL);
  char content[1000];

  (void) state;
  row.commit_time = -1;
  assert_int_equal (write_rows (&row, 1), EZCDC_OK);
  read_file ("", content, sizeof content);
  assert_contains (content, "\"commit_time\":\"1969-12-31T23:59:59.999999Z\"");
}

static void
test_private (void **state)
{
  struct stat status;

  (void) state;
  assert_int_equal (sink->prepare (self, &table), EZCDC_OK);
  assert_int_equal (stat (instance.path, &status), 0);
  assert_int_equal (status.st_mode & 07777, 0600);
}

/* What is handed over again after a crash is not written again. */
static void
test_repeated_changes (void **state)
{
  (void) state;
  write_change (EZCDC_INSERT, &at_5, 0);
  write_change (EZCDC_UPDATE, &at_5, 1);
  reopen_sink ();
  write_change (EZCDC_INSERT, &at_5, 0);
  write_change (EZCDC_UPDATE, &at_5, 1);
  assert_int_equal (instance.repeated, 2);
  write_change (EZCDC_UPDATE, &at_5, 2);
  write_change (EZCDC_UPDATE, &at_6, 0);
  assert_int_equal (instance.repeated, 2);
  assert_int_equal (instance.lines, 4);
  assert_file ("", AT_5 ("insert", "0") INSERTED AT_5 ("update", "1")
                     INSERTED AT_5 ("update", "2")
                       INSERTED AT_6 ("update", "0") INSERTED);
}

/* A source that was set up anew has low positions, but later times. */
static void
test_new_source (void **state)
{
  struct ezcdc_row row = change (EZCDC_INSERT, &at_5, 0, row_one, NULL);

  (void) state;
  write_change (EZCDC_INSERT, &at_6, 0);
  reopen_sink ();
  row.commit_time = COMMIT_TIME + 100;
  assert_int_equal (write_rows (&row, 1), EZCDC_OK);
  assert_int_equal (instance.repeated, 0);
  assert_int_equal (instance.lines, 2);

  /* Without times there is no telling, so nothing is left out. */
  reopen_sink ();
  row.commit_time = 0;
  assert_int_equal (write_rows (&row, 1), EZCDC_OK);
  assert_int_equal (instance.repeated, 0);
}

static void
test_snapshot_rows_are_written_again (void **state)
{
  (void) state;
  write_change (EZCDC_READ, &at_5, 0);
  reopen_sink ();
  write_change (EZCDC_READ, &at_5, 0);
  assert_int_equal (instance.lines, 2);
  assert_int_equal (instance.repeated, 0);
}

static void
test_torn_line (void **state)
{
  (void) state;
  write_change (EZCDC_INSERT, &at_5, 0);
  close_sink ();
  append_to_file ("{\"op\":\"ins");
  open_sink ();
  write_change (EZCDC_INSERT, &at_6, 0);
  assert_int_equal (instance.warnings, 1);
  assert_file ("",
               AT_5 ("insert", "0") INSERTED AT_6 ("insert", "0") INSERTED);
}

static void
test_torn_first_line (void **state)
{
  (void) state;
  close_sink ();
  append_to_file ("{\"o");
  open_sink ();
  write_change (EZCDC_INSERT, &at_6, 0);
  assert_file ("", AT_6 ("insert", "0") INSERTED);
}

/* A line that is longer than any block that is read at once. */
static void
test_long_line (void **state)
{
  static char long_text[200000];
  struct ezcdc_value values[4];
  struct ezcdc_row row = change (EZCDC_INSERT, &at_5, 7, values, NULL);

  (void) state;
  memset (long_text, 'x', sizeof long_text);
  long_text[100] = '\n';
  memcpy (values, row_one, sizeof values);
  values[3] = (struct ezcdc_value){
    .data = long_text,
    .length = sizeof long_text,
  };
  assert_int_equal (write_rows (&row, 1), EZCDC_OK);
  reopen_sink ();
  assert_int_equal (write_rows (&row, 1), EZCDC_OK);
  assert_int_equal (instance.repeated, 1);
}

/* A path that was given by mistake. */
static void
test_foreign_file (void **state)
{
  struct ezcdc_row row = change (EZCDC_INSERT, &at_5, 0, row_one, NULL);

  (void) state;
  close_sink ();
  append_to_file ("root:x:0:0\n");
  open_sink ();
  assert_int_equal (write_rows (&row, 1), EZCDC_E_CONFIG);
  assert_contains (instance.error, "its end was not written by ezcdc");
  assert_file ("", "root:x:0:0\n");
  close_sink ();
  unlink (instance.path);
  append_to_file ("no newline");
  open_sink ();
  assert_int_equal (sink->prepare (self, &table), EZCDC_E_CONFIG);
  assert_file ("", "no newline");
}

static void
test_one_writer (void **state)
{
  void *second = NULL;

  (void) state;
  assert_int_equal (sink->prepare (self, &table), EZCDC_OK);
  assert_int_equal (sink->open (&instance, &second), EZCDC_OK);
  assert_int_equal (sink->prepare (second, &table), EZCDC_E_UNAVAILABLE);
  assert_contains (instance.error, "another process writes it");
  sink->close (second);
}

static void
test_wrong_paths (void **state)
{
  (void) state;
  close_sink ();
  snprintf (instance.path, sizeof instance.path, "%s/no/out", folder);
  open_sink ();
  assert_int_equal (sink->prepare (self, &table), EZCDC_E_CONFIG);
  assert_contains (instance.error, "No such file or directory");
  close_sink ();
  snprintf (instance.path, sizeof instance.path, "%s", folder);
  open_sink ();
  assert_int_equal (sink->prepare (self, &table), EZCDC_E_CONFIG);
  assert_contains (instance.error, "Is a directory");
  close_sink ();
  snprintf (instance.path, sizeof instance.path, "/dev/null");
  open_sink ();
  assert_int_equal (sink->prepare (self, &table), EZCDC_E_CONFIG);
  assert_contains (instance.error, "it is no regular file");
}

static void
test_refused_row (void **state)
{
  const struct ezcdc_value bad[] = { TEXT ("3"), TEXT ("\xc3("), NOTHING,
                                     NOTHING };
  const struct ezcdc_row rows[] = {
    change (EZCDC_INSERT, &at_5, 0, row_one, NULL),
    change (EZCDC_INSERT, &at_5, 1, bad, NULL),
  };

  (void) state;
  assert_int_equal (write_rows (rows, 2), EZCDC_E_ROW);
  assert_int_equal (instance.refused_count, 1);
  assert_int_equal (instance.refused_row, 1);
  assert_contains (instance.error, "column na\"me of table orders");
  assert_int_equal (access (instance.path, F_OK), -1);
  assert_int_equal (write_rows (rows, 1), EZCDC_OK);
}

static void
test_rotation (void **state)
{
  (void) state;
  close_sink ();
  instance.rotate_size = 200;
  open_sink ();
  write_change (EZCDC_INSERT, &at_5, 0);
  write_change (EZCDC_INSERT, &at_5, 1);
  write_change (EZCDC_INSERT, &at_5, 2);
  assert_file (".000001", AT_5 ("insert", "0") INSERTED);
  assert_file (".000002", AT_5 ("insert", "1") INSERTED);
  assert_file ("", AT_5 ("insert", "2") INSERTED);
}

/* Died between the rotation and the first line. */
static void
test_rotated_away (void **state)
{
  char newest[100], older[100];

  (void) state;
  write_change (EZCDC_INSERT, &at_5, 0);
  close_sink ();
  snprintf (older, sizeof older, "%s.000041", instance.path);
  assert_int_equal (rename (instance.path, older), 0);
  open_sink ();
  write_change (EZCDC_INSERT, &at_6, 3);
  close_sink ();
  snprintf (newest, sizeof newest, "%s.000042", instance.path);
  assert_int_equal (rename (instance.path, newest), 0);
  open_sink ();
  write_change (EZCDC_INSERT, &at_6, 3);
  assert_int_equal (instance.repeated, 1);
  assert_file ("", "");
}

/* It would be waited for until somebody writes into it. */
static void
test_named_pipe_among_the_older (void **state)
{
  char older[100];

  (void) state;
  snprintf (older, sizeof older, "%s.000041", instance.path);
  assert_int_equal (mkfifo (older, 0600), 0);
  assert_int_equal (sink->prepare (self, &table), EZCDC_E_CONFIG);
  assert_contains (instance.error,
                   ".000041: it is no regular file; move it away");
  assert_int_equal (unlink (older), 0);
}

/* A disk that is full in the middle of a batch: all of it can come again. */
static void
test_full_disk (void **state)
{
  const struct ezcdc_row rows[] = {
    change (EZCDC_INSERT, &at_5, 1, row_one, NULL),
    change (EZCDC_INSERT, &at_5, 2, row_one, NULL),
  };
  struct rlimit before, small;

  (void) state;
  write_change (EZCDC_INSERT, &at_5, 0);
  assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
  signal (SIGXFSZ, SIG_IGN);
  small = before;
  small.rlim_cur = 500; /* the first line has 197 bytes */
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
  int result = write_rows (rows, 2);
  assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
  signal (SIGXFSZ, SIG_DFL);
  assert_int_equal (result, EZCDC_E_UNAVAILABLE);
  assert_contains (instance.error, "File too large");
  assert_file ("", AT_5 ("insert", "0") INSERTED);

  assert_int_equal (write_rows (rows, 2), EZCDC_OK);
  assert_file ("", AT_5 ("insert", "0") INSERTED AT_5 ("insert", "1")
                     INSERTED AT_5 ("insert", "2") INSERTED);
}

static void
test_check (void **state)
{
  (void) state;
  assert_int_equal (sink->check (self, NULL, 0), EZCDC_OK);
  assert_int_equal (instance.report_outcome, EZCDC_REPORT_OK);
  assert_contains (instance.report, "will be made");
  assert_int_equal (access (instance.path, F_OK), -1);
  write_change (EZCDC_INSERT, &at_5, 0);
  assert_int_equal (sink->check (self, NULL, 0), EZCDC_OK);
  assert_contains (instance.report, "will be continued");
  close_sink ();
  snprintf (instance.path, sizeof instance.path, "%s/no/out", folder);
  open_sink ();
  assert_int_equal (sink->check (self, NULL, 0), EZCDC_OK);
  assert_int_equal (instance.report_outcome, EZCDC_REPORT_FAIL);
  assert_contains (instance.report, "No such file or directory");
  close_sink ();
  snprintf (instance.path, sizeof instance.path, "%s", folder);
  open_sink ();
  assert_int_equal (sink->check (self, NULL, 0), EZCDC_OK);
  assert_int_equal (instance.report_outcome, EZCDC_REPORT_FAIL);
  assert_contains (instance.report, "is no regular file");
  snprintf (instance.path, sizeof instance.path, "%s/out.jsonl", folder);
}

/* Standard output, in a child whose standard output is a pipe. */
static void
test_standard_output (void **state)
{
  int ends[2];
  char content[1000];
  int status;

  (void) state;
  close_sink ();
  snprintf (instance.path, sizeof instance.path, "-");
  assert_int_equal (pipe (ends), 0);
  pid_t child = fork ();
  assert_true (child >= 0);
  if (child == 0) {
    struct ezcdc_row row = change (EZCDC_INSERT, &at_5, 0, row_one, NULL);
    dup2 (ends[1], STDOUT_FILENO);
    open_sink ();
    int result = write_rows (&row, 1);
    close_sink ();
    _exit (result == EZCDC_OK && fcntl (STDOUT_FILENO, F_GETFD) >= 0 ? 0 : 1);
  }
  close (ends[1]);
  ssize_t length = read (ends[0], content, sizeof content - 1);
  assert_in_range (length, 1, sizeof content - 1);
  content[length] = '\0';
  assert_string_equal (content, AT_5 ("insert", "0") INSERTED);
  assert_int_equal (waitpid (child, &status, 0), child);
  assert_int_equal (status, 0);
  close (ends[0]);
}

static void
test_descriptor (void **state)
{
  const struct ezcdc_connector *connector = ezcdc_connector_v1 (&tiny_host);

  (void) state;
  assert_string_equal (connector->name, "file");
  assert_int_equal (connector->kind, EZCDC_KIND_SINK);
  assert_true ((connector->capabilities & EZCDC_CAN_LOG) != 0);
  assert_true ((connector->capabilities & EZCDC_CAN_FILES) != 0);
  assert_null (connector->sink->scan);
}

#define WITH_FILE(test_)                                                      \
  cmocka_unit_test_setup_teardown (test_, set_up, tear_down)

int
main (void)
{
  const struct CMUnitTest tests[] = {
    WITH_FILE (test_every_operation),
    WITH_FILE (test_types),
    WITH_FILE (test_times),
    WITH_FILE (test_private),
    WITH_FILE (test_repeated_changes),
    WITH_FILE (test_new_source),
    WITH_FILE (test_snapshot_rows_are_written_again),
    WITH_FILE (test_torn_line),
    WITH_FILE (test_torn_first_line),
    WITH_FILE (test_long_line),
    WITH_FILE (test_foreign_file),
    WITH_FILE (test_one_writer),
    WITH_FILE (test_wrong_paths),
    WITH_FILE (test_refused_row),
    WITH_FILE (test_rotation),
    WITH_FILE (test_rotated_away),
    WITH_FILE (test_named_pipe_among_the_older),
    WITH_FILE (test_full_disk),
    WITH_FILE (test_check),
    WITH_FILE (test_standard_output),
    cmocka_unit_test (test_descriptor),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
