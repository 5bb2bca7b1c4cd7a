/* SPDX-License-Identifier: Apache-2.0 */
/* One Stream Load, from the request to a settled outcome.  A label is loaded
 * at most once, so whatever is unclear is settled by asking for its state. */

#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "buffer.h"
#include "cluster.h"
#include "identifiers.h"
#include "load.h"

#define ANSWER_SIZE 16384
/* How long one call asks for the state of a label. */
#define SETTLE_US INT64_C (60000000)
#define STATE_TIMEOUT_MS 30000
#define HEADERS 12

static const struct endpoint *
endpoint_now (struct starrocks *self)
{
  const struct endpoint *endpoint;

  pthread_mutex_lock (&self->lock);
  endpoint =
    &self->settings.endpoints[self->endpoint % self->settings.endpoint_count];
  pthread_mutex_unlock (&self->lock);
  return endpoint;
}

/* The next attempt goes to the next frontend. */
static void
endpoint_next (struct starrocks *self)
{
  pthread_mutex_lock (&self->lock);
  self->endpoint++;
  pthread_mutex_unlock (&self->lock);
}

/* One request for the state of a label. */
static int
ask_state (struct starrocks *self, const char *label,
           enum load_state *ret_state, struct answer *ret_answer)
{
  char body[ANSWER_SIZE];
  struct buffer url = { 0 };
  struct ezcdc_http_request request = { .size = sizeof request };
  struct ezcdc_http_response response = { .size = sizeof response,
                                          .body = body,
                                          .capacity = sizeof body };
  int code;

  buffer_printf (&url, "%s/api/", endpoint_now (self)->url);
  percent_append (&url, self->settings.database);
  buffer_text (&url, "/get_load_state?label=");
  percent_append (&url, label);
  request.method = "GET";
  request.url = buffer_string (&url);
  request.user = self->settings.user;
  request.password = self->settings.password;
  request.timeout_ms = STATE_TIMEOUT_MS;
  if (url.failed)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  else
    code = host->http (self->instance, &request, &response);
  buffer_free (&url);
  if (code != EZCDC_OK) {
    endpoint_next (self);
    return code;
  }
  *ret_state = answer_read_state (response.status, body,
                                  (size_t) response.length, ret_answer);
  return EZCDC_OK;
}

static int
fail_state (struct starrocks *self, const struct answer *answer)
{
  return host->fail (
    self->instance,
    answer->outcome == OUTCOME_FAILED ? answer->code : EZCDC_E_UNAVAILABLE,
    "ask %s for the state of a load: %s%s%s", endpoint_now (self)->url,
    answer->message[0] != '\0' ? answer->message : "no usable answer",
    answer->remedy != NULL ? ": " : "",
    answer->remedy != NULL ? answer->remedy : "");
}

static int
fail_settle (struct starrocks *self, const struct load *load, const char *why,
             const char *state)
{
  return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                     "load into \"%s\": %s, and StarRocks %s (label %s)",
                     load->table, why, state, load->label);
}

/* Polls until the label is visible, certainly not loaded (ret_state tells
 * which), or time is up. */
static int
poll_state (struct starrocks *self, const struct load *load, const char *why,
            enum load_state *ret_state)
{
  int64_t end = host->monotonic_time () + SETTLE_US, pause = 50;
  enum load_state state;
  struct answer answer;

  for (;;) {
    int code = ask_state (self, load->label, &state, &answer);

    if (code != EZCDC_OK)
      return code;
    switch (state) {
    case STATE_VISIBLE:
    case STATE_ABORTED:
    case STATE_UNKNOWN:
      *ret_state = state;
      return EZCDC_OK;
    case STATE_UNREADABLE:
      answer_withhold_message (&answer);
      return fail_state (self, &answer);
    default:
      break;
    }
    if (host->monotonic_time () >= end)
      return fail_settle (self, load, why,
                          state == STATE_COMMITTED
                            ? "has not made the load visible yet"
                            : "is still at the load");
    code = host->wait (self->instance, -1, 0, pause);
    if (code < 0)
      return code;
    pause = pause * 2 > 5000 ? 5000 : pause * 2;
  }
}

/* poll_state, and what is waited for in the status. */
static int
wait_for_state (struct starrocks *self, const struct load *load,
                const char *why, enum load_state *ret_state)
{
  struct buffer reason = { 0 };
  int code;

  buffer_printf (&reason,
                 "load into \"%s\": %s; asking StarRocks for label %s",
                 load->table, why, load->label);
  host_waits (self->instance, buffer_string (&reason));
  buffer_free (&reason);
  code = poll_state (self, load, why, ret_state);
  host_waits (self->instance, NULL);
  return code;
}

/* A load that was aborted or is not known is sent again by the core, with the
 * same label. */
static int
settle (struct starrocks *self, const struct load *load, const char *why)
{
  enum load_state state;
  int code = wait_for_state (self, load, why, &state);

  if (code != EZCDC_OK || state == STATE_VISIBLE)
    return code;
  return fail_settle (self, load, why,
                      state == STATE_ABORTED ? "aborted the load"
                                             : "knows nothing of the load");
}

int
load_settle (struct starrocks *self, const char *table, const char *label)
{
  const struct load load = { .table = table, .label = label };
  enum load_state state;

  return wait_for_state (self, &load, "nobody has seen the end of a load",
                         &state);
}

static uint64_t
make_headers (struct starrocks *self, const struct load *load, char *timeout,
              size_t timeout_size, struct ezcdc_http_header *headers)
{
  uint64_t count = 0;

  snprintf (timeout, timeout_size, "%lld",
            (long long) self->settings.load_seconds);
#define HEADER(name_, value_)                                                 \
  headers[count++] = (struct ezcdc_http_header){ name_, value_ }
  HEADER ("label", load->label);
  HEADER ("format", "json");
  HEADER ("strip_outer_array", "true");
  HEADER ("ignore_json_size", "true");
  HEADER ("strict_mode", "true");
  HEADER ("max_filter_ratio", "0");
  HEADER ("timeout", timeout);
  if (load->columns != NULL)
    HEADER ("columns", load->columns);
  if (load->partial)
    HEADER ("partial_update", "true");
  if (load->compression != NULL)
    HEADER ("compression", load->compression);
#undef HEADER
  return count;
}

static int
send_load (struct starrocks *self, const struct load *load,
           const struct endpoint *endpoint,
           struct ezcdc_http_response *response)
{
  struct ezcdc_http_header headers[HEADERS];
  struct ezcdc_http_request request = { .size = sizeof request };
  struct buffer url = { 0 };
  char timeout[24];
  int code;

  buffer_printf (&url, "%s/api/", endpoint->url);
  percent_append (&url, self->settings.database);
  buffer_text (&url, "/");
  percent_append (&url, load->table);
  buffer_text (&url, "/_stream_load");
  request.flags = EZCDC_HTTP_EXPECT;
  request.method = "PUT";
  request.url = buffer_string (&url);
  request.user = self->settings.user;
  request.password = self->settings.password;
  request.headers = headers;
  request.header_count = make_headers (self, load, timeout, sizeof timeout,
                                       headers);
  request.body = load->body;
  request.body_length = load->body_length;
  /* The server's own time-out answers first. */
  request.timeout_ms = (uint64_t) (self->settings.load_seconds + 30) * 1000;
  if (url.failed)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  else
    code = host->http (self->instance, &request, response);
  buffer_free (&url);
  return code;
}

/* No answer came.  Perhaps the redirect went to a node that joined the
 * cluster since it was last listed. */
static int
no_answer (struct starrocks *self, const struct load *load, int code,
           const struct ezcdc_http_response *response)
{
  unsigned new_nodes = 0;

  endpoint_next (self);
  if (code == EZCDC_E_STOPPED)
    return code;
  if (response->body_sent)
    return settle (self, load, "the connection was lost");
  if (code == EZCDC_E_CONFIG
      && cluster_read_nodes (self, &new_nodes) == EZCDC_OK && new_nodes > 0)
    return host->fail (self->instance, EZCDC_E_UNAVAILABLE,
                       "load into \"%s\": redirected to a node that has just "
                       "joined the cluster",
                       load->table);
  return code;
}

static int
fail_load (struct starrocks *self, const struct load *load,
           const struct endpoint *endpoint, const struct answer *answer,
           uint32_t http)
{
  if (answer->code == EZCDC_E_UNAVAILABLE)
    endpoint_next (self);
  return host->fail (
    self->instance, answer->code,
    "load into \"%s\" through %s: HTTP %u, status \"%s\": %s%s%s (label %s)",
    load->table, endpoint->url, http, answer->status,
    answer->message[0] != '\0' ? answer->message : "no message",
    answer->remedy != NULL ? ": " : "",
    answer->remedy != NULL ? answer->remedy : "", load->label);
}

int
load_run (struct starrocks *self, const struct load *load, char *ret_reason)
{
  char body[ANSWER_SIZE];
  const struct endpoint *endpoint = endpoint_now (self);
  struct ezcdc_http_response response = { .size = sizeof response,
                                          .body = body,
                                          .capacity = sizeof body };
  struct answer answer;
  char why[64];
  int code = EZCDC_OK;

  if (EZCDC_HOST_HAS (host, announce))
    code = host->announce (self->instance, load->batch, load->label);
  if (code != EZCDC_OK)
    return code;
  code = send_load (self, load, endpoint, &response);
  if (code != EZCDC_OK)
    return no_answer (self, load, code, &response);
  host->count (self->instance, "loads", 1);
  host->count (self->instance, "load_bytes", (int64_t) load->body_length);
  answer_read_load (response.status, body, (size_t) response.length, &answer);
  if (response.body_sent)
    answer_withhold_message (&answer);
  switch (answer.outcome) {
  case OUTCOME_DONE:
    return EZCDC_OK;
  case OUTCOME_COMMITTED:
    return settle (self, load, "it is committed but was not visible yet");
  case OUTCOME_RUNNING:
    return settle (self, load, "an earlier attempt was still under way");
  case OUTCOME_UNKNOWN:
    endpoint_next (self);
    snprintf (why, sizeof why,
              "an answer with HTTP %u left open what happened",
              response.status);
    return settle (self, load, why);
  case OUTCOME_ROWS:
    snprintf (ret_reason, LOAD_REASON_SIZE, "%s (label %s)", answer.message,
              load->label);
    return EZCDC_E_ROW;
  case OUTCOME_FAILED:
    break;
  }
  return fail_load (self, load, endpoint, &answer, response.status);
}

int
load_probe (struct starrocks *self)
{
  enum load_state state;
  struct answer answer;
  int code = ask_state (self, "ezcdc-check", &state, &answer);

  if (code != EZCDC_OK || state != STATE_UNREADABLE)
    return code;
  /* A database that does not exist yet is no obstacle. */
  if (answer.outcome == OUTCOME_FAILED && answer.code == EZCDC_E_SCHEMA)
    return EZCDC_OK;
  return fail_state (self, &answer);
}
