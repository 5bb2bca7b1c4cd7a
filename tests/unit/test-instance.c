/* SPDX-License-Identifier: Apache-2.0 */
/* core/plugin/instance and the host table, with a connector of the test. */

#include <config.h>

#include <ezcdc/connector.h>

#include <pthread.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/ini.h"
#include "core/plugin/feed.h"
#include "core/plugin/host.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"
#include "core/plugin/options.h"
#include "tests/unit/unit.h"

/* cmocka has a macro fail (); the parentheses in (host_table.fail) keep it
 * away. */

/* ---- A connector ------------------------------------------------------- */

static int opened, closed, interruptions;
static int open_result;

static int
sink_open (struct ezcdc_instance *instance, void **ret_self)
{
  opened++;
  if (open_result < 0)
    return (host_table.fail) (instance, open_result, "open the door: locked");
  *ret_self = &opened;
  return EZCDC_OK;
}

static void
sink_close (void *self)
{
  assert_ptr_equal (self, &opened);
  closed++;
}

static void
sink_interrupt (void *self)
{
  assert_ptr_equal (self, &opened);
  interruptions++;
}

static struct connector connector = {
  .descriptor = {
    .name = "x",
    .kind = EZCDC_KIND_SINK,
    .threads = EZCDC_THREADS_INSTANCE,
    .capabilities = EZCDC_CAN_REVEAL | EZCDC_USES_HTTP,
  },
  .sink = {
    .open = sink_open,
    .close = sink_close,
    .interrupt = sink_interrupt,
  },
  .turn = TURN_INITIALIZER,
};

static const struct ezcdc_option options[] = {
  { .name = "user", .type = EZCDC_OPTION_STRING, .help = "user" },
  { .name = "rows", .type = EZCDC_OPTION_INTEGER, .help = "rows" },
  { .name = "password", .type = EZCDC_OPTION_SECRET, .help = "secret" },
};
static const struct option_table table = { .options = options, .count = 3 };

static struct option_set *
parse_options (void)
{
  const char text[] = "[sink]\nuser = me\nrows = 7\npassword = ezc1:AA\n";
  CLEANUP_INI struct ini *ini = NULL;
  struct option_set *set = NULL;

  assert_int_equal (
    ini_parse_text ("x.ini", text, sizeof text - 1, &ini, NULL), 0);
  assert_int_equal (
    option_set_parse (ini, ini_section (ini, "sink"), &table, 1, &set, NULL),
    0);
  return set;
}

static struct ezcdc_instance *
make_instance (const struct instance_services *services)
{
  struct ezcdc_instance *instance = NULL;
  struct error error = { 0 };

  opened = closed = interruptions = open_result = 0;
  assert_int_equal (instance_new (
                      &(struct instance_settings){
                        .connector = &connector,
                        .services = services,
                        .section = "sink",
                        .pipeline = "shop",
                        .state_folder = "/var/lib/x",
                        .options = parse_options (),
                        .body_limit = 1000,
                      },
                      &instance, &error),
                    0);
  return instance;
}

/* ---- Life -------------------------------------------------------------- */

static void
test_life (void **state)
{
  struct ezcdc_instance *instance = make_instance (NULL);
  struct error error = { 0 };

  (void) state;
  instance_close (instance);
  assert_int_equal (closed, 0);
  assert_int_equal (instance_open (instance, &error), 0);
  assert_int_equal (opened, 1);
  instance_interrupt (instance);
  instance_interrupt (instance);
  assert_int_equal (interruptions, 2);
  instance_close (instance);
  instance_close (instance);
  assert_int_equal (closed, 1);
  instance_interrupt (instance);
  assert_int_equal (interruptions, 2);
  instance_free (instance);
  instance_free (NULL);
}

static void
test_open_fails (void **state)
{
  struct ezcdc_instance *instance = make_instance (NULL);
  struct error error = { 0 };

  (void) state;
  open_result = EZCDC_E_UNAVAILABLE;
  assert_int_equal (instance_open (instance, &error), EZCDC_E_UNAVAILABLE);
  assert_string_equal (error.text, "sink x: open the door: locked");
  assert_int_equal (error.code, EZCDC_E_UNAVAILABLE);
  instance_close (instance);
  assert_int_equal (closed, 0);
  instance_free (instance);
}

static void
test_configuration (void **state)
{
  struct ezcdc_instance *instance = make_instance (NULL);

  (void) state;
  assert_string_equal (host_table.option_string (instance, "user"), "me");
  assert_int_equal (host_table.option_integer (instance, "rows"), 7);
  assert_non_null (host_table.option_sealed (instance, "password"));
  assert_null (host_table.option_sealed (instance, "user"));
  assert_string_equal (host_table.pipeline_name (instance), "shop");
  assert_string_equal (host_table.state_folder (instance), "/var/lib/x");
  assert_int_equal (host_table.body_limit (instance), 1000);
  assert_null (host_table.tls (instance));
  instance_free (instance);
}

/* ---- Errors ------------------------------------------------------------ */

static void *
fail_elsewhere (void *context)
{
  (host_table.fail) (context, EZCDC_E_BUG, "another thread");
  return NULL;
}

static void
test_errors (void **state)
{
  struct ezcdc_instance *instance = make_instance (NULL);
  struct ezcdc_instance *other = make_instance (NULL);
  struct error error = { 0 };
  pthread_t thread;

  (void) state;
  assert_int_equal (instance_last_error (instance)->code, 0);
  assert_int_equal (
    (host_table.fail) (instance, EZCDC_E_THROTTLED, "slow %d", 1),
    EZCDC_E_THROTTLED);
  assert_string_equal (instance_last_error (instance)->text, "slow 1");
  assert_int_equal (instance_last_error (other)->code, 0);

  assert_int_equal (pthread_create (&thread, NULL, fail_elsewhere, instance),
                    0);
  assert_int_equal (pthread_join (thread, NULL), 0);
  assert_string_equal (instance_last_error (instance)->text, "slow 1");
  assert_int_equal (instance_error (instance, EZCDC_E_THROTTLED, &error),
                    EZCDC_E_THROTTLED);
  assert_string_equal (error.text, "sink x: slow 1");

  /* A new call forgets. */
  instance_lock (instance);
  instance_unlock (instance);
  assert_int_equal (instance_error (instance, EZCDC_E_ROW, &error),
                    EZCDC_E_ROW);
  assert_string_equal (error.text, "sink x: failed without a reason (-5)");
  instance_error (instance, EZCDC_E_UNSUPPORTED, &error);
  assert_string_equal (error.text, "sink x: cannot do that");
  assert_int_equal (instance_error (instance, -12, &error), EZCDC_E_BUG);
  assert_string_equal (error.text,
                       "sink x: returned -12, which is no result code");
  instance_free (instance);
  instance_free (other);
}

/* ---- Waiting ----------------------------------------------------------- */

static void
test_wait (void **state)
{
  struct ezcdc_instance *instance = make_instance (NULL);
  int ends[2];

  (void) state;
  assert_int_equal (pipe (ends), 0);
  assert_int_equal (host_table.wait (instance, ends[0], 1, 0), 0);
  assert_int_equal (host_table.wait (instance, ends[1], 2, 1000), 2);
  assert_int_equal (write (ends[1], "x", 1), 1);
  assert_int_equal (host_table.wait (instance, ends[0], 1, 1000), 1);
  assert_int_equal (host_table.wait (instance, ends[0], 3, 1000), 1);

  int64_t before = host_table.monotonic_time ();
  assert_int_equal (host_table.wait (instance, -1, 0, 20), 0);
  assert_true (host_table.monotonic_time () - before >= 20000);

  close (ends[1]);
  assert_int_equal (read (ends[0], &(char){ 0 }, 1), 1);
  assert_int_equal (host_table.wait (instance, ends[0], 1, 1000), 1);

  assert_false (host_table.interrupted (instance));
  instance_interrupt (instance);
  assert_true (host_table.interrupted (instance));
  assert_int_equal (host_table.wait (instance, -1, 0, 100000),
                    EZCDC_E_STOPPED);
  assert_int_equal (host_table.wait (instance, ends[0], 1, 100000),
                    EZCDC_E_STOPPED);
  close (ends[0]);
  instance_free (instance);
}

static void *
interrupt_it (void *context)
{
  instance_interrupt (context);
  return NULL;
}

static void
test_wait_is_interrupted (void **state)
{
  struct ezcdc_instance *instance = make_instance (NULL);
  pthread_t thread;

  (void) state;
  assert_int_equal (pthread_create (&thread, NULL, interrupt_it, instance), 0);
  assert_int_equal (host_table.wait (instance, -1, 0, INT64_MAX),
                    EZCDC_E_STOPPED);
  assert_int_equal (pthread_join (thread, NULL), 0);
  instance_free (instance);
}

/* ---- Turns ------------------------------------------------------------- */

static int inside;
static bool overlapped;

static void *
enter_often (void *context)
{
  struct ezcdc_instance *instance = context;

  for (int i = 0; i < 500; i++) {
    instance_lock (instance);
    if (__atomic_add_fetch (&inside, 1, __ATOMIC_SEQ_CST) != 1)
      overlapped = true;
    __atomic_sub_fetch (&inside, 1, __ATOMIC_SEQ_CST);
    instance_unlock (instance);
  }
  return NULL;
}

/* Runs two threads through two instances of the same connector. */
static void
enter_by_two (struct ezcdc_instance *first, struct ezcdc_instance *second)
{
  pthread_t threads[2];

  overlapped = false;
  assert_int_equal (pthread_create (&threads[0], NULL, enter_often, first), 0);
  assert_int_equal (pthread_create (&threads[1], NULL, enter_often, second),
                    0);
  assert_int_equal (pthread_join (threads[0], NULL), 0);
  assert_int_equal (pthread_join (threads[1], NULL), 0);
}

static void
test_turns (void **state)
{
  struct ezcdc_instance *first = make_instance (NULL);
  struct ezcdc_instance *second = make_instance (NULL);

  (void) state;
  enter_by_two (first, first);
  assert_false (overlapped);

  connector.descriptor.threads = EZCDC_THREADS_ONE;
  enter_by_two (first, second);
  assert_false (overlapped);

  /* Neither holds up the other; one thread can be in both, or twice in. */
  connector.descriptor.threads = EZCDC_THREADS_INSTANCE;
  instance_lock (first);
  instance_lock (second);
  instance_unlock (second);
  instance_unlock (first);
  connector.descriptor.threads = EZCDC_THREADS_PARALLEL;
  instance_lock (first);
  instance_lock (first);
  instance_unlock (first);
  instance_unlock (first);

  connector.descriptor.threads = EZCDC_THREADS_INSTANCE;
  instance_free (first);
  instance_free (second);
}

/* ---- Counters ---------------------------------------------------------- */

static void *
count_often (void *context)
{
  for (int i = 0; i < 1000; i++)
    host_table.count (context, i % 2 == 0 ? "loads" : "bytes", 2);
  return NULL;
}

static void
test_counters (void **state)
{
  struct ezcdc_instance *instance = make_instance (NULL);
  pthread_t thread;
  const char *name = NULL;
  int64_t value = 0, sum = 0;
  uint32_t count = 0;

  (void) state;
  assert_false (instance_counter (instance, 0, &name, &value));
  assert_int_equal (pthread_create (&thread, NULL, count_often, instance), 0);
  count_often (instance);
  assert_int_equal (pthread_join (thread, NULL), 0);
  for (; instance_counter (instance, count, &name, &value); count++)
    sum += value;
  assert_int_equal (count, 2);
  assert_int_equal (sum, 4000);

  host_table.count (instance, "Not A Name", 1);
  host_table.count (instance, "", 1);
  assert_false (instance_counter (instance, 2, &name, &value));
  for (int i = 0; i < 100; i++) {
    char many[20];
    snprintf (many, sizeof many, "counter_%d", i);
    host_table.count (instance, many, 1);
  }
  assert_true (
    instance_counter (instance, INSTANCE_COUNTERS - 1, &name, &value));
  assert_false (instance_counter (instance, INSTANCE_COUNTERS, &name, &value));
  instance_free (instance);
}

/* ---- Services ---------------------------------------------------------- */

static const char secret[] = "s3cret-value";

static int
open_secret (void *context, struct ezcdc_instance *instance,
             const char *option, const char *reason,
             ezcdc_secret_function function, void *function_context,
             struct error *error)
{
  assert_ptr_equal (context, &secret);
  assert_non_null (instance);
  assert_string_equal (option, "password");
  if (strcmp (reason, "refuse") == 0)
    return error_set (error, EZCDC_E_CREDENTIAL, "credential_unreadable");
  return function (function_context, secret, strlen (secret));
}

static int
refuse_row (void *context, struct ezcdc_instance *instance,
            const struct ezcdc_batch *batch, uint64_t row, const char *reason,
            struct error *error)
{
  assert_ptr_equal (context, &secret);
  assert_non_null (instance);
  assert_non_null (batch);
  if (strcmp (reason, "disk full") == 0)
    return error_set (error, EZCDC_E_OPERATOR, "write dead letter: no space");
  return (int) row;
}

static int
announce (void *context, struct ezcdc_instance *instance,
          const struct ezcdc_batch *batch, const char *load,
          struct error *error)
{
  assert_ptr_equal (context, &secret);
  assert_non_null (instance);
  assert_non_null (batch);
  if (strcmp (load, "full") == 0)
    return error_set (error, EZCDC_E_OPERATOR, "write in state.db: no space");
  return 0;
}

static const struct instance_services services = {
  .secret_use = open_secret,
  .refuse_row = refuse_row,
  .announce = announce,
  .context = (void *) &secret,
};

/* Logs and fails with what it must not tell. */
static int
careless (void *context, const char *data, size_t length)
{
  assert_int_equal (length, strlen (secret));
  return (host_table.fail) (context, EZCDC_E_CREDENTIAL, "<%s> <%s> refused",
                            data, data);
}

static int
careful (void *context, const char *data, size_t length)
{
  *(size_t *) context = length;
  return data[length] == '\0' ? 5 : EZCDC_E_BUG;
}

/* As a library that keeps what it is given. */
static int
keep (void *context, const char *data, size_t length)
{
  (void) length;
  *(char **) context = strdup (data);
  return EZCDC_OK;
}

static void
test_copies_of_a_secret (void **state)
{
  struct ezcdc_instance *instance = make_instance (&services);
  char *kept = NULL;

  (void) state;
  assert_int_equal (
    host_table.secret_use (instance,
                           host_table.option_sealed (instance, "password"),
                           "connect", keep, &kept),
    EZCDC_OK);
  assert_non_null (kept);
#ifdef WITH_WIPING_FREE
  assert_string_equal (kept, "");
#endif
  free (kept);
  instance_free (instance);
}

static void
test_secrets (void **state)
{
  struct ezcdc_instance *instance = make_instance (&services);
  struct ezcdc_instance *other = make_instance (&services);
  const struct ezcdc_sealed *sealed = host_table.option_sealed (instance,
                                                                "password");
  size_t length = 0;

  (void) state;
  assert_int_equal (
    host_table.secret_use (instance, sealed, "connect", careful, &length), 5);
  assert_int_equal (length, strlen (secret));
  assert_int_equal (instance_last_error (instance)->code, 0);

  assert_int_equal (
    host_table.secret_use (instance, sealed, "refuse", careful, &length),
    EZCDC_E_CREDENTIAL);
  assert_string_equal (instance_last_error (instance)->text,
                       "credential_unreadable");

  /* The net. */
  assert_int_equal (
    host_table.secret_use (instance, sealed, "connect", careless, instance),
    EZCDC_E_CREDENTIAL);
  assert_string_equal (instance_last_error (instance)->text,
                       "<************> <************> refused");
  (host_table.fail) (instance, EZCDC_E_BUG, "%s", secret);
  assert_string_equal (instance_last_error (instance)->text, secret);

  /* Handles do not travel. */
  assert_int_equal (
    host_table.secret_use (other, sealed, "connect", careful, &length),
    EZCDC_E_BUG);
  assert_int_equal (
    host_table.secret_use (instance, NULL, "connect", careful, &length),
    EZCDC_E_BUG);
  connector.descriptor.capabilities &= ~(uint64_t) EZCDC_CAN_REVEAL;
  assert_int_equal (
    host_table.secret_use (instance, sealed, "connect", careful, &length),
    EZCDC_E_BUG);
  assert_contains (instance_last_error (instance)->text, "EZCDC_CAN_REVEAL");
  connector.descriptor.capabilities |= EZCDC_CAN_REVEAL;
  instance_free (instance);
  instance_free (other);
}

static void
test_refused_rows (void **state)
{
  struct ezcdc_instance *instance = make_instance (&services);
  struct ezcdc_batch batch = { .row_count = 3 };

  (void) state;
  assert_int_equal (host_table.refuse_row (instance, &batch, 2, "too long"),
                    2);
  assert_int_equal (host_table.refuse_row (instance, &batch, 3, "too long"),
                    EZCDC_E_BUG);
  assert_int_equal (host_table.refuse_row (instance, &batch, 0, "disk full"),
                    EZCDC_E_OPERATOR);
  assert_string_equal (instance_last_error (instance)->text,
                       "write dead letter: no space");
  instance_free (instance);
}

static void
test_announced_loads (void **state)
{
  struct ezcdc_instance *instance = make_instance (&services);
  struct ezcdc_batch batch = { .row_count = 3 };
  char load[ANNOUNCED_LOAD_MAX + 2];

  (void) state;
  memset (load, 'x', sizeof load - 1);
  load[sizeof load - 1] = '\0';
  assert_int_equal (host_table.announce (instance, &batch, load), EZCDC_E_BUG);
  assert_int_equal (host_table.announce (instance, &batch, load + 1), 0);
  assert_int_equal (host_table.announce (instance, &batch, ""), EZCDC_E_BUG);
  assert_int_equal (host_table.announce (instance, &batch, NULL), EZCDC_E_BUG);
  assert_int_equal (host_table.announce (instance, NULL, "a"), EZCDC_E_BUG);
  assert_int_equal (host_table.refuse_row (instance, NULL, 0, "a"),
                    EZCDC_E_BUG);
  assert_int_equal (host_table.refuse_row (instance, &batch, 0, NULL),
                    EZCDC_E_BUG);
  assert_int_equal (host_table.announce (instance, &batch, "full"),
                    EZCDC_E_OPERATOR);
  assert_string_equal (instance_last_error (instance)->text,
                       "write in state.db: no space");
  instance_free (instance);
}

/* What is not there says so. */
static void
test_no_services (void **state)
{
  struct ezcdc_instance *instance = make_instance (NULL);
  struct ezcdc_http_request request = { .size = sizeof request };
  struct ezcdc_http_response response = { .size = sizeof response };
  const struct ezcdc_batch batch = { .row_count = 1 };
  size_t length;

  (void) state;
  assert_int_equal (
    host_table.secret_use (instance,
                           host_table.option_sealed (instance, "password"),
                           "connect", careful, &length),
    EZCDC_E_UNSUPPORTED);
  assert_int_equal (host_table.http (instance, &request, &response),
                    EZCDC_E_UNSUPPORTED);
  assert_int_equal (host_table.http_allow (instance, "h", 1),
                    EZCDC_E_UNSUPPORTED);
  assert_int_equal (host_table.refuse_row (instance, &batch, 0, "x"),
                    EZCDC_E_UNSUPPORTED);
  assert_int_equal (host_table.announce (instance, &batch, "x"),
                    EZCDC_E_UNSUPPORTED);
  host_table.tls_negotiated (instance, "h:1", "TLSv1.3", "x");
  instance_free (instance);
}

/* ---- Receiving ends ---------------------------------------------------- */

struct row_counter {
  struct ezcdc_feed feed;
  int rows;
};

static int
count_row (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
           const struct ezcdc_value *values,
           const struct ezcdc_value *old_values, const char *message,
           size_t length)
{
  assert_int_equal (table_id, 9);
  assert_int_equal (operation, EZCDC_DELETE);
  assert_null (old_values);
  assert_non_null (values);
  assert_null (message);
  assert_int_equal (length, 0);
  ((struct row_counter *) feed)->rows++;
  return EZCDC_FULL;
}

static void
test_feed (void **state)
{
  static const struct feed_operations operations = { .row = count_row };
  struct row_counter counter = { .feed = { .operations = &operations } };
  const struct ezcdc_value value = { .state = EZCDC_NULL };
  const struct ezcdc_position position = { 0 };
  struct ezcdc_list list = { 0 };
  const struct ezcdc_table any = { 0 };

  (void) state;
  assert_int_equal (host_table.feed_row (&counter.feed, 9, EZCDC_DELETE,
                                         &value, NULL, NULL, 0),
                    EZCDC_FULL);
  assert_int_equal (counter.rows, 1);
  assert_int_equal (host_table.feed_begin (&counter.feed, &position, 0),
                    EZCDC_E_BUG);
  assert_int_equal (host_table.feed_truncate (&counter.feed, 9), EZCDC_E_BUG);
  assert_int_equal (host_table.feed_table (&counter.feed, &any), EZCDC_E_BUG);
  assert_int_equal (host_table.feed_commit (&counter.feed, &position),
                    EZCDC_E_BUG);
  assert_int_equal (host_table.feed_progress (&counter.feed, &position),
                    EZCDC_E_BUG);
  assert_int_equal (host_table.list_table (&list, &any), EZCDC_E_BUG);
  assert_int_equal (host_table.list_chunk (&list, "1", 1), EZCDC_E_BUG);
}

struct refusal_list {
  struct ezcdc_list list;
  const char *refusal;
};

static int
note_refusal (struct ezcdc_list *list, const struct ezcdc_table *listed)
{
  ((struct refusal_list *) list)->refusal = listed->refusal;
  return EZCDC_OK;
}

static void
test_names_that_are_not_utf8 (void **state)
{
  static const char *const names[][4] = {
    { "s\xe4", "t", "c", "int" },
    { "s", "t\xe4", "c", "int" },
    { "s", "t", "c\xe4", "int" },
    { "s", "t", "c", "int\xe4" },
  };
  struct refusal_list list = { .list = { .table = note_refusal } };
  struct ezcdc_column column = { .name = "c",
                                 .type_name = "int",
                                 .type = EZCDC_TYPE_INT32 };
  struct ezcdc_table named = {
    .id = 1,
    .schema = "",
    .name = "t\xc3\xa4",
    .columns = &column,
    .column_count = 1,
  };

  (void) state;
  assert_int_equal (host_table.list_table (&list.list, &named), EZCDC_OK);
  assert_null (list.refusal);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    named.schema = names[i][0];
    named.name = names[i][1];
    column.name = names[i][2];
    column.type_name = names[i][3];
    assert_int_equal (host_table.list_table (&list.list, &named), EZCDC_OK);
    assert_non_null (strstr (list.refusal, "not valid UTF-8"));
  }
  named.refusal = "it is a view";
  assert_int_equal (host_table.list_table (&list.list, &named), EZCDC_OK);
  assert_string_equal (list.refusal, "it is a view");
}

#define FIRST_FUNCTION offsetof (struct ezcdc_host, log)
#define COUNT_OF_FUNCTIONS                                                    \
  ((sizeof (struct ezcdc_host) - FIRST_FUNCTION) / sizeof (void (*) (void)))

/* Every function is there. */
static void
test_host_is_complete (void **state)
{
  void (*functions[COUNT_OF_FUNCTIONS]) (void);

  (void) state;
  memcpy (functions, (const char *) &host_table + FIRST_FUNCTION,
          sizeof functions);
  for (size_t i = 0; i < COUNT_OF_FUNCTIONS; i++)
    assert_true (functions[i] != NULL);
  assert_int_equal (host_table.size, sizeof host_table);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_life),
    cmocka_unit_test (test_open_fails),
    cmocka_unit_test (test_configuration),
    cmocka_unit_test (test_errors),
    cmocka_unit_test (test_wait),
    cmocka_unit_test (test_wait_is_interrupted),
    cmocka_unit_test (test_turns),
    cmocka_unit_test (test_counters),
    cmocka_unit_test (test_secrets),
    cmocka_unit_test (test_copies_of_a_secret),
    cmocka_unit_test (test_refused_rows),
    cmocka_unit_test (test_announced_loads),
    cmocka_unit_test (test_no_services),
    cmocka_unit_test (test_feed),
    cmocka_unit_test (test_names_that_are_not_utf8),
    cmocka_unit_test (test_host_is_complete),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
