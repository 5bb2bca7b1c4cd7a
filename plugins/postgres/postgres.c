/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL source: its descriptor, open and close. */

#include <stdlib.h>

#include "check.h"
#include "session.h"
#include "discover.h"
#include "fetch.h"
#include "options.h"
#include "position.h"
#include "reader.h"
#include "slot.h"
#include "snapshot.h"
#include "stream.h"
#include "wal.h"

const struct ezcdc_host *host;

static void
postgres_close (void *opaque)
{
  struct postgres *self = opaque;

  if (self == NULL)
    return;
  session_close (self->idle);
  session_close (self->exported.session);
  patterns_free (&self->patterns);
  oids_clear (&self->listed);
  oids_clear (&self->unreadable);
  pthread_mutex_destroy (&self->lock);
  free (self);
}

static int
postgres_open (struct ezcdc_instance *instance, void **ret_self)
{
  struct postgres *self = calloc (1, sizeof *self);
  int code;

  if (self == NULL)
    return host->fail (instance, EZCDC_E_MEMORY, "out of memory");
  self->instance = instance;
  pthread_mutex_init (&self->lock, NULL);
  code = options_read (self);
  if (code != EZCDC_OK) {
    postgres_close (self);
    return code;
  }
  *ret_self = self;
  return EZCDC_OK;
}

/* All our waits are the host's, which the core interrupts. */
static void
postgres_interrupt (void *opaque)
{
  (void) opaque;
}

static const struct ezcdc_source postgres_source = {
  .size = sizeof postgres_source,
  .open = postgres_open,
  .close = postgres_close,
  .interrupt = postgres_interrupt,
  .check = postgres_check,
  .discover = postgres_discover,
  .prepare = postgres_prepare,
  .current_position = postgres_current_position,
  .position_text = position_text,
  .position_distance = position_distance,
  .snapshot_open = postgres_snapshot_open,
  .snapshot_close = postgres_snapshot_close,
  .snapshot_plan = postgres_snapshot_plan,
  .reader_open = postgres_reader_open,
  .reader_close = postgres_reader_close,
  .reader_begin = postgres_reader_begin,
  .reader_read = postgres_reader_read,
  .stream_open = postgres_stream_open,
  .stream_close = postgres_stream_close,
  .stream_read = postgres_stream_read,
  .stream_confirm = postgres_stream_confirm,
  .fetch = postgres_fetch,
  .stream_holds = postgres_stream_holds,
};

const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *the_host)
{
  static const struct ezcdc_connector connector = {
    .magic = EZCDC_CONNECTOR_MAGIC,
    .size = sizeof connector,
    .abi_major = EZCDC_ABI_MAJOR,
    .abi_minor = EZCDC_ABI_MINOR,
    .option_stride = sizeof (struct ezcdc_option),
    .kind = EZCDC_KIND_SOURCE,
    .threads = EZCDC_THREADS_PARALLEL,
    .capabilities = EZCDC_CAN_REVEAL | EZCDC_CAN_NETWORK | EZCDC_CAN_TLS
                    | EZCDC_USES_TLS,
    .name = "postgres",
    .version = "0.1.0",
    .summary = "PostgreSQL 12 and later, by logical replication",
    .license = "Apache-2.0",
    .options = postgres_options,
    .option_count = POSTGRES_OPTION_COUNT,
    .source = &postgres_source,
  };

  if (!EZCDC_HOST_HAS (the_host, feed_progress))
    return NULL;
  host = the_host;
  return &connector;
}
