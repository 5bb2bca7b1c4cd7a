/* SPDX-License-Identifier: Apache-2.0 */
/* A small host for one sink: loads a connector and does with it what each
 * line of standard input says, a JSON object a line, an answer a line.  It
 * shares nothing with the core, so it also shows that the header is enough.
 *
 *   {"do": "open", "options": {...}, "tls": {...}, "body_limit": 1000}
 *   {"do": "prepare", "table": {...}}
 *   {"do": "write", "table": {...}, "label": "l", "truncate": true,
 *    "rows": [["upsert", "1", null, false], ["delete", "2", null, null]]}
 *   {"do": "parallel", "requests": [{"do": "write", ...}, ...]}
 *   {"do": "scan", "table": {...}}     {"do": "check", "tables": [{...}]}
 *   {"do": "close"}
 *
 * A value is a string, null, or false for "unchanged".
 */

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include <ezcdc/connector.h>

#define MESSAGE 2048

struct ezcdc_sealed {
  const char *plain;
};

struct allowed {
  char host[256];
  uint32_t port;
};

struct ezcdc_instance {
  json_t *options, *tls_options;
  struct ezcdc_tls tls;
  uint64_t body_limit;
  char error[MESSAGE];
  struct ezcdc_sealed password;
  struct allowed allowed[64];
  unsigned allowed_count;
  int plaintext;
  json_t *reports, *refused, *logs, *counters, *negotiated, *waits;
  int interrupted;
  int interrupt_after; /* calls of wait; 0: never */
};

struct ezcdc_feed {
  struct ezcdc_instance *instance;
  uint32_t columns;
  json_t *rows;
};

static const struct ezcdc_connector *connector;
/* For what the functions of the host note down. */
static pthread_mutex_t notes = PTHREAD_MUTEX_INITIALIZER;

static _Noreturn void
die (const char *what)
{
  fprintf (stderr, "driver: %s\n", what);
  exit (1);
}

static void EZCDC_PRINTF (3, 0)
  host_vlog (struct ezcdc_instance *instance, uint32_t level,
             const char *format, va_list arguments)
{
  char text[MESSAGE];

  (void) level;
  vsnprintf (text, sizeof text, format, arguments);
  pthread_mutex_lock (&notes);
  json_array_append_new (instance->logs, json_string (text));
  pthread_mutex_unlock (&notes);
}

static void EZCDC_PRINTF (3, 4)
  host_log (struct ezcdc_instance *instance, uint32_t level,
            const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  host_vlog (instance, level, format, arguments);
  va_end (arguments);
}

static int EZCDC_PRINTF (3, 4) host_fail (struct ezcdc_instance *instance,
                                          int code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  pthread_mutex_lock (&notes);
  vsnprintf (instance->error, sizeof instance->error, format, arguments);
  pthread_mutex_unlock (&notes);
  va_end (arguments);
  return code;
}

static const struct ezcdc_option *
option_find (const char *name)
{
  for (uint32_t i = 0; i < connector->option_count; i++)
    if (strcmp (connector->options[i].name, name) == 0)
      return &connector->options[i];
  return NULL;
}

static const char *
host_option_string (struct ezcdc_instance *instance, const char *name)
{
  const struct ezcdc_option *option = option_find (name);
  json_t *value = json_object_get (instance->options, name);

  if (value != NULL)
    return json_string_value (value);
  return option != NULL ? option->default_value : NULL;
}

/* Enough of the core's forms: 10, 10s, 10min, 128B. */
static int64_t
host_option_integer (struct ezcdc_instance *instance, const char *name)
{
  const struct ezcdc_option *option = option_find (name);
  const char *text = host_option_string (instance, name);
  char *unit;
  int64_t number;

  if (text == NULL)
    return 0;
  number = strtoll (text, &unit, 10);
  if (option == NULL || option->type != EZCDC_OPTION_DURATION)
    return number;
  if (strcmp (unit, "min") == 0)
    return number * 60000000;
  return strcmp (unit, "s") == 0 ? number * 1000000 : number * 1000;
}

static const struct ezcdc_sealed *
host_option_sealed (struct ezcdc_instance *instance, const char *name)
{
  const char *plain = host_option_string (instance, name);

  instance->password.plain = plain;
  return plain != NULL ? &instance->password : NULL;
}

static const char *
host_pipeline_name (struct ezcdc_instance *instance)
{
  (void) instance;
  return "test";
}

static const char *
host_state_folder (struct ezcdc_instance *instance)
{
  (void) instance;
  return "/nonexistent";
}

static int
host_secret_use (struct ezcdc_instance *instance,
                 const struct ezcdc_sealed *sealed, const char *reason,
                 ezcdc_secret_function function, void *context)
{
  (void) instance;
  (void) reason;
  return function (context, sealed->plain, strlen (sealed->plain));
}

static const struct ezcdc_tls *
host_tls (struct ezcdc_instance *instance)
{
  return &instance->tls;
}

static void
host_tls_negotiated (struct ezcdc_instance *instance, const char *peer,
                     const char *version, const char *cipher)
{
  (void) peer;
  pthread_mutex_lock (&notes);
  json_array_append_new (instance->negotiated,
                         json_pack ("[s?,s?]", version, cipher));
  pthread_mutex_unlock (&notes);
}

static void
host_tls_peer (struct ezcdc_instance *instance, const char *peer,
               const char *version, const char *cipher,
               const void *certificate, size_t length)
{
  (void) certificate;
  (void) length;
  host_tls_negotiated (instance, peer, version, cipher);
}

struct answer {
  struct ezcdc_http_response *response;
  char location[2048];
};

static size_t
on_body (char *data, size_t size, size_t count, void *context)
{
  struct ezcdc_http_response *response = context;
  size_t length = size * count, room;

  room = (size_t) (response->capacity - response->length - 1);
  if (room > length)
    room = length;
  memcpy (response->body + response->length, data, room);
  response->length += room;
  return length;
}

static size_t
on_header (char *data, size_t size, size_t count, void *context)
{
  struct answer *answer = context;
  size_t length = size * count;

  if (length > 10 && strncasecmp (data, "Location:", 9) == 0) {
    snprintf (answer->location, sizeof answer->location, "%.*s",
              (int) (length - 9), data + 9);
    answer->location[strcspn (answer->location, "\r\n")] = '\0';
    memmove (answer->location,
             answer->location + strspn (answer->location, " "),
             strlen (answer->location) + 1);
  }
  return length;
}

struct upload {
  const char *data;
  size_t left;
  uint32_t *sent;
};

static size_t
on_read (char *to, size_t size, size_t count, void *context)
{
  struct upload *upload = context;
  size_t length = size * count;

  if (length > upload->left)
    length = upload->left;
  if (length > 0)
    memcpy (to, upload->data, length);
  upload->data += length;
  upload->left -= length;
  *upload->sent = 1;
  return length;
}

/* One hop; the URL is followed by the caller. */
static CURLcode
hop (const struct ezcdc_http_request *request, const char *url,
     struct answer *answer)
{
  struct upload upload = { request->body, (size_t) request->body_length,
                           &answer->response->body_sent };
  struct curl_slist *headers = NULL;
  CURL *curl = curl_easy_init ();
  char line[8192];
  long status = 0;
  CURLcode code;

  for (uint64_t i = 0; i < request->header_count; i++) {
    snprintf (line, sizeof line, "%s: %s", request->headers[i].name,
              request->headers[i].value);
    headers = curl_slist_append (headers, line);
  }
  if (request->flags & EZCDC_HTTP_EXPECT)
    headers = curl_slist_append (headers, "Expect: 100-continue");
  curl_easy_setopt (curl, CURLOPT_URL, url);
  curl_easy_setopt (curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt (curl, CURLOPT_WRITEDATA, answer->response);
  curl_easy_setopt (curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt (curl, CURLOPT_HEADERDATA, answer);
  curl_easy_setopt (curl, CURLOPT_TIMEOUT_MS, (long) request->timeout_ms);
  curl_easy_setopt (curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 30000L);
  curl_easy_setopt (curl, CURLOPT_PROXY, "");
  curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
  if (request->user != NULL) {
    curl_easy_setopt (curl, CURLOPT_USERNAME, request->user);
    curl_easy_setopt (curl, CURLOPT_PASSWORD,
                      request->password != NULL ? request->password->plain
                                                : "");
  }
  if (strcmp (request->method, "PUT") == 0) {
    curl_easy_setopt (curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt (curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt (curl, CURLOPT_READDATA, &upload);
    curl_easy_setopt (curl, CURLOPT_INFILESIZE_LARGE,
                      (curl_off_t) request->body_length);
  }
  code = curl_easy_perform (curl);
  curl_easy_getinfo (curl, CURLINFO_RESPONSE_CODE, &status);
  answer->response->status = (uint32_t) status;
  curl_slist_free_all (headers);
  curl_easy_cleanup (curl);
  return code;
}

static int
is_allowed (struct ezcdc_instance *instance, const char *url)
{
  char place[320];
  int found = 0;

  pthread_mutex_lock (&notes);
  for (unsigned i = 0; i < instance->allowed_count; i++) {
    snprintf (place, sizeof place, "://%s:%u/", instance->allowed[i].host,
              instance->allowed[i].port);
    found |= strstr (url, place) != NULL;
  }
  pthread_mutex_unlock (&notes);
  return found;
}

/* The load that this thread has announced. */
static _Thread_local char announced[192];

static void
must_be_announced (const struct ezcdc_http_request *request)
{
  for (uint64_t i = 0; i < request->header_count; i++)
    if (strcmp (request->headers[i].name, "label") == 0
        && strcmp (request->headers[i].value, announced) != 0)
      die ("a load was sent that was not announced");
}

static int
host_http (struct ezcdc_instance *instance,
           const struct ezcdc_http_request *request,
           struct ezcdc_http_response *response)
{
  struct answer answer = { .response = response };
  char url[2048];

  must_be_announced (request);
  snprintf (url, sizeof url, "%s", request->url);
  response->body_sent = 0;
  for (int hops = 0; hops < 5; hops++) {
    CURLcode code;

    if (instance->interrupted)
      return EZCDC_E_STOPPED;
    response->length = 0;
    answer.location[0] = '\0';
    code = hop (request, url, &answer);
    response->body[response->length] = '\0';
    if (code != CURLE_OK)
      return host_fail (instance, EZCDC_E_UNAVAILABLE, "%s: %s", url,
                        curl_easy_strerror (code));
    if (response->status != 307)
      return EZCDC_OK;
    if (answer.location[0] == '\0')
      return host_fail (instance, EZCDC_E_UNAVAILABLE,
                        "%s: a redirect without "
                        "a target",
                        url);
    if (!is_allowed (instance, answer.location))
      return host_fail (instance, EZCDC_E_CONFIG, "%s: redirect to %s refused",
                        url, answer.location);
    snprintf (url, sizeof url, "%s", answer.location);
  }
  return host_fail (instance, EZCDC_E_UNAVAILABLE, "too many redirects");
}

static int
host_http_allow (struct ezcdc_instance *instance, const char *name,
                 uint32_t port)
{
  struct allowed *allowed;

  pthread_mutex_lock (&notes);
  if (instance->allowed_count == 64)
    die ("too many hosts");
  allowed = &instance->allowed[instance->allowed_count++];
  snprintf (allowed->host, sizeof allowed->host, "%s", name);
  allowed->port = port;
  pthread_mutex_unlock (&notes);
  return EZCDC_OK;
}

static int64_t
host_monotonic_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t
host_real_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_REALTIME, &now);
  return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
host_interrupted (struct ezcdc_instance *instance)
{
  return instance->interrupted;
}

static int
host_wait (struct ezcdc_instance *instance, int descriptor, uint32_t events,
           int64_t timeout_ms)
{
  struct pollfd poll_one = { .fd = descriptor };

  if (instance->interrupt_after > 0 && --instance->interrupt_after == 0)
    instance->interrupted = 1;
  if (instance->interrupted)
    return EZCDC_E_STOPPED;
  poll_one.events = (short) (((events & 1) ? POLLIN : 0)
                             | ((events & 2) ? POLLOUT : 0));
  if (poll (&poll_one, 1, (int) timeout_ms) <= 0)
    return 0;
  return ((poll_one.revents & (POLLIN | POLLHUP | POLLERR)) ? 1 : 0)
         | ((poll_one.revents & (POLLOUT | POLLHUP | POLLERR)) ? 2 : 0);
}

static void
host_count (struct ezcdc_instance *instance, const char *counter,
            int64_t delta)
{
  json_int_t old;

  pthread_mutex_lock (&notes);
  old = json_integer_value (json_object_get (instance->counters, counter));
  json_object_set_new (instance->counters, counter,
                       json_integer (old + delta));
  pthread_mutex_unlock (&notes);
}

static void
host_report (struct ezcdc_instance *instance, uint32_t outcome,
             const char *subject, const char *finding, const char *remedy)
{
  static const char *const words[] = { "ok", "fail", "fix" };

  json_array_append_new (
    instance->reports,
    json_pack ("[s,s,s,s?]", words[outcome], subject, finding, remedy));
}

static int
host_feed_row (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
               const struct ezcdc_value *values,
               const struct ezcdc_value *old_values, const char *message,
               size_t length)
{
  json_t *row = json_array ();

  (void) table_id;
  (void) operation;
  (void) old_values;
  (void) message;
  (void) length;
  for (uint32_t i = 0; i < feed->columns; i++)
    json_array_append_new (row, values[i].state == EZCDC_VALUE ? json_stringn (
                                  values[i].data, values[i].length)
                                                               : json_null ());
  json_array_append_new (feed->rows, row);
  return EZCDC_OK;
}

static uint64_t
host_body_limit (struct ezcdc_instance *instance)
{
  return instance->body_limit;
}

static int
host_refuse_row (struct ezcdc_instance *instance,
                 const struct ezcdc_batch *batch, uint64_t row,
                 const char *reason)
{
  (void) batch;
  pthread_mutex_lock (&notes);
  json_array_append_new (instance->refused,
                         json_pack ("[I,s]", (json_int_t) row, reason));
  pthread_mutex_unlock (&notes);
  return EZCDC_OK;
}

static void
host_waiting (struct ezcdc_instance *instance, const char *reason)
{
  pthread_mutex_lock (&notes);
  json_array_append_new (instance->waits,
                         reason != NULL ? json_string (reason) : json_null ());
  pthread_mutex_unlock (&notes);
}

static int
host_announce (struct ezcdc_instance *instance,
               const struct ezcdc_batch *batch, const char *load)
{
  if (strncmp (load, batch->label, strlen (batch->label)) != 0)
    die ("a load is announced under another batch's label");
  snprintf (announced, sizeof announced, "%s", load);
  (void) instance;
  return EZCDC_OK;
}

static const struct ezcdc_host host_table = {
  .size = sizeof host_table,
  .abi_minor = EZCDC_ABI_MINOR,
  .log = host_log,
  .vlog = host_vlog,
  .fail = host_fail,
  .option_string = host_option_string,
  .option_integer = host_option_integer,
  .option_sealed = host_option_sealed,
  .pipeline_name = host_pipeline_name,
  .state_folder = host_state_folder,
  .secret_use = host_secret_use,
  .tls = host_tls,
  .tls_negotiated = host_tls_negotiated,
  .tls_peer = host_tls_peer,
  .http = host_http,
  .http_allow = host_http_allow,
  .monotonic_time = host_monotonic_time,
  .real_time = host_real_time,
  .interrupted = host_interrupted,
  .wait = host_wait,
  .count = host_count,
  .report = host_report,
  .feed_row = host_feed_row,
  .body_limit = host_body_limit,
  .refuse_row = host_refuse_row,
  .waiting = host_waiting,
  .announce = host_announce,
};

/* ---- Requests ---------------------------------------------------------- */

static const char *
text_of (json_t *object, const char *name, const char *otherwise)
{
  const char *text = json_string_value (json_object_get (object, name));

  return text != NULL ? text : otherwise;
}

static int64_t
number_of (json_t *object, const char *name, int64_t otherwise)
{
  json_t *number = json_object_get (object, name);

  return json_is_integer (number) ? json_integer_value (number) : otherwise;
}

static void
read_column (json_t *from, struct ezcdc_column *to)
{
  to->name = text_of (from, "name", "");
  to->type_name = "test";
  to->type = (uint32_t) number_of (from, "type", EZCDC_TYPE_STRING);
  to->element_type = (uint32_t) number_of (from, "element_type", 0);
  to->precision = (int32_t) number_of (from, "precision", -1);
  to->scale = (int32_t) number_of (from, "scale", 0);
  to->length = number_of (from, "length", -1);
  to->key_ordinal = (uint32_t) number_of (from, "key", 0);
  to->flags = to->key_ordinal > 0 ? EZCDC_COLUMN_KEY | EZCDC_COLUMN_NOT_NULL
                                  : 0;
}

static struct ezcdc_table *
read_table (json_t *from)
{
  struct ezcdc_table *table = calloc (1, sizeof *table);
  json_t *columns = json_object_get (from, "columns");
  size_t count = json_array_size (columns);
  struct ezcdc_column *items = calloc (count + 1, sizeof *items);

  if (table == NULL || items == NULL)
    die ("out of memory");
  for (size_t i = 0; i < count; i++) {
    read_column (json_array_get (columns, i), &items[i]);
    table->key_count += items[i].key_ordinal > 0;
  }
  table->id = 1;
  table->schema = "public";
  table->name = text_of (from, "name", "t");
  table->target = text_of (from, "target", table->name);
  table->columns = items;
  table->column_count = (uint32_t) count;
  table->version = (uint64_t) number_of (from, "version", 1);
  return table;
}

static void
free_table (struct ezcdc_table *table)
{
  free ((void *) table->columns);
  free (table);
}

static void
read_value (json_t *from, struct ezcdc_value *to, uint32_t *unchanged)
{
  if (json_is_string (from)) {
    to->data = json_string_value (from);
    to->length = (uint32_t) json_string_length (from);
    to->state = EZCDC_VALUE;
  }
  else if (json_is_false (from)) {
    to->state = EZCDC_UNCHANGED;
    ++*unchanged;
  }
  else
    to->state = EZCDC_NULL;
}

static int
do_write (const struct ezcdc_sink *sink, void *self, json_t *request)
{
  struct ezcdc_table *table = read_table (json_object_get (request, "table"));
  json_t *from = json_object_get (request, "rows");
  size_t count = json_array_size (from);
  struct ezcdc_row *rows = calloc (count + 1, sizeof *rows);
  struct ezcdc_value *values = calloc (count * table->column_count + 1,
                                       sizeof *values);
  struct ezcdc_position position = { .length = 1 };
  struct ezcdc_batch batch = { .table = table, .row_count = count };
  int code;

  if (rows == NULL || values == NULL)
    die ("out of memory");
  for (size_t i = 0; i < count; i++) {
    json_t *row = json_array_get (from, i);

    rows[i].table = table;
    rows[i].commit = &position;
    rows[i].values = values + i * table->column_count;
    rows[i].operation = strcmp (json_string_value (json_array_get (row, 0)),
                                "delete")
                            == 0
                          ? EZCDC_DELETE
                          : EZCDC_UPDATE;
    for (uint32_t j = 0; j < table->column_count; j++)
      read_value (json_array_get (row, j + 1),
                  &values[i * table->column_count + j], &rows[i].unchanged);
  }
  batch.rows = rows;
  batch.label = text_of (request, "label", "label");
  batch.first = batch.last = &position;
  batch.truncate = json_is_true (json_object_get (request, "truncate"));
  code = sink->write (self, &batch);
  free (values);
  free (rows);
  free_table (table);
  return code;
}

/* That the table was made is a remark on a success. */
static int
do_prepare (const struct ezcdc_sink *sink, void *self,
            const struct ezcdc_table *table)
{
  int code = sink->prepare (self, table);

  return code == EZCDC_CREATED ? EZCDC_OK : code;
}

struct work {
  pthread_t thread;
  void *self;
  json_t *request;
  int code;
};

static void *
work_run (void *context)
{
  struct work *work = context;
  struct ezcdc_table *table;

  if (strcmp (text_of (work->request, "do", ""), "write") == 0)
    work->code = do_write (connector->sink, work->self, work->request);
  else {
    table = read_table (json_object_get (work->request, "table"));
    work->code = do_prepare (connector->sink, work->self, table);
    free_table (table);
  }
  return NULL;
}

static int
do_parallel (void *self, json_t *request)
{
  json_t *requests = json_object_get (request, "requests");
  struct work works[16];
  size_t count = json_array_size (requests);
  int code = EZCDC_OK;

  if (count > 16)
    die ("too many requests");
  for (size_t i = 0; i < count; i++) {
    works[i] = (struct work){ .self = self };
    works[i].request = json_array_get (requests, i);
    if (pthread_create (&works[i].thread, NULL, work_run, &works[i]) != 0)
      die ("no thread");
  }
  for (size_t i = 0; i < count; i++) {
    pthread_join (works[i].thread, NULL);
    if (works[i].code != EZCDC_OK)
      code = works[i].code;
  }
  return code;
}

static int
do_check (const struct ezcdc_sink *sink, void *self, json_t *request)
{
  json_t *from = json_object_get (request, "tables");
  struct ezcdc_table *tables[16] = { NULL };
  size_t count = json_array_size (from);
  int code;

  if (count > 16)
    die ("too many tables");
  for (size_t i = 0; i < count; i++)
    tables[i] = read_table (json_array_get (from, i));
  code = sink->check (self, (const struct ezcdc_table *const *) tables, count);
  for (size_t i = 0; i < count; i++)
    free_table (tables[i]);
  return code;
}

static void
set_tls (struct ezcdc_instance *instance, json_t *tls)
{
  static const char *const modes[] = { "disable", "allow",     "prefer",
                                       "require", "verify-ca", "verify-full" };
  const char *mode = text_of (tls, "mode", "disable");

  instance->tls = (struct ezcdc_tls){ .size = sizeof instance->tls };
  for (uint32_t i = 0; i < 6; i++)
    if (strcmp (modes[i], mode) == 0)
      instance->tls.mode = i;
  instance->tls.mode_name = modes[instance->tls.mode];
  instance->tls.root_cert = text_of (tls, "root_cert", NULL);
  instance->tls.crl = text_of (tls, "crl", NULL);
  instance->tls.minimum_version = text_of (tls, "minimum_version", "TLSv1.2");
}

static int
perform (struct ezcdc_instance *instance, void **self, json_t *request,
         json_t *answer)
{
  const struct ezcdc_sink *sink = connector->sink;
  const char *what = text_of (request, "do", "");
  struct ezcdc_table *table;
  int code;

  if (strcmp (what, "open") == 0) {
    json_decref (instance->options);
    instance->options = json_incref (json_object_get (request, "options"));
    instance->body_limit = (uint64_t) number_of (request, "body_limit", 0);
    json_decref (instance->tls_options);
    instance->tls_options = json_incref (json_object_get (request, "tls"));
    set_tls (instance, instance->tls_options);
    return sink->open (instance, self);
  }
  if (*self == NULL)
    die ("not open");
  instance->interrupt_after = (int) number_of (request, "interrupt_after", 0);
  if (strcmp (what, "close") == 0) {
    sink->close (*self);
    *self = NULL;
    return EZCDC_OK;
  }
  if (strcmp (what, "write") == 0)
    return do_write (sink, *self, request);
  if (strcmp (what, "parallel") == 0)
    return do_parallel (*self, request);
  if (strcmp (what, "check") == 0)
    return do_check (sink, *self, request);
  table = read_table (json_object_get (request, "table"));
  if (strcmp (what, "prepare") == 0)
    code = do_prepare (sink, *self, table);
  else {
    struct ezcdc_feed feed = { instance, table->column_count, json_array () };

    code = sink->scan (*self, table, &feed);
    json_object_set_new (answer, "rows", feed.rows);
  }
  free_table (table);
  return code;
}

static void
begin (struct ezcdc_instance *instance)
{
  instance->error[0] = '\0';
  instance->interrupted = 0;
  instance->reports = json_array ();
  instance->refused = json_array ();
  instance->logs = json_array ();
  instance->counters = json_object ();
  instance->negotiated = json_array ();
  instance->waits = json_array ();
}

static void
respond (struct ezcdc_instance *instance, int code, json_t *answer)
{
  json_object_set_new (answer, "code", json_integer (code));
  json_object_set_new (answer, "error", json_string (instance->error));
  json_object_set_new (answer, "reports", instance->reports);
  json_object_set_new (answer, "refused", instance->refused);
  json_object_set_new (answer, "logs", instance->logs);
  json_object_set_new (answer, "counters", instance->counters);
  json_object_set_new (answer, "negotiated", instance->negotiated);
  json_object_set_new (answer, "waits", instance->waits);
  json_dumpf (answer, stdout, JSON_COMPACT);
  putchar ('\n');
  fflush (stdout);
}

static void
load_connector (const char *path)
{
  void *object = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  const struct ezcdc_connector *(*entry) (const struct ezcdc_host *) = NULL;
  void *symbol;

  if (object == NULL)
    die (dlerror ());
  symbol = dlsym (object, EZCDC_ENTRY_POINT);
  memcpy (&entry, &symbol, sizeof entry);
  connector = entry != NULL ? entry (&host_table) : NULL;
  if (connector == NULL || connector->sink == NULL)
    die ("not a sink");
}

int
main (int argc, char **argv)
{
  struct ezcdc_instance instance = { 0 };
  void *self = NULL;
  char *line = NULL;
  size_t size = 0;

  if (argc != 2)
    die ("usage: driver CONNECTOR.so");
  curl_global_init (CURL_GLOBAL_ALL);
  load_connector (argv[1]);
  while (getline (&line, &size, stdin) != -1) {
    json_t *request = json_loads (line, 0, NULL), *answer = json_object ();
    int code;

    if (request == NULL)
      die ("not JSON");
    begin (&instance);
    code = perform (&instance, &self, request, answer);
    respond (&instance, code, answer);
    json_decref (answer);
    json_decref (request);
  }
  if (self != NULL)
    connector->sink->close (self);
  free (line);
  json_decref (instance.options);
  json_decref (instance.tls_options);
  curl_global_cleanup ();
  return 0;
}
