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

/* Where that timeline ended in the history of this one; false if it is not in
 * there. */
static bool
timeline_ended (const struct timeline *timeline, uint32_t before,
                uint64_t *ret_lsn)
{
  const PGresult *history = timeline->history;

  return history != NULL && PQntuples (history) == 1
         && PQnfields (history) == 2
         && timeline_end (PQgetvalue (history, 0, 1), before, ret_lsn);
}

int
timeline_read (struct session *session, struct timeline *ret_timeline)
{
  struct timeline timeline = { .history = NULL };
  char statement[64];
  PGresult *result;
  int code;

  code = session_query (session, "identify the server", "IDENTIFY_SYSTEM", 0,
                        NULL, &result);
  if (code != EZCDC_OK)
    return code;
  timeline.number = (uint32_t) field_number (result, 0, 1);
  PQclear (result);
  /* The first one has no history, and that of others may have been cleared
   * away. */
  snprintf (statement, sizeof statement, "TIMELINE_HISTORY %" PRIu32,
            timeline.number);
  if (timeline.number > 1
      && session_query (session, "read the timeline's history", statement, 0,
                        NULL, &timeline.history)
           != EZCDC_OK)
    timeline.history = NULL;
  *ret_timeline = timeline;
  return EZCDC_OK;
}

void
timeline_clear (struct timeline *timeline)
{
  PQclear (timeline->history);
  memset (timeline, 0, sizeof *timeline);
}

bool
timeline_holds (const struct timeline *timeline,
                const struct ezcdc_position *position)
{
  uint32_t before = position_timeline (position);
  uint64_t end;

  if (before == 0 || before == timeline->number)
    return true;
  return timeline_ended (timeline, before, &end)
         && position_lsn (position) <= end;
}

int
timeline_check (struct postgres *self, const struct timeline *timeline,
                const struct ezcdc_position *after)
{
  char first[LSN_TEXT_SIZE], second[LSN_TEXT_SIZE];
  uint32_t before = position_timeline (after);
  uint64_t end = 0;
  bool known;

  if (before == 0 || before == timeline->number)
    return EZCDC_OK;
  known = timeline_ended (timeline, before, &end);
  if (timeline_holds (timeline, after)) {
    host->log (self->instance, EZCDC_LOG_INFO,
               "the server is on timeline %" PRIu32 " now (it was %" PRIu32
               " up to %s)",
               timeline->number, before, lsn_text (end, first));
    return EZCDC_OK;
  }
  return host->fail (
    self->instance, EZCDC_E_OPERATOR,
    "go on after %s: that was read from timeline %" PRIu32 ", %s%s in the"
    " history of the server's timeline %" PRIu32 ": it was promoted without"
    " the last changes, and the target has rows that it does not have; take a"
    " new snapshot: drop the slot (SELECT pg_drop_replication_slot('%s')),"
    " remove this pipeline's state and start again",
    lsn_text (position_lsn (after), first), before,
    known ? "which ended before, at " : "which is not",
    known ? lsn_text (end, second) : "", timeline->number, self->slot);
}
