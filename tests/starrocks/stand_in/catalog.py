# SPDX-License-Identifier: Apache-2.0
"""Databases and tables, and what DDL does to them."""

from . import rules
from .changes import default_value
from .convert import converter, print_stored
from .errors import (SqlError, analyzing_error, unknown_database,
                     unknown_table)
from .table import Column, Table
from .types import Type


class Catalog:
    """All methods are called with the cluster's lock held."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.store = cluster.store
        self.databases = {}
        self.tables = {}

    def load(self):
        for name, id_ in self.store.execute("SELECT * FROM databases"):
            self.databases[name] = id_
        for record in self.store.records("tables"):
            table = Table.from_json(record)
            self.tables[table.database, table.name] = table

    # lookup

    def check_database(self, name):
        if not name:
            raise SqlError("No database selected", 1046, "3D000")
        if name not in self.databases and name != "information_schema":
            raise unknown_database(name)
        return name

    def table(self, database, name):
        self.check_database(database)
        table = self.tables.get((database, name))
        if not table:
            raise unknown_table("%s.%s" % (database, name))
        return table

    def tables_of(self, database):
        return sorted((t for t in self.tables.values()
                       if t.database == database), key=lambda t: t.name)

    def by_id(self, id_):
        for table in self.tables.values():
            if table.id == id_:
                return table
        return None

    # databases

    def create_database(self, name, if_not_exists):
        rules.check_database_name(name)
        if name in self.databases or name == "information_schema":
            if if_not_exists:
                return
            raise SqlError("Can't create database '%s'; database exists"
                           % name, 1007, "HY000")
        with self.store:
            id_ = self.store.next_number("object", 10100)
            self.store.execute("INSERT INTO databases VALUES (?, ?)",
                               (name, id_))
        self.databases[name] = id_

    def drop_database(self, name, if_exists):
        if name not in self.databases:
            if if_exists:
                return
            raise SqlError("Can't drop database '%s'; database doesn't exist"
                           % name, 1008, "HY000")
        for table in self.tables_of(name):
            self.drop(table)
        with self.store:
            self.store.execute("DELETE FROM databases WHERE name = ?",
                               (name,))
        del self.databases[name]

    # tables

    def create_table(self, database, node):
        self.check_database(database)
        name = node["name"][-1]
        version = self.cluster.version
        existing = self.tables.get((database, name))
        if existing and node["if_not_exists"]:
            return
        rules.check_create(node, version, self.cluster.run_mode,
                           len(self.cluster.alive_backends()))
        if existing:
            raise SqlError("Table '%s' already exists" % name, 1050, "42S01")
        columns = []
        keys = [k.lower() for k in node["keys"]]
        for number, given in enumerate(node["columns"], 1):
            column = self.make_column(number, given)
            column.key = given["name"].lower() in keys
            columns.append(column)
        with self.store:
            table = Table(
                id=self.store.next_number("object", 10100),
                database=database, name=name, keys_type=node["keys_type"],
                keys=[c.name for c in columns if c.key], hash=node["hash"],
                buckets=node["buckets"], order_by=node["order_by"],
                properties=self.complete(node["properties"]),
                comment=node["comment"], next_column=len(columns) + 1,
                columns=columns)
            self.store.create_data(table)
            self.store.put("tables", table.id, table.to_json())
        self.tables[database, name] = table

    def make_column(self, number, given):
        return Column(number, given["name"], given["type"], given["null"],
                      given["default"], given["comment"], given["generated"],
                      False, given["aggregate"])

    def complete(self, properties):
        """The properties with the server's defaults."""
        version = self.cluster.version
        full = dict(properties)
        if self.cluster.run_mode == "shared_nothing":
            full.setdefault("replication_num", "3")
        else:
            full["replication_num"] = "1"
        full.setdefault("enable_persistent_index",
                        "true" if version.at_least(3, 1) else "false")
        fast = version.at_least(3, 2) and (
            self.cluster.run_mode == "shared_nothing"
            or version.at_least(3, 3))
        if fast:
            full.setdefault("fast_schema_evolution", "true")
        full.setdefault("compression", "LZ4")
        full.setdefault("replicated_storage", "true")
        return full

    def put(self, table, old=None):
        """Inside a store transaction: saves the table's new definition."""
        self.store.put("tables", table.id, table.to_json())
        if old:
            del self.tables[old.database, old.name]
        self.tables[table.database, table.name] = table

    def drop(self, table):
        with self.store:
            self.store.drop_data(table)
            self.store.remove("tables", table.id)
        del self.tables[table.database, table.name]

    def truncate(self, table):
        with self.store:
            self.store.truncate_data(table)

    def rename(self, table, name):
        rules.check_table_name(name)
        if (table.database, name) in self.tables:
            raise SqlError("Table '%s' already exists" % name, 1050, "42S01")
        with self.store:
            self.put(table.altered(name=name), table)

    def swap(self, table, name):
        other = self.table(table.database, name)
        del self.tables[table.database, table.name]
        del self.tables[table.database, other.name]
        with self.store:
            self.put(table.altered(name=other.name))
            self.put(other.altered(name=table.name))

    def set_comment(self, table, text):
        with self.store:
            self.put(table.altered(comment=text))

    def set_properties(self, table, properties):
        rules.check_properties(
            {**properties, "replication_num": "1"}, self.cluster.version,
            self.cluster.run_mode, len(self.cluster.alive_backends()))
        with self.store:
            self.put(table.altered(
                properties={**table.properties, **properties}))

    def rename_column(self, table, name, to):
        if not self.cluster.version.at_least(3, 3, 2):
            raise analyzing_error("Rename column is not supported")
        column = table.column(name)
        if not column:
            raise analyzing_error("Column '%s' does not exist" % name)
        if table.column(to) or to.lower() in table.retired:
            raise analyzing_error("Column name[%s] is already used" % to)
        rules.check_column_name(to)
        new = table.altered(retired=table.retired + [name.lower()])
        for each in new.columns:
            if each.id == column.id:
                each.name = to
        rename = {column.name.lower(): to}
        for field in ("keys", "hash", "order_by"):
            if getattr(new, field):
                setattr(new, field, [rename.get(n.lower(), n)
                                     for n in getattr(new, field)])
        with self.store:
            self.put(Table.from_json(new.to_json()))

    # columns

    def converter_of(self, column):
        return converter(column.name, column.type, "text",
                         self.cluster.version, rules.no_notice)

    def fill(self, column):
        return default_value(column, self.converter_of)

    def place(self, columns, column, place, key_count):
        if place is None:
            columns.append(column)
        elif place[0] == "first":
            if key_count:
                raise analyzing_error("Invalid column order. value column"
                                      " should be after key column")
            columns.insert(0, column)
        else:
            names = [c.name.lower() for c in columns]
            if place[1].lower() not in names:
                raise analyzing_error("Column[%s] does not found" % place[1])
            index = names.index(place[1].lower()) + 1
            if index < key_count:
                raise analyzing_error("Invalid column order. value column"
                                      " should be after key column")
            columns.insert(index, column)

    def check_clauses(self, table, clauses):
        """Raises what a schema change would raise, changes nothing."""
        self.changed(table, clauses)

    def changed(self, table, clauses):
        """The altered table and the steps that the rows need."""
        columns = table.altered().columns
        steps = []
        number = table.next_column
        for clause in clauses:
            if clause["kind"] == "add":
                for given in clause["columns"]:
                    column = self.added(table, columns, given, number)
                    number += 1
                    self.place(columns, column, clause["place"],
                               len(table.keys))
                    steps.append(("add", column))
            elif clause["kind"] == "drop":
                column = self.dropped(table, columns, clause["name"])
                columns.remove(column)
                steps.append(("drop", column))
            elif clause["kind"] == "modify":
                number = self.modified(table, columns, clause, number, steps)
            else:
                self.find(columns, clause["name"]).comment = clause["text"]
        return table.altered(columns=columns, next_column=number), steps

    def find(self, columns, name):
        for column in columns:
            if column.name.lower() == name.lower():
                return column
        raise analyzing_error("Column does not exists: %s" % name)

    def added(self, table, columns, given, number):
        rules.check_column(given, table.keys_type, self.cluster.version)
        name = given["name"]
        if any(c.name.lower() == name.lower() for c in columns):
            raise analyzing_error("Can not add column which already exists in"
                                  " base table: %s" % name)
        if name.lower() in table.retired:
            raise analyzing_error("Column name[%s] was renamed before and can"
                                  " not be added" % name)
        if given["key"] and table.is_primary:
            raise analyzing_error("Can not add key column to primary key"
                                  " table: %s" % name)
        if not given["null"] and given["default"] is None:
            raise analyzing_error("Can not add non-nullable column without a"
                                  " default value: %s" % name)
        return self.make_column(number, given)

    def dropped(self, table, columns, name):
        column = self.find(columns, name)
        if column.key:
            raise analyzing_error("Can not drop key column in %s table: %s"
                                  % (table.keys_type.lower(), name))
        if table.order_by and name.lower() in (
                n.lower() for n in table.order_by):
            raise analyzing_error("Can not drop sort column: %s" % name)
        return column

    def modified(self, table, columns, clause, number, steps):
        given = clause["column"]
        old = self.find(columns, given["name"])
        if old.key or given["name"].lower() in (
                n.lower() for n in table.order_by or []):
            raise analyzing_error("Can not modify key or sort column: %s"
                                  % given["name"])
        rules.check_column(given, table.keys_type, self.cluster.version)
        if old.null and not given["null"]:
            raise analyzing_error("Can not change from nullable to"
                                  " non-nullable")
        if given["default"] != old.default:
            raise analyzing_error("Can not change default value")
        rules.check_type_change(old.type, given["type"])
        new = self.make_column(number, given)
        new.was = [old.id, old.type.to_json()]
        index = columns.index(old)
        columns.remove(old)
        if clause["place"]:
            self.place(columns, new, clause["place"], len(table.keys))
        else:
            columns.insert(index, new)
        steps.append(("modify", old, new))
        return number + 1

    def change_schema(self, table, clauses):
        """Does the schema change: definition and rows at once."""
        new, steps = self.changed(table, clauses)
        with self.store:
            for step in steps:
                if step[0] == "add":
                    self.store.add_column(table, step[1], self.fill(step[1]))
                elif step[0] == "drop":
                    self.store.drop_column(table, step[1])
                else:
                    self.rewrite(table, step[1], step[2])
            self.put(new)

    def rewrite(self, table, old, new):
        self.store.rewrite_column(table, old, new,
                                  self.carrier(old.type, new))

    def carrier(self, old_type, column):
        """A function from the stored form before a MODIFY to the one after
        it."""
        convert = self.converter_of(column)

        def carry(value):
            if value is None:
                return None
            if isinstance(value, bytes):
                return convert(value)
            return convert(print_stored(old_type, value))

        return carry

    # rows

    def apply(self, changes):
        """A committed load meets the table as it is now."""
        table = self.by_id(changes.table_id)
        if table:
            self.store.apply(table, self.carried(table, changes), self.fill)

    def carried(self, table, changes):
        """A load that was planned before a MODIFY, in the new types."""
        ids = list(changes.column_ids)
        for column in table.columns:
            if column.id in ids or not column.was \
               or column.was[0] not in ids:
                continue
            place = ids.index(column.was[0])
            carry = self.carrier(Type.from_json(column.was[1]), column)
            changes.upserts = [
                row[:place] + (carry(row[place]),) + row[place + 1:]
                for row in changes.upserts]
            ids[place] = column.id
        changes.column_ids = ids
        return changes
