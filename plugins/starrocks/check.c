/* SPDX-License-Identifier: Apache-2.0 */
/* Reports what a pipeline needs of StarRocks; changes nothing. */

#include <stdio.h>
#include <string.h>

#include "connect.h"
#include "ddl.h"
#include "identifiers.h"
#include "load.h"
#include "starrocks.h"

static void
report (struct starrocks *self, uint32_t outcome, const char *subject,
        const char *finding, const char *remedy)
{
  host->report (self->instance, outcome, subject, finding, remedy);
}

static void
check_version (struct starrocks *self)
{
  int version = starrocks_version (self);
  char finding[64];

  if (version >= VERSION_UNKNOWN) {
    report (self, EZCDC_REPORT_OK, "StarRocks version",
            "not a release number; taken for a new one", NULL);
    return;
  }
  snprintf (finding, sizeof finding, "%d.%d.%d", version / 10000,
            version / 100 % 100, version % 100);
  if (version < 20500)
    report (self, EZCDC_REPORT_FAIL, "StarRocks version", finding,
            "2.5 or later is needed");
  else if (!compression_is_known (self))
    report (self, EZCDC_REPORT_FAIL, "StarRocks version", finding,
            "the option compression needs 3.2.7 or later: remove it");
  else
    report (self, EZCDC_REPORT_OK, "StarRocks version", finding, NULL);
}

static int
check_database (struct starrocks *self, struct connection *connection,
                int *ret_exists)
{
  int code = ddl_database_exists (self, connection, ret_exists);

  if (code == EZCDC_OK)
    report (self, EZCDC_REPORT_OK, "target database",
            *ret_exists ? self->settings.database
                        : "does not exist yet; it will be created",
            NULL);
  return code;
}

/* What is to be said about an existing table. */
static void
report_changes (struct starrocks *self, const char *subject,
                struct ddl_changes *changes)
{
  struct buffer finding = { 0 };

  if (changes->obstacles.length > 0) {
    report (self, EZCDC_REPORT_FAIL, subject,
            buffer_string (&changes->obstacles),
            "alter or drop the table, or choose another target");
    return;
  }
  if (changes->additions.length + changes->modifications.length == 0) {
    report (self, EZCDC_REPORT_OK, subject, "exists and fits", NULL);
    return;
  }
  buffer_text (&finding, "exists; the first run will ");
  buffer_append (&finding, changes->additions.data, changes->additions.length);
  if (changes->additions.length > 0 && changes->modifications.length > 0)
    buffer_text (&finding, ", ");
  buffer_append (&finding, changes->modifications.data,
                 changes->modifications.length);
  report (self, EZCDC_REPORT_OK, subject, buffer_string (&finding), NULL);
  buffer_free (&finding);
}

static int
check_existing (struct starrocks *self, struct connection *connection,
                const struct ezcdc_table *table, const char *subject)
{
  struct target_columns columns = { 0 };
  struct ddl_changes changes = { { 0 }, { 0 }, { 0 } };
  int code = ddl_read_columns (self, connection, table, &columns);

  if (code != EZCDC_OK)
    return code;
  if (columns.count == 0)
    report (self, EZCDC_REPORT_OK, subject, "will be created", NULL);
  else if (ddl_compare (&self->settings, starrocks_version (self), table,
                        &columns, &changes)
           == -1)
    code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
  else
    report_changes (self, subject, &changes);
  ddl_changes_free (&changes);
  target_columns_free (&columns);
  return code;
}

static int
check_table (struct starrocks *self, struct connection *connection,
             const struct ezcdc_table *table, int database_exists)
{
  struct buffer subject = { 0 }, problem = { 0 };
  int code = EZCDC_OK;

  buffer_printf (&subject, "target table %s", table->target);
  if (table->key_count == 0)
    report (self, EZCDC_REPORT_FAIL, buffer_string (&subject),
            "the source table has no key",
            "give it a primary key or a replica identity");
  else if (identifiers_check (table, &problem) == -1)
    report (self, EZCDC_REPORT_FAIL, buffer_string (&subject),
            buffer_string (&problem), "rename the column in the source");
  else if (!database_exists)
    report (self, EZCDC_REPORT_OK, buffer_string (&subject), "will be created",
            NULL);
  else
    code = check_existing (self, connection, table, buffer_string (&subject));
  buffer_free (&subject);
  buffer_free (&problem);
  return code;
}

static void
report_loads (struct starrocks *self)
{
  const struct ezcdc_tls *tls = host->tls (self->instance);
  const struct endpoint *endpoint = &self->settings.endpoints[0];
  int plain = 0;

  for (size_t i = 0; i < self->settings.endpoint_count; i++)
    plain |= !self->settings.endpoints[i].https
             && !self->settings.endpoints[i].loopback;
  if (plain && (tls == NULL || tls->mode != EZCDC_TLS_DISABLE))
    report (self, EZCDC_REPORT_FIX, "Stream Load",
            "works, but rows and password cross the network in the clear",
            "put a TLS proxy before StarRocks' HTTP ports and use https://");
  else
    report (self, EZCDC_REPORT_OK, "Stream Load", endpoint->url, NULL);
}

int
starrocks_check (void *context, const struct ezcdc_table *const *tables,
                 uint64_t table_count)
{
  struct starrocks *self = context;
  struct connection *connection;
  char finding[320];
  int exists = 0, code = starrocks_ready (self);

  if (code == EZCDC_OK)
    code = connection_take (self, &connection);
  if (code != EZCDC_OK)
    return code;
  snprintf (finding, sizeof finding, "%.255s port %u, signed in",
            self->settings.host, self->settings.port);
  report (self, EZCDC_REPORT_OK, "StarRocks frontend", finding, NULL);
  check_version (self);
  code = check_database (self, connection, &exists);
  for (uint64_t i = 0; i < table_count && code == EZCDC_OK; i++)
    code = check_table (self, connection, tables[i], exists);
  connection_give (self, connection, code == EZCDC_OK);
  if (code == EZCDC_OK)
    code = load_probe (self);
  if (code == EZCDC_OK)
    report_loads (self);
  return code;
}
