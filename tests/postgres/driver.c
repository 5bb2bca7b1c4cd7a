/* SPDX-License-Identifier: Apache-2.0 */
/* A host for the postgres connector alone: does one thing with it and prints
 * what it hands over, so that a test can look at a source without a pipeline.
 *
 *   driver CONNECTOR.so COMMAND OPTION=VALUE...
 *
 * check       a line for each prerequisite
 * discover    tables and columns
 * copy        prepare, snapshot, every chunk
 * stream      the changes after the option "after" up to now; confirms
 * prepare     publication and slot
 * sync        copy, then stream from where prepare said
 * fetch       rows of the first table whose keys are the option "keys"
 * position    the source's position now
 * regroup     two readers, of which the second comes when a line was read from
 *             standard input; each copies the first table
 * view        discover, then every chunk of a snapshot for a comparison
 * chunk       the chunk of the first table that the option "chunk" names
 *
 * Options of its own: ssl_mode, ssl_root_cert; after=LSN; quiet=1; keys=A;B,C;
 * stall=SECONDS before the stream is read, seconds=N that it is read, instead
 * of up to where the server was when it began; call_ms=N for one call that
 * reads the stream; confirm=no; pause=discover, snapshot, plan or chunk: prints
 * "ready" when that is done, and waits for a line on standard input.
 *
 * Exit code: 0, or that of the connector without its sign.
 */

#include <dlfcn.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ezcdc/connector.h>

struct ezcdc_feed {
  uint64_t rows;
  uint64_t progress; /* the last position outside of a transaction */
};

#define TABLES_MAX 64
#define COLUMNS_MAX 1700

/* What was listed: copies of tables, and texts of chunks. */
struct ezcdc_list {
  struct ezcdc_table tables[TABLES_MAX];
  unsigned table_count;
  char (*chunks)[200];
  unsigned chunk_count;
};

static char **options;
static const char *password;
static struct ezcdc_tls tls = {
  .size = sizeof tls,
  .mode_name = "disable",
  .minimum_version = "TLSv1.2",
};
static bool quiet;
static volatile sig_atomic_t stopped;
static uint64_t waits; /* for the server, while the stream is read */
static const struct ezcdc_source *source;
static void *self;

static const char *
option (const char *name)
{
  size_t length = strlen (name);
  char **at;

  for (at = options; *at != NULL; at++)
    if (strncmp (*at, name, length) == 0 && (*at)[length] == '=')
      return *at + length + 1;
  return NULL;
}

static void mini_vlog (struct ezcdc_instance *instance, uint32_t level,
                       const char *format, va_list arguments)
  EZCDC_PRINTF (3, 0);

static void
mini_vlog (struct ezcdc_instance *instance, uint32_t level, const char *format,
           va_list arguments)
{
  (void) instance;
  fprintf (stderr, "log %u: ", level);
  vfprintf (stderr, format, arguments);
  fputc ('\n', stderr);
}

static void mini_log (struct ezcdc_instance *instance, uint32_t level,
                      const char *format, ...) EZCDC_PRINTF (3, 4);

static void
mini_log (struct ezcdc_instance *instance, uint32_t level, const char *format,
          ...)
{
  va_list arguments;

  va_start (arguments, format);
  mini_vlog (instance, level, format, arguments);
  va_end (arguments);
}

static int mini_fail (struct ezcdc_instance *instance, int code,
                      const char *format, ...) EZCDC_PRINTF (3, 4);

static int
mini_fail (struct ezcdc_instance *instance, int code, const char *format, ...)
{
  va_list arguments;

  (void) instance;
  fprintf (stderr, "error %d: ", code);
  va_start (arguments, format);
  vfprintf (stderr, format, arguments);
  va_end (arguments);
  fputc ('\n', stderr);
  return code;
}

static const char *
mini_option_string (struct ezcdc_instance *instance, const char *name)
{
  const char *value = option (name);

  (void) instance;
  if (value == NULL && strcmp (name, "channel_binding") == 0)
    return "auto";
  return value;
}

static int64_t
mini_option_integer (struct ezcdc_instance *instance, const char *name)
{
  const char *value = option (name);

  (void) instance;
  if (value == NULL && strcmp (name, "connect_timeout") == 0)
    return 5000000;
  if (value == NULL && strcmp (name, "answer_timeout") == 0)
    return 60000000;
  return value ? strtoll (value, NULL, 10) : 0;
}

static const struct ezcdc_sealed *
mini_option_sealed (struct ezcdc_instance *instance, const char *name)
{
  (void) instance;
  (void) name;
  return (const struct ezcdc_sealed *) password;
}

static const char *
mini_pipeline_name (struct ezcdc_instance *instance)
{
  (void) instance;
  return "mini";
}

static int
mini_secret_use (struct ezcdc_instance *instance,
                 const struct ezcdc_sealed *sealed, const char *reason,
                 ezcdc_secret_function function, void *context)
{
  (void) instance;
  (void) reason;
  return function (context, (const char *) sealed,
                   strlen ((const char *) sealed));
}

static const struct ezcdc_tls *
mini_tls (struct ezcdc_instance *instance)
{
  (void) instance;
  return &tls;
}

static void
mini_tls_negotiated (struct ezcdc_instance *instance, const char *peer,
                     const char *version, const char *cipher)
{
  (void) instance;
  if (version != NULL)
    fprintf (stderr, "tls %s: %s %s\n", peer, version, cipher);
}

static void
mini_tls_peer (struct ezcdc_instance *instance, const char *peer,
               const char *version, const char *cipher,
               const void *certificate, size_t length)
{
  (void) certificate;
  (void) length;
  mini_tls_negotiated (instance, peer, version, cipher);
}

static int64_t
mini_monotonic_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t
mini_real_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
mini_interrupted (struct ezcdc_instance *instance)
{
  (void) instance;
  return stopped;
}

static int
mini_wait (struct ezcdc_instance *instance, int descriptor, uint32_t events,
           int64_t timeout_ms)
{
  struct pollfd item = { .fd = descriptor };
  int ready;

  (void) instance;
  item.events = (short) ((events & 1 ? POLLIN : 0)
                         | (events & 2 ? POLLOUT : 0));
  if (stopped)
    return EZCDC_E_STOPPED;
  waits += descriptor >= 0;
  ready = poll (&item, 1, (int) timeout_ms);
  if (stopped)
    return EZCDC_E_STOPPED;
  if (ready <= 0)
    return 0;
  ready = (item.revents & POLLIN ? 1 : 0) | (item.revents & POLLOUT ? 2 : 0);
  return ready ? ready : (int) events;
}

static void
mini_count (struct ezcdc_instance *instance, const char *counter,
            int64_t delta)
{
  (void) instance;
  (void) counter;
  (void) delta;
}

static void
mini_report (struct ezcdc_instance *instance, uint32_t outcome,
             const char *subject, const char *finding, const char *remedy)
{
  static const char *const words[] = { "ok", "fail", "fix" };

  (void) instance;
  printf ("%s\t%s\t%s\t%s\n", words[outcome], subject, finding,
          remedy ? remedy : "");
}

static void
mini_waiting (struct ezcdc_instance *instance, const char *reason)
{
  (void) instance;
  fprintf (stderr, "waits: %s\n", reason ? reason : "no more");
}

static char *
copy_string (const char *string)
{
  return string ? strdup (string) : NULL;
}

static int
mini_list_table (struct ezcdc_list *list, const struct ezcdc_table *table)
{
  struct ezcdc_table *copy = &list->tables[list->table_count];
  struct ezcdc_column *columns;
  uint32_t i;

  if (list->table_count == TABLES_MAX)
    return EZCDC_E_MEMORY;
  list->table_count++;
  *copy = *table;
  copy->schema = copy_string (table->schema);
  copy->name = copy_string (table->name);
  copy->refusal = copy_string (table->refusal);
  columns = calloc (table->column_count, sizeof *columns);
  memcpy (columns, table->columns, table->column_count * sizeof *columns);
  for (i = 0; i < table->column_count; i++) {
    columns[i].name = copy_string (columns[i].name);
    columns[i].type_name = copy_string (columns[i].type_name);
  }
  copy->columns = columns;
  return EZCDC_OK;
}

static int
mini_list_chunk (struct ezcdc_list *list, const char *chunk,
                 int64_t estimated_rows)
{
  (void) estimated_rows;
  list->chunks = realloc (list->chunks,
                          (list->chunk_count + 1) * sizeof *list->chunks);
  snprintf (list->chunks[list->chunk_count++], sizeof *list->chunks, "%s",
            chunk);
  return EZCDC_OK;
}

static uint64_t
lsn_of (const struct ezcdc_position *position)
{
  uint64_t lsn = 0;
  uint32_t i;

  /* A timeline may stand behind it. */
  for (i = 0; i < position->length && i < 8; i++)
    lsn = lsn << 8 | position->bytes[i];
  return lsn;
}

static void
print_position (const char *word, const struct ezcdc_position *position)
{
  char text[64];

  source->position_text (position, text);
  printf ("%s\t%s\n", word, text);
}

static void
print_table (const struct ezcdc_table *table)
{
  uint32_t i;

  printf ("table\t%" PRIu64 "\t%s.%s\t%s\n", table->id, table->schema,
          table->name, table->refusal ? table->refusal : "");
  for (i = 0; i < table->column_count; i++) {
    const struct ezcdc_column *column = &table->columns[i];

    printf ("column\t%s\t%s\ttype %u of %u\t%d,%d\tlength %" PRId64
            "\tflags %u key %u number %u\n",
            column->name, column->type_name, column->type,
            column->element_type, column->precision, column->scale,
            column->length, column->flags & 0xffff, column->key_ordinal,
            EZCDC_COLUMN_NUMBER (column->flags));
  }
}

/* Tables as last told, for printing rows. */
static struct {
  uint64_t id;
  uint32_t columns;
} known[TABLES_MAX];

static void
know (const struct ezcdc_table *table)
{
  unsigned i;

  for (i = 0; i < TABLES_MAX; i++)
    if (known[i].id == 0 || known[i].id == table->id) {
      known[i].id = table->id;
      known[i].columns = table->column_count;
      return;
    }
}

static void
print_values (const struct ezcdc_value *values, uint32_t count)
{
  uint32_t i, k;

  for (i = 0; i < count; i++) {
    putchar ('\t');
    if (values[i].state == EZCDC_NULL)
      printf ("~");
    else if (values[i].state == EZCDC_UNCHANGED)
      printf ("=");
    else
      for (k = 0; k < values[i].length; k++) {
        unsigned char c = (unsigned char) values[i].data[k];

        if (c < ' ' || c == '\\')
          printf ("\\%02x", c);
        else
          putchar (c);
      }
  }
}

static int
mini_feed_begin (struct ezcdc_feed *feed, const struct ezcdc_position *commit,
                 int64_t commit_time)
{
  (void) feed;
  (void) commit_time;
  if (!quiet)
    print_position ("begin", commit);
  return EZCDC_OK;
}

static int
mini_feed_row (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
               const struct ezcdc_value *values,
               const struct ezcdc_value *old_values, const char *message,
               size_t length)
{
  static const char *const words[] = { "",       "insert",   "update",
                                       "delete", "truncate", "read" };
  unsigned i;

  (void) message;
  (void) length;
  feed->rows++;
  if (quiet)
    return EZCDC_OK;
  for (i = 0; i < TABLES_MAX && known[i].id != table_id; i++)
    ;
  if (i == TABLES_MAX)
    abort ();
  printf ("%s\t%" PRIu64, words[operation], table_id);
  print_values (values, known[i].columns);
  if (old_values != NULL) {
    printf ("\told");
    print_values (old_values, known[i].columns);
  }
  putchar ('\n');
  return EZCDC_OK;
}

static int
mini_feed_truncate (struct ezcdc_feed *feed, uint64_t table_id)
{
  (void) feed;
  printf ("truncate\t%" PRIu64 "\n", table_id);
  return EZCDC_OK;
}

static int
mini_feed_table (struct ezcdc_feed *feed, const struct ezcdc_table *table)
{
  (void) feed;
  know (table);
  if (!quiet)
    print_table (table);
  return EZCDC_OK;
}

static int
mini_feed_commit (struct ezcdc_feed *feed, const struct ezcdc_position *end)
{
  feed->progress = lsn_of (end);
  if (!quiet)
    print_position ("commit", end);
  return EZCDC_OK;
}

static int
mini_feed_progress (struct ezcdc_feed *feed,
                    const struct ezcdc_position *position)
{
  feed->progress = lsn_of (position);
  return EZCDC_OK;
}

/* A pipeline that has never run. */
static void
mini_stored_position (struct ezcdc_instance *instance,
                      struct ezcdc_position *ret_position)
{
  (void) instance;
  ret_position->length = 0;
}

static const struct ezcdc_host host = {
  .size = sizeof host,
  .log = mini_log,
  .vlog = mini_vlog,
  .fail = mini_fail,
  .option_string = mini_option_string,
  .option_integer = mini_option_integer,
  .option_sealed = mini_option_sealed,
  .pipeline_name = mini_pipeline_name,
  .secret_use = mini_secret_use,
  .tls = mini_tls,
  .tls_negotiated = mini_tls_negotiated,
  .tls_peer = mini_tls_peer,
  .monotonic_time = mini_monotonic_time,
  .real_time = mini_real_time,
  .interrupted = mini_interrupted,
  .wait = mini_wait,
  .count = mini_count,
  .report = mini_report,
  .list_table = mini_list_table,
  .list_chunk = mini_list_chunk,
  .feed_begin = mini_feed_begin,
  .feed_row = mini_feed_row,
  .feed_truncate = mini_feed_truncate,
  .feed_table = mini_feed_table,
  .feed_commit = mini_feed_commit,
  .feed_progress = mini_feed_progress,
  .waiting = mini_waiting,
  .stored_position = mini_stored_position,
};

static void
wait_for_line (void)
{
  printf ("ready\n");
  fflush (stdout);
  while (getchar () != '\n')
    ;
}

static void
pause_at (const char *place)
{
  const char *pause = option ("pause");

  if (pause != NULL && strcmp (pause, place) == 0)
    wait_for_line ();
}

static int
copy_table (void *snapshot, void *reader, const struct ezcdc_table *table,
            struct ezcdc_feed *feed)
{
  static struct ezcdc_list list;
  unsigned i;
  int code;

  list.chunk_count = 0;
  know (table);
  code = source->snapshot_plan (snapshot, table, &list);
  pause_at ("plan");
  for (i = 0; code >= 0 && i < list.chunk_count; i++) {
    printf ("chunk\t%s\n", list.chunks[i]);
    code = source->reader_begin (reader, table, list.chunks[i]);
    while (code >= 0 && code != EZCDC_END)
      code = source->reader_read (reader, feed, 1000);
    pause_at ("chunk");
  }
  return code < 0 ? code : EZCDC_OK;
}

/* One chunk that an earlier run has planned. */
static int
copy_chunk (const struct ezcdc_table *table, struct ezcdc_feed *feed)
{
  struct ezcdc_position position;
  void *snapshot = NULL, *reader = NULL;
  int code;

  know (table);
  code = source->snapshot_open (self, EZCDC_SNAPSHOT_LATER, &snapshot,
                                &position);
  if (code != EZCDC_OK)
    return code;
  code = source->reader_open (snapshot, &reader);
  if (code == EZCDC_OK) {
    code = source->reader_begin (reader, table, option ("chunk"));
    while (code >= 0 && code != EZCDC_END)
      code = source->reader_read (reader, feed, 1000);
    source->reader_close (reader);
  }
  source->snapshot_close (snapshot);
  return code < 0 ? code : EZCDC_OK;
}

static int
copy_all (const struct ezcdc_list *list, uint32_t kind,
          struct ezcdc_feed *feed)
{
  struct ezcdc_position position;
  void *snapshot = NULL, *reader = NULL;
  unsigned i;
  int code;

  code = source->snapshot_open (self, kind, &snapshot, &position);
  if (code != EZCDC_OK)
    return code;
  print_position ("snapshot", &position);
  pause_at ("snapshot");
  code = source->reader_open (snapshot, &reader);
  for (i = 0; code == EZCDC_OK && i < list->table_count; i++)
    if (list->tables[i].refusal == NULL)
      code = copy_table (snapshot, reader, &list->tables[i], feed);
  if (reader != NULL)
    source->reader_close (reader);
  source->snapshot_close (snapshot);
  return code;
}

/* The first reader imports the snapshot and can give it to the second, should
 * the session that took it be gone by then. */
static int
regroup (const struct ezcdc_list *list, uint32_t kind, struct ezcdc_feed *feed)
{
  struct ezcdc_position position;
  void *snapshot = NULL, *first = NULL, *second = NULL;
  int code;

  code = source->snapshot_open (self, kind, &snapshot, &position);
  if (code != EZCDC_OK)
    return code;
  code = source->reader_open (snapshot, &first);
  if (code == EZCDC_OK) {
    wait_for_line ();
    code = source->reader_open (snapshot, &second);
  }
  if (code == EZCDC_OK)
    code = copy_table (snapshot, first, &list->tables[0], feed);
  if (code == EZCDC_OK)
    code = copy_table (snapshot, second, &list->tables[0], feed);
  source->reader_close (first);
  source->reader_close (second);
  source->snapshot_close (snapshot);
  return code;
}

static int
stream_all (const struct ezcdc_position *after, struct ezcdc_feed *feed)
{
  struct ezcdc_position end, position = { .length = 8 };
  const char *seconds = option ("seconds"), *stall = option ("stall");
  const char *call = option ("call_ms");
  bool confirm = option ("confirm") == NULL;
  int64_t until = 0;
  void *stream = NULL;
  int code, i;

  code = source->current_position (self, &end);
  if (code == EZCDC_OK)
    code = source->stream_open (self, after, &stream);
  if (code != EZCDC_OK)
    return code;
  printf ("streaming\n");
  fflush (stdout);
  if (stall != NULL)
    code = source->stream_read (stream, NULL,
                                strtoll (stall, NULL, 10) * 1000);
  if (seconds != NULL)
    until = mini_monotonic_time () + strtoll (seconds, NULL, 10) * 1000000;
  feed->progress = lsn_of (after);
  waits = 0;
  while (code >= 0
         && (until ? mini_monotonic_time () < until
                   : feed->progress < lsn_of (&end))) {
    code = source->stream_read (stream, feed,
                                call ? strtoll (call, NULL, 10) : 100);
    fflush (stdout);
    for (i = 0; i < 8; i++)
      position.bytes[i] = (uint8_t) (feed->progress >> (56 - 8 * i));
    if (confirm)
      source->stream_confirm (stream, &position);
  }
  source->stream_close (stream);
  print_position ("end", &position);
  printf ("waits\t%" PRIu64 "\n", waits);
  return code < 0 ? code : EZCDC_OK;
}

static int
fetch_all (const struct ezcdc_table *table, struct ezcdc_feed *feed)
{
  static struct ezcdc_value values[COLUMNS_MAX];
  uint64_t count = 0;
  char *keys = strdup (option ("keys")), *at = keys;
  uint32_t i;
  int code;

  /* Keys with commas between, their columns with semicolons. */
  while (*at != '\0') {
    for (i = 0; i < table->column_count; i++) {
      struct ezcdc_value *value = &values[count * table->column_count + i];

      value->state = EZCDC_NULL;
      if (table->columns[i].flags & EZCDC_COLUMN_KEY) {
        value->state = EZCDC_VALUE;
        value->data = at;
        value->length = (uint32_t) strcspn (at, ",;");
        at += value->length;
        at += *at == ';';
      }
    }
    at += *at == ',';
    count++;
  }
  know (table);
  code = source->fetch (self, table, values, count, feed);
  free (keys);
  return code;
}

static int
run (const char *command)
{
  static struct ezcdc_list list;
  struct ezcdc_feed feed = { .rows = 0 };
  struct ezcdc_prepared prepared = { .size = sizeof prepared };
  struct ezcdc_position after = { .length = 8 };
  const char *text = option ("after");
  uint64_t lsn = 0;
  unsigned high, low;
  int code = EZCDC_OK, i;
  int64_t begin = mini_monotonic_time ();
  bool sync = strcmp (command, "sync") == 0;

  if (text != NULL && sscanf (text, "%x/%x", &high, &low) == 2)
    lsn = (uint64_t) high << 32 | low;
  for (i = 0; i < 8; i++)
    after.bytes[i] = (uint8_t) (lsn >> (56 - 8 * i));
  if (strcmp (command, "check") == 0)
    return source->check (self);
  if (strcmp (command, "position") == 0) {
    code = source->current_position (self, &after);
    if (code == EZCDC_OK)
      print_position ("position", &after);
    return code;
  }
  code = source->discover (self, &list);
  if (code != EZCDC_OK)
    return code;
  if (strcmp (command, "discover") == 0) {
    for (i = 0; i < (int) list.table_count; i++)
      print_table (&list.tables[i]);
    return EZCDC_OK;
  }
  pause_at ("discover");
  if (strcmp (command, "fetch") == 0)
    return fetch_all (&list.tables[0], &feed);
  if (strcmp (command, "view") == 0)
    return copy_all (&list, EZCDC_SNAPSHOT_VIEW, &feed);
  code = source->prepare (self, text ? &after : NULL, &prepared);
  if (code != EZCDC_OK)
    return code;
  printf ("prepared\t%s\tcreated %u\n", prepared.identity, prepared.created);
  print_position ("start", &prepared.start);
  if (sync || strcmp (command, "copy") == 0)
    code = copy_all (
      &list, prepared.created ? EZCDC_SNAPSHOT_INITIAL : EZCDC_SNAPSHOT_LATER,
      &feed);
  if (strcmp (command, "chunk") == 0)
    code = copy_chunk (&list.tables[0], &feed);
  if (strcmp (command, "regroup") == 0)
    code = regroup (&list, EZCDC_SNAPSHOT_INITIAL, &feed);
  if (code == EZCDC_OK && (sync || strcmp (command, "stream") == 0))
    code = stream_all (&prepared.start, &feed);
  fprintf (stderr, "%" PRIu64 " rows in %.3f s\n", feed.rows,
           (double) (mini_monotonic_time () - begin) / 1e6);
  return code;
}

static void
stop (int number)
{
  stopped = number;
}

static int
mini_set_tls (void)
{
  static const char *const modes[] = {
    "disable", "allow", "prefer", "require", "verify-ca", "verify-full",
  };
  const char *mode = option ("ssl_mode");
  uint32_t i;

  tls.root_cert = option ("ssl_root_cert");
  for (i = 0; mode != NULL && i < 6; i++)
    if (strcmp (mode, modes[i]) == 0) {
      tls.mode = i;
      tls.mode_name = modes[i];
    }
  return 0;
}

int
main (int argc, char **argv)
{
  const struct ezcdc_connector *(*entry) (const struct ezcdc_host *);
  const struct ezcdc_connector *connector;
  void *library;
  int code;

  if (argc < 3) {
    fprintf (stderr, "driver CONNECTOR.so COMMAND OPTION=VALUE...\n");
    return 2;
  }
  options = argv + 3;
  password = option ("password");
  quiet = option ("quiet") != NULL;
  mini_set_tls ();
  signal (SIGTERM, stop);
  library = dlopen (argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == NULL) {
    fprintf (stderr, "%s\n", dlerror ());
    return 2;
  }
  *(void **) &entry = dlsym (library, EZCDC_ENTRY_POINT);
  connector = entry ? entry (&host) : NULL;
  if (connector == NULL)
    return 2;
  source = connector->source;
  code = source->open ((struct ezcdc_instance *) &host, &self);
  if (code == EZCDC_OK) {
    code = run (argv[2]);
    source->close (self);
  }
  return code < 0 ? -code : 0;
}
