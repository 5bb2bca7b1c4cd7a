/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions that every connector is given. Each of them is a
 * thin door: it checks what came from outside and hands on to the instance,
 * its services, or the receiving end.
 */

#include <config.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/plugin/host.h"
#include "core/plugin/host_feed.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"
#include "core/plugin/options.h"
#include "core/plugin/reveal.h"

/* ---- Messages ---------------------------------------------------------- */

static enum log_level
level_of (uint32_t level)
{
  switch (level) {
  case EZCDC_LOG_ERROR:
    return LEVEL_ERROR;
  case EZCDC_LOG_WARNING:
    return LEVEL_WARNING;
  case EZCDC_LOG_INFO:
    return LEVEL_INFO;
  default:
    return LEVEL_DEBUG;
  }
}

static void host_vlog (struct ezcdc_instance *instance, uint32_t level,
                       const char *format, va_list arguments)
  __attribute__ ((format (printf, 3, 0)));
static void host_log (struct ezcdc_instance *instance, uint32_t level,
                      const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));
static int host_fail (struct ezcdc_instance *instance, int code,
                      const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

static void
host_vlog (struct ezcdc_instance *instance, uint32_t level, const char *format,
           va_list arguments)
{
  char message[1024];

  if (level_of (level) > log_get_level ())
    return;
  vsnprintf (message, sizeof message, format, arguments);
  instance_scrub (instance, message);
  log_message (level_of (level), "%s %s: %s", instance->section,
               instance->connector->descriptor.name, message);
}

static void
host_log (struct ezcdc_instance *instance, uint32_t level, const char *format,
          ...)
{
  va_list arguments;

  va_start (arguments, format);
  host_vlog (instance, level, format, arguments);
  va_end (arguments);
}

static int
host_fail (struct ezcdc_instance *instance, int code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  instance_vfail (instance, code, format, arguments);
  va_end (arguments);
  return code;
}

/* ---- Configuration ----------------------------------------------------- */

static const char *
host_option_string (struct ezcdc_instance *instance, const char *name)
{
  return option_set_string (instance->options, name);
}

static int64_t
host_option_integer (struct ezcdc_instance *instance, const char *name)
{
  return option_set_integer (instance->options, name);
}

static const struct ezcdc_sealed *
host_option_sealed (struct ezcdc_instance *instance, const char *name)
{
  return option_set_sealed (instance->options, name);
}

static const char *
host_pipeline_name (struct ezcdc_instance *instance)
{
  return instance->pipeline;
}

static const char *
host_state_folder (struct ezcdc_instance *instance)
{
  return instance->state_folder;
}

/* ---- Secrets, TLS, HTTP ------------------------------------------------ */

/* Hands a service's failure to the connector, as if it were its own. */
static int
pass_failure (struct ezcdc_instance *instance, int code,
              const struct error *error)
{
  if (code < 0 && error->code != 0)
    return instance_fail (instance, code, "%s", error->text);
  return code;
}

static int
host_secret_use (struct ezcdc_instance *instance,
                 const struct ezcdc_sealed *sealed, const char *reason,
                 ezcdc_secret_function function, void *context)
{
  const struct instance_services *services = instance->services;
  struct error error = { 0 };

  if ((instance->connector->descriptor.capabilities & EZCDC_CAN_REVEAL) == 0)
    return instance_fail (instance, EZCDC_E_BUG,
                          "use a secret: the connector has not declared "
                          "EZCDC_CAN_REVEAL");
  if (sealed == NULL || sealed->set != instance->options)
    return instance_fail (instance, EZCDC_E_BUG,
                          "use a secret: the handle is not one of this "
                          "instance");
  if (services->secret_use == NULL)
    return instance_fail (instance, EZCDC_E_UNSUPPORTED,
                          "use secret %s: nobody can open it here",
                          sealed->option);
  struct reveal reveal = { function, context, instance, sealed->option };
  int result = services->secret_use (services->context, instance,
                                     sealed->option, reason, reveal_call,
                                     &reveal, &error);
  return pass_failure (instance, result, &error);
}

static const struct ezcdc_tls *
host_tls (struct ezcdc_instance *instance)
{
  return instance->tls;
}

static void
host_tls_peer (struct ezcdc_instance *instance, const char *peer,
               const char *version, const char *cipher,
               const void *certificate, size_t length)
{
  const struct instance_services *services = instance->services;

  if (services->tls_peer != NULL)
    services->tls_peer (services->context, instance, peer, version, cipher,
                        certificate, length);
}

static void
host_tls_negotiated (struct ezcdc_instance *instance, const char *peer,
                     const char *version, const char *cipher)
{
  host_tls_peer (instance, peer, version, cipher, NULL, 0);
}

static int
host_http (struct ezcdc_instance *instance,
           const struct ezcdc_http_request *request,
           struct ezcdc_http_response *response)
{
  const struct instance_services *services = instance->services;
  struct error error = { 0 };

  if ((instance->connector->descriptor.capabilities & EZCDC_USES_HTTP) == 0)
    return instance_fail (instance, EZCDC_E_BUG,
                          "send a request: the connector has not declared "
                          "EZCDC_USES_HTTP");
  if (request->password != NULL && request->password->set != instance->options)
    return instance_fail (instance, EZCDC_E_BUG,
                          "send a request: the handle is not one of this "
                          "instance");
  if (services->http == NULL)
    return instance_fail (instance, EZCDC_E_UNSUPPORTED,
                          "send a request: there is no HTTP here");
  int result = services->http (services->context, instance, request, response,
                               &error);
  return pass_failure (instance, result, &error);
}

static int
host_http_allow (struct ezcdc_instance *instance, const char *host,
                 uint32_t port)
{
  const struct instance_services *services = instance->services;
  struct error error = { 0 };

  if (services->http_allow == NULL)
    return instance_fail (instance, EZCDC_E_UNSUPPORTED,
                          "allow redirects to %s: there is no HTTP here",
                          host);
  int result = services->http_allow (services->context, instance, host, port,
                                     &error);
  return pass_failure (instance, result, &error);
}

/* ---- Time and waiting -------------------------------------------------- */

static int
host_interrupted (struct ezcdc_instance *instance)
{
  return instance_interrupted (instance);
}

/* poll's timeout for the time that is left, rounded up. */
static int
milliseconds_until (int64_t deadline)
{
  int64_t left = deadline - clock_monotonic ();

  if (left <= 0)
    return 0;
  left = (left + 999) / 1000;
  return left > INT_MAX ? INT_MAX : (int) left;
}

static short
poll_events (uint32_t events)
{
  return (short) (((events & 1) != 0 ? POLLIN : 0)
                  | ((events & 2) != 0 ? POLLOUT : 0));
}

/* An error or a hang-up makes ready whatever was asked for: the next read or
 * write tells more. */
static int
ready_events (short revents, uint32_t events)
{
  if ((revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
    return (int) (events & 3);
  return ((revents & POLLIN) != 0 ? 1 : 0)
         | ((revents & POLLOUT) != 0 ? 2 : 0);
}

static int
host_wait (struct ezcdc_instance *instance, int descriptor, uint32_t events,
           int64_t timeout_ms)
{
  const int64_t longest = INT64_C (1000) * 86400 * 365;
  int64_t wait_ms = timeout_ms < 0         ? 0
                    : timeout_ms > longest ? longest
                                           : timeout_ms;
  int64_t deadline = clock_monotonic () + wait_ms * 1000;
  struct pollfd descriptors[2] = {
    { .fd = instance->interrupt_event, .events = POLLIN },
    { .fd = descriptor, .events = poll_events (events) },
  };

  for (;;) {
    int count = poll (descriptors, 2, milliseconds_until (deadline));
    if (count < 0 && errno != EINTR)
      return instance_fail (instance, EZCDC_E_MEMORY, "wait: poll: %m");
    if (instance_interrupted (instance))
      return EZCDC_E_STOPPED;
    if (count > 0 && descriptors[1].revents != 0)
      return ready_events (descriptors[1].revents, events);
    if (count == 0 && clock_monotonic () >= deadline)
      return 0;
  }
}

/* ---- Reports ----------------------------------------------------------- */

static void
log_report (struct ezcdc_instance *instance, uint32_t outcome,
            const char *subject, const char *finding, const char *remedy)
{
  uint32_t level = outcome == EZCDC_REPORT_FAIL  ? EZCDC_LOG_ERROR
                   : outcome == EZCDC_REPORT_FIX ? EZCDC_LOG_WARNING
                                                 : EZCDC_LOG_INFO;

  if (remedy == NULL)
    host_log (instance, level, "%s: %s", subject, finding);
  else
    host_log (instance, level, "%s: %s; %s", subject, finding, remedy);
}

static void
host_report (struct ezcdc_instance *instance, uint32_t outcome,
             const char *subject, const char *finding, const char *remedy)
{
  const struct instance_services *services = instance->services;

  if (services->report == NULL)
    log_report (instance, outcome, subject, finding, remedy);
  else
    services->report (services->context, instance, outcome, subject, finding,
                      remedy);
}

static void
host_waiting (struct ezcdc_instance *instance, const char *reason)
{
  const struct instance_services *services = instance->services;

  if (services->waiting != NULL)
    services->waiting (services->context, instance, reason);
}

static void
host_stored_position (struct ezcdc_instance *instance,
                      struct ezcdc_position *ret_position)
{
  *ret_position = instance->stored;
}

static int
host_refuse_row (struct ezcdc_instance *instance,
                 const struct ezcdc_batch *batch, uint64_t row,
                 const char *reason)
{
  const struct instance_services *services = instance->services;
  struct error error = { 0 };

  if (batch == NULL || reason == NULL)
    return instance_fail (instance, EZCDC_E_BUG,
                          "refuse_row: it was given no batch or no reason");
  if (row >= batch->row_count)
    return instance_fail (
      instance, EZCDC_E_BUG, "refuse row %llu of a batch of %llu rows",
      (unsigned long long) row, (unsigned long long) batch->row_count);
  if (services->refuse_row == NULL)
    return instance_fail (instance, EZCDC_E_UNSUPPORTED,
                          "refuse row %llu: rows cannot be refused here",
                          (unsigned long long) row);
  int result = services->refuse_row (services->context, instance, batch, row,
                                     reason, &error);
  return pass_failure (instance, result, &error);
}

static int
host_announce (struct ezcdc_instance *instance,
               const struct ezcdc_batch *batch, const char *load)
{
  const struct instance_services *services = instance->services;
  struct error error = { 0 };
  int result;

  if (batch == NULL || load == NULL)
    return instance_fail (instance, EZCDC_E_BUG,
                          "announce: it was given no batch or no load");
  if (load[0] == '\0' || strlen (load) > ANNOUNCED_LOAD_MAX)
    return instance_fail (instance, EZCDC_E_BUG,
                          "announce a load: its name has %zu bytes, not 1 to "
                          "%d",
                          strlen (load), ANNOUNCED_LOAD_MAX);
  if (services->announce == NULL)
    return instance_fail (instance, EZCDC_E_UNSUPPORTED,
                          "announce load %s: nothing is written here", load);
  result = services->announce (services->context, instance, batch, load,
                               &error);
  return pass_failure (instance, result, &error);
}

static uint64_t
host_body_limit (struct ezcdc_instance *instance)
{
  return instance->body_limit;
}

/* clang-format off */
const struct ezcdc_host host_table = {
  .size             = sizeof (struct ezcdc_host),
  .abi_minor        = EZCDC_ABI_MINOR,
  .log              = host_log,
  .vlog             = host_vlog,
  .fail             = host_fail,
  .option_string    = host_option_string,
  .option_integer   = host_option_integer,
  .option_sealed    = host_option_sealed,
  .pipeline_name    = host_pipeline_name,
  .state_folder     = host_state_folder,
  .secret_use       = host_secret_use,
  .tls              = host_tls,
  .tls_negotiated   = host_tls_negotiated,
  .http             = host_http,
  .http_allow       = host_http_allow,
  .monotonic_time   = clock_monotonic,
  .real_time        = clock_realtime,
  .interrupted      = host_interrupted,
  .wait             = host_wait,
  .count            = instance_count,
  .report           = host_report,
  .list_table       = host_list_table,
  .list_chunk       = host_list_chunk,
  .feed_begin       = host_feed_begin,
  .feed_row         = host_feed_row,
  .feed_truncate    = host_feed_truncate,
  .feed_table       = host_feed_table,
  .feed_commit      = host_feed_commit,
  .feed_progress    = host_feed_progress,
  .body_limit       = host_body_limit,
  .refuse_row       = host_refuse_row,
  .waiting          = host_waiting,
  .announce         = host_announce,
  .tls_peer         = host_tls_peer,
  .stored_position  = host_stored_position,
};
/* clang-format on */
