/* SPDX-License-Identifier: Apache-2.0 */
/* One configured connector: its life, its lock, its errors and counters. */

#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"
#include "core/plugin/options.h"
#include "core/plugin/reveal.h"

static const struct instance_services no_services = { 0 };

/* What fail recorded last on this thread, and for which instance. */
static _Thread_local struct {
  uint64_t serial; /* 0: for none */
  struct error error;
} last;

/* ---- Life -------------------------------------------------------------- */

static int
copy_settings (struct ezcdc_instance *instance,
               const struct instance_settings *settings)
{
  const char *state_folder = settings->state_folder == NULL
                               ? ""
                               : settings->state_folder;

  instance->connector = settings->connector;
  instance->services = settings->services == NULL ? &no_services
                                                  : settings->services;
  instance->section = settings->section;
  instance->body_limit = settings->body_limit;
  instance->pipeline = strdup (settings->pipeline);
  instance->state_folder = strdup (state_folder);
  return instance->pipeline != NULL && instance->state_folder != NULL ? 0 : -1;
}

int
instance_new (const struct instance_settings *settings,
              struct ezcdc_instance **ret_instance, struct error *error)
{
  static _Atomic uint64_t serials;
  struct ezcdc_instance *instance = calloc (1, sizeof *instance);

  if (instance == NULL)
    goto no_memory;
  instance->interrupt_event = -1;
  instance->serial = ++serials;
  instance->turn = (struct turn) TURN_INITIALIZER;
  pthread_mutex_init (&instance->self_lock, NULL);
  pthread_mutex_init (&instance->counter_lock, NULL);
  if (copy_settings (instance, settings) != 0)
    goto no_memory;
  instance->interrupt_event = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (instance->interrupt_event < 0) {
    error_set (error, EZCDC_E_MEMORY, "make an instance of connector %s: %m",
               settings->connector->descriptor.name);
    instance_free (instance);
    return EZCDC_E_MEMORY;
  }
  instance->options = settings->options;
  *ret_instance = instance;
  return 0;

no_memory:
  instance_free (instance);
  return error_set (error, EZCDC_E_MEMORY,
                    "make an instance of connector %s: out of memory",
                    settings->connector->descriptor.name);
}

void
instance_free (struct ezcdc_instance *instance)
{
  if (instance == NULL)
    return;
  if (instance->interrupt_event >= 0)
    close (instance->interrupt_event);
  option_set_free (instance->options);
  pthread_mutex_destroy (&instance->counter_lock);
  pthread_mutex_destroy (&instance->self_lock);
  free (instance->pipeline);
  free (instance->state_folder);
  free (instance);
}

static bool
is_source (const struct ezcdc_instance *instance)
{
  return strcmp (instance->section, "source") == 0;
}

int
instance_open (struct ezcdc_instance *instance, struct error *error)
{
  const struct connector *connector = instance->connector;
  void *self = NULL;
  int result;

  instance_lock (instance);
  if (is_source (instance))
    result = connector->source.open (instance, &self);
  else
    result = connector->sink.open (instance, &self);
  instance_unlock (instance);
  if (result < 0)
    return instance_error (instance, result, error);

  pthread_mutex_lock (&instance->self_lock);
  instance->self = self;
  instance->open = true;
  pthread_mutex_unlock (&instance->self_lock);
  return 0;
}

void
instance_close (struct ezcdc_instance *instance)
{
  const struct connector *connector = instance->connector;

  pthread_mutex_lock (&instance->self_lock);
  bool open = instance->open;
  instance->open = false;
  pthread_mutex_unlock (&instance->self_lock);
  if (!open)
    return;

  instance_lock (instance);
  if (is_source (instance))
    connector->source.close (instance->self);
  else
    connector->sink.close (instance->self);
  instance_unlock (instance);
  instance->self = NULL;
}

/* ---- Whose turn it is -------------------------------------------------- */

/* The lock that the thread rule asks for, or NULL. */
static struct turn *
turn_of (struct ezcdc_instance *instance)
{
  switch (instance->connector->descriptor.threads) {
  case EZCDC_THREADS_ONE:
    return &instance->connector->turn;
  case EZCDC_THREADS_INSTANCE:
    return &instance->turn;
  default:
    return NULL;
  }
}

void
instance_lock (struct ezcdc_instance *instance)
{
  struct turn *turn = turn_of (instance);

  if (turn != NULL)
    turn_take (turn);
  last.serial = 0;
}

void
instance_unlock (struct ezcdc_instance *instance)
{
  struct turn *turn = turn_of (instance);

  if (turn != NULL)
    turn_give (turn);
}

/* ---- Interruption ------------------------------------------------------ */

void
instance_interrupt (struct ezcdc_instance *instance)
{
  const struct connector *connector = instance->connector;
  const uint64_t one = 1;

  atomic_store (&instance->interrupted, true);
  /* It can only fail because the counter is full: readable all the same. */
  (void) !write (instance->interrupt_event, &one, sizeof one);

  pthread_mutex_lock (&instance->self_lock);
  if (instance->open) {
    if (is_source (instance))
      connector->source.interrupt (instance->self);
    else
      connector->sink.interrupt (instance->self);
  }
  pthread_mutex_unlock (&instance->self_lock);
}

bool
instance_interrupted (const struct ezcdc_instance *instance)
{
  return atomic_load_explicit (&instance->interrupted, memory_order_relaxed);
}

/* ---- Errors ------------------------------------------------------------ */

void
instance_scrub (struct ezcdc_instance *instance, char *text)
{
  const struct instance_services *services = instance->services;

  reveal_scrub (text);
  if (services != NULL && services->scrub != NULL)
    services->scrub (services->context, instance, text);
}

int
instance_vfail (struct ezcdc_instance *instance, int code, const char *format,
                va_list arguments)
{
  error_vset (&last.error, code, format, arguments);
  instance_scrub (instance, last.error.text);
  last.serial = instance->serial;
  return code;
}

int
instance_fail (struct ezcdc_instance *instance, int code, const char *format,
               ...)
{
  va_list arguments;

  va_start (arguments, format);
  instance_vfail (instance, code, format, arguments);
  va_end (arguments);
  return code;
}

const struct error *
instance_last_error (const struct ezcdc_instance *instance)
{
  static const struct error nothing = { 0 };

  return last.serial == instance->serial ? &last.error : &nothing;
}

static bool
is_known_code (int code)
{
  return code <= EZCDC_E_CONFIG && code >= EZCDC_E_BUG;
}

int
instance_error (const struct ezcdc_instance *instance, int code,
                struct error *error)
{
  const struct error *reason = instance_last_error (instance);
  const char *name = instance->connector->descriptor.name;

  if (!is_known_code (code))
    return error_set (error, EZCDC_E_BUG,
                      "%s %s: returned %d, which is no result code",
                      instance->section, name, code);
  if (reason->code == 0 && code == EZCDC_E_UNSUPPORTED)
    return error_set (error, code, "%s %s: cannot do that", instance->section,
                      name);
  if (reason->code == 0)
    return error_set (error, code, "%s %s: failed without a reason (%d)",
                      instance->section, name, code);
  return error_set (error, code, "%s %s: %s", instance->section, name,
                    reason->text);
}

/* ---- Counters ---------------------------------------------------------- */

static bool
is_counter_name (const char *name)
{
  size_t length = strnlen (name, INSTANCE_COUNTER_NAME);

  return length > 0 && length < INSTANCE_COUNTER_NAME
         && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static struct instance_counter *
find_counter (struct ezcdc_instance *instance, const char *name)
{
  uint32_t count = atomic_load_explicit (&instance->counter_count,
                                         memory_order_acquire);

  for (uint32_t i = 0; i < count; i++)
    if (strcmp (instance->counters[i].name, name) == 0)
      return &instance->counters[i];
  return NULL;
}

/* Names are only ever added: readers need no lock, they see a counter once
 * the count has been raised. */
static struct instance_counter *
add_counter (struct ezcdc_instance *instance, const char *name)
{
  struct instance_counter *counter;

  if (!is_counter_name (name))
    return NULL;
  pthread_mutex_lock (&instance->counter_lock);
  counter = find_counter (instance, name);
  uint32_t count = atomic_load (&instance->counter_count);
  if (counter == NULL && count < INSTANCE_COUNTERS) {
    counter = &instance->counters[count];
    memcpy (counter->name, name, strlen (name) + 1);
    atomic_store_explicit (&instance->counter_count, count + 1,
                           memory_order_release);
  }
  pthread_mutex_unlock (&instance->counter_lock);
  return counter;
}

void
instance_count (struct ezcdc_instance *instance, const char *counter,
                int64_t delta)
{
  struct instance_counter *found = find_counter (instance, counter);

  if (found == NULL)
    found = add_counter (instance, counter);
  if (found != NULL)
    atomic_fetch_add_explicit (&found->value, delta, memory_order_relaxed);
}

bool
instance_counter (const struct ezcdc_instance *instance, uint32_t index,
                  const char **ret_name, int64_t *ret_value)
{
  if (index
      >= atomic_load_explicit (&instance->counter_count, memory_order_acquire))
    return false;
  *ret_name = instance->counters[index].name;
  *ret_value = atomic_load_explicit (&instance->counters[index].value,
                                     memory_order_relaxed);
  return true;
}
