/* SPDX-License-Identifier: Apache-2.0 */
/* What StarRocks' answers to HTTP requests mean.  Frontends and backends
 * answer in different shapes, with different cases and names from version to
 * version; the HTTP status is 200 for almost everything. */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include <ezcdc/connector.h>

#include "answer.h"
#include "mysqlerror.h"

struct phrase {
  const char *text;
  enum outcome outcome;
  int code;
  const char *remedy;
};

static const char privilege[] = "grant the user INSERT on the table";

/* The first that the message holds decides. */
static const struct phrase phrases[] = {
  { "access denied", OUTCOME_FAILED, EZCDC_E_CREDENTIAL, privilege },
  { "no valid basic authorization", OUTCOME_FAILED, EZCDC_E_CREDENTIAL,
    privilege },
  /* Rows. */
  { "too many filtered rows", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  { "primary key size exceed the limit", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  { "null value in non-nullable", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  { "failed to parse json", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  { "parse json", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  { "json parse", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  { "invalid json", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  { "malformed json", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  { "invalid utf-8", OUTCOME_ROWS, EZCDC_E_ROW, NULL },
  /* Pressure: more patience than usual. */
  { "too many versions", OUTCOME_FAILED, EZCDC_E_THROTTLED, NULL },
  { "too large compaction score", OUTCOME_FAILED, EZCDC_E_THROTTLED, NULL },
  { "current running txns", OUTCOME_FAILED, EZCDC_E_THROTTLED, NULL },
  { "memory of", OUTCOME_FAILED, EZCDC_E_THROTTLED, NULL },
  { "memory exceed", OUTCOME_FAILED, EZCDC_E_THROTTLED, NULL },
  { "mem_limit_exceeded", OUTCOME_FAILED, EZCDC_E_THROTTLED, NULL },
  { "cuncurrent limit", OUTCOME_FAILED, EZCDC_E_THROTTLED, NULL },
  { "concurrent limit", OUTCOME_FAILED, EZCDC_E_THROTTLED, NULL },
  { "disable_load_job", OUTCOME_FAILED, EZCDC_E_THROTTLED,
    "loads are disabled on the frontend (disable_load_job)" },
  /* The table is not what it was. */
  { "unknown table", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "table not found", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "unknown database", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "unknown column", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "column has no default value", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "not in partial update columns", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "not in schema", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "can not be specified", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "only primary key table", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  { "duplicate column", OUTCOME_FAILED, EZCDC_E_SCHEMA, NULL },
  /* Configuration. */
  { "exceed limit", OUTCOME_FAILED, EZCDC_E_CONFIG,
    "a smaller batch.max_bytes" },
  { "exceed the max size", OUTCOME_FAILED, EZCDC_E_CONFIG,
    "a smaller batch.max_bytes" },
  { "unknown data format", OUTCOME_FAILED, EZCDC_E_CONFIG, NULL },
  { "compression", OUTCOME_FAILED, EZCDC_E_CONFIG, "try compression = none" },
  /* A proxy that answers for the frontend drops the header. */
  { "no 100-continue header", OUTCOME_FAILED, EZCDC_E_CONFIG,
    "whatever stands before the frontend removes Expect: 100-continue" },
  /* What passes sooner or later. */
  { "no backend", OUTCOME_FAILED, EZCDC_E_UNAVAILABLE, NULL },
  { "not master", OUTCOME_FAILED, EZCDC_E_UNAVAILABLE, NULL },
  { "channel failed", OUTCOME_FAILED, EZCDC_E_UNAVAILABLE, NULL },
  { "shutting down", OUTCOME_FAILED, EZCDC_E_UNAVAILABLE, NULL },
  { "cancelled", OUTCOME_FAILED, EZCDC_E_UNAVAILABLE, NULL },
  { "timed out", OUTCOME_FAILED, EZCDC_E_UNAVAILABLE, NULL },
  { "timeout", OUTCOME_FAILED, EZCDC_E_UNAVAILABLE, NULL },
};

static void
clean_copy (char *to, size_t size, const char *from)
{
  size_t length = 0;

  for (; *from != '\0' && length + 1 < size; from++)
    to[length++] = (unsigned char) *from < 0x20 ? ' ' : *from;
  to[length] = '\0';
}

/* A member whatever the case of its name. */
static const char *
member (json_t *object, const char *name)
{
  const char *key;
  json_t *value;

  json_object_foreach (
    object, key,
    value) if (strcasecmp (key, name) == 0
               && json_is_string (value)) return json_string_value (value);
  return NULL;
}

static const char *
message_of (json_t *object)
{
  const char *message = member (object, "message");

  if (message == NULL || message[0] == '\0')
    message = member (object, "msg");
  return message != NULL ? message : "";
}

static void
classify_failure (struct answer *answer)
{
  answer->outcome = OUTCOME_FAILED;
  /* Everything else that StarRocks says passes sooner or later, too. */
  answer->code = EZCDC_E_UNAVAILABLE;
  for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
    if (text_has (answer->message, phrases[i].text)) {
      answer->outcome = phrases[i].outcome;
      answer->code = phrases[i].code;
      answer->remedy = phrases[i].remedy;
      answer->phrase = phrases[i].text;
      return;
    }
}

/* What each status means. */
static const struct {
  const char *word;
  enum outcome outcome;
} statuses[] = {
  { "Success", OUTCOME_DONE },
  { "OK", OUTCOME_DONE },
  { "Publish Timeout", OUTCOME_COMMITTED },
  { "PUBLISH_TIMEOUT", OUTCOME_COMMITTED },
  { "Label Already Exists", OUTCOME_RUNNING },
  { "LABEL_ALREADY_EXISTS", OUTCOME_RUNNING },
  { "Fail", OUTCOME_FAILED },
  { "Failed", OUTCOME_FAILED },
};

/* Sets status and outcome. Nothing but these words is passed on: in anything
 * else there could be a row. */
static void
read_status (struct answer *answer, json_t *object)
{
  const char *status = member (object, "status");

  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
    if (status != NULL && strcasecmp (status, statuses[i].word) == 0) {
      answer->status = statuses[i].word;
      answer->outcome = statuses[i].outcome;
      return;
    }
}

static void
classify_status (struct answer *answer, json_t *object)
{
  const char *existing;

  if (answer->outcome == OUTCOME_FAILED)
    classify_failure (answer);
  else if (answer->outcome == OUTCOME_RUNNING) {
    existing = member (object, "ExistingJobStatus");
    if (existing != NULL && strcasecmp (existing, "FINISHED") == 0)
      answer->outcome = OUTCOME_COMMITTED;
  }
}

/* The object in body, or NULL. */
static json_t *
parse (const char *body, size_t length)
{
  json_t *object = json_loadb (body, length, 0, NULL);

  if (object != NULL && !json_is_object (object)) {
    json_decref (object);
    return NULL;
  }
  return object;
}

static void
classify_http (uint32_t http, struct answer *answer)
{
  answer->outcome = OUTCOME_FAILED;
  if (http == 401) {
    answer->code = EZCDC_E_CREDENTIAL;
    answer->remedy = "check user and password, and that the user may INSERT";
  }
  else if (http == 403) {
    answer->code = EZCDC_E_CREDENTIAL;
    answer->remedy = privilege;
  }
  else if (http == 404 || http == 405) {
    answer->code = EZCDC_E_CONFIG;
    answer->remedy = "load_url must be the HTTP port of a StarRocks frontend";
  }
  else if (http == 429)
    answer->code = EZCDC_E_THROTTLED;
  else if (http >= 400 && http < 500 && http != 408) {
    answer->code = EZCDC_E_CONFIG;
    answer->remedy = http == 413 ? "whatever stands before StarRocks limits "
                                   "the size of requests"
                                 : NULL;
  }
  else
    /* 5xx from a proxy, a redirect without a target, anything new. */
    answer->outcome = OUTCOME_UNKNOWN;
}

void
answer_read_load (uint32_t http, const char *body, size_t length,
                  struct answer *ret_answer)
{
  struct answer answer = { .outcome = OUTCOME_UNKNOWN, .status = "unknown" };
  json_t *object = parse (body, length);

  if (object != NULL) {
    clean_copy (answer.message, sizeof answer.message, message_of (object));
    read_status (&answer, object);
  }
  if (http != 200)
    classify_http (http, &answer);
  else if (object != NULL)
    classify_status (&answer, object);
  json_decref (object);
  *ret_answer = answer;
}

void
answer_withhold_message (struct answer *answer)
{
  if (answer->message[0] == '\0')
    return;
  snprintf (answer->message, sizeof answer->message,
            "%s%sits own words, which may quote a row, are in "
            "information_schema.loads",
            answer->phrase != NULL ? answer->phrase : "",
            answer->phrase != NULL ? "; " : "");
}

enum load_state
answer_read_state (uint32_t http, const char *body, size_t length,
                   struct answer *ret_answer)
{
  static const struct {
    const char *word;
    enum load_state state;
  } states[] = {
    { "UNKNOWN", STATE_UNKNOWN },   { "PREPARE", STATE_PREPARE },
    { "PREPARED", STATE_PREPARED }, { "COMMITTED", STATE_COMMITTED },
    { "VISIBLE", STATE_VISIBLE },   { "ABORTED", STATE_ABORTED },
  };
  enum load_state state = STATE_UNREADABLE;
  struct answer answer = { .outcome = OUTCOME_UNKNOWN, .status = "unknown" };
  json_t *object = parse (body, length);
  const char *word = object != NULL ? member (object, "state") : NULL;

  if (object != NULL)
    clean_copy (answer.message, sizeof answer.message, message_of (object));
  if (http != 200)
    classify_http (http, &answer);
  else if (word != NULL)
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
      if (strcasecmp (word, states[i].word) == 0)
        state = states[i].state;
  if (http == 200 && state == STATE_UNREADABLE && object != NULL)
    classify_failure (&answer);
  json_decref (object);
  *ret_answer = answer;
  return state;
}
