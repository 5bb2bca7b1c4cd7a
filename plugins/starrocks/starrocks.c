/* SPDX-License-Identifier: Apache-2.0 */
/* The starrocks connector: its entry point, and an instance from open to
 * close. */

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "cluster.h"
#include "connect.h"
#include "layout.h"
#include "load.h"
#include "starrocks.h"

#ifndef CONNECTOR_VERSION
#define CONNECTOR_VERSION "1.0"
#endif

/* Idle bodies beyond these are given back. */
#define BODIES_KEPT 4

const struct ezcdc_host *host;

struct body *
body_take (struct starrocks *self)
{
  struct body *body;

  pthread_mutex_lock (&self->lock);
  body = self->bodies;
  if (body != NULL)
    self->bodies = body->next;
  pthread_mutex_unlock (&self->lock);
  return body != NULL ? body : calloc (1, sizeof *body);
}

void
body_give (struct starrocks *self, struct body *body)
{
  unsigned count = 0;

  body_relax (body);
  pthread_mutex_lock (&self->lock);
  for (struct body *idle = self->bodies; idle != NULL; idle = idle->next)
    count++;
  if (count < BODIES_KEPT) {
    body->next = self->bodies;
    self->bodies = body;
    body = NULL;
  }
  pthread_mutex_unlock (&self->lock);
  body_free (body);
}

static struct target *
target_find (struct starrocks *self, const char *name)
{
  for (struct target *target = self->targets; target != NULL;
       target = target->next)
    if (strcmp (target->name, name) == 0)
      return target;
  return NULL;
}

static struct target *
target_new (const char *name)
{
  struct target *target = calloc (1, sizeof *target);

  if (target == NULL)
    return NULL;
  target->name = strdup (name);
  if (target->name == NULL || pthread_mutex_init (&target->lock, NULL) != 0) {
    free (target->name);
    free (target);
    return NULL;
  }
  return target;
}

struct target *
target_get (struct starrocks *self, const char *name)
{
  struct target *target;

  pthread_mutex_lock (&self->lock);
  target = target_find (self, name);
  if (target == NULL) {
    target = target_new (name);
    if (target != NULL) {
      target->next = self->targets;
      self->targets = target;
    }
  }
  pthread_mutex_unlock (&self->lock);
  return target;
}

static void
targets_free (struct starrocks *self)
{
  while (self->targets != NULL) {
    struct target *next = self->targets->next;

    layout_free (self->targets->layout);
    pthread_mutex_destroy (&self->targets->lock);
    free (self->targets->name);
    free (self->targets);
    self->targets = next;
  }
}

static void
starrocks_close (void *context)
{
  struct starrocks *self = context;

  if (self == NULL)
    return;
  connections_close (self);
  while (self->bodies != NULL) {
    struct body *next = self->bodies->next;

    body_free (self->bodies);
    self->bodies = next;
  }
  targets_free (self);
  cluster_free (self);
  settings_free (&self->settings);
  pthread_mutex_destroy (&self->lock);
  free (self);
}

/* No connection is made here: check must be able to say what is wrong with
 * one, and run comes back when a server is down. */
static int
starrocks_open (struct ezcdc_instance *instance, void **ret_self)
{
  struct starrocks *self = calloc (1, sizeof *self);
  int code;

  if (self == NULL || pthread_mutex_init (&self->lock, NULL) != 0) {
    free (self);
    return host->fail (instance, EZCDC_E_MEMORY, "out of memory");
  }
  self->instance = instance;
  /* mysql_init would do it too, but not safely in several threads. */
  if (mysql_server_init (0, NULL, NULL) != 0) {
    starrocks_close (self);
    return host->fail (instance, EZCDC_E_MEMORY, "out of memory");
  }
  code = settings_read (instance, &self->settings);
  if (code == EZCDC_OK)
    for (size_t i = 0; i < self->settings.endpoint_count && code == EZCDC_OK;
         i++)
      code = host->http_allow (instance, self->settings.endpoints[i].host,
                               self->settings.endpoints[i].port);
  if (code != EZCDC_OK) {
    starrocks_close (self);
    return code;
  }
  *ret_self = self;
  return EZCDC_OK;
}

static void
starrocks_interrupt (void *self)
{
  connections_interrupt (self);
}

static int
starrocks_prepare (void *context, const struct ezcdc_table *table)
{
  struct starrocks *self = context;
  struct target *target = target_get (self, table->target);
  int code;

  if (target == NULL)
    return host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  pthread_mutex_lock (&target->lock);
  code = target_prepare (self, target, table);
  if (code == EZCDC_OK && target->created) {
    target->created = 0;
    code = EZCDC_CREATED;
  }
  pthread_mutex_unlock (&target->lock);
  return code;
}

static const char *
starrocks_destination (void *opaque)
{
  const struct starrocks *self = opaque;

  return self->settings.database;
}

static int
starrocks_settle (void *self, const char *target, const char *load)
{
  return load_settle (self, target, load);
}

static const struct ezcdc_sink sink = {
  .size = sizeof sink,
  .open = starrocks_open,
  .close = starrocks_close,
  .interrupt = starrocks_interrupt,
  .check = starrocks_check,
  .prepare = starrocks_prepare,
  .write = starrocks_write,
  .scan = starrocks_scan,
  .settle = starrocks_settle,
  .destination = starrocks_destination,
};

static const struct ezcdc_connector connector = {
  .magic = EZCDC_CONNECTOR_MAGIC,
  .size = sizeof connector,
  .abi_major = EZCDC_ABI_MAJOR,
  .abi_minor = EZCDC_ABI_MINOR,
  .option_stride = sizeof (struct ezcdc_option),
  .option_count = STARROCKS_OPTION_COUNT,
  .kind = EZCDC_KIND_SINK,
  .threads = EZCDC_THREADS_PARALLEL,
  .capabilities = EZCDC_CAN_REVEAL | EZCDC_CAN_NETWORK | EZCDC_CAN_TLS
                  | EZCDC_CAN_PARTIAL | EZCDC_USES_TLS | EZCDC_USES_HTTP,
  .name = "starrocks",
  .version = CONNECTOR_VERSION,
  .summary = "writes to StarRocks by Stream Load",
  .license = "Apache-2.0",
  .options = starrocks_options,
  .sink = &sink,
};

EZCDC_EXPORT const struct ezcdc_connector *
ezcdc_connector_v1 (const struct ezcdc_host *given)
{
  if (!EZCDC_HOST_HAS (given, refuse_row))
    return NULL;
  host = given;
  return &connector;
}
