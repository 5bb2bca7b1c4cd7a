/* SPDX-License-Identifier: Apache-2.0 */
/* Reports every prerequisite; changes nothing. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "describe.h"
#include "discover.h"
#include "position.h"
#include "query.h"

void
check_report (struct check *check, uint32_t outcome, const char *subject,
              const char *remedy, const char *format, ...)
{
  char finding[REFUSAL_SIZE + 64];
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (finding, sizeof finding, format, arguments);
  va_end (arguments);
  host->report (check->self->instance, outcome, subject, finding, remedy);
}

static int
check_server (struct check *check)
{
  struct session *session = check->session;
  const char *version = PQparameterStatus (session->connection,
                                           "server_version");
  const char *encoding = PQparameterStatus (session->connection,
                                            "server_encoding");
  const char *protocol = NULL;
  char level[32];
  int code;

  check_report (check, EZCDC_REPORT_OK, "server", NULL,
                "PostgreSQL %s, database %s", version, session->peer);
  if (PQsslInUse (session->connection))
    protocol = PQsslAttribute (session->connection, "protocol");
  if (protocol != NULL)
    check_report (check, EZCDC_REPORT_OK, "encryption", NULL, "%s, %s",
                  protocol, PQsslAttribute (session->connection, "cipher"));
  else
    check_report (check, EZCDC_REPORT_FIX, "encryption",
                  "set ssl_mode = verify-full and ssl_root_cert",
                  "the connection is in the clear");
  if (encoding != NULL && strcmp (encoding, "SQL_ASCII") == 0)
    check_report (check, EZCDC_REPORT_FIX, "encoding",
                  "move the data to a database with encoding UTF8",
                  "SQL_ASCII: a row with a text that is not UTF-8 is refused,"
                  " as on_bad_row says");
  code = session_text (session, "look at wal_level", "SHOW wal_level", level,
                       sizeof level);
  if (code != EZCDC_OK)
    return code;
  if (level[0] == 'l')
    check_report (check, EZCDC_REPORT_OK, "wal_level", NULL, "logical");
  else
    check_report (check, EZCDC_REPORT_FAIL, "wal_level",
                  "ALTER SYSTEM SET wal_level = logical, then restart the"
                  " server",
                  "%s", level);
  return EZCDC_OK;
}

/* How many of a limited number are in use; used is an SQL expression. */
static int
check_limit (struct check *check, const char *setting, const char *used,
             int needed)
{
  PGresult *result;
  char sql[256], remedy[96];
  int64_t limit, taken;
  int code;

  snprintf (sql, sizeof sql, "SELECT current_setting('%s')::int, (%s)",
            setting, used);
  code = session_query (check->session, "look at the limits", sql, 0, NULL,
                        &result);
  if (code != EZCDC_OK)
    return code;
  limit = field_number (result, 0, 0);
  taken = field_number (result, 0, 1);
  PQclear (result);
  snprintf (remedy, sizeof remedy,
            "raise %s to %lld or more, then restart the server", setting,
            (long long) taken + needed);
  check_report (check,
                limit - taken >= needed ? EZCDC_REPORT_OK : EZCDC_REPORT_FAIL,
                setting, limit - taken >= needed ? NULL : remedy,
                "%lld of %lld in use", (long long) taken, (long long) limit);
  return EZCDC_OK;
}

/* The slot of a pipeline that has run before. While it runs, what is stored
 * and where the slot is both move on. */
static void
check_slot_goes_on (struct check *check, uint64_t after)
{
  struct postgres *self = check->self;
  const struct slot *slot = &check->slot;
  char problem[SLOT_PROBLEM_SIZE], lsn[LSN_TEXT_SIZE];

  if (slot->exists && slot->active_pid != 0 && *slot->problem == '\0')
    check_report (check, EZCDC_REPORT_OK, "slot", NULL,
                  "%s is in use by process %d (the running pipeline?)",
                  self->slot, slot->active_pid);
  else if (slot_has_position (self, slot, after, problem))
    check_report (check, EZCDC_REPORT_OK, "slot", NULL, "%s is at %s",
                  self->slot, lsn_text (slot->confirmed, lsn));
  else
    check_report (check, EZCDC_REPORT_FAIL, "slot", NULL, "%s", problem);
}

static void
check_slot_begins (struct check *check)
{
  struct postgres *self = check->self;
  const struct slot *slot = &check->slot;
  char lsn[LSN_TEXT_SIZE];

  if (!slot->exists)
    check_report (check, EZCDC_REPORT_OK, "slot", NULL,
                  "%s does not exist, it will be created", self->slot);
  else if (*slot->problem != '\0')
    check_report (check, EZCDC_REPORT_FAIL, "slot", slot->problem, "%s",
                  self->slot);
  else if (slot->active_pid != 0)
    check_report (
      check, EZCDC_REPORT_FAIL, "slot",
      "stop that one, or choose another name with slot =",
      "%s is in use by process %d, and this pipeline has never run",
      self->slot, slot->active_pid);
  else
    check_report (check, EZCDC_REPORT_OK, "slot", NULL, "%s is at %s",
                  self->slot, lsn_text (slot->confirmed, lsn));
}

static int
check_slot (struct check *check)
{
  struct postgres *self = check->self;
  struct slot *slot = &check->slot;
  struct ezcdc_position stored = { .length = 0 };
  int code = slot_read (self, check->session, slot);

  if (code != EZCDC_OK)
    return code;
  if (EZCDC_HOST_HAS (host, stored_position))
    host->stored_position (self->instance, &stored);
  if (stored.length > 0)
    check_slot_goes_on (check, position_lsn (&stored));
  else
    check_slot_begins (check);
  code = check_limit (check, "max_replication_slots",
                      "SELECT count(*) FROM pg_replication_slots",
                      slot->exists ? 0 : 1);
  if (code == EZCDC_OK)
    code = check_limit (check, "max_wal_senders",
                        "SELECT count(*) FROM pg_stat_replication",
                        slot->exists && slot->active_pid ? 0 : 1);
  return code;
}

static int
check_publication (struct check *check)
{
  struct postgres *self = check->self;
  struct publication *publication = &check->publication;
  const char *problem;
  int code = publication_read (self, check->session, publication);

  if (code != EZCDC_OK)
    return code;
  if (publication->exists) {
    problem = publication_problem (publication);
    check_report (check, problem ? EZCDC_REPORT_FAIL : EZCDC_REPORT_OK,
                  "publication",
                  problem ? "ALTER PUBLICATION ... SET (publish = 'insert,"
                            " update, delete, truncate')"
                          : NULL,
                  "%s%s%s", self->publication, problem ? ": " : "",
                  problem ? problem : " exists");
    return EZCDC_OK;
  }
  if (check->slot.exists) {
    check_report (check, EZCDC_REPORT_FAIL, "publication",
                  "create the publication, then the slot",
                  "%s is missing, but the slot exists", self->publication);
    return EZCDC_OK;
  }
  return check_may_publish (check);
}

static int
check_tables (struct check *check)
{
  struct description description = { .columns = NULL };
  struct catalog catalog;
  char subject[2 * POSTGRES_NAME_SIZE + 16];
  int code;

  code = catalog_read (check->self, check->session, check->oids.data,
                       &catalog);
  if (code != EZCDC_OK)
    return code;
  while ((code = catalog_next (check->self, &catalog, &description))
         == EZCDC_OK) {
    const struct ezcdc_table *table = &description.table;

    snprintf (subject, sizeof subject, "table %s.%s", table->schema,
              table->name);
    if (table->refusal != NULL)
      check_report (check, EZCDC_REPORT_FAIL, subject, NULL, "%s",
                    table->refusal);
    else
      check_report (check, EZCDC_REPORT_OK, subject, NULL,
                    "%u columns, %u of them its key", table->column_count,
                    table->key_count);
  }
  description_clear (&description);
  catalog_clear (&catalog);
  return code == EZCDC_END ? EZCDC_OK : code;
}

int
postgres_check (void *opaque)
{
  struct check check = { .self = opaque, .oids = { .data = NULL } };
  int code;

  code = session_take (check.self, &check.session);
  if (code != EZCDC_OK)
    return code;
  code = check_server (&check);
  if (code == EZCDC_OK)
    code = check_role (&check);
  if (code == EZCDC_OK)
    code = check_slot (&check);
  if (code == EZCDC_OK)
    code = check_connections (&check);
  if (code == EZCDC_OK)
    code = discover_oids (check.self, check.session, &check.oids);
  if (code == EZCDC_OK)
    code = check_publication (&check);
  if (code == EZCDC_OK)
    code = check_schemas (&check);
  if (code == EZCDC_OK)
    code = check_tables (&check);
  text_free (&check.oids);
  session_give (check.self, check.session);
  return code;
}
