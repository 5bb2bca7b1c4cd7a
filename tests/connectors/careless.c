/* SPDX-License-Identifier: Apache-2.0 */
/* careless: a source, and a sink for logs, that break one rule of the ABI on
 * demand.
 *
 * The source has a table "ticks" of an id and a word, three rows in its
 * snapshot, and one transaction: a truncate, an insert, an update and a delete.
 * The option "fault" says what is wrong with that. The sink
 * takes everything, or does with the first batch what it may not.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ezcdc/connector.h>

static const struct ezcdc_host *host;

struct careless {
  struct ezcdc_instance *instance;
  const char *fault;
  bool over; /* all has been read */
};

/* What it hands over: of one table, and in one transaction. */
#define TABLE_ID 7
#define BEGIN 5
#define END 9

#define COLUMN_COUNT 2

static const struct ezcdc_column columns[COLUMN_COUNT] = {
  {
    .name = "id",
    .type_name = "bigint",
    .type = EZCDC_TYPE_INT64,
    .precision = -1,
    .length = -1,
    .flags = EZCDC_COLUMN_KEY | EZCDC_COLUMN_NOT_NULL,
    .key_ordinal = 1,
  },
  {
    .name = "word",
    .type_name = "text",
    .type = EZCDC_TYPE_STRING,
    .precision = -1,
    .length = -1,
  },
};

static bool
has (const struct careless *self, const char *fault)
{
  return strcmp (self->fault, fault) == 0;
}

static struct ezcdc_position
position_of (uint8_t number)
{
  struct ezcdc_position position = { .length = 1, .bytes = { number } };

  return position;
}

static struct ezcdc_value
text_value (const char *text)
{
  struct ezcdc_value value = { text, (uint32_t) strlen (text), EZCDC_VALUE };

  return value;
}

static int
careless_open (struct ezcdc_instance *instance, void **ret_self)
{
  struct careless *self = calloc (1, sizeof *self);

  if (self == NULL)
    return host->fail (instance, EZCDC_E_MEMORY, "open: out of memory");
  self->instance = instance;
  self->fault = host->option_string (instance, "fault");
  *ret_self = self;
  return EZCDC_OK;
}

static void
careless_close (void *self)
{
  free (self);
}

/* ---- Source ------------------------------------------------------------ */

/* The table as it is, or with something amiss; lent_columns has room for its
 * columns. */
static struct ezcdc_table
table_of (const struct careless *self, struct ezcdc_column *lent_columns)
{
  struct ezcdc_table table = {
    .id = has (self, "no_id") ? 0 : TABLE_ID,
    .schema = has (self, "no_schema") ? NULL : "",
    .name = has (self, "no_name") ? NULL : "ticks",
    .columns = has (self, "no_columns") ? NULL : lent_columns,
    .column_count = has (self, "zero_columns") ? 0 : COLUMN_COUNT,
    .key_count = 1,
    .estimated_rows = -1,
    .estimated_bytes = -1,
  };

  memcpy (lent_columns, columns, sizeof columns);
  if (has (self, "no_column_name"))
    lent_columns[1].name = NULL;
  if (has (self, "no_type_name"))
    lent_columns[1].type_name = NULL;
  if (has (self, "unknown_type"))
    lent_columns[1].type = 99;
  if (has (self, "two_keys"))
    table.key_count = 2;
  if (has (self, "no_key")) {
    lent_columns[0].flags = 0;
    lent_columns[0].key_ordinal = 0;
    table.key_count = 0;
  }
  return table;
}

static int
careless_discover (void *context, struct ezcdc_list *list)
{
  struct ezcdc_column lent_columns[COLUMN_COUNT];
  struct ezcdc_table table = table_of (context, lent_columns);

  return host->list_table (list, has (context, "no_table") ? NULL : &table);
}

static int
careless_prepare (void *self, const struct ezcdc_position *stored,
                  struct ezcdc_prepared *ret_prepared)
{
  (void) self;
  ret_prepared->created = stored == NULL;
  ret_prepared->start = stored == NULL ? position_of (1) : *stored;
  snprintf (ret_prepared->identity, sizeof ret_prepared->identity, "careless");
  return EZCDC_OK;
}

static int
careless_current_position (void *self, struct ezcdc_position *ret_position)
{
  (void) self;
  *ret_position = position_of (END);
  return EZCDC_OK;
}

static void
careless_position_text (const struct ezcdc_position *position, char *ret_text)
{
  snprintf (ret_text, 64, "%d",
            position->length == 0 ? 0 : position->bytes[0]);
}

static int
careless_snapshot_open (void *self, uint32_t kind, void **ret_snapshot,
                        struct ezcdc_position *ret_position)
{
  (void) kind;
  *ret_snapshot = self;
  *ret_position = position_of (1);
  return EZCDC_OK;
}

static int
careless_snapshot_plan (void *self, const struct ezcdc_table *table,
                        struct ezcdc_list *list)
{
  (void) table;
  return host->list_chunk (list, has (self, "no_chunk") ? NULL : "all", 3);
}

static int
careless_reader_open (void *snapshot, void **ret_reader)
{
  *ret_reader = snapshot;
  return EZCDC_OK;
}

static int
careless_reader_begin (void *self, const struct ezcdc_table *table,
                       const char *chunk)
{
  (void) self;
  (void) table;
  (void) chunk;
  return EZCDC_OK;
}

static int
careless_reader_read (void *self, struct ezcdc_feed *feed, int64_t timeout_ms)
{
  static const char *const ids[] = { "1", "2", "3" };
  const struct ezcdc_position begin = position_of (BEGIN);
  int result = EZCDC_OK;

  (void) timeout_ms;
  if (has (self, "begin_in_a_chunk"))
    result = host->feed_begin (feed, &begin, 0);
  for (size_t i = 0; i < sizeof ids / sizeof *ids && result >= 0; i++) {
    struct ezcdc_value values[] = { text_value (ids[i]), text_value ("old") };

    if (has (self, "read_value_without_data"))
      values[1].data = NULL;
    result = host->feed_row (feed, TABLE_ID, EZCDC_READ, values, NULL, NULL,
                             0);
  }
  return result < 0 ? result : EZCDC_END;
}

static int
careless_stream_open (void *self, const struct ezcdc_position *after,
                      void **ret_stream)
{
  struct careless *careless = self;

  careless->over = after->length > 0 && after->bytes[0] >= END;
  *ret_stream = self;
  return EZCDC_OK;
}

static void
careless_end (void *object)
{
  (void) object;
}

static int
feed_one (const struct careless *self, struct ezcdc_feed *feed,
          uint32_t operation, const char *id, const char *word)
{
  struct ezcdc_value values[] = { text_value (id), text_value (word) };
  uint64_t table_id = has (self, "unknown_table") ? 99 : TABLE_ID;

  if (has (self, "unknown_operation"))
    operation = 77;
  if (has (self, "truncate_as_row"))
    operation = EZCDC_TRUNCATE;
  if (has (self, "value_without_data"))
    values[1].data = NULL;
  if (has (self, "unknown_state"))
    values[1].state = 9;
  if (has (self, "null_in_the_key"))
    values[0].state = EZCDC_NULL;
  return host->feed_row (feed, table_id, operation,
                         has (self, "no_values") ? NULL : values, NULL, NULL,
                         0);
}

static int
feed_transaction (const struct careless *self, struct ezcdc_feed *feed)
{
  struct ezcdc_column lent_columns[COLUMN_COUNT];
  const struct ezcdc_table table = table_of (self, lent_columns);
  struct ezcdc_position begin = position_of (BEGIN);
  const struct ezcdc_position end = position_of (
    has (self, "end_before_begin") ? BEGIN - 1 : END);
  int result = host->feed_table (feed, &table);

  if (has (self, "long_position"))
    begin.length = 1000;
  if (result >= 0 && !has (self, "no_begin"))
    result = host->feed_begin (feed, has (self, "no_commit") ? NULL : &begin,
                               0);
  if (result >= 0)
    result = host->feed_truncate (feed, TABLE_ID);
  if (result >= 0)
    result = feed_one (self, feed, EZCDC_INSERT, "4", "new");
  if (result >= 0)
    result = feed_one (self, feed, EZCDC_UPDATE, "4", "newer");
  if (result >= 0)
    result = feed_one (self, feed, EZCDC_DELETE, "2", "");
  if (result >= 0)
    result = host->feed_commit (feed, has (self, "no_end") ? NULL : &end);
  return result;
}

static int
careless_stream_read (void *context, struct ezcdc_feed *feed,
                      int64_t timeout_ms)
{
  struct careless *self = context;
  int result;

  if (feed == NULL || self->over) {
    result = host->wait (self->instance, -1, 0, timeout_ms);
    return result < 0 ? result : EZCDC_IDLE;
  }
  result = feed_transaction (self, feed);
  self->over = result >= 0;
  return result;
}

static int
careless_stream_confirm (void *self, const struct ezcdc_position *position)
{
  (void) self;
  (void) position;
  return EZCDC_OK;
}

/* ---- Sink -------------------------------------------------------------- */

static int
careless_table (void *self, const struct ezcdc_table *table)
{
  (void) self;
  (void) table;
  return EZCDC_OK;
}

static int
careless_write (void *context, const struct ezcdc_batch *batch)
{
  struct careless *self = context;

  if (has (self, "announce"))
    return host->announce (self->instance, batch, "load");
  for (uint64_t i = 0; i < batch->row_count; i++)
    if (has (self, "refuse_truncate")
        && batch->rows[i].operation == EZCDC_TRUNCATE) {
      int result = host->refuse_row (self->instance, batch, i, "unwanted");

      return result < 0 ? result : EZCDC_E_ROW;
    }
  return EZCDC_OK;
}

/* ---- Descriptor -------------------------------------------------------- */

static const struct ezcdc_option options[] = {
  {
    .name = "fault",
    .type = EZCDC_OPTION_STRING,
    .default_value = "none",
    .help = "which rule is broken",
  },
};

static const struct ezcdc_source source = {
  .size = sizeof source,
  .open = careless_open,
  .close = careless_close,
  .discover = careless_discover,
  .prepare = careless_prepare,
  .current_position = careless_current_position,
  .position_text = careless_position_text,
  .snapshot_open = careless_snapshot_open,
  .snapshot_close = careless_end,
  .snapshot_plan = careless_snapshot_plan,
  .reader_open = careless_reader_open,
  .reader_close = careless_end,
  .reader_begin = careless_reader_begin,
  .reader_read = careless_reader_read,
  .stream_open = careless_stream_open,
  .stream_close = careless_end,
  .stream_read = careless_stream_read,
  .stream_confirm = careless_stream_confirm,
};

static const struct ezcdc_sink sink = {
  .size = sizeof sink,
  .open = careless_open,
  .close = careless_close,
  .prepare = careless_table,
  .write = careless_write,
};

static const struct ezcdc_connector connector = {
  .magic = EZCDC_CONNECTOR_MAGIC,
  .size = sizeof connector,
  .abi_major = EZCDC_ABI_MAJOR,
  .abi_minor = EZCDC_ABI_MINOR,
  .option_stride = sizeof options[0],
  .option_count = sizeof options / sizeof options[0],
  .kind = EZCDC_KIND_SOURCE | EZCDC_KIND_SINK,
  .threads = EZCDC_THREADS_PARALLEL,
  .capabilities = EZCDC_CAN_LOG,
  .name = "careless",
  .version = "1.0",
  .summary = "Breaks a rule of the ABI on demand, for tests",
  .license = "Apache-2.0",
  .options = options,
  .source = &source,
  .sink = &sink,
};

const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *the_host)
{
  host = the_host;
  return &connector;
}
