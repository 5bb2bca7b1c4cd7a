/* SPDX-License-Identifier: Apache-2.0 */
/* That the audit log of a run cannot be written. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/keeper/run_lock.h"
#include "core/keeper/trouble.h"

/* The numbers, and the reason, which has no line ends. */
static void
tell (const struct audit_trouble *trouble, int lock)
{
  CLEANUP_TEXT struct text line = { 0 };

  if (trouble->since != 0)
    text_printf (&line, "%" PRId64 " %" PRId64 " %s", trouble->since,
                 trouble->refused, trouble->reason);
  run_lock_tell (lock, text_string (&line));
}

void
audit_trouble_note (struct audit_trouble *trouble, int lock, int code,
                    const struct error *error)
{
  if (code == 0 && trouble->since == 0)
    return;
  if (code == 0)
    *trouble = (struct audit_trouble){ 0 };
  else {
    if (trouble->since == 0)
      trouble->since = clock_realtime ();
    trouble->refused++;
    snprintf (trouble->reason, sizeof trouble->reason, "%.*s",
              (int) sizeof trouble->reason - 1,
              error != NULL ? error->text : "");
  }
  if (lock >= 0)
    tell (trouble, lock);
}

void
audit_trouble_read (const char *folder, struct audit_trouble *ret_trouble)
{
  CLEANUP_TEXT struct text line = { 0 };
  struct audit_trouble trouble = { 0 };

  *ret_trouble = trouble;
  run_lock_read (folder, &line);
  if (sscanf (text_string (&line), "%" SCNd64 " %" SCNd64 " %511[^\n]",
              &trouble.since, &trouble.refused, trouble.reason)
      == 3)
    *ret_trouble = trouble;
}
