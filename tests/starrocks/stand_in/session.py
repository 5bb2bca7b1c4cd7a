# SPDX-License-Identifier: Apache-2.0
"""One MySQL session: its user, its database, its variables."""

import os

DEFAULTS = {
    "autocommit": "1", "auto_increment_increment": "1",
    "character_set_client": "utf8", "character_set_connection": "utf8",
    "character_set_results": "utf8", "character_set_server": "utf8",
    "collation_connection": "utf8_general_ci",
    "collation_server": "utf8_general_ci", "init_connect": "",
    "interactive_timeout": "3600", "license": "Apache License 2.0",
    "lower_case_table_names": "0", "max_allowed_packet": "33554432",
    "net_buffer_length": "16384", "net_write_timeout": "60",
    "net_read_timeout": "60", "query_timeout": "300",
    "query_cache_size": "1048576", "query_cache_type": "0",
    "sql_mode": "ONLY_FULL_GROUP_BY", "sql_safe_updates": "0",
    "sql_auto_is_null": "0", "sql_select_limit": "18446744073709551615",
    "system_time_zone": "UTC", "time_zone": "Asia/Shanghai",
    "tx_isolation": "REPEATABLE-READ",
    "transaction_isolation": "REPEATABLE-READ", "transaction_read_only": "0",
    "version_comment": "StarRocks version ", "wait_timeout": "28800",
    "performance_schema": "0", "have_query_cache": "NO",
    "enable_insert_strict": "true", "insert_timeout": "14400",
    "partial_update_mode": "auto", "query_mem_limit": "0",
}


class Session:
    def __init__(self, cluster, id_, peer):
        self.cluster = cluster
        self.id = id_
        self.peer = peer
        self.user = None
        self.database = None
        self.variables = {}

    def reset(self):
        self.variables = {}

    def all_variables(self):
        version = self.cluster.version
        found = dict(DEFAULTS, version=version.banner)
        found["version_comment"] = "StarRocks version " + version.text
        found.update(self.variables)
        return found

    def variable(self, name):
        if name.startswith("@"):
            return self.variables.get(name)
        found = self.all_variables()
        if name.lower() not in found:
            from .errors import SqlError
            raise SqlError("Unknown system variable '%s'" % name, 1193,
                           "HY000")
        return found[name.lower()]

    def information(self, name):
        if name == "VERSION":
            return self.cluster.version.banner
        if name == "CURRENT_VERSION":
            return self.cluster.version.current_version
        if name in ("DATABASE", "SCHEMA"):
            return self.database
        if name == "CONNECTION_ID":
            return self.id
        if name == "CATALOG":
            return "default_catalog"
        if name == "CURRENT_ROLE":
            return "root"
        return "'%s'@'%%'" % self.user


def new_label():
    raw = os.urandom(16).hex()
    return "insert_%s-%s-%s-%s-%s" % (raw[:8], raw[8:12], raw[12:16],
                                      raw[16:20], raw[20:])
