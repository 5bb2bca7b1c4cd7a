# SPDX-License-Identifier: Apache-2.0
"""What CREATE TABLE and ALTER TABLE may say beyond the grammar."""

import re

from .convert import Bad, converter
from .errors import SqlError, analyzing_error
from .types import KEY_TYPES, MAX_VARCHAR

RESERVED_COLUMNS = ("__op", "__row", "___count___")
DATABASE_NAME = re.compile(r"[a-zA-Z_]\w{0,255}\Z")
PROPERTIES = {
    "replication_num": (2,), "storage_medium": (2,),
    "storage_cooldown_time": (2,), "storage_cooldown_ttl": (3,),
    "enable_persistent_index": (2,), "persistent_index_type": (3, 1),
    "fast_schema_evolution": (3, 2), "compression": (2,),
    "bloom_filter_columns": (2,), "colocate_with": (2,), "in_memory": (2,),
    "replicated_storage": (2, 5), "write_quorum": (2,),
    "bucket_size": (3, 2), "primary_index_cache_expire_sec": (3, 2),
    "partition_live_number": (3,), "storage_volume": (3, 1),
    "datacache.enable": (3, 1), "datacache.partition_duration": (3, 1),
    "enable_async_write_back": (3, 1),
    "base_compaction_forbidden_time_ranges": (3, 2, 13),
    "cloud_native_fast_schema_evolution_v2": (4, 0),
    "mutable_bucket_num": (3, 2), "unique_constraints": (2,),
    "foreign_key_constraints": (2,),
}


def no_notice(manner, detail):
    """Conversions of defaults have nobody to tell."""


def check_database_name(name):
    if not DATABASE_NAME.match(name):
        raise SqlError("Incorrect database name '%s'" % name, 1102, "42000")


def check_table_name(name):
    if not name or len(name) > 1024:
        raise SqlError("Incorrect table name '%s'" % name, 1103, "42000")


def check_column_name(name):
    if not name or len(name) > 1024 or re.search(r"[=<>!*]", name):
        raise SqlError("Incorrect column name '%s'" % name, 1166, "42000")
    if name.lower() in RESERVED_COLUMNS:
        raise analyzing_error("Column name '%s' is a system keyword" % name)


def check_type(type_, version, inside_array=False):
    name = type_.name
    if name == "VARCHAR":
        if type_.length > MAX_VARCHAR:
            raise analyzing_error("Varchar size must be <= %d: %d"
                                  % (MAX_VARCHAR, type_.length))
        if type_.length < 1:
            raise analyzing_error("Varchar size must be > 0: %d"
                                  % type_.length)
    elif name == "CHAR":
        if not 1 <= type_.length <= 255:
            raise analyzing_error("Char size must be <= 255: %d"
                                  % type_.length)
    elif name == "VARBINARY":
        if type_.length is not None and not 1 <= type_.length <= MAX_VARCHAR:
            raise analyzing_error("Varbinary size must be <= %d: %d"
                                  % (MAX_VARCHAR, type_.length))
    elif name == "DECIMAL":
        check_decimal(type_, version)
    elif name == "ARRAY":
        if type_.item.name == "DECIMAL" and not version.at_least(3, 1):
            raise analyzing_error("ARRAY<DECIMAL> is not supported")
        check_type(type_.item, version, True)
    elif name in ("TIME", "BITMAP", "HLL", "PERCENTILE"):
        raise analyzing_error("Unsupported data type %s" % name)


def check_decimal(type_, version):
    most = 76 if version.at_least(4) else 38
    if not 1 <= type_.precision <= most:
        raise analyzing_error("DECIMAL's precision should range from 1 to %d"
                              % most)
    if type_.scale > type_.precision:
        raise analyzing_error("DECIMAL's scale should be less than its"
                              " precision")


def check_default(name, type_, null, default, version):
    if default is None:
        return
    kind, text = default
    if kind == "null":
        if not null:
            raise analyzing_error("Can not set null default value to non"
                                  " nullable column: %s" % name)
        return
    if kind == "now":
        if type_.name != "DATETIME":
            raise analyzing_error("Default function now() is not supported"
                                  " for data type %s" % type_.sql())
        return
    if type_.name in ("JSON", "ARRAY", "VARBINARY"):
        raise analyzing_error("Invalid default value for '%s'" % name)
    try:
        converter(name, type_, "text", version, no_notice)(text)
    except Bad:
        raise analyzing_error("Invalid default value for '%s'" % name) \
            from None


def check_column(column, keys_type, version):
    check_column_name(column["name"])
    check_type(column["type"], version)
    if column["aggregate"] and keys_type != "AGGREGATE":
        raise analyzing_error(
            "Cannot specify aggregate function '%s' for column '%s' without"
            " AGGREGATE keys" % (column["aggregate"], column["name"]))
    check_default(column["name"], column["type"], column["null"],
                  column["default"], version)
    if column["generated"] and not column["null"]:
        raise analyzing_error("Generated Column must be nullable column")


def check_columns(columns, keys_type, version):
    seen = set()
    for column in columns:
        check_column(column, keys_type, version)
        if column["name"].lower() in seen:
            raise SqlError("Duplicate column name '%s'" % column["name"],
                           1060, "42S21")
        seen.add(column["name"].lower())
    if all(c["generated"] for c in columns):
        raise analyzing_error("Generated Column can not be the only column")


def check_keys(node, columns):
    keys = node["keys"]
    names = [c["name"].lower() for c in columns]
    if len({k.lower() for k in keys}) != len(keys):
        raise analyzing_error("Duplicated key column")
    for key in keys:
        if key.lower() not in names:
            raise analyzing_error("Key column(%s) doesn't exist" % key)
    if [k.lower() for k in keys] != names[:len(keys)]:
        raise analyzing_error(
            "Key columns must be the first few columns of the schema and the"
            " order of the key columns must be consistent with the order of"
            " the schema")
    for column in columns[:len(keys)]:
        check_key_column(node["keys_type"], column)


def check_key_column(keys_type, column):
    type_ = column["type"]
    if column["generated"]:
        raise analyzing_error("Generated Column can not be KEY")
    if keys_type == "PRIMARY":
        if type_.name not in KEY_TYPES:
            raise analyzing_error("Invalid data type of key column '%s': '%s'"
                                  % (column["name"], type_.sql().upper()))
        if column["null"]:
            raise analyzing_error("Primary key column[%s] cannot be nullable"
                                  % column["name"])
    elif type_.name in ("FLOAT", "DOUBLE", "JSON", "ARRAY", "VARBINARY"):
        raise analyzing_error("Invalid data type of key column '%s': '%s'"
                              % (column["name"], type_.sql().upper()))


def check_distribution(node, columns, version):
    names = {c["name"].lower() for c in columns}
    keys = {k.lower() for k in node["keys"]}
    if node["hash"] is None:
        if not version.at_least(3, 1):
            raise analyzing_error("Create olap table should contain"
                                  " distribution desc")
        if node["keys_type"] == "DUPLICATE":
            node["hash"] = []
        else:
            node["hash"] = list(node["keys"])
    if not node["hash"] and node["keys_type"] != "DUPLICATE":
        raise analyzing_error("%s KEY must use hash distribution"
                              % node["keys_type"])
    for name in node["hash"]:
        if name.lower() not in names:
            raise analyzing_error("Distribution column(%s) doesn't exist"
                                  % name)
        if node["keys_type"] != "DUPLICATE" and name.lower() not in keys:
            raise analyzing_error("The distribution column[%s] is not key"
                                  " column" % name)
    if node["buckets"] is not None and node["buckets"] < 1:
        raise analyzing_error("Number of hash distribution buckets should be"
                              " greater than zero")
    if node["buckets"] is None and not version.at_least(2, 5, 7):
        raise analyzing_error("Number of buckets should be given")


def check_named(node, columns, what, field, only_keys):
    names = {c["name"].lower() for c in columns}
    keys = {k.lower() for k in node["keys"]}
    for name in node[field] or []:
        if name.lower() not in names:
            raise analyzing_error("%s column(%s) doesn't exist"
                                  % (what, name))
        if only_keys and node["keys_type"] != "DUPLICATE" \
           and name.lower() not in keys:
            raise analyzing_error("%s column(%s) is not a key column"
                                  % (what, name))


def check_properties(properties, version, run_mode, backends):
    for name, value in properties.items():
        since = PROPERTIES.get(name)
        if since is None and name.startswith("dynamic_partition."):
            continue
        if since is None or not version.at_least(*since):
            raise analyzing_error("Unknown properties: {%s=%s}"
                                  % (name, value))
    for name in ("enable_persistent_index", "fast_schema_evolution",
                 "in_memory", "replicated_storage",
                 "cloud_native_fast_schema_evolution_v2"):
        if properties.get(name, "true").lower() not in ("true", "false"):
            raise analyzing_error("Illegal value for property %s: %s"
                                  % (name, properties[name]))
    if run_mode == "shared_data":
        if not version.at_least(3, 3) \
           and "fast_schema_evolution" in properties:
            raise analyzing_error("Unknown properties: "
                                  "{fast_schema_evolution=%s}"
                                  % properties["fast_schema_evolution"])
        return
    number = properties.get("replication_num", "3")
    if not re.fullmatch(r"\d+", number, re.A) or int(number) < 1:
        raise analyzing_error("Replication num should larger than 0")
    if int(number) > backends:
        raise analyzing_error(
            "Table replication num should be less than or equal to the number"
            " of available BE nodes. You can change this default by setting"
            " the replication_num table properties. Current alive backend is"
            " [%s]" % ",".join(str(10001 + n) for n in range(backends)))


def check_create(node, version, run_mode, backends):
    """Completes and checks the node of a CREATE TABLE."""
    check_table_name(node["name"][-1])
    columns = node["columns"]
    if node["engine"].upper() != "OLAP":
        raise analyzing_error("Unknown engine name: %s" % node["engine"])
    if node["keys_type"] == "AGGREGATE":
        raise analyzing_error("The stand-in has no aggregate tables")
    if node["keys_type"] is None:
        node["keys_type"] = "DUPLICATE"
        node["keys"] = [c["name"] for c in columns[:3] if c["type"].name
                        in KEY_TYPES] or [columns[0]["name"]]
        while [k.lower() for k in node["keys"]] != \
                [c["name"].lower() for c in columns[:len(node["keys"])]]:
            node["keys"].pop()
    check_columns(columns, node["keys_type"], version)
    check_keys(node, columns)
    check_distribution(node, columns, version)
    check_named(node, columns, "Partition", "partition", True)
    check_named(node, columns, "Sort key", "order_by", False)
    check_properties(node["properties"], version, run_mode, backends)


# ALTER

WIDER = {"TINYINT": ("SMALLINT", "INT", "BIGINT", "LARGEINT"),
         "SMALLINT": ("INT", "BIGINT", "LARGEINT"),
         "INT": ("BIGINT", "LARGEINT"), "BIGINT": ("LARGEINT",),
         "LARGEINT": ()}


def may_change_type(old, new):
    """The matrix of allowed type changes."""
    a, b = old.name, new.name
    if a in WIDER:
        if b in WIDER[a] or b == "VARCHAR":
            return True
        return (b == "DOUBLE" and a != "LARGEINT") or (a, b) == ("INT",
                                                                 "DATE")
    if a == "DECIMAL":
        if b == "DECIMAL":
            return max(old.precision, new.precision) <= 38 \
                and old.scale <= new.scale and \
                old.precision - old.scale <= new.precision - new.scale
        return b == "VARCHAR" and old.precision <= 38
    if a == "FLOAT":
        return b in ("DOUBLE", "VARCHAR")
    if a == "DOUBLE":
        return b == "VARCHAR"
    if a == "CHAR":
        return b in ("CHAR", "VARCHAR") and new.length >= old.length
    if a == "VARCHAR":
        if b == "VARCHAR":
            return new.length >= old.length
        return b in ("TINYINT", "SMALLINT", "INT", "BIGINT", "LARGEINT",
                     "FLOAT", "DOUBLE", "DATE", "JSON") \
            or (b == "DECIMAL" and new.precision <= 38)
    if a == "JSON":
        return b == "VARCHAR"
    return (a, b) in (("DATE", "DATETIME"), ("DATETIME", "DATE"))


def check_type_change(old, new):
    if old == new:
        return
    if old.name in ("VARCHAR", "CHAR") and new.name in ("VARCHAR", "CHAR") \
       and new.length < old.length:
        raise analyzing_error("Cannot shorten string length")
    if not may_change_type(old, new):
        raise analyzing_error("Can not change %s to %s"
                              % (old.sql().upper(), new.sql().upper()))
