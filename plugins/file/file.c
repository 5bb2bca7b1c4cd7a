/* SPDX-License-Identifier: Apache-2.0 */
/* The file connector: a sink that writes each row of a snapshot and each
 * change as a line of JSON to a file or to standard output.
 *
 * It is also the smallest example of a sink that keeps what it is given:
 *
 *   file.c     what the core calls, and what the connector says of itself
 *   line.c     a row as a line of JSON
 *   output.c   the file: repair, durability, rotation
 *
 * Each change has a place, (commit position, ordinal in its transaction).
 * Places grow from line to line. What the core hands over a second time after
 * a crash is known by its place and not written again. Rows of a snapshot have
 * no such order; a chunk that is read again is there twice.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "line.h"
#include "output.h"

static const struct ezcdc_host *host; /* the same for all instances */

struct file {
  struct ezcdc_instance *instance;
  const char *path;
  struct place last; /* of the last line that is durable */
  struct output output;
};

/* ---- Life -------------------------------------------------------------- */

/* The file itself is opened later: a check must change nothing. */
static int
file_open (struct ezcdc_instance *instance, void **ret_self)
{
  struct file *self = calloc (1, sizeof *self);

  if (self == NULL)
    return host->fail (instance, EZCDC_E_MEMORY, "open: out of memory");
  self->instance = instance;
  self->path = host->option_string (instance, "path");
  output_init (&self->output, host, instance, self->path,
               host->option_integer (instance, "rotate_size"),
               host->option_integer (instance, "fsync") != 0);
  *ret_self = self;
  return EZCDC_OK;
}

static void
file_close (void *context)
{
  struct file *self = context;

  output_close (&self->output);
  free (self);
}

/* Opens the file and finds out how far it goes. */
static int
open_output (struct file *self)
{
  char head[OUTPUT_HEAD];
  struct place place = { 0 };

  if (output_is_open (&self->output))
    return EZCDC_OK;
  int result = output_open (&self->output, head);
  if (result < 0)
    return result;
  if (head[0] != '\0' && !line_read_place (head, &place)) {
    output_close (&self->output);
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "go on with %s: the last line of the files before it "
                       "was not written by ezcdc; give another path",
                       self->path);
  }
  if (place.known)
    self->last = place;
  return EZCDC_OK;
}

/* ---- Check ------------------------------------------------------------- */

/* The folder of a path, in memory that the caller frees, or NULL. */
static char *
folder_of (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash == NULL ? strdup (".")
                       : strndup (path, (size_t) (slash - path) + 1);
}

static void
check_missing_file (struct file *self)
{
  char *folder = folder_of (self->path);

  if (folder != NULL && access (folder, W_OK | X_OK) == 0)
    host->report (self->instance, EZCDC_REPORT_OK, self->path, "will be made",
                  NULL);
  else
    host->report (self->instance, EZCDC_REPORT_FAIL, self->path,
                  strerror (errno),
                  "make its folder, and let this user write there");
  free (folder);
}

static int
file_check (void *context, const struct ezcdc_table *const *tables,
            uint64_t table_count)
{
  struct file *self = context;
  struct stat status;

  (void) tables; /* any name and any type will do */
  (void) table_count;
  if (strcmp (self->path, "-") == 0)
    host->report (self->instance, EZCDC_REPORT_OK, "standard output",
                  "is written to", NULL);
  else if (stat (self->path, &status) != 0)
    check_missing_file (self);
  else if (!S_ISREG (status.st_mode))
    host->report (self->instance, EZCDC_REPORT_FAIL, self->path,
                  "is no regular file", "give another path");
  else if (access (self->path, R_OK | W_OK) != 0)
    host->report (self->instance, EZCDC_REPORT_FAIL, self->path,
                  strerror (errno), "let this user read and write it");
  else
    host->report (self->instance, EZCDC_REPORT_OK, self->path,
                  "will be continued", NULL);
  return EZCDC_OK;
}

/* ---- Writing ----------------------------------------------------------- */

/* A log needs nothing for a table, but a wrong path should show early. */
static int
file_prepare (void *context, const struct ezcdc_table *table)
{
  (void) table;
  return open_output (context);
}

/* Nothing is written before all rows have been looked at, as nothing of a
 * batch with a refused row may stay. */
static int
refuse_rows (struct file *self, const struct ezcdc_batch *batch)
{
  const char *column;
  int result = EZCDC_OK;

  for (uint64_t i = 0; i < batch->row_count; i++) {
    if (line_is_possible (&batch->rows[i], &column))
      continue;
    int refused = host->refuse_row (self->instance, batch, i,
                                    "a value is not valid UTF-8");
    if (refused < 0)
      return refused;
    result = host->fail (self->instance, EZCDC_E_ROW,
                         "write to %s: column %s of table %s has a value "
                         "that is not valid UTF-8",
                         self->path, column, batch->rows[i].table->name);
  }
  return result;
}

/* The core asks sinks that are no log to empty a table this way. */
static void
write_truncate (struct file *self, const struct ezcdc_batch *batch)
{
  const struct ezcdc_row row = {
    .table = batch->table,
    .commit = batch->first,
    .operation = EZCDC_TRUNCATE,
  };

  if (batch->truncate && batch->table != NULL)
    line_write (&self->output, &row);
}

static int
write_rows (struct file *self, const struct ezcdc_batch *batch)
{
  const struct ezcdc_row *last = NULL; /* that was written */
  int64_t lines = 0;

  write_truncate (self, batch);
  for (uint64_t i = 0; i < batch->row_count; i++) {
    const struct ezcdc_row *row = &batch->rows[i];
    if (line_is_repeated (row, &self->last))
      continue;
    line_write (&self->output, row);
    lines++;
    last = row;
  }
  int result = output_commit (&self->output);
  if (result < 0)
    return result;
  if (last != NULL && last->operation != EZCDC_READ)
    self->last = line_place (last);
  host->count (self->instance, "lines", lines);
  host->count (self->instance, "repeated_changes",
               (int64_t) batch->row_count - lines);
  return EZCDC_OK;
}

static int
file_write (void *context, const struct ezcdc_batch *batch)
{
  struct file *self = context;
  int result = refuse_rows (self, batch);

  if (result == EZCDC_OK)
    result = open_output (self);
  if (result == EZCDC_OK)
    result = output_rotate (&self->output);
  return result < 0 ? result : write_rows (self, batch);
}

/* ---- What it says about itself ----------------------------------------- */

/* clang-format off */
static const struct ezcdc_option file_options[] = {
  {
    .name          = "path",
    .type          = EZCDC_OPTION_STRING,
    .flags         = EZCDC_OPTION_REQUIRED,
    .help          = "the file to append to; - for standard output",
  },
  {
    .name          = "rotate_size",
    .type          = EZCDC_OPTION_SIZE,
    .minimum       = 0,
    .maximum       = INT64_C (1) << 50,
    .default_value = "0",
    .help          = "begin a new file when this one has grown so large; 0: "
                     "never",
  },
  {
    .name          = "fsync",
    .type          = EZCDC_OPTION_BOOLEAN,
    .default_value = "yes",
    .help          = "no: faster, but a loss of power can lose lines",
  },
};

static const struct ezcdc_sink file_sink = {
  .size    = sizeof file_sink,
  .open    = file_open,
  .close   = file_close,
  .check   = file_check,
  .prepare = file_prepare,
  .write   = file_write,
};

static const struct ezcdc_connector file_connector = {
  .magic         = EZCDC_CONNECTOR_MAGIC,
  .size          = sizeof file_connector,
  .abi_major     = EZCDC_ABI_MAJOR,
  .abi_minor     = EZCDC_ABI_MINOR,
  .option_stride = sizeof file_options[0],
  .option_count  = sizeof file_options / sizeof file_options[0],
  .kind          = EZCDC_KIND_SINK,
  .threads       = EZCDC_THREADS_INSTANCE,
  .capabilities  = EZCDC_CAN_LOG | EZCDC_CAN_PARTIAL | EZCDC_CAN_FILES,
  .name          = "file",
  .version       = "1.0",
  .summary       = "JSON Lines of rows and changes, to a file or stdout",
  .license       = "Apache-2.0",
  .options       = file_options,
  .sink          = &file_sink,
};
/* clang-format on */

const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *the_host)
{
  host = the_host;
  return &file_connector;
}
