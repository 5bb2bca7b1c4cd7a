/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: answers of StarRocks to a Stream Load and to a question for a
 * label's state. The input is u8 kind of status | body: 0 is status 200. */

#include <config.h>

#include <string.h>

#include <ezcdc/connector.h>

#include "plugins/starrocks/answer.h"
#include "plugins/starrocks/host.h"
#include "tests/fuzz/fuzz.h"

const struct ezcdc_host *host;

static void
check_line (const char *text, size_t size)
{
  size_t length = strnlen (text, size);

  FUZZ_CHECK (length < size);
  for (size_t i = 0; i < length; i++)
    FUZZ_CHECK ((unsigned char) text[i] >= 0x20);
}

static void
check_answer (const struct answer *answer)
{
  FUZZ_CHECK (answer->status != NULL && answer->status[0] != '\0');
  check_line (answer->message, sizeof answer->message);
  if (answer->outcome == OUTCOME_FAILED)
    FUZZ_CHECK (answer->code < 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  static const uint32_t statuses[] = {
    200, 307, 401, 403, 404, 413, 429, 503
  };
  struct answer answer;

  if (length == 0)
    return 0;
  uint32_t http = statuses[data[0] % (sizeof statuses / sizeof statuses[0])];
  const char *body = (const char *) data + 1;
  answer_read_load (http, body, length - 1, &answer);
  check_answer (&answer);
  /* Nothing but status 200 may count as a load that is in the table. */
  if (http != 200)
    FUZZ_CHECK (answer.outcome == OUTCOME_FAILED
                || answer.outcome == OUTCOME_UNKNOWN);
  enum load_state state = answer_read_state (http, body, length - 1, &answer);
  check_answer (&answer);
  if (http != 200)
    FUZZ_CHECK (state == STATE_UNREADABLE);
  return 0;
}
