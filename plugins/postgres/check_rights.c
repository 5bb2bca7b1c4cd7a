/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what the role may do. */

#include <stdio.h>

#include "check.h"
#include "query.h"

/* A first copy needs as many at the same time: for the view of all tables, for
 * reading one of them, and for questions. */
#define CHECK_CONNECTIONS 3

int
check_role (struct check *check)
{
  const char *user = check->self->user;
  PGresult *result;
  char remedy[160];
  bool may;
  int code;

  code = session_query (
    check->session, "look at the role",
    "SELECT rolreplication OR rolsuper OR EXISTS ("
    " SELECT FROM pg_roles p WHERE p.rolname IN ('rds_replication',"
    " 'rds_superuser', 'azure_pg_admin', 'cloudsqlsuperuser')"
    " AND pg_has_role(p.oid, 'member'))"
    " FROM pg_roles WHERE rolname = current_user",
    0, NULL, &result);
  if (code != EZCDC_OK)
    return code;
  may = PQntuples (result) == 1 && field_true (result, 0, 0);
  PQclear (result);
  snprintf (remedy, sizeof remedy, "ALTER ROLE \"%s\" REPLICATION", user);
  if (may)
    check_report (check, EZCDC_REPORT_OK, "role", NULL,
                  "%s may start replication", user);
  else
    check_report (check, EZCDC_REPORT_FAIL, "role", remedy,
                  "%s may not start replication", user);
  return EZCDC_OK;
}

/* Roles and databases may have a limit; it does not hold for superusers. Who
 * asks is not counted. */
static const char check_limits[] =
  "SELECT l.subject, l.size, l.used, l.remedy FROM pg_roles r"
  " JOIN pg_database d ON d.datname = current_database()"
  " CROSS JOIN LATERAL (VALUES"
  "  ('connection limit of the role', r.rolconnlimit,"
  "   (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid"
  "    AND a.pid <> pg_backend_pid()),"
  "   format('ALTER ROLE %I CONNECTION LIMIT', r.rolname)),"
  "  ('connection limit of the database', d.datconnlimit,"
  "   (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid"
  "    AND a.pid <> pg_backend_pid()),"
  "   format('ALTER DATABASE %I CONNECTION LIMIT', d.datname))"
  "  ) l (subject, size, used, remedy)"
  " WHERE r.rolname = session_user AND NOT r.rolsuper AND l.size >= 0";

int
check_connections (struct check *check)
{
  /* A running pipeline has them. */
  int needed = check->slot.active_pid != 0 ? 0 : CHECK_CONNECTIONS;
  PGresult *result;
  int row, code;

  code = session_query (check->session, "look at the connection limits",
                        check_limits, 0, NULL, &result);
  if (code != EZCDC_OK)
    return code;
  for (row = 0; row < PQntuples (result); row++) {
    long long size = field_number (result, row, 1);
    long long used = field_number (result, row, 2);
    bool enough = size - used >= needed;
    char remedy[256];

    snprintf (remedy, sizeof remedy, "%s %lld or more, or -1 for no limit",
              PQgetvalue (result, row, 3), used + needed);
    check_report (check, enough ? EZCDC_REPORT_OK : EZCDC_REPORT_FAIL,
                  PQgetvalue (result, row, 0), enough ? NULL : remedy,
                  "%lld, %lld in use by others; a run needs up to %d", size,
                  used, needed);
  }
  PQclear (result);
  return EZCDC_OK;
}

int
check_schemas (struct check *check)
{
  const char *const parameters[] = { check->oids.data };
  PGresult *result;
  int row, code;

  /* Partitions are read one by one, and may be elsewhere. */
  code = session_query (
    check->session, "look at the schemas",
    "SELECT DISTINCT n.nspname,"
    " format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user)"
    " FROM unnest($1::oid[]) w (oid)"
    " CROSS JOIN LATERAL (SELECT w.oid UNION"
    "  SELECT relid::oid FROM pg_partition_tree(w.oid)) t (oid)"
    " JOIN pg_class c ON c.oid = t.oid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE NOT has_schema_privilege(n.oid, 'USAGE') ORDER BY 1",
    1, parameters, &result);
  if (code != EZCDC_OK)
    return code;
  for (row = 0; row < PQntuples (result); row++)
    check_report (check, EZCDC_REPORT_FAIL, "schema",
                  PQgetvalue (result, row, 1),
                  "role %s may not use schema %s, so it reads no table there",
                  check->self->user, PQgetvalue (result, row, 0));
  PQclear (result);
  return EZCDC_OK;
}

/* Publishing a table is its owner's right. */
static int
check_owners (struct check *check, bool *ret_owner)
{
  struct postgres *self = check->self;
  const char *const parameters[] = { check->oids.data };
  char others[32] = "", remedy[256];
  PGresult *result;
  long long count;
  int code;

  code = session_query (
    check->session, "look at the owners",
    "SELECT c.oid::regclass, count(*) OVER (),"
    " pg_get_userbyid(c.relowner)"
    " FROM unnest($1::oid[]) WITH ORDINALITY w (oid, place)"
    " JOIN pg_class c ON c.oid = w.oid"
    " WHERE NOT pg_has_role(c.relowner, 'USAGE')"
    " ORDER BY w.place LIMIT 1",
    1, parameters, &result);
  if (code != EZCDC_OK)
    return code;
  *ret_owner = PQntuples (result) == 0;
  if (!*ret_owner) {
    count = field_number (result, 0, 1);
    if (count > 1)
      snprintf (others, sizeof others, " and %lld more", count - 1);
    snprintf (remedy, sizeof remedy,
              "let %s or a superuser CREATE PUBLICATION %s FOR TABLE ...",
              PQgetvalue (result, 0, 2), self->publication);
    check_report (check, EZCDC_REPORT_FAIL, "publication", remedy,
                  "%s does not exist, and role %s may not create it: it does"
                  " not own table %s%s",
                  self->publication, self->user, PQgetvalue (result, 0, 0),
                  others);
  }
  PQclear (result);
  return EZCDC_OK;
}

int
check_may_publish (struct check *check)
{
  struct postgres *self = check->self;
  char remedy[512];
  bool may;
  int code;

  code = check_owners (check, &may);
  if (code != EZCDC_OK || !may)
    return code;
  /* Empty: it may. */
  code = session_text (
    check->session, "look at the database's rights",
    "SELECT CASE WHEN has_database_privilege(current_database(), 'CREATE')"
    " THEN '' ELSE format('GRANT CREATE ON DATABASE %I TO %I',"
    " current_database(), current_user) END",
    remedy, sizeof remedy);
  if (code != EZCDC_OK)
    return code;
  if (*remedy == '\0')
    check_report (check, EZCDC_REPORT_OK, "publication", NULL,
                  "%s does not exist, it will be created", self->publication);
  else
    check_report (check, EZCDC_REPORT_FAIL, "publication", remedy,
                  "%s does not exist, and role %s may not create it in this"
                  " database",
                  self->publication, self->user);
  return EZCDC_OK;
}
