/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/starrocks: what answers and errors mean. */

#include <config.h>

#include "plugins/starrocks/answer.h"
#include "plugins/starrocks/greeting.h"
#include "plugins/starrocks/host.h"
#include "plugins/starrocks/mysqlerror.h"
#include "tests/unit/unit.h"

const struct ezcdc_host *host;

struct one {
  uint32_t http;
  const char *body;
  enum outcome outcome;
  int code; /* of OUTCOME_FAILED */
};

#define FE(message_)                                                          \
  "{\"Status\":\"FAILED\",\"Message\":\"class "                               \
  "com.starrocks.common.DdlException: " message_ "\"}"
#define BE(message_)                                                          \
  "{\"TxnId\": 7,\n \"Label\": \"l\",\n \"Status\": \"Fail\",\n"              \
  " \"Message\": \"" message_ "\",\n \"NumberTotalRows\": 1}"

static const struct one answers[] = {
  { 200, "{\"Status\":\"Success\",\"Message\":\"OK\"}", OUTCOME_DONE, 0 },
  { 200, "{\"status\":\"OK\"}", OUTCOME_DONE, 0 },
  { 200, "{\"Status\":\"Publish Timeout\"}", OUTCOME_COMMITTED, 0 },
  { 200, "{\"Status\":\"PUBLISH_TIMEOUT\"}", OUTCOME_COMMITTED, 0 },
  { 200,
    "{\"Status\":\"Label Already Exists\",\"ExistingJobStatus\":"
    "\"FINISHED\"}",
    OUTCOME_COMMITTED, 0 },
  { 200,
    "{\"Status\":\"Label Already Exists\",\"ExistingJobStatus\":\"RUNNING\"}",
    OUTCOME_RUNNING, 0 },
  { 200, "{\"Status\":\"Label Already Exists\"}", OUTCOME_RUNNING, 0 },
  /* Nothing that can be trusted. */
  { 200, "", OUTCOME_UNKNOWN, 0 },
  { 200, "<html>", OUTCOME_UNKNOWN, 0 },
  { 200, "[1]", OUTCOME_UNKNOWN, 0 },
  { 200, "{\"Status\":\"Succ", OUTCOME_UNKNOWN, 0 },
  { 200, "{\"Status\":\"Marvellous\"}", OUTCOME_UNKNOWN, 0 },
  { 200, "{\"Status\":1}", OUTCOME_UNKNOWN, 0 },
  { 502, "<html>Bad Gateway</html>", OUTCOME_UNKNOWN, 0 },
  { 500, "{\"Status\":\"Success\"}", OUTCOME_UNKNOWN, 0 },
  { 307, "", OUTCOME_UNKNOWN, 0 },
  { 401, "{\"status\":\"FAILED\",\"msg\":\"Access denied for u@1\"}",
    OUTCOME_FAILED, EZCDC_E_CREDENTIAL },
  { 404, "", OUTCOME_FAILED, EZCDC_E_CONFIG },
  { 413, "", OUTCOME_FAILED, EZCDC_E_CONFIG },
  { 429, "", OUTCOME_FAILED, EZCDC_E_THROTTLED },
  /* Frontends of two ages. */
  { 200, FE ("No backend alive."), OUTCOME_FAILED, EZCDC_E_UNAVAILABLE },
  { 200, "{\"status\":\"FAILED\",\"msg\":\"No backend alive.\"}",
    OUTCOME_FAILED, EZCDC_E_UNAVAILABLE },
  { 200, FE ("There is no 100-continue header"), OUTCOME_FAILED,
    EZCDC_E_CONFIG },
  { 200, FE ("unknown table, table=t"), OUTCOME_FAILED, EZCDC_E_SCHEMA },
  { 200, BE ("current fe is not master"), OUTCOME_FAILED,
    EZCDC_E_UNAVAILABLE },
  { 200, BE ("too many filtered rows"), OUTCOME_ROWS, 0 },
  { 200, BE ("primary key size exceed the limit."), OUTCOME_ROWS, 0 },
  { 200, BE ("current running txns on db 1 is 1000, larger than limit 1000"),
    OUTCOME_FAILED, EZCDC_E_THROTTLED },
  { 200,
    BE ("Failed to load data into tablet 1, because of too many "
        "versions, current/limit: 1001/1000."),
    OUTCOME_FAILED, EZCDC_E_THROTTLED },
  { 200, BE ("Memory of process exceed limit. Used: 1"), OUTCOME_FAILED,
    EZCDC_E_THROTTLED },
  { 200, BE ("timeout by txn manager"), OUTCOME_FAILED, EZCDC_E_UNAVAILABLE },
  { 200, BE ("Column has no default value. column: c"), OUTCOME_FAILED,
    EZCDC_E_SCHEMA },
  { 200, BE ("Access denied; you need (at least one of) the INSERT"),
    OUTCOME_FAILED, EZCDC_E_CREDENTIAL },
  { 200, BE ("something nobody has seen before"), OUTCOME_FAILED,
    EZCDC_E_UNAVAILABLE },
};

static void
test_loads (void **state)
{
  (void) state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    const struct one *one = &answers[i];
    struct answer answer;

    answer_read_load (one->http, one->body, strlen (one->body), &answer);
    if (answer.outcome != one->outcome
        || (one->outcome == OUTCOME_FAILED && answer.code != one->code))
      fail_msg ("HTTP %u %s: outcome %d, code %d", one->http, one->body,
                answer.outcome, answer.code);
  }
}

/* What goes into a log line has one line. */
static void
test_message (void **state)
{
  static const char body[] =
    "{\"Status\":\"Fail\",\"Message\":\"a\\nb\\u001bc\"}";
  struct answer answer;

  (void) state;
  answer_read_load (200, body, strlen (body), &answer);
  assert_string_equal (answer.message, "a b c");
  assert_string_equal (answer.status, "Fail");
}

/* A status that is none of StarRocks' words may be anything. */
static void
test_status (void **state)
{
  static const char body[] = "{\"Status\":\"secret\",\"Message\":\"\"}";
  struct answer answer;

  (void) state;
  answer_read_load (500, body, strlen (body), &answer);
  assert_string_equal (answer.status, "unknown");
  answer_read_load (200, body, strlen (body), &answer);
  assert_string_equal (answer.status, "unknown");
  assert_int_equal (answer.outcome, OUTCOME_UNKNOWN);
  answer_read_load (200, "", 0, &answer);
  assert_string_equal (answer.status, "unknown");
}

/* A message that may quote a row is not passed on; what is known of it is. */
static void
test_withheld (void **state)
{
  static const char known[] = BE ("too many filtered rows: 'secret'");
  static const char unknown[] = BE ("secret is no date");
  static const char none[] = BE ("");
  struct answer answer;

  (void) state;
  answer_read_load (200, known, strlen (known), &answer);
  assert_non_null (strstr (answer.message, "secret"));
  answer_withhold_message (&answer);
  assert_int_equal (strncmp (answer.message, "too many filtered rows; ", 24),
                    0);
  assert_null (strstr (answer.message, "secret"));
  answer_read_load (200, unknown, strlen (unknown), &answer);
  answer_withhold_message (&answer);
  assert_int_equal (strncmp (answer.message, "its own words", 13), 0);
  answer_read_load (200, none, strlen (none), &answer);
  answer_withhold_message (&answer);
  assert_string_equal (answer.message, "");
}

static enum load_state
state_of (uint32_t http, const char *body, struct answer *answer)
{
  return answer_read_state (http, body, strlen (body), answer);
}

static void
test_states (void **state)
{
  struct answer answer;

  (void) state;
  assert_int_equal (
    state_of (200, "{\"state\":\"VISIBLE\",\"status\":\"OK\"}", &answer),
    STATE_VISIBLE);
  assert_int_equal (state_of (200, "{\"State\":\"prepare\"}", &answer),
                    STATE_PREPARE);
  assert_int_equal (state_of (200, "{\"state\":\"UNKNOWN\"}", &answer),
                    STATE_UNKNOWN);
  assert_int_equal (state_of (200, "{\"state\":\"ABORTED\"}", &answer),
                    STATE_ABORTED);
  assert_int_equal (state_of (200, "{\"state\":\"COMMITTED\"}", &answer),
                    STATE_COMMITTED);
  assert_int_equal (state_of (503, "{\"state\":\"VISIBLE\"}", &answer),
                    STATE_UNREADABLE);
  assert_int_equal (answer.outcome, OUTCOME_UNKNOWN);
  assert_int_equal (state_of (401, "", &answer), STATE_UNREADABLE);
  assert_int_equal (answer.outcome, OUTCOME_FAILED);
  assert_int_equal (answer.code, EZCDC_E_CREDENTIAL);
  assert_int_equal (state_of (200, "{\"state\":\"NEW\"}", &answer),
                    STATE_UNREADABLE);
  assert_int_equal (state_of (200, "nothing", &answer), STATE_UNREADABLE);
}

static int
mysql_code (unsigned number, const char *text)
{
  struct mysql_verdict verdict;

  mysql_classify (number, text, &verdict);
  return verdict.code;
}

static void
test_mysql (void **state)
{
  struct mysql_verdict verdict;

  (void) state;
  assert_int_equal (mysql_code (1045, "Access denied for user"),
                    EZCDC_E_CREDENTIAL);
  assert_int_equal (mysql_code (2003, "Can't connect"), EZCDC_E_UNAVAILABLE);
  assert_int_equal (mysql_code (2013, "Lost connection"), EZCDC_E_UNAVAILABLE);
  assert_int_equal (mysql_code (5203, "Access denied; you need"),
                    EZCDC_E_OPERATOR);
  assert_int_equal (mysql_code (5205, "Connections using insecure"),
                    EZCDC_E_CONFIG);
  assert_int_equal (
    mysql_code (1064, "A schema change operation is in progress on the "
                      "table t. Please wait until"),
    EZCDC_E_UNAVAILABLE);
  assert_int_equal (mysql_code (1064, "Getting syntax error at line 1"),
                    EZCDC_E_OPERATOR);
  assert_int_equal (
    mysql_code (2026, "TLS/SSL error: self-signed certificate"),
    EZCDC_E_CONFIG);
  assert_int_equal (mysql_code (2026, "SSL is required, but the server does "
                                      "not support it"),
                    EZCDC_E_CONFIG);
  assert_int_equal (mysql_code (2026, "TLS/SSL error: unexpected eof"),
                    EZCDC_E_UNAVAILABLE);
  mysql_classify (5010, "garbage", &verdict);
  assert_int_equal (verdict.code, EZCDC_E_CONFIG);
  assert_true (verdict.hide_text);
}

static void
test_greeting (void **state)
{
  /* Protocol 10, "8.0.33", id, 8 bytes, filler, capabilities, ... */
  unsigned char data[] = { 26,  0,   0,   0,   10, '8',  '.',  '0', '.', '3',
                           '3', 0,   1,   0,   0,  0,    'a',  'b', 'c', 'd',
                           'e', 'f', 'g', 'h', 0,  0x0c, 0x82, 33,  0,   0 };

  (void) state;
  assert_int_equal (greeting_offers_tls (data, sizeof data), 0);
  data[26] |= 0x08;
  assert_int_equal (greeting_offers_tls (data, sizeof data), 1);
  for (size_t length = 0; length < sizeof data; length++)
    assert_int_equal (greeting_offers_tls (data, length), -1);
  data[4] = 0xff; /* an error packet */
  assert_int_equal (greeting_offers_tls (data, sizeof data), -1);
  data[4] = 10;
  data[0] = 10; /* ends within the scramble */
  assert_int_equal (greeting_offers_tls (data, sizeof data), -1);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_loads),    cmocka_unit_test (test_message),
    cmocka_unit_test (test_status),   cmocka_unit_test (test_withheld),
    cmocka_unit_test (test_states),   cmocka_unit_test (test_mysql),
    cmocka_unit_test (test_greeting),
  };

  return cmocka_run_group_tests_name ("starrocks-answers", tests, NULL, NULL);
}
