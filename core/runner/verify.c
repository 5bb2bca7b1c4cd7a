/* SPDX-License-Identifier: Apache-2.0 */
/* Mode verify: are source and target equal?
 *
 * A consistent view of the source is taken; if the pipeline runs, verify
 * waits until the run has stored a position that is not before the view, so
 * that every row of the view is in the target.  Rows may change while the
 * target is read, so differences are looked at again, at a later position:
 * what differs in just the same way twice is a difference.  So is a table that
 * one side does not have as the other does: the rest is compared all the same.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/print.h"
#include "core/base/text.h"
#include "core/keeper/run_lock.h"
#include "core/pipeline/discovery.h"
#include "core/pipeline/position.h"
#include "core/plugin/feed.h"
#include "core/runner/assembly.h"
#include "core/runner/compare.h"
#include "core/runner/runner.h"

/* Looks at a table of a running pipeline before the rest counts. */
#define VERIFY_LOOKS 5
/* Microseconds that verify waits for a run to reach a position. */
#define VERIFY_WAIT INT64_C (120000000)
#define VERIFY_TICK_MILLISECONDS 100
/* Keys that are named. */
#define VERIFY_NAMED 20
#define VERIFY_READ_TIMEOUT 1000

struct verify {
  struct assembly assembly;
  struct pipeline pipeline;
  struct text json_text;
  struct json json;
  bool as_json;
  bool different;
};

/* ---- reading one side -------------------------------------------------- */

struct scan {
  struct ezcdc_feed feed; /* first: the connector is given its address */
  struct compare *compare;
  enum compare_side side;
  bool second; /* the second look */
};

static int
scan_row (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
          const struct ezcdc_value *values,
          const struct ezcdc_value *old_values, const char *message,
          size_t length)
{
  struct scan *scan = (struct scan *) feed;

  (void) table_id;
  (void) operation;
  (void) old_values;
  (void) message;
  (void) length;
  if (!scan->second)
    compare_add (scan->compare, scan->side, values);
  else if (compare_look (scan->compare, scan->side, values) < 0)
    return instance_fail (feed->instance, EZCDC_E_MEMORY,
                          "compare: out of memory");
  return EZCDC_OK;
}

static int
scan_table_shape (struct ezcdc_feed *feed, const struct ezcdc_table *table)
{
  (void) feed;
  (void) table;
  return EZCDC_OK;
}

static const struct feed_operations scan_operations = {
  .row = scan_row,
  .table = scan_table_shape,
};

struct chunk_list {
  struct ezcdc_list list; /* first: the source is given its address */
  struct text chunks;     /* the texts, each with its NUL */
};

static int
list_chunk (struct ezcdc_list *list, const char *chunk, int64_t estimated_rows)
{
  struct chunk_list *chunks = (struct chunk_list *) list;

  (void) estimated_rows;
  text_append (&chunks->chunks, chunk, strlen (chunk) + 1);
  if (chunks->chunks.failed)
    return instance_fail (list->instance, EZCDC_E_MEMORY,
                          "plan the comparison: out of memory");
  return EZCDC_OK;
}

static int
source_error (struct pipeline *pipeline, int result, struct error *error)
{
  if (result < 0)
    instance_error (pipeline->source, result, error);
  return result < 0 ? result : 0;
}

static int
read_chunk (struct pipeline *pipeline, void *reader,
            const struct ezcdc_table *table, const char *chunk,
            struct scan *scan, struct error *error)
{
  const struct ezcdc_source *calls = pipeline->source_calls;
  int result;

  instance_lock (pipeline->source);
  result = calls->reader_begin (reader, table, chunk);
  while (result >= 0 && result != EZCDC_END)
    result = calls->reader_read (reader, &scan->feed, VERIFY_READ_TIMEOUT);
  source_error (pipeline, result, error);
  instance_unlock (pipeline->source);
  return result < 0 ? result : 0;
}

static int
read_source (struct pipeline *pipeline, void *view,
             const struct ezcdc_table *table, struct scan *scan,
             struct error *error)
{
  const struct ezcdc_source *calls = pipeline->source_calls;
  struct chunk_list chunks = {
    .list = { .chunk = list_chunk, .instance = pipeline->source },
  };
  void *reader = NULL;
  int result;

  instance_lock (pipeline->source);
  result = calls->snapshot_plan (view, table, &chunks.list);
  if (result >= 0)
    result = calls->reader_open (view, &reader);
  result = source_error (pipeline, result, error);
  instance_unlock (pipeline->source);
  for (size_t at = 0; result == 0 && at < chunks.chunks.length;
       at += strlen (chunks.chunks.data + at) + 1)
    result = read_chunk (pipeline, reader, table, chunks.chunks.data + at,
                         scan, error);
  if (reader != NULL) {
    instance_lock (pipeline->source);
    calls->reader_close (reader);
    instance_unlock (pipeline->source);
  }
  text_free (&chunks.chunks);
  return result;
}

static int
read_target (struct pipeline *pipeline, const struct ezcdc_table *table,
             struct scan *scan, struct error *error)
{
  int result;

  instance_lock (pipeline->sink);
  result = pipeline->sink_calls->scan (pipeline->sink->self, table,
                                       &scan->feed);
  if (result < 0)
    instance_error (pipeline->sink, result, error);
  instance_unlock (pipeline->sink);
  return result < 0 ? result : 0;
}

static int
read_both (struct pipeline *pipeline, void *view,
           const struct ezcdc_table *table, struct compare *compare,
           bool second, struct error *error)
{
  struct scan scan = {
    .feed = { &scan_operations, pipeline->source },
    .compare = compare,
    .side = COMPARE_SOURCE,
    .second = second,
  };

  if (read_source (pipeline, view, table, &scan, error) < 0)
    return error->code;
  scan.side = COMPARE_TARGET;
  scan.feed.instance = pipeline->sink;
  return read_target (pipeline, table, &scan, error);
}

/* ---- one look at one table --------------------------------------------- */

static bool
pipeline_is_alive (const struct verify *verify)
{
  struct error error = { 0 };
  bool alive = false;
  pid_t pid;

  if (run_lock_probe (verify->assembly.config.state_folder, &alive, &pid,
                      &error)
      < 0)
    return false;
  return alive;
}

/* Until the run has stored a position at or behind the given one. */
static int
wait_for_run (struct verify *verify, const struct ezcdc_position *position,
              struct error *error)
{
  struct pipeline *pipeline = &verify->pipeline;
  int64_t deadline = clock_monotonic () + VERIFY_WAIT;
  struct state_source source = { .known = false };

  while (pipeline_is_alive (verify)) {
    struct timespec tick = { 0, VERIFY_TICK_MILLISECONDS * 1000000L };

    if (state_get_source (pipeline->state, &source, error) < 0)
      return error->code;
    if (source.known && position_compare (&source.position, position) >= 0)
      return 0;
    if (clock_monotonic () > deadline)
      return error_set (error, EZCDC_E_UNAVAILABLE,
                        "the running pipeline does not reach the source's "
                        "position within %d s; see ezcdc status",
                        (int) (VERIFY_WAIT / 1000000));
    clock_nanosleep (CLOCK_MONOTONIC, 0, &tick, NULL);
  }
  return 0;
}

/* Row by row, where the sums differ. */
static int
look_closely (struct pipeline *pipeline, void *view,
              const struct ezcdc_table *table, struct compare *compare,
              struct error *error)
{
  bool more;
  int result = compare_pass_begin (compare, &more, error);

  while (result == 0 && more) {
    result = read_both (pipeline, view, table, compare, true, error);
    if (result < 0)
      break;
    compare_pass_end (compare);
    result = compare_pass_begin (compare, &more, error);
  }
  return result;
}

static int
look_at_view (struct verify *verify, void *view,
              const struct ezcdc_position *position,
              const struct ezcdc_table *table, struct compare *compare,
              struct error *error)
{
  struct pipeline *pipeline = &verify->pipeline;

  if (wait_for_run (verify, position, error) < 0
      || read_both (pipeline, view, table, compare, false, error) < 0)
    return error->code;
  if (!compare_differs (compare))
    return 0;
  return look_closely (pipeline, view, table, compare, error);
}

static int
look (struct verify *verify, const struct ezcdc_table *table,
      struct compare *compare, struct error *error)
{
  struct pipeline *pipeline = &verify->pipeline;
  struct ezcdc_position position = { 0 };
  void *view = NULL;
  int result;

  if (compare_init (compare, table, error) < 0)
    return error->code;
  instance_lock (pipeline->source);
  result = source_error (
    pipeline,
    pipeline->source_calls->snapshot_open (
      pipeline->source->self, EZCDC_SNAPSHOT_VIEW, &view, &position),
    error);
  instance_unlock (pipeline->source);
  if (result == 0) {
    result = look_at_view (verify, view, &position, table, compare, error);
    instance_lock (pipeline->source);
    pipeline->source_calls->snapshot_close (view);
    instance_unlock (pipeline->source);
  }
  return result;
}

/* live: rows may have changed while they were read. */
static int
look_again (struct verify *verify, const struct ezcdc_table *table,
            struct compare *compare, bool live, bool *ret_settled,
            struct error *error)
{
  struct compare earlier = *compare;
  int result;

  memset (compare, 0, sizeof *compare);
  result = look (verify, table, compare, error);
  if (result == 0)
    *ret_settled = !live || compare_settle (compare, &earlier);
  compare_free (&earlier);
  return result;
}

/* Looks until nothing differs or what differs stays the same. */
static int
verify_table (struct verify *verify, const struct ezcdc_table *table,
              struct compare *compare, struct error *error)
{
  bool live = pipeline_is_alive (verify);
  bool settled = !live;
  int result = look (verify, table, compare, error);

  for (int i = 1; result == 0 && !settled && compare_differs (compare)
                  && i < VERIFY_LOOKS;
       i++) {
    live = pipeline_is_alive (verify);
    result = look_again (verify, table, compare, live, &settled, error);
  }
  if (result == 0 && live && compare_differs (compare)
      && compare->key_count == 0)
    return error_set (error, EZCDC_E_OPERATOR,
                      "more of its rows change at once than can be looked at "
                      "one by one; verify it when less is written, or stop "
                      "the pipeline before");
  return result;
}

/* ---- telling ----------------------------------------------------------- */

static const char *
key_kind (const struct compare_key *key)
{
  if (!key->present[COMPARE_TARGET])
    return "missing";
  if (!key->present[COMPARE_SOURCE])
    return "extra";
  return "different";
}

static void
tell_text (const struct table *table, const struct compare *compare,
           const char *reason)
{
  if (reason != NULL) {
    print_line ("%s: DIFFERENT, it cannot be compared: %s", table->name,
                reason);
    return;
  }
  if (!compare_differs (compare)) {
    print_line ("%s: equal, %lld rows", table->name,
                (long long) compare->rows[COMPARE_SOURCE]);
    return;
  }
  print_line (
    "%s: DIFFERENT, %lld rows in the source, %lld in the target, %s%zu "
    "keys differ",
    table->name, (long long) compare->rows[COMPARE_SOURCE],
    (long long) compare->rows[COMPARE_TARGET],
    compare->truncated ? "at least " : "", compare->key_count);
  for (size_t i = 0; i < compare->key_count && i < VERIFY_NAMED; i++)
    print_line ("  %s: %s", key_kind (&compare->keys[i]),
                compare->keys[i].text);
  if (compare->key_count > VERIFY_NAMED)
    print_line ("  and %zu more", compare->key_count - VERIFY_NAMED);
}

static void
tell_rows (struct json *json, int64_t rows, const char *reason)
{
  if (reason == NULL)
    json_int64 (json, rows);
  else
    json_none (json);
}

static void
tell_json (struct json *json, const struct table *table,
           const struct compare *compare, const char *reason)
{
  json_object_begin (json);
  json_member_text (json, "name", table->name);
  json_member_text (json, "target", table->target);
  json_member_bool (json, "equal",
                    reason == NULL && !compare_differs (compare));
  json_member_text (json, "reason", reason);
  json_key (json, "source_rows");
  tell_rows (json, compare->rows[COMPARE_SOURCE], reason);
  json_key (json, "target_rows");
  tell_rows (json, compare->rows[COMPARE_TARGET], reason);
  json_member_bool (json, "truncated", compare->truncated);
  json_key (json, "differences");
  json_array_begin (json);
  for (size_t i = 0; i < compare->key_count; i++) {
    json_object_begin (json);
    json_member_text (json, "kind", key_kind (&compare->keys[i]));
    json_member_text (json, "key", compare->keys[i].text);
    json_object_end (json);
  }
  json_array_end (json);
  json_object_end (json);
}

/* reason is why the table cannot be compared, or NULL; then no key differs. */
static void
tell (struct verify *verify, const struct table *table,
      const struct compare *compare, const char *reason)
{
  if (reason != NULL || compare_differs (compare))
    verify->different = true;
  if (verify->as_json)
    tell_json (&verify->json, table, compare, reason);
  else
    tell_text (table, compare, reason);
  fflush (stdout);
}

/* Not what is the matter with a server, a login or ourselves. */
static bool
is_about_the_table (int code)
{
  return code == EZCDC_E_SCHEMA || code == EZCDC_E_OPERATOR;
}

/* ---- the whole --------------------------------------------------------- */

static int
verify_all (struct verify *verify, struct error *error)
{
  struct pipeline *pipeline = &verify->pipeline;

  if (pipeline_discover (pipeline, error) < 0)
    return error->code;
  for (size_t i = 0; i < pipeline->tables.count; i++) {
    const struct table *table = pipeline->tables.tables[i];
    struct compare compare = { .table = NULL };
    int result = verify_table (verify, &table->version->description, &compare,
                               error);

    if (result < 0 && is_about_the_table (result)) {
      compare_free (&compare);
      tell (verify, table, &compare, error->text);
      result = 0;
    }
    else if (result == 0)
      tell (verify, table, &compare, NULL);
    compare_free (&compare);
    if (result < 0)
      return error_prefix (error, "verify %s", table->name);
  }
  return 0;
}

static int
verify_begin (struct verify *verify, struct error *error)
{
  struct pipeline *pipeline = &verify->pipeline;

  if (pipeline->sink_calls->scan == NULL)
    return error_set (error, EZCDC_E_UNSUPPORTED,
                      "the sink %s cannot be read back",
                      pipeline->sink->connector->descriptor.name);
  if (state_open (pipeline->settings.state_folder, true, &pipeline->state,
                  error)
      < 0)
    return error_prefix (error, "has the pipeline ever run?");
  return assembly_open (&verify->assembly, error);
}

static int
verify_run (struct verify *verify, struct error *error)
{
  struct pipeline *pipeline = &verify->pipeline;
  const char *result;

  json_object_begin (&verify->json);
  json_member_text (&verify->json, "pipeline", pipeline->settings.name);
  json_key (&verify->json, "tables");
  json_array_begin (&verify->json);
  if (verify_all (verify, error) < 0)
    return error->code;
  json_array_end (&verify->json);
  json_member_bool (&verify->json, "equal", !verify->different);
  json_object_end (&verify->json);
  if (verify->as_json)
    puts (text_string (&verify->json_text));
  result = verify->different ? "{\"equal\":false}" : "{\"equal\":true}";
  return pipeline_audit (pipeline, "verify.finished", pipeline->settings.name,
                         verify->different ? "failure" : "success", result,
                         error);
}

int
runner_verify (struct keeper_link *link, const char *path, bool json)
{
  struct verify verify = { .as_json = json };
  struct error error = { 0 };
  int status = RUNNER_FAILED;

  verify.json.text = &verify.json_text;
  if (assembly_make (&verify.assembly, path, link, &error) < 0) {
    log_message (LEVEL_ERROR, "%s", error.text);
    assembly_free (&verify.assembly);
    return runner_exit_code (&error);
  }
  assembly_pipeline (&verify.assembly, &verify.pipeline);
  if (pipeline_init (&verify.pipeline, &error) < 0
      || verify_begin (&verify, &error) < 0
      || verify_run (&verify, &error) < 0)
    log_message (LEVEL_ERROR, "%s", error.text);
  else
    status = verify.different ? RUNNER_FOUND : RUNNER_DONE;
  text_free (&verify.json_text);
  pipeline_destroy (&verify.pipeline);
  state_close (verify.pipeline.state);
  assembly_free (&verify.assembly);
  return status;
}
