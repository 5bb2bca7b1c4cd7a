/* SPDX-License-Identifier: Apache-2.0 */
/* The server's timeline. The format of its history is that of PostgreSQL's
 * timeline history files (backup manual, "Timelines"). */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "position.h"
#include "query.h"
#include "timeline.h"

/* Where a timeline ended, according to the lines of a history file ("1 \t
 * 0/3000148 \t reason"). false if it is not in there. */
static bool
timeline_end (const char *history, uint32_t timeline, uint64_t *ret_lsn)
{
  const char *line = history;

  while (line != NULL && *line != '\0') {
    char lsn[LSN_TEXT_SIZE] = "";
    char *end;
    unsigned long number = strtoul (line, &end, 10);
    size_t blanks = strspn (end, " \t");
    size_t length = strspn (end + blanks, "0123456789ABCDEFabcdef/");

    if (end > line && blanks > 0 && number == timeline
        && length < sizeof lsn) {
      memcpy (lsn, end + blanks, length);
      return lsn_parse (lsn, ret_lsn);
    }
    line = strchr (line, '\n');
    line = line == NULL ? NULL : line + 1;
  }
  return false;
}

/* Another server of the family has taken over. */
static int
timeline_check_history (struct postgres *self, struct session *session,
                        uint32_t before, uint64_t after, uint32_t now)
{
  char statement[64], first[LSN_TEXT_SIZE], second[LSN_TEXT_SIZE];
  uint64_t end = 0;
  PGresult *result;
  bool known;
  int code;

  snprintf (statement, sizeof statement, "TIMELINE_HISTORY %" PRIu32, now);
  code = session_query (session, "read the timeline's history", statement, 0,
                        NULL, &result);
  if (code != EZCDC_OK)
    return code;
  known = PQntuples (result) == 1 && PQnfields (result) == 2
          && timeline_end (PQgetvalue (result, 0, 1), before, &end);
  PQclear (result);
  if (known && after <= end) {
    host->log (self->instance, EZCDC_LOG_INFO,
               "the server is on timeline %" PRIu32 " now (it was %" PRIu32
               " up to %s)",
               now, before, lsn_text (end, first));
    return EZCDC_OK;
  }
  return host->fail (
    self->instance, EZCDC_E_OPERATOR,
    "go on after %s: that was read from timeline %" PRIu32 ", %s%s in the"
    " history of the server's timeline %" PRIu32 ": it was promoted without"
    " the last changes, and the target has rows that it does not have; take a"
    " new snapshot: drop the slot (SELECT pg_drop_replication_slot('%s')),"
    " remove this pipeline's state and start again",
    lsn_text (after, first), before,
    known ? "which ended before, at " : "which is not",
    known ? lsn_text (end, second) : "", now, self->slot);
}

int
timeline_check (struct postgres *self, struct session *session,
                const struct ezcdc_position *after, uint32_t *ret_timeline)
{
  uint32_t before = position_timeline (after);
  uint32_t now;
  PGresult *result;
  int code;

  code = session_query (session, "identify the server", "IDENTIFY_SYSTEM", 0,
                        NULL, &result);
  if (code != EZCDC_OK)
    return code;
  now = (uint32_t) field_number (result, 0, 1);
  PQclear (result);
  *ret_timeline = now;
  if (before == 0 || before == now)
    return EZCDC_OK;
  return timeline_check_history (self, session, before, position_lsn (after),
                                 now);
}
