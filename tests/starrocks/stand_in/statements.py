# SPDX-License-Identifier: Apache-2.0
"""Carries out statements."""

import sqlite3

from . import information, mutate, select, types
from .errors import SqlError, analyzing_error, unknown_table
from .evaluate import Scope, compile_expression
from .grammar import parse
from .pushdown import scanner
from .select import Relation, Result

TEXT = types.VARCHAR
# As much of a statement goes into the log.
LOGGED = 20000
PRIVILEGES = {"create_database": "CREATE", "create_table": "CREATE",
              "create_like": "CREATE", "drop_database": "DROP",
              "drop_table": "DROP", "truncate": "ALTER", "alter": "ALTER",
              "cancel_alter": "ALTER", "insert": "INSERT",
              "delete": "DELETE", "update": "UPDATE"}


class Done:
    """An OK packet."""

    def __init__(self, affected=0, info=""):
        self.affected = affected
        self.info = info


class Executor:
    def __init__(self, cluster, session):
        self.cluster = cluster
        self.session = session
        self.catalog = cluster.catalog

    def execute(self, sql):
        """A Result or a Done; raises SqlError."""
        entry = self.cluster.manners.statement(
            sql=sql[:LOGGED], user=self.session.user, session=self.session.id,
            database=self.session.database, error=None)
        try:
            node = parse(sql, self.cluster.version)
            node["sql"] = sql
            self.check_privilege(node)
            return getattr(self, "do_" + node["kind"])(node)
        except SqlError as error:
            entry["error"] = error.text
            self.cluster.manners.complain("statement_rejected", error.text,
                                          sql=sql[:LOGGED])
            raise

    def check_privilege(self, node):
        privilege = PRIVILEGES.get(node["kind"])
        if privilege and not self.cluster.users.may(self.session.user,
                                                    privilege):
            name = node["name"]
            raise SqlError(
                "Access denied; you need (at least one of) the %s"
                " privilege(s) on %s for this operation. Please ask the admin"
                " to grant permission(s) or try activating existing roles"
                % (privilege, name if isinstance(name, str)
                   else ".".join(name)), 5203, "42000")

    # names

    def split(self, names):
        if len(names) == 3:
            names = names[1:]
        database = names[0] if len(names) == 2 else self.session.database
        return self.catalog.check_database(database), names[-1]

    def table(self, names):
        return self.catalog.table(*self.split(names))

    # data definition

    def do_create_database(self, node):
        with self.cluster.lock:
            self.catalog.create_database(node["name"], node["if_not_exists"])
        return Done()

    def do_drop_database(self, node):
        with self.cluster.lock:
            self.catalog.drop_database(node["name"], node["if_exists"])
        return Done()

    def do_create_table(self, node):
        with self.cluster.lock:
            database, _ = self.split(node["name"])
            self.catalog.create_table(database, node)
        return Done()

    def do_create_like(self, node):
        with self.cluster.lock:
            database, name = self.split(node["name"])
            like = self.table(node["like"])
            text = information.create_table(self.cluster, like)
            made = parse(text, self.cluster.version)
            made["name"] = [database, name]
            made["if_not_exists"] = node["if_not_exists"]
            self.catalog.create_table(database, made)
        return Done()

    def do_drop_table(self, node):
        with self.cluster.lock:
            database, name = self.split(node["name"])
            table = self.catalog.tables.get((database, name))
            if not table:
                if node["if_exists"]:
                    return Done()
                raise unknown_table("%s.%s" % (database, name))
            self.alter_must_be_idle(table)
            self.catalog.drop(table)
        return Done()

    def alter_must_be_idle(self, table):
        self.cluster.alter_jobs.check_idle(table)

    def do_truncate(self, node):
        with self.cluster.lock:
            table = self.table(node["name"])
            self.alter_must_be_idle(table)
            self.catalog.truncate(table)
        return Done()

    def do_alter(self, node):
        with self.cluster.lock:
            table = self.table(node["name"])
            first = node["clauses"][0]
            kind = first["kind"]
            if kind in ("add", "drop", "modify", "column_comment"):
                self.cluster.alter_jobs.start(table, node["clauses"],
                                              node["sql"],
                                              node["properties"])
                return Done()
            self.alter_must_be_idle(table)
            if kind == "rename":
                self.catalog.rename(table, first["to"])
            elif kind == "swap":
                self.catalog.swap(table, first["with"])
            elif kind == "rename_column":
                self.catalog.rename_column(table, first["name"], first["to"])
            elif kind == "comment":
                self.catalog.set_comment(table, first["text"])
            else:
                self.catalog.set_properties(table, first["properties"])
        return Done()

    def do_cancel_alter(self, node):
        with self.cluster.lock:
            self.cluster.alter_jobs.cancel(self.table(node["name"]))
        return Done()

    # data

    def do_insert(self, node):
        with self.cluster.lock:
            table = self.table(node["name"])
        if node["query"]:
            raise analyzing_error("The stand-in has no INSERT … SELECT")
        return Done(*mutate.insert(self.cluster, self.session, node, table))

    def do_delete(self, node):
        with self.cluster.lock:
            table = self.table(node["name"])
        return Done(*mutate.delete(self.cluster, self.session, node, table))

    def do_update(self, node):
        with self.cluster.lock:
            table = self.table(node["name"])
        return Done(*mutate.update(self.cluster, self.session, node, table))

    def relation(self, node):
        source = node["from"]
        if source is None:
            return select.no_rows()
        if isinstance(source, dict):
            inner = self.do_select(source)
            return Relation([([node["alias"]], n, t)
                             for n, t in inner.columns],
                            lambda *hints: iter(inner.rows))
        database, name = self.split(source)
        alias = node["alias"]
        if database == "information_schema":
            found = information.relation(self.cluster, name)
            own = [alias] if alias else ["information_schema", name]
            return Relation([(own, n, t) for _, n, t in found.columns],
                            found.scan)
        if not self.cluster.users.may(self.session.user, "SELECT"):
            raise SqlError("Access denied; you need (at least one of) the"
                           " SELECT privilege(s) on TABLE %s for this"
                           " operation" % name, 5203, "42000")
        with self.cluster.lock:
            table = self.catalog.table(database, name)
        own = [alias] if alias else [database, name]
        return Relation([(own, c.name, c.type) for c in table.columns],
                        scanner(self.cluster.store, table))

    def do_select(self, node):
        try:
            return select.run(node, self.relation(node), self.session,
                              self.cluster.version)
        except sqlite3.OperationalError:
            # A schema change came in between: once more, with the new one.
            return select.run(node, self.relation(node), self.session,
                              self.cluster.version)

    # session

    def do_use(self, node):
        with self.cluster.lock:
            self.session.database = self.catalog.check_database(node["name"])
        return Done()

    def do_set(self, node):
        scope = Scope([], self.session, self.cluster.version)
        for name, expression in node["variables"]:
            value = compile_expression(expression, scope).value(())
            if not name.startswith("@"):
                self.session.variable(name)
            self.session.variables[name.lower()] = \
                None if value is None else str(value)
        return Done()

    def do_begin(self, node):
        """Parses everywhere; the stand-in never makes a transaction of it."""
        self.cluster.manners.complain(
            "sql_transaction", "a silent no-op before 3.5")
        return Done()

    do_commit = do_rollback = do_begin

    def do_nothing(self, node):
        return Done()

    def do_admin_set(self, node):
        config = node["properties"]
        transactions = self.cluster.transactions
        with self.cluster.lock:
            if "label_keep_max_num" in config:
                transactions.keep_count = int(config["label_keep_max_num"])
            if "label_keep_max_second" in config:
                transactions.keep_seconds = int(
                    config["label_keep_max_second"])
            if "max_running_txn_num_per_db" in config:
                transactions.max_running = int(
                    config["max_running_txn_num_per_db"])
        return Done()

    def do_unpreparable(self, node):
        raise SqlError("This command is not supported in the prepared"
                       " statement protocol yet", 1295, "HY000")

    def do_unsupported(self, node):
        raise analyzing_error("The stand-in has no " + node["what"])

    # SHOW

    def texts(self, columns, rows):
        return Result([(c, TEXT) for c in columns], rows)

    def filtered(self, columns, rows, node, like_column=0):
        """Applies LIKE or WHERE, ORDER BY and LIMIT of a SHOW."""
        if node.get("like") is not None:
            from .evaluate import like_pattern
            pattern = like_pattern(node["like"])
            rows = [r for r in rows if pattern.fullmatch(r[like_column])]
        columns = [(c, TEXT) if isinstance(c, str) else c for c in columns]
        query = {"distinct": False, "items": [(("star",), None, "*")],
                 "where": node.get("where"), "group_by": [], "having": None,
                 "order_by": node.get("order_by") or [],
                 "limit": node.get("limit"), "offset": node.get("offset", 0)}
        return select.run(query, information.plain_relation(columns, rows),
                          self.session, self.cluster.version)

    def do_describe(self, node):
        with self.cluster.lock:
            table = self.table(node["name"])
        return self.texts(
            ["Field", "Type", "Null", "Key", "Default", "Extra"],
            [(c.name, c.type.describe(), "YES" if c.null else "NO",
              "true" if c.key else "false", c.default_text(),
              "STORED GENERATED" if c.generated else "")
             for c in table.columns])

    def do_show_columns(self, node):
        with self.cluster.lock:
            table = self.table(node["name"])
        key = {"PRIMARY": "PRI", "UNIQUE": "UNI"}.get(table.keys_type, "DUP")
        columns = ["Field", "Type", "Null", "Key", "Default", "Extra"]
        rows = [[c.name, c.type.column_type(), "YES" if c.null else "NO",
                 key if c.key else "", c.default_text(), ""]
                for c in table.columns]
        if node["full"]:
            columns = columns[:2] + ["Collation"] + columns[2:] \
                + ["Privileges", "Comment"]
            rows = [r[:2] + [None] + r[2:] + ["", c.comment]
                    for r, c in zip(rows, table.columns)]
        return self.filtered(columns, rows, node)

    def do_show_tables(self, node):
        with self.cluster.lock:
            database = self.catalog.check_database(
                node["database"] or self.session.database)
            names = [t.name for t in self.catalog.tables_of(database)]
        columns = ["Tables_in_" + database]
        rows = [(n,) for n in names]
        if node["full"]:
            columns.append("Table_type")
            rows = [(n, "BASE TABLE") for n in names]
        return self.filtered(columns, rows, node)

    def do_show_databases(self, node):
        with self.cluster.lock:
            names = sorted(self.catalog.databases) + ["information_schema"]
        return self.filtered(["Database"], [(n,) for n in names], node)

    def do_show_table_status(self, node):
        with self.cluster.lock:
            database = self.catalog.check_database(
                node["database"] or self.session.database)
            rows = [(t.name, "StarRocks", None, information.when(t.created),
                     t.comment) for t in self.catalog.tables_of(database)]
        return self.filtered(["Name", "Engine", "Rows", "Create_time",
                              "Comment"], rows, node)

    def do_show_create_database(self, node):
        with self.cluster.lock:
            self.catalog.check_database(node["name"])
        return self.texts(["Database", "Create Database"], [
            (node["name"], "CREATE DATABASE `%s`" % node["name"])])

    def do_show_create_table(self, node):
        with self.cluster.lock:
            table = self.table(node["name"])
        return self.texts(["Table", "Create Table"], [
            (table.name, information.create_table(self.cluster, table))])

    def do_show_alter(self, node):
        with self.cluster.lock:
            database = self.catalog.check_database(
                node["database"] or self.session.database)
            columns, rows = information.alter_jobs(self.cluster, database)
        return self.filtered(columns, rows, node)

    def do_show_transaction(self, node):
        with self.cluster.lock:
            database = self.catalog.check_database(
                node["database"] or self.session.database)
            found = [t for t in self.cluster.transactions.by_id.values()
                     if t.database == database]
        if node["where"] is None:
            raise analyzing_error("should supply condition like: WHERE id="
                                  "your_transaction_id or WHERE label ="
                                  " 'load_label'")
        columns, rows = information.transactions(found)
        columns = columns + ["id"]
        rows = [r + (r[0],) for r in rows]
        result = self.filtered(columns, rows, node)
        return Result(result.columns[:-1], [r[:-1] for r in result.rows])

    def do_show_backends(self, node):
        if self.cluster.run_mode == "shared_data":
            return self.texts(information.backends(self.cluster)[0], [])
        return self.texts(*information.backends(self.cluster))

    def do_show_compute_nodes(self, node):
        columns, rows = information.compute_nodes(self.cluster)
        if self.cluster.run_mode != "shared_data":
            rows = []
        return self.texts(columns, rows)

    def do_show_frontends(self, node):
        return self.texts(*information.frontends(self.cluster))

    def do_show_variables(self, node):
        rows = sorted(self.session.all_variables().items())
        return self.filtered(["Variable_name", "Value"], rows, node)

    def do_show_empty(self, node):
        return self.texts(node["columns"], [])
