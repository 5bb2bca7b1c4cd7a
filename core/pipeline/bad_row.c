/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that the sink refuses. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/files.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "core/pipeline/bad_row.h"
#include "core/pipeline/batch.h"
#include "core/pipeline/pipeline.h"

/* The writes under way that may refuse rows; there are a handful. */
static pthread_mutex_t collecting_lock = PTHREAD_MUTEX_INITIALIZER;
static struct bad_rows *collecting;

/* What one writer takes back is not another one's line. */
static pthread_mutex_t appending_lock = PTHREAD_MUTEX_INITIALIZER;

void
bad_rows_begin (struct bad_rows *bad_rows, const struct ezcdc_batch *batch)
{
  for (size_t i = 0; i < bad_rows->count; i++)
    free (bad_rows->rows[i].reason);
  bad_rows->count = 0;
  bad_rows->batch = batch;
  pthread_mutex_lock (&collecting_lock);
  bad_rows->outer = collecting;
  collecting = bad_rows;
  pthread_mutex_unlock (&collecting_lock);
}

void
bad_rows_end (struct bad_rows *bad_rows)
{
  struct bad_rows **link;

  pthread_mutex_lock (&collecting_lock);
  for (link = &collecting; *link != NULL; link = &(*link)->outer)
    if (*link == bad_rows) {
      *link = bad_rows->outer;
      break;
    }
  pthread_mutex_unlock (&collecting_lock);
  bad_rows->batch = NULL;
}

void
bad_rows_free (struct bad_rows *bad_rows)
{
  for (size_t i = 0; i < bad_rows->count; i++)
    free (bad_rows->rows[i].reason);
  free (bad_rows->rows);
  memset (bad_rows, 0, sizeof *bad_rows);
}

static int
bad_rows_add (struct bad_rows *bad_rows, uint64_t row, const char *reason)
{
  for (size_t i = 0; i < bad_rows->count; i++)
    if (bad_rows->rows[i].row == row)
      return 0;
  if (bad_rows->count == bad_rows->capacity) {
    size_t capacity = bad_rows->capacity == 0 ? 8 : bad_rows->capacity * 2;
    struct bad_row *rows = reallocarray (bad_rows->rows, capacity,
                                         sizeof *rows);

    if (rows == NULL)
      return -1;
    bad_rows->rows = rows;
    bad_rows->capacity = capacity;
  }
  bad_rows->rows[bad_rows->count].row = row;
  bad_rows->rows[bad_rows->count].reason = strdup (reason);
  if (bad_rows->rows[bad_rows->count].reason == NULL)
    return -1;
  bad_rows->count++;
  return 0;
}

int
bad_rows_refuse (const struct ezcdc_batch *batch, uint64_t row,
                 const char *reason, struct error *error)
{
  struct bad_rows *bad_rows;
  int result = EZCDC_E_BUG;

  if (row < batch->row_count && batch->rows[row].values == NULL)
    return error_set (error, result,
                      "refuse row %llu: it empties a table and has nothing "
                      "that could be put aside",
                      (unsigned long long) row);
  pthread_mutex_lock (&collecting_lock);
  for (bad_rows = collecting; bad_rows != NULL; bad_rows = bad_rows->outer)
    if (bad_rows->batch == batch)
      break;
  if (bad_rows != NULL && row < batch->row_count)
    result = bad_rows_add (bad_rows, row, reason) < 0 ? EZCDC_E_MEMORY : 0;
  pthread_mutex_unlock (&collecting_lock);
  if (result < 0)
    return error_set (error, result,
                      "refuse row %llu: no such row is being written",
                      (unsigned long long) row);
  return 0;
}

/* ---- rows that are not UTF-8 ------------------------------------------- */

static bool
is_unchecked (const struct ezcdc_table *table)
{
  for (uint32_t i = 0; i < table->column_count; i++)
    if (table->columns[i].flags & EZCDC_COLUMN_UNCHECKED)
      return true;
  return false;
}

/* The first column with such a value; NULL if there is none. */
static const char *
not_utf8 (const struct ezcdc_table *table, const struct ezcdc_value *values)
{
  for (uint32_t i = 0; values != NULL && i < table->column_count; i++)
    if (table->columns[i].flags & EZCDC_COLUMN_UNCHECKED
        && values[i].state == EZCDC_VALUE
        && !utf8_valid (values[i].data, values[i].length))
      return table->columns[i].name;
  return NULL;
}

int
bad_rows_find (const struct ezcdc_batch *batch, struct error *error)
{
  const struct ezcdc_table *table = batch->table;
  bool unchecked = table != NULL && is_unchecked (table);
  int result = 0;

  if (table != NULL && !unchecked)
    return 0;
  for (uint64_t i = 0; i < batch->row_count; i++) {
    const struct ezcdc_row *row = &batch->rows[i];
    const char *column;
    char reason[256];

    if (row->table != table) {
      table = row->table;
      unchecked = is_unchecked (table);
    }
    if (!unchecked)
      continue;
    column = not_utf8 (table, row->values);
    if (column == NULL)
      column = not_utf8 (table, row->old_values);
    if (column == NULL)
      continue;
    snprintf (reason, sizeof reason,
              "column \"%s\": the value is not valid UTF-8", column);
    if (bad_rows_refuse (batch, i, reason, error) < 0)
      return error->code;
    result = EZCDC_E_ROW;
  }
  return result;
}

/* ---- what to do with them ---------------------------------------------- */

/* The key as people write it: id=5, region=eu. */
static void
key_text (const struct ezcdc_row *row, struct text *text)
{
  const struct ezcdc_table *table = row->table;

  for (uint32_t i = 0; i < table->column_count; i++) {
    const struct ezcdc_value *value = &row->values[i];

    if (!(table->columns[i].flags & EZCDC_COLUMN_KEY))
      continue;
    if (text->length > 0)
      text_append_string (text, ", ");
    text_printf (text, "%s=", table->columns[i].name);
    if (value->state == EZCDC_VALUE)
      text_append (text, value->data,
                   value->length < 200 ? value->length : 200);
  }
}

static void
row_json (struct json *json, const struct ezcdc_row *row)
{
  const struct ezcdc_table *table = row->table;

  json_object_begin (json);
  for (uint32_t i = 0; i < table->column_count; i++) {
    const struct ezcdc_value *value = &row->values[i];

    if (value->state == EZCDC_UNCHANGED)
      continue;
    json_key (json, table->columns[i].name);
    if (value->state == EZCDC_NULL)
      json_none (json);
    else
      json_bytes (json, value->data, value->length);
  }
  json_object_end (json);
}

static const char *
operation_name (uint32_t operation)
{
  switch (operation) {
  case EZCDC_DELETE:
    return "delete";
  case EZCDC_READ:
    return "read";
  case EZCDC_UPDATE:
    return "update";
  default:
    return "insert";
  }
}

/* Nothing that another name leads to, too, or that waits for a reader. */
static int
open_dead_letters (const char *path, int *ret_descriptor, struct error *error)
{
  CLEANUP_CLOSE int descriptor = open (path,
                                       O_WRONLY | O_CREAT | O_APPEND
                                         | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
                                         | O_NOCTTY,
                                       0600);
  struct stat status;

  /* ENXIO: a named pipe without a reader. */
  if ((descriptor < 0 && errno != ENXIO)
      || (descriptor >= 0 && fstat (descriptor, &status) != 0))
    return error_set (error, EZCDC_E_OPERATOR, "open %s: %m", path);
  if (descriptor < 0 || !S_ISREG (status.st_mode) || status.st_nlink != 1)
    return error_set (error, EZCDC_E_OPERATOR,
                      "open %s: it is not a regular file with one name; move "
                      "it away",
                      path);
  *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
  return 0;
}

/* A line that could not be written whole is taken back, so that the next one
 * begins on a line of its own. */
static bool
append_line (int descriptor, const struct text *line)
{
  off_t begin = lseek (descriptor, 0, SEEK_END);
  ssize_t written = begin < 0 ? -1
                              : write (descriptor, line->data, line->length);
  int problem;

  if (written >= 0 && (size_t) written < line->length)
    errno = ENOSPC;
  else if (written >= 0 && fdatasync (descriptor) == 0)
    return true;
  problem = errno;
  if (written > 0 && ftruncate (descriptor, begin) != 0)
    log_message (LEVEL_ERROR, "take back a torn dead letter: %m");
  errno = problem;
  return false;
}

/* Appends one line and makes it durable, the file's name too. */
static int
dead_letter_append (struct pipeline *pipeline, const struct text *line,
                    struct error *error)
{
  const char *folder = pipeline->settings.state_folder;
  CLEANUP_CLOSE int descriptor = -1;
  char path[4096];
  bool whole;

  snprintf (path, sizeof path, "%s/dead_letters.jsonl", folder);
  if (open_dead_letters (path, &descriptor, error) != 0)
    return error->code;
  pthread_mutex_lock (&appending_lock);
  whole = append_line (descriptor, line);
  if (!whole)
    error_set (error, EZCDC_E_OPERATOR, "write %s: %m", path);
  pthread_mutex_unlock (&appending_lock);
  if (!whole)
    return error->code;
  return folder_sync (folder, error);
}

static int
dead_letter_store (struct pipeline *pipeline, const struct ezcdc_row *row,
                   const struct bad_row *bad_row, const char *key,
                   const char *position, struct error *error)
{
  CLEANUP_TEXT struct text line = { 0 };
  struct json json = { .text = &line };
  struct table *table = table_set_find (&pipeline->tables, row->table->id);
  bool is_new = false;
  char name[512];

  snprintf (name, sizeof name, "%s.%s", row->table->schema, row->table->name);
  json_object_begin (&json);
  json_member_text (&json, "table", name);
  json_member_text (&json, "target", row->table->target);
  json_member_text (&json, "operation", operation_name (row->operation));
  json_member_text (&json, "position", position);
  json_member_uint64 (&json, "ordinal", row->ordinal);
  json_member_text (&json, "key", key);
  json_member_text (&json, "reason", bad_row->reason);
  json_key (&json, "row");
  row_json (&json, row);
  json_object_end (&json);
  text_char (&line, '\n');
  if (line.failed)
    return error_set (error, EZCDC_E_MEMORY, "dead letter: out of memory");

  if (table != NULL) {
    table->has_gaps = true;
    if (state_set_mark (pipeline->state, table->id, STATE_MARK_GAPS, true,
                        error)
        < 0)
      return error->code;
  }
  /* First the file: a crash in between leaves one line too many there, never
   * a row that is counted but not kept. */
  if (dead_letter_append (pipeline, &line, error) < 0)
    return error->code;
  if (state_add_dead_letter (pipeline->state, name, position, row->ordinal,
                             key, bad_row->reason, &is_new, error)
      < 0)
    return error->code;
  if (is_new)
    pipeline->dead_letters++;
  return 0;
}

/* One record for all that was put aside of a batch; a log has no one table. */
static int
dead_letters_audit (struct pipeline *pipeline, const struct batch *batch,
                    size_t rows, struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };

  json_object_begin (&json);
  json_member_uint64 (&json, "rows", rows);
  json_object_end (&json);
  if (detail.failed)
    return error_set (error, EZCDC_E_MEMORY, "dead letter: out of memory");
  return pipeline_audit (pipeline, "dead_letter.stored",
                         batch->table != NULL ? batch->table->name
                                              : pipeline->settings.name,
                         "success", text_string (&detail), error);
}

static int
compare_rows (const void *one, const void *other)
{
  uint64_t a = ((const struct bad_row *) one)->row;
  uint64_t b = ((const struct bad_row *) other)->row;

  return (a > b) - (a < b);
}

/* One row of the batch: why the pipeline ends, or where the row went. */
static int
bad_row_apply (struct pipeline *pipeline, const struct bad_row *bad_row,
               const struct ezcdc_row *row, struct error *error)
{
  CLEANUP_TEXT struct text key = { 0 };
  char position[STATE_TEXT_SIZE] = "";

  key_text (row, &key);
  pipeline->source_calls->position_text (row->commit, position);
  if (pipeline->settings.bad_row == BAD_ROW_STOP)
    return error_set (
      error, EZCDC_E_OPERATOR,
      "the sink refuses a row of %s.%s, key %s, position %s: %s; mend the "
      "row or the target, or set on_bad_row = dead_letter",
      row->table->schema, row->table->name, text_string (&key), position,
      bad_row->reason);
  if (dead_letter_store (pipeline, row, bad_row, text_string (&key), position,
                         error)
      < 0)
    return error->code;
  log_message (LEVEL_WARNING,
               "table %s.%s, position %s: a row went to the dead letters: %s",
               row->table->schema, row->table->name, position,
               bad_row->reason);
  return 0;
}

int
bad_rows_apply (struct pipeline *pipeline, struct bad_rows *bad_rows,
                struct batch *batch, struct error *error)
{
  CLEANUP_FREE unsigned char *gone = NULL;

  if (bad_rows->count == 0)
    return error_set (error, EZCDC_E_BUG,
                      "the sink refused rows without naming one: %s",
                      error->text);
  gone = calloc (batch->row_count, 1);
  if (gone == NULL)
    return error_set (error, EZCDC_E_MEMORY, "dead letter: out of memory");
  qsort (bad_rows->rows, bad_rows->count, sizeof bad_rows->rows[0],
         compare_rows);
  for (size_t i = 0; i < bad_rows->count; i++) {
    const struct bad_row *bad_row = &bad_rows->rows[i];

    if (bad_row_apply (pipeline, bad_row, &batch->rows[bad_row->row], error)
        < 0)
      return error->code;
    gone[bad_row->row] = 1;
  }
  batch_remove (batch, gone);
  return dead_letters_audit (pipeline, batch, bad_rows->count, error);
}
