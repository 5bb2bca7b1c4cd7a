/* SPDX-License-Identifier: Apache-2.0 */
/* counter: a source that makes up its data, as a third party might write one.
 * It needs the installed header and libc:
 *
 *   cc -fPIC -shared -fvisibility=hidden -Wl,-z,defs \
 *      $(pkg-config --cflags ezcdc-connector) -o counter.so counter.c
 *
 * The data follow from the options alone, so that a test can tell what must
 * arrive. There are tables "counter_0", "counter_1" ... with "rows" rows, ids
 * from 1, before the first transaction. Each of the transactions 1, 2 ...
 * "transactions" makes "changes" changes. Change number g (from 0, through
 * all transactions) goes to table g % tables; the m-th change of a table (from
 * 0), with q = m / 4, is
 *
 *   m % 4 == 0   INSERT of id rows + q + 1, version 0
 *   m % 4 == 1   UPDATE of the same id to version 1
 *   m % 4 == 2   UPDATE of id q % rows + 1 to version q + 1; its note is not
 *                sent again
 *   m % 4 == 3   DELETE of id rows + q + 1
 *
 * A row is (id, version, label "row ID version VERSION", amount "ID.25", note
 * "note ID", NULL for each seventh id, and "width" letters x as payload).
 *
 * A position is the number of transactions before it, eight bytes, most
 * significant first. All transactions have been committed from the start.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <ezcdc/connector.h>

static const struct ezcdc_host *host;

#define MOST_TABLES 16
#define MOST_WIDTH 65536

enum {
  COLUMN_ID,
  COLUMN_VERSION,
  COLUMN_LABEL,
  COLUMN_AMOUNT,
  COLUMN_NOTE,
  COLUMN_PAYLOAD,
  COLUMNS,
};

static const struct ezcdc_column columns[COLUMNS] = {
  [COLUMN_ID] = {
    .name = "id", .type_name = "bigint", .type = EZCDC_TYPE_INT64,
    .flags = EZCDC_COLUMN_KEY | EZCDC_COLUMN_NOT_NULL, .key_ordinal = 1,
    .precision = -1, .length = -1,
  },
  [COLUMN_VERSION] = {
    .name = "version", .type_name = "integer", .type = EZCDC_TYPE_INT32,
    .flags = EZCDC_COLUMN_NOT_NULL, .precision = -1, .length = -1,
  },
  [COLUMN_LABEL] = {
    .name = "label", .type_name = "text", .type = EZCDC_TYPE_STRING,
    .precision = -1, .length = 80,
  },
  [COLUMN_AMOUNT] = {
    .name = "amount", .type_name = "decimal(22,2)",
    .type = EZCDC_TYPE_DECIMAL, .precision = 22, .scale = 2, .length = -1,
  },
  [COLUMN_NOTE] = {
    .name = "note", .type_name = "text", .type = EZCDC_TYPE_STRING,
    .precision = -1, .length = 80,
  },
  [COLUMN_PAYLOAD] = {
    .name = "payload", .type_name = "text", .type = EZCDC_TYPE_STRING,
    .precision = -1, .length = MOST_WIDTH,
  },
};

/* One configured counter. All members are constant after open, but for the
 * last two, which only tests of crashes use. */
struct counter {
  struct ezcdc_instance *instance;
  int64_t tables;
  int64_t rows;
  int64_t chunks;
  int64_t transactions;
  int64_t changes;
  int64_t width;
  int64_t pace;         /* microseconds before each transaction */
  int64_t crash_at;     /* transaction, 0: none */
  int64_t crash_at_row; /* row of a snapshot's chunk, 0: none */
  char *payload;        /* width letters */
  struct ezcdc_table descriptions[MOST_TABLES];
  char names[MOST_TABLES][16];
};

/* ---- The data ---------------------------------------------------------- */

/* The text of one row, and values that point into it. */
struct row {
  struct ezcdc_value values[COLUMNS];
  char id[24];
  char version[24];
  char label[80];
  char amount[32];
  char note[40];
};

static void
set_value (struct ezcdc_value *value, const char *data, size_t length)
{
  value->data = data;
  value->length = (uint32_t) length;
  value->state = EZCDC_VALUE;
}

static void
set_null (struct ezcdc_value *value, uint32_t state)
{
  value->data = NULL;
  value->length = 0;
  value->state = state;
}

static void
make_row (const struct counter *self, int64_t id, int64_t version,
          struct row *ret_row)
{
  struct row *row = ret_row;
  struct ezcdc_value *values = row->values;

  snprintf (row->id, sizeof row->id, "%" PRId64, id);
  snprintf (row->version, sizeof row->version, "%" PRId64, version);
  snprintf (row->label, sizeof row->label, "row %" PRId64 " version %" PRId64,
            id, version);
  snprintf (row->amount, sizeof row->amount, "%" PRId64 ".25", id);
  snprintf (row->note, sizeof row->note, "note %" PRId64, id);
  set_value (&values[COLUMN_ID], row->id, strlen (row->id));
  set_value (&values[COLUMN_VERSION], row->version, strlen (row->version));
  set_value (&values[COLUMN_LABEL], row->label, strlen (row->label));
  set_value (&values[COLUMN_AMOUNT], row->amount, strlen (row->amount));
  if (id % 7 == 0)
    set_null (&values[COLUMN_NOTE], EZCDC_NULL);
  else
    set_value (&values[COLUMN_NOTE], row->note, strlen (row->note));
  set_value (&values[COLUMN_PAYLOAD], self->payload, (size_t) self->width);
}

/* Only the key counts. */
static void
make_key (int64_t id, struct row *ret_row)
{
  for (int i = 0; i < COLUMNS; i++)
    set_null (&ret_row->values[i], EZCDC_NULL);
  snprintf (ret_row->id, sizeof ret_row->id, "%" PRId64, id);
  set_value (&ret_row->values[COLUMN_ID], ret_row->id, strlen (ret_row->id));
}

/* How many changes a table has seen at a position. */
static int64_t
changes_of (const struct counter *self, int64_t table, int64_t position)
{
  int64_t all = position * self->changes;

  return all <= table ? 0 : (all - table + self->tables - 1) / self->tables;
}

/* The version of a row at a position, -1 if there is no such row then. */
static int64_t
version_at (const struct counter *self, int64_t table, int64_t id,
            int64_t position)
{
  int64_t seen = changes_of (self, table, position);

  if (id < 1)
    return -1;
  if (id > self->rows) {
    int64_t first = (id - self->rows - 1) * 4;
    if (first >= seen || first + 3 < seen)
      return -1;
    return first + 1 < seen ? 1 : 0;
  }
  if (seen < 3)
    return 0;
  int64_t last = (seen - 3) / 4; /* the last q whose third change was seen */
  if (last < id - 1)
    return 0;
  return last - (last - (id - 1)) % self->rows + 1;
}

/* The highest id that was ever used at a position. */
static int64_t
highest_id (const struct counter *self, int64_t table, int64_t position)
{
  return self->rows + (changes_of (self, table, position) + 3) / 4;
}

static void
set_position (int64_t number, struct ezcdc_position *ret_position)
{
  ret_position->length = 8;
  for (int i = 0; i < 8; i++)
    ret_position->bytes[i] = (uint8_t) ((uint64_t) number >> (56 - 8 * i));
}

static int64_t
get_position (const struct ezcdc_position *position)
{
  uint64_t number = 0;

  for (uint32_t i = 0; i < position->length && i < 8; i++)
    number = number << 8 | position->bytes[i];
  return (int64_t) number;
}

/* ---- Crashes, for tests of the core ------------------------------------ */

/* Dies like a process that is killed, once in the life of the pipeline. */
static int
crash_once (const struct counter *self)
{
  char path[4096];
  int descriptor;

  snprintf (path, sizeof path, "%s/counter-crashed",
            host->state_folder (self->instance));
  descriptor = open (path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return EZCDC_OK; /* it has been here before */
  close (descriptor);
  raise (SIGKILL);
  return EZCDC_E_BUG;
}

/* ---- The instance ------------------------------------------------------ */

static void
describe_tables (struct counter *self)
{
  for (int64_t i = 0; i < self->tables; i++) {
    snprintf (self->names[i], sizeof self->names[i], "counter_%d", (int) i);
    self->descriptions[i].id = (uint64_t) i + 1;
    self->descriptions[i].schema = "";
    self->descriptions[i].name = self->names[i];
    self->descriptions[i].columns = columns;
    self->descriptions[i].column_count = COLUMNS;
    self->descriptions[i].key_count = 1;
    self->descriptions[i].estimated_rows = self->rows;
    self->descriptions[i].estimated_bytes = self->rows * (self->width + 60);
  }
}

static void
counter_close (void *context)
{
  struct counter *self = context;

  free (self->payload);
  free (self);
}

static int
counter_open (struct ezcdc_instance *instance, void **ret_self)
{
  struct counter *self = calloc (1, sizeof *self);

  if (self == NULL)
    return host->fail (instance, EZCDC_E_MEMORY, "open: out of memory");
  self->instance = instance;
  self->tables = host->option_integer (instance, "tables");
  self->rows = host->option_integer (instance, "rows");
  self->chunks = host->option_integer (instance, "chunks");
  self->transactions = host->option_integer (instance, "transactions");
  self->changes = host->option_integer (instance, "changes");
  self->width = host->option_integer (instance, "width");
  self->pace = host->option_integer (instance, "pace");
  self->crash_at = host->option_integer (instance, "crash_at");
  self->crash_at_row = host->option_integer (instance, "crash_at_row");
  self->payload = malloc ((size_t) self->width + 1);
  if (self->payload == NULL) {
    free (self);
    return host->fail (instance, EZCDC_E_MEMORY, "open: out of memory");
  }
  memset (self->payload, 'x', (size_t) self->width);
  describe_tables (self);
  *ret_self = self;
  return EZCDC_OK;
}

static int
counter_check (void *context)
{
  struct counter *self = context;

  host->report (self->instance, EZCDC_REPORT_OK, "counter", "can count", NULL);
  return EZCDC_OK;
}

static int
counter_discover (void *context, struct ezcdc_list *list)
{
  struct counter *self = context;

  for (int64_t i = 0; i < self->tables; i++) {
    int result = host->list_table (list, &self->descriptions[i]);
    if (result < 0)
      return result;
  }
  return EZCDC_OK;
}

static int
counter_prepare (void *context, const struct ezcdc_position *stored,
                 struct ezcdc_prepared *ret_prepared)
{
  struct counter *self = context;

  if (stored != NULL && get_position (stored) > self->transactions)
    return host->fail (self->instance, EZCDC_E_OPERATOR,
                       "go on after transaction %" PRId64
                       ": there are only %" PRId64 "; set transactions higher",
                       get_position (stored), self->transactions);
  ret_prepared->created = stored == NULL;
  set_position (stored == NULL ? 0 : get_position (stored),
                &ret_prepared->start);
  snprintf (ret_prepared->identity, sizeof ret_prepared->identity, "counter");
  return EZCDC_OK;
}

static int
counter_current_position (void *context, struct ezcdc_position *ret_position)
{
  struct counter *self = context;

  set_position (self->transactions, ret_position);
  return EZCDC_OK;
}

static void
counter_position_text (const struct ezcdc_position *position, char *ret_text)
{
  snprintf (ret_text, 64, "%" PRId64, get_position (position));
}

static int64_t
counter_position_distance (const struct ezcdc_position *from,
                           const struct ezcdc_position *to)
{
  return get_position (to) - get_position (from);
}

static int
counter_fetch (void *context, const struct ezcdc_table *table,
               const struct ezcdc_value *keys, uint64_t count,
               struct ezcdc_feed *feed)
{
  struct counter *self = context;
  struct row row;

  for (uint64_t i = 0; i < count; i++) {
    const struct ezcdc_value *key = &keys[i * COLUMNS + COLUMN_ID];
    char text[24];
    snprintf (text, sizeof text, "%.*s", (int) key->length, key->data);
    int64_t id = strtoll (text, NULL, 10);
    int64_t version = version_at (self, (int64_t) table->id - 1, id,
                                  self->transactions);
    if (version < 0)
      continue;
    make_row (self, id, version, &row);
    int result = host->feed_row (feed, table->id, EZCDC_READ, row.values, NULL,
                                 NULL, 0);
    if (result < 0)
      return result;
  }
  return EZCDC_OK;
}

/* ---- The snapshot ------------------------------------------------------ */

struct snapshot {
  struct counter *self;
  int64_t position;
};

struct reader {
  struct snapshot *snapshot;
  const struct ezcdc_table *table; /* of the chunk; lent by the core */
  int64_t next;                    /* id */
  int64_t last;                    /* id */
  int64_t rows_read;
};

static int
counter_snapshot_open (void *context, uint32_t kind, void **ret_snapshot,
                       struct ezcdc_position *ret_position)
{
  struct counter *self = context;
  struct snapshot *snapshot = calloc (1, sizeof *snapshot);

  if (snapshot == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY,
                       "open a snapshot: out of memory");
  snapshot->self = self;
  snapshot->position = kind == EZCDC_SNAPSHOT_INITIAL ? 0 : self->transactions;
  set_position (snapshot->position, ret_position);
  *ret_snapshot = snapshot;
  return EZCDC_OK;
}

static void
counter_snapshot_close (void *snapshot)
{
  free (snapshot);
}

/* A chunk is "FIRST-LAST", a range of ids. */
static int
counter_snapshot_plan (void *context, const struct ezcdc_table *table,
                       struct ezcdc_list *list)
{
  struct snapshot *snapshot = context;
  const struct counter *self = snapshot->self;
  int64_t highest = highest_id (self, (int64_t) table->id - 1,
                                snapshot->position);
  int64_t step = (highest + self->chunks - 1) / self->chunks;
  char chunk[48];

  for (int64_t first = 1; first <= highest; first += step) {
    snprintf (chunk, sizeof chunk, "%" PRId64 "-%" PRId64, first,
              first + step - 1);
    int result = host->list_chunk (list, chunk, step);
    if (result < 0)
      return result;
  }
  return EZCDC_OK;
}

static int
counter_reader_open (void *context, void **ret_reader)
{
  struct snapshot *snapshot = context;
  struct reader *reader = calloc (1, sizeof *reader);

  if (reader == NULL)
    return host->fail (snapshot->self->instance, EZCDC_E_MEMORY,
                       "open a reader: out of memory");
  reader->snapshot = snapshot;
  *ret_reader = reader;
  return EZCDC_OK;
}

static void
counter_reader_close (void *reader)
{
  free (reader);
}

static int
counter_reader_begin (void *context, const struct ezcdc_table *table,
                      const char *chunk)
{
  struct reader *reader = context;

  reader->table = table;
  if (sscanf (chunk, "%" SCNd64 "-%" SCNd64, &reader->next, &reader->last)
      != 2)
    return host->fail (reader->snapshot->self->instance, EZCDC_E_BUG,
                       "begin chunk \"%s\": it is no FIRST-LAST", chunk);
  return EZCDC_OK;
}

static int
counter_reader_read (void *context, struct ezcdc_feed *feed,
                     int64_t timeout_ms)
{
  struct reader *reader = context;
  const struct counter *self = reader->snapshot->self;
  struct row row;

  (void) timeout_ms; /* nothing here can take long */
  while (reader->next <= reader->last) {
    if (host->interrupted (self->instance))
      return EZCDC_E_STOPPED;
    int64_t id = reader->next++;
    int64_t version = version_at (self, (int64_t) reader->table->id - 1, id,
                                  reader->snapshot->position);
    if (version < 0)
      continue;
    if (++reader->rows_read == self->crash_at_row)
      crash_once (self);
    make_row (self, id, version, &row);
    int result = host->feed_row (feed, reader->table->id, EZCDC_READ,
                                 row.values, NULL, NULL, 0);
    if (result != EZCDC_OK)
      return result;
  }
  return EZCDC_END;
}

/* ---- The stream -------------------------------------------------------- */

struct stream {
  struct counter *self;
  int64_t transaction; /* to hand on next, from 1 */
  int64_t change;      /* of it, from 0; -1: it has not begun */
  int tables_sent;
};

static int
counter_stream_open (void *context, const struct ezcdc_position *after,
                     void **ret_stream)
{
  struct counter *self = context;
  struct stream *stream = calloc (1, sizeof *stream);

  if (stream == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY,
                       "open the stream: out of memory");
  stream->self = self;
  stream->transaction = get_position (after) + 1;
  stream->change = -1;
  *ret_stream = stream;
  return EZCDC_OK;
}

static void
counter_stream_close (void *stream)
{
  free (stream);
}

static int
feed_change (const struct counter *self, struct ezcdc_feed *feed,
             int64_t number)
{
  int64_t table = number % self->tables;
  int64_t of_table = number / self->tables;
  int64_t group = of_table / 4;
  int64_t inserted = self->rows + group + 1;
  uint64_t table_id = (uint64_t) table + 1;
  struct row row;

  switch (of_table % 4) {
  case 0:
    make_row (self, inserted, 0, &row);
    return host->feed_row (feed, table_id, EZCDC_INSERT, row.values, NULL,
                           NULL, 0);
  case 1:
    make_row (self, inserted, 1, &row);
    break;
  case 2:
    make_row (self, group % self->rows + 1, group + 1, &row);
    set_null (&row.values[COLUMN_NOTE], EZCDC_UNCHANGED);
    break;
  default:
    make_key (inserted, &row);
    return host->feed_row (feed, table_id, EZCDC_DELETE, row.values, NULL,
                           NULL, 0);
  }
  return host->feed_row (feed, table_id, EZCDC_UPDATE, row.values, NULL, NULL,
                         0);
}

/* The commit time of transaction n is n seconds after 2020-01-01. */
static int64_t
commit_time (int64_t transaction)
{
  return (INT64_C (1577836800) + transaction) * 1000000;
}

static int
feed_begin (struct stream *stream, struct ezcdc_feed *feed)
{
  const struct counter *self = stream->self;
  struct ezcdc_position commit;
  int result = EZCDC_OK;

  if (stream->transaction == self->crash_at)
    result = crash_once (self);
  if (result == EZCDC_OK && self->pace > 0)
    result = host->wait (self->instance, -1, 0, self->pace / 1000);
  if (result < 0)
    return result;
  set_position (stream->transaction, &commit);
  return host->feed_begin (feed, &commit, commit_time (stream->transaction));
}

/* One step: begin, a change, or commit. The feed may want control back after
 * any of them, so each is finished before its result counts. */
static int
feed_step (struct stream *stream, struct ezcdc_feed *feed)
{
  const struct counter *self = stream->self;
  struct ezcdc_position end;
  int64_t change = stream->change++;

  if (change < 0)
    return feed_begin (stream, feed);
  if (change < self->changes)
    return feed_change (self, feed,
                        (stream->transaction - 1) * self->changes + change);
  set_position (stream->transaction, &end);
  stream->transaction++;
  stream->change = -1;
  return host->feed_commit (feed, &end);
}

static int
feed_tables (struct stream *stream, struct ezcdc_feed *feed)
{
  for (int64_t i = 0; i < stream->self->tables && !stream->tables_sent; i++) {
    int result = host->feed_table (feed, &stream->self->descriptions[i]);
    if (result < 0)
      return result;
  }
  stream->tables_sent = 1;
  return EZCDC_OK;
}

static int
counter_stream_read (void *context, struct ezcdc_feed *feed,
                     int64_t timeout_ms)
{
  struct stream *stream = context;
  const struct counter *self = stream->self;
  int64_t until = host->monotonic_time () + 100000;
  int result = feed == NULL ? EZCDC_OK : feed_tables (stream, feed);

  if (result < 0)
    return result;
  if (feed == NULL || stream->transaction > self->transactions) {
    result = host->wait (self->instance, -1, 0, timeout_ms);
    return result < 0 ? result : EZCDC_IDLE;
  }
  while (stream->transaction <= self->transactions) {
    if (host->interrupted (self->instance))
      return EZCDC_E_STOPPED;
    result = feed_step (stream, feed);
    if (result != EZCDC_OK)
      return result;
    if (host->monotonic_time () > until)
      return EZCDC_OK;
  }
  return EZCDC_OK;
}

static int
counter_stream_confirm (void *context, const struct ezcdc_position *position)
{
  struct stream *stream = context;

  (void) position; /* nothing is kept that could be forgotten */
  host->count (stream->self->instance, "confirmations", 1);
  return EZCDC_OK;
}

/* ---- What it says about itself ----------------------------------------- */

static const struct ezcdc_option options[] = {
  {
    .name = "tables",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 1,
    .maximum = MOST_TABLES,
    .default_value = "2",
    .help = "how many tables",
  },
  {
    .name = "rows",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 1,
    .maximum = INT32_MAX,
    .default_value = "1000",
    .help = "rows of each table before the first transaction",
  },
  {
    .name = "chunks",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 1,
    .maximum = 1000,
    .default_value = "4",
    .help = "chunks of the snapshot of a table",
  },
  {
    .name = "transactions",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 0,
    .maximum = INT32_MAX,
    .default_value = "100",
    .help = "how many transactions follow",
  },
  {
    .name = "changes",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 1,
    .maximum = INT32_MAX,
    .default_value = "10",
    .help = "changes of a transaction",
  },
  {
    .name = "width",
    .type = EZCDC_OPTION_SIZE,
    .minimum = 0,
    .maximum = MOST_WIDTH,
    .default_value = "10",
    .help = "bytes of each row's payload",
  },
  {
    .name = "pace",
    .type = EZCDC_OPTION_DURATION,
    .minimum = 0,
    .maximum = INT64_C (60000000),
    .default_value = "0",
    .help = "how long to wait before each transaction",
  },
  {
    .name = "crash_at",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 0,
    .maximum = INT32_MAX,
    .default_value = "0",
    .help = "kill the process once, before this transaction",
  },
  {
    .name = "crash_at_row",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 0,
    .maximum = INT32_MAX,
    .default_value = "0",
    .help = "kill the process once, when a reader has read so many rows",
  },
};

static const struct ezcdc_source source = {
  .size = sizeof source,
  .open = counter_open,
  .close = counter_close,
  .check = counter_check,
  .discover = counter_discover,
  .prepare = counter_prepare,
  .current_position = counter_current_position,
  .position_text = counter_position_text,
  .position_distance = counter_position_distance,
  .snapshot_open = counter_snapshot_open,
  .snapshot_close = counter_snapshot_close,
  .snapshot_plan = counter_snapshot_plan,
  .reader_open = counter_reader_open,
  .reader_close = counter_reader_close,
  .reader_begin = counter_reader_begin,
  .reader_read = counter_reader_read,
  .stream_open = counter_stream_open,
  .stream_close = counter_stream_close,
  .stream_read = counter_stream_read,
  .stream_confirm = counter_stream_confirm,
  .fetch = counter_fetch,
};

static const struct ezcdc_connector connector = {
  .magic = EZCDC_CONNECTOR_MAGIC,
  .size = sizeof connector,
  .abi_major = EZCDC_ABI_MAJOR,
  .abi_minor = EZCDC_ABI_MINOR,
  .option_stride = sizeof options[0],
  .option_count = sizeof options / sizeof options[0],
  .kind = EZCDC_KIND_SOURCE,
  .threads = EZCDC_THREADS_PARALLEL,
  .capabilities = EZCDC_CAN_FILES,
  .name = "counter",
  .version = "1.0",
  .summary = "Rows and changes that follow from its options, for tests",
  .license = "Apache-2.0",
  .options = options,
  .source = &source,
};

const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *the_host)
{
  host = the_host;
  return &connector;
}
