# SPDX-License-Identifier: Apache-2.0
"""information_schema and the rows of the SHOW statements."""

import time

from . import types
from .errors import unknown_table
from .select import Relation

TEXT = types.VARCHAR
NUMBER = types.BIGINT


def when(seconds):
    if seconds is None:
        return None
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def moment(seconds):
    return None if seconds is None else when(seconds) + ".000000"


def schemata(cluster):
    columns = [("CATALOG_NAME", TEXT), ("SCHEMA_NAME", TEXT),
               ("DEFAULT_CHARACTER_SET_NAME", TEXT),
               ("DEFAULT_COLLATION_NAME", TEXT), ("SQL_PATH", TEXT)]
    names = sorted(cluster.catalog.databases) + ["information_schema"]
    return columns, [("def", n, "utf8", "utf8_general_ci", None)
                     for n in names]


def tables(cluster):
    columns = [("TABLE_CATALOG", TEXT), ("TABLE_SCHEMA", TEXT),
               ("TABLE_NAME", TEXT), ("TABLE_TYPE", TEXT), ("ENGINE", TEXT),
               ("VERSION", NUMBER), ("TABLE_ROWS", NUMBER),
               ("CREATE_TIME", types.DATETIME), ("TABLE_COLLATION", TEXT),
               ("TABLE_COMMENT", TEXT)]
    rows = []
    for table in cluster.catalog.tables.values():
        count = cluster.store.execute(
            "SELECT count(*) FROM " + table.data).fetchone()[0]
        rows.append(("def", table.database, table.name, "BASE TABLE",
                     "StarRocks", None, count, moment(table.created),
                     "utf8_general_ci", table.comment))
    for name in SCHEMA:
        rows.append(("def", "information_schema", name, "SYSTEM VIEW",
                     "MEMORY", None, None, None, "utf8_general_ci", ""))
    return columns, rows


def columns_of(cluster):
    columns = [("TABLE_CATALOG", TEXT), ("TABLE_SCHEMA", TEXT),
               ("TABLE_NAME", TEXT), ("COLUMN_NAME", TEXT),
               ("ORDINAL_POSITION", NUMBER), ("COLUMN_DEFAULT", TEXT),
               ("IS_NULLABLE", TEXT), ("DATA_TYPE", TEXT),
               ("CHARACTER_MAXIMUM_LENGTH", NUMBER),
               ("CHARACTER_OCTET_LENGTH", NUMBER),
               ("NUMERIC_PRECISION", NUMBER), ("NUMERIC_SCALE", NUMBER),
               ("DATETIME_PRECISION", NUMBER), ("CHARACTER_SET_NAME", TEXT),
               ("COLLATION_NAME", TEXT), ("COLUMN_TYPE", TEXT),
               ("COLUMN_KEY", TEXT), ("EXTRA", TEXT), ("PRIVILEGES", TEXT),
               ("COLUMN_COMMENT", TEXT), ("COLUMN_SIZE", NUMBER),
               ("DECIMAL_DIGITS", NUMBER), ("GENERATION_EXPRESSION", TEXT)]
    return columns, [column_row(table, position, column)
                     for table in cluster.catalog.tables.values()
                     for position, column in enumerate(table.columns, 1)]


def column_row(table, position, column):
    kind = column.type
    is_text = kind.name in ("VARCHAR", "CHAR")
    length = kind.length if is_text else None
    exact = kind.name in types.INTEGERS or kind.name == "DECIMAL"
    key = ""
    if column.key:
        key = {"PRIMARY": "PRI", "UNIQUE": "UNI",
               "DUPLICATE": "DUP"}[table.keys_type]
    scale = kind.scale if kind.name == "DECIMAL" else \
        0 if kind.name in types.INTEGERS else None
    return ("def", table.database, table.name, column.name, position,
            column.default_text(), "YES" if column.null else "NO",
            kind.data_type(), length, length,
            kind.column_size() if exact else None, scale,
            None, "utf8" if is_text else None,
            "utf8_general_ci" if is_text else None, kind.column_type(), key,
            "STORED GENERATED" if column.generated else "", "",
            column.comment, kind.column_size(),
            scale, column.generated or "")


def tables_config(cluster):
    columns = [("TABLE_SCHEMA", TEXT), ("TABLE_NAME", TEXT),
               ("TABLE_ENGINE", TEXT), ("TABLE_MODEL", TEXT),
               ("PRIMARY_KEY", TEXT), ("PARTITION_KEY", TEXT),
               ("DISTRIBUTE_KEY", TEXT), ("DISTRIBUTE_TYPE", TEXT),
               ("DISTRIBUTE_BUCKET", NUMBER), ("SORT_KEY", TEXT),
               ("PROPERTIES", TEXT), ("TABLE_ID", NUMBER)]
    from .json_text import quote
    rows = []
    for table in cluster.catalog.tables.values():
        keys = ", ".join("`%s`" % k for k in table.keys)
        rows.append((
            table.database, table.name, "OLAP",
            {"PRIMARY": "PRI_KEYS", "UNIQUE": "UNQ_KEYS",
             "DUPLICATE": "DUP_KEYS"}[table.keys_type],
            keys if table.is_unique else "", "",
            ", ".join("`%s`" % k for k in table.hash),
            "HASH" if table.hash else "RANDOM", table.buckets or 1,
            ", ".join("`%s`" % k for k in table.order_by or table.keys),
            "{%s}" % ",".join("%s:%s" % (quote(k), quote(v)) for k, v in
                              sorted(table.properties.items())), table.id))
    return columns, rows


def loads(cluster):
    columns = [("JOB_ID", NUMBER), ("LABEL", TEXT), ("DATABASE_NAME", TEXT),
               ("TABLE_NAME", TEXT), ("STATE", TEXT), ("PROGRESS", TEXT),
               ("TYPE", TEXT), ("SINK_ROWS", NUMBER),
               ("CREATE_TIME", types.DATETIME),
               ("LOAD_FINISH_TIME", types.DATETIME), ("ERROR_MSG", TEXT)]
    return columns, [(t.id, t.label, t.database, t.table or "",
                      {"VISIBLE": "FINISHED", "ABORTED": "CANCELLED",
                       "PREPARE": "LOADING"}.get(t.state, t.state), "",
                      "INSERT" if t.source == "INSERT" else "STREAM_LOAD",
                      None, moment(t.created), moment(t.finished), t.reason)
                     for t in cluster.transactions.by_id.values()]


SCHEMA = {"schemata": schemata, "tables": tables, "columns": columns_of,
          "tables_config": tables_config, "loads": loads}


def relation(cluster, name):
    maker = SCHEMA.get(name.lower())
    if not maker:
        raise unknown_table("information_schema." + name)
    with cluster.lock:
        columns, rows = maker(cluster)
    return plain_relation(columns, rows, ["information_schema", name])


def plain_relation(columns, rows, own=()):
    return Relation([(list(own), n, t) for n, t in columns],
                    lambda *hints: iter(rows))


# SHOW

def transactions(found):
    columns = ["TransactionId", "Label", "Coordinator", "TransactionStatus",
               "LoadJobSourceType", "PrepareTime", "CommitTime",
               "PublishTime", "FinishTime", "Reason", "ErrorReplicasCount",
               "ListenerId", "TimeoutMs", "ErrMsg"]
    rows = [(str(t.id), t.label, "BE: 127.0.0.1", t.state,
             "INSERT_STREAMING" if t.source == "INSERT"
             else "BACKEND_STREAMING", when(t.created), when(t.finished),
             when(t.finished), when(t.finished), t.reason or "", "0", "-1",
             str(int((t.timeout or 0) * 1000)), "") for t in found]
    return columns, rows


def alter_jobs(cluster, database):
    columns = ["JobId", "TableName", "CreateTime", "FinishTime", "IndexName",
               "IndexId", "OriginIndexId", "SchemaVersion", "TransactionId",
               "State", "Msg", "Progress", "Timeout"]
    if cluster.version.at_least(3, 4) and cluster.run_mode == "shared_data":
        columns.append("Warehouse")
    rows = []
    for job in cluster.alter_jobs.jobs:
        if job["database"] != database:
            continue
        table = cluster.catalog.by_id(job["table_id"])
        name = table.name if table else job["table"]
        state = job["state"]
        rows.append((job["id"], name, when(job["created"]),
                     when(job["finished"]), name, job["id"] + 1,
                     job["table_id"], "1:0", job["watershed"], state,
                     job["message"], None, job["timeout"],
                     "default_warehouse")[:len(columns)])
    kinds = {"JobId": NUMBER, "IndexId": NUMBER, "OriginIndexId": NUMBER,
             "TransactionId": NUMBER, "Timeout": NUMBER}
    return [(c, kinds.get(c, TEXT)) for c in columns], rows


def backends(cluster):
    columns = ["BackendId", "IP", "HeartbeatPort", "BePort", "HttpPort",
               "BrpcPort", "LastStartTime", "LastHeartbeat", "Alive",
               "SystemDecommissioned", "ClusterDecommissioned", "TabletNum",
               "DataUsedCapacity", "AvailCapacity", "TotalCapacity",
               "UsedPct", "MaxDiskUsedPct", "ErrMsg", "Version", "Status",
               "DataTotalCapacity", "DataUsedPct", "CpuCores"]
    rows = []
    for backend in cluster.backends:
        rows.append((str(backend.id), backend.host, "9050", "9060",
                     str(backend.port), "8060", when(time.time()),
                     when(time.time()), str(backend.alive).lower(), "false",
                     "false", str(len(cluster.catalog.tables)), "0.000 B",
                     "10.000 GB", "20.000 GB", "50.00 %", "50.00 %", "",
                     cluster.version.current_version.replace(" ", "-"),
                     "{}", "10.000 GB", "0.00 %", "2"))
    return columns, rows


def compute_nodes(cluster):
    columns = ["ComputeNodeId", "IP", "HeartbeatPort", "BePort", "HttpPort",
               "BrpcPort", "LastStartTime", "LastHeartbeat", "Alive",
               "SystemDecommissioned", "ClusterDecommissioned", "ErrMsg",
               "Version"]
    return columns, [(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8],
                      "false", "false", "", r[18])
                     for r in backends(cluster)[1]]


def frontends(cluster):
    columns = ["Id", "Name", "IP", "EditLogPort", "HttpPort", "QueryPort",
               "RpcPort", "Role", "ClusterId", "Join", "Alive",
               "ReplayedJournalId", "LastHeartbeat", "IsHelper", "ErrMsg",
               "StartTime", "Version"]
    return columns, [("1", "127.0.0.1_9010_1", "127.0.0.1", "9010",
                      str(cluster.fe_port), str(cluster.mysql_port), "9020",
                      "LEADER", "1", "true", "true", "1",
                      when(time.time()), "true", "", when(time.time()),
                      cluster.version.current_version.replace(" ", "-"))]


def create_table(cluster, table):
    """The statement as SHOW CREATE TABLE prints it."""
    lines = []
    for column in table.columns:
        line = "  `%s` %s" % (column.name, column.type.sql())
        line += " NULL" if column.null else " NOT NULL"
        if column.generated:
            line += " AS " + column.generated
        elif column.default and column.default[0] == "now":
            line += " DEFAULT CURRENT_TIMESTAMP"
        elif column.default and column.default[0] == "value":
            line += ' DEFAULT "%s"' % column.default[1].replace('"', '\\"')
        line += ' COMMENT "%s"' % column.comment.replace('"', '\\"')
        lines.append(line)
    text = "CREATE TABLE `%s` (\n%s\n) ENGINE=OLAP \n" % (
        table.name, ",\n".join(lines))
    text += "%s KEY(%s)\n" % (table.keys_type, ", ".join(
        "`%s`" % k for k in table.keys))
    if table.comment:
        text += 'COMMENT "%s"\n' % table.comment.replace('"', '\\"')
    if table.hash:
        text += "DISTRIBUTED BY HASH(%s)" % ", ".join(
            "`%s`" % k for k in table.hash)
    else:
        text += "DISTRIBUTED BY RANDOM"
    if table.buckets:
        text += " BUCKETS %d" % table.buckets
    text += " \n"
    if table.order_by:
        text += "ORDER BY(%s)\n" % ", ".join(
            "`%s`" % k for k in table.order_by)
    text += "PROPERTIES (\n%s\n);" % ",\n".join(
        '"%s" = "%s"' % pair for pair in sorted(table.properties.items()))
    return text
