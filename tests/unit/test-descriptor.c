/* SPDX-License-Identifier: Apache-2.0 */
/* core/plugin/descriptor: how tables of other sizes than ours are read. The
 * reasons to refuse one are in tests/connectors. */

#include <config.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/plugin/loader.h"
#include "tests/unit/unit.h"

static int
sink_open (struct ezcdc_instance *instance, void **ret_self)
{
  (void) instance;
  (void) ret_self;
  return EZCDC_OK;
}

static void
sink_close (void *self)
{
  (void) self;
}

static int
sink_prepare (void *self, const struct ezcdc_table *table)
{
  (void) self;
  (void) table;
  return EZCDC_OK;
}

static int
sink_write (void *self, const struct ezcdc_batch *batch)
{
  (void) self;
  (void) batch;
  return EZCDC_OK;
}

/* What a later minor version may look like: more at the end of each table. */
struct later_sink {
  struct ezcdc_sink known;
  void (*added) (void);
  uint64_t also_added;
};

struct later_option {
  struct ezcdc_option known;
  const char *added;
};

struct later_connector {
  struct ezcdc_connector known;
  const char *added;
};

static const struct later_sink later_sink = {
  .known = {
    .size = sizeof (struct later_sink),
    .open = sink_open,
    .close = sink_close,
    .prepare = sink_prepare,
    .write = sink_write,
  },
  .also_added = UINT64_MAX,
};

static const struct later_option later_options[] = {
  {
    .known = { .name = "first", .type = EZCDC_OPTION_STRING, .help = "h" },
    .added = "something",
  },
  {
    .known = { .name = "second", .type = EZCDC_OPTION_SECRET, .help = "h" },
    .added = "something",
  },
};

static const struct later_connector later_connector = {
  .known = {
    .magic = EZCDC_CONNECTOR_MAGIC,
    .size = sizeof (struct later_connector),
    .abi_major = EZCDC_ABI_MAJOR,
    .abi_minor = EZCDC_ABI_MINOR + 7,
    .option_stride = sizeof (struct later_option),
    .option_count = 2,
    .kind = EZCDC_KIND_SINK,
    .threads = EZCDC_THREADS_ONE,
    .name = "later",
    .version = "9",
    .summary = "From the future",
    .license = "Apache-2.0",
    .options = &later_options[0].known,
    .sink = &later_sink.known,
  },
  .added = "something",
};

static void
test_later_minor (void **state)
{
  struct connector connector;
  struct error error = { 0 };
  const struct ezcdc_connector *copy = &connector.descriptor;

  (void) state;
  assert_int_equal (loader_check (&later_connector.known, "connector later",
                                  &connector, &error),
                    0);
  assert_int_equal (copy->size, sizeof *copy);
  assert_int_equal (copy->option_stride, sizeof (struct ezcdc_option));
  assert_ptr_equal (copy->options, connector.options);
  assert_string_equal (copy->options[0].name, "first");
  assert_string_equal (copy->options[1].name, "second");
  assert_int_equal (copy->options[1].type, EZCDC_OPTION_SECRET);
  assert_null (copy->source);
  assert_ptr_equal (copy->sink, &connector.sink);
  assert_ptr_equal (copy->sink->write, sink_write);
  free (connector.options);
}

/* What is missing and optional is there after all, and does nothing. */
static void
test_defaults (void **state)
{
  struct connector connector;
  struct error error = { 0 };
  const struct ezcdc_table *const tables[] = { NULL };

  (void) state;
  assert_int_equal (loader_check (&later_connector.known, "connector later",
                                  &connector, &error),
                    0);
  connector.sink.interrupt (NULL);
  assert_int_equal (connector.sink.check (NULL, tables, 0), EZCDC_OK);
  assert_null (connector.sink.scan);
  free (connector.options);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_later_minor),
    cmocka_unit_test (test_defaults),
  };

  return cmocka_run_group_tests (tests, NULL, NULL);
}
