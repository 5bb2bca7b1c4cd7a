/* SPDX-License-Identifier: Apache-2.0 */
/* One row or change as one line of JSON. The form is in ezcdc-file(7). */

#ifndef FILE_LINE_H
#define FILE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include <ezcdc/connector.h>

/* Room for "2026-01-31T23:59:59.123456Z", also with a longer year, between
 * double quotes. */
#define LINE_TIME 48

struct output;

/* Whether JSON can carry all values of a row: they are valid UTF-8. If not,
 * ret_column is the name of the first that is not. */
bool line_is_possible (const struct ezcdc_row *row, const char **ret_column);

/* Writes the line with its newline. */
void line_write (struct output *output, const struct ezcdc_row *row);

/* Where in the source a change stands. */
struct place {
  bool known; /* false: before everything */
  struct ezcdc_position commit;
  uint64_t ordinal;
  char commit_time[LINE_TIME]; /* as in the line; "null" if unknown */
};

/* The place of a change; a row of a snapshot has none. */
struct place line_place (const struct ezcdc_row *row);

/* Whether a change stands in the file already, if last is the place of the
 * last line. Time decides together with the position: a source that was set
 * up anew starts with low positions again, but not in the past. Without
 * times, and for rows of a snapshot, the answer is no. */
bool line_is_repeated (const struct ezcdc_row *row, const struct place *last);

/* The place at which a line stands, by its beginning; not known for a row of
 * a snapshot. false if the line was not written by line_write. */
bool line_read_place (const char *head, struct place *ret_place);

/* Whether a line begins as ours do; and whether a torn one (perhaps empty)
 * could have. */
bool line_is_ours (const char *head);
bool line_may_become_ours (const char *head);

#endif
