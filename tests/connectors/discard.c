/* SPDX-License-Identifier: Apache-2.0 */
/* discard: a sink that counts what it is given and forgets it; it can fail on
 * demand. The counters, shown by "ezcdc status", are
 *
 *   batches, rows, deletes, truncates, prepares, failures
 */

#include <stdint.h>
#include <stdlib.h>

#include <ezcdc/connector.h>

static const struct ezcdc_host *host;

struct discard {
  struct ezcdc_instance *instance;
  int64_t delay_ms;
  int64_t fail_every; /* 0: never */
  int64_t fail_code;
  int64_t writes; /* calls of write */
};

static int
discard_open (struct ezcdc_instance *instance, void **ret_self)
{
  struct discard *self = calloc (1, sizeof *self);

  if (self == NULL)
    return host->fail (instance, EZCDC_E_MEMORY, "open: out of memory");
  self->instance = instance;
  self->delay_ms = host->option_integer (instance, "delay") / 1000;
  self->fail_every = host->option_integer (instance, "fail_every");
  self->fail_code = host->option_integer (instance, "fail_code");
  *ret_self = self;
  return EZCDC_OK;
}

static void
discard_close (void *self)
{
  free (self);
}

static int
discard_prepare (void *context, const struct ezcdc_table *table)
{
  struct discard *self = context;

  (void) table;
  host->count (self->instance, "prepares", 1);
  return EZCDC_OK;
}

/* Every fail_every-th call fails; the core tries again then. */
static int
fail_on_demand (struct discard *self, const struct ezcdc_batch *batch)
{
  static const int codes[] = {
    EZCDC_E_UNAVAILABLE,
    EZCDC_E_THROTTLED,
    EZCDC_E_SCHEMA,
    EZCDC_E_OPERATOR,
  };

  self->writes++;
  if (self->fail_every == 0 || self->writes % self->fail_every != 0)
    return EZCDC_OK;
  host->count (self->instance, "failures", 1);
  return host->fail (self->instance, codes[self->fail_code],
                     "write batch %s: told to fail", batch->label);
}

static int
discard_write (void *context, const struct ezcdc_batch *batch)
{
  struct discard *self = context;
  int64_t deletes = 0;
  int result = fail_on_demand (self, batch);

  if (result == EZCDC_OK && self->delay_ms > 0)
    result = host->wait (self->instance, -1, 0, self->delay_ms);
  if (result < 0)
    return result;
  for (uint64_t i = 0; i < batch->row_count; i++)
    deletes += batch->rows[i].operation == EZCDC_DELETE;
  host->count (self->instance, "batches", 1);
  host->count (self->instance, "rows", (int64_t) batch->row_count);
  host->count (self->instance, "deletes", deletes);
  host->count (self->instance, "truncates", batch->truncate);
  return EZCDC_OK;
}

static const struct ezcdc_option options[] = {
  {
    .name = "delay",
    .type = EZCDC_OPTION_DURATION,
    .minimum = 0,
    .maximum = INT64_C (60000000),
    .default_value = "0",
    .help = "how long a batch takes",
  },
  {
    .name = "fail_every",
    .type = EZCDC_OPTION_INTEGER,
    .minimum = 0,
    .maximum = INT32_MAX,
    .default_value = "0",
    .help = "each so many writes one fails; 0: none",
  },
  {
    .name = "fail_code",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "unavailable|throttled|schema|operator",
    .default_value = "unavailable",
    .help = "how it fails",
  },
};

static const struct ezcdc_sink sink = {
  .size = sizeof sink,
  .open = discard_open,
  .close = discard_close,
  .prepare = discard_prepare,
  .write = discard_write,
};

static const struct ezcdc_connector connector = {
  .magic = EZCDC_CONNECTOR_MAGIC,
  .size = sizeof connector,
  .abi_major = EZCDC_ABI_MAJOR,
  .abi_minor = EZCDC_ABI_MINOR,
  .option_stride = sizeof options[0],
  .option_count = sizeof options / sizeof options[0],
  .kind = EZCDC_KIND_SINK,
  .threads = EZCDC_THREADS_INSTANCE,
  .name = "discard",
  .version = "1.0",
  .summary = "Counts what it is given and forgets it, for tests",
  .license = "Apache-2.0",
  .options = options,
  .sink = &sink,
};

const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *the_host)
{
  host = the_host;
  return &connector;
}
