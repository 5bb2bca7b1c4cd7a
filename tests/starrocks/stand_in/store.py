# SPDX-License-Identifier: Apache-2.0
"""The engine below: one SQLite file that survives kill -9."""

import json
import os
import pickle
import sqlite3
import threading

from .values import decoder

SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER);
CREATE TABLE IF NOT EXISTS databases (name TEXT PRIMARY KEY, id INTEGER);
CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY, definition TEXT);
CREATE TABLE IF NOT EXISTS transactions (id INTEGER PRIMARY KEY, record TEXT);
CREATE TABLE IF NOT EXISTS staged (id INTEGER PRIMARY KEY, payload BLOB);
CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, record TEXT);
"""


class Store:
    def __init__(self, folder):
        self.path = os.path.join(folder, "standin.sqlite")
        self.local = threading.local()
        self.connection = self.open()
        self.connection.executescript(SCHEMA)

    def open(self):
        connection = sqlite3.connect(self.path, isolation_level=None,
                                     check_same_thread=False, timeout=60)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-32000")
        return connection

    def reader(self):
        """This thread's own connection, for reading beside the writer."""
        if not hasattr(self.local, "connection"):
            self.local.connection = self.open()
        return self.local.connection

    def close_reader(self):
        connection = self.local.__dict__.pop("connection", None)
        if connection:
            connection.close()

    def execute(self, sql, values=()):
        return self.connection.execute(sql, values)

    def __enter__(self):
        self.connection.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, kind, error, trace):
        self.connection.execute("ROLLBACK" if kind else "COMMIT")

    def next_number(self, name, start):
        row = self.execute("SELECT value FROM counters WHERE name = ?",
                           (name,)).fetchone()
        value = row[0] + 1 if row else start
        self.execute("REPLACE INTO counters VALUES (?, ?)", (name, value))
        return value

    def put(self, where, id_, record):
        self.execute("REPLACE INTO %s VALUES (?, ?)" % where,
                     (id_, json.dumps(record)))

    def remove(self, where, id_):
        self.execute("DELETE FROM %s WHERE id = ?" % where, (id_,))

    def records(self, where):
        return [json.loads(row[1]) for row in self.execute(
            "SELECT * FROM %s ORDER BY id" % where)]

    def stage(self, id_, payload):
        self.execute("REPLACE INTO staged VALUES (?, ?)",
                     (id_, pickle.dumps(payload, pickle.HIGHEST_PROTOCOL)))

    def staged(self, id_):
        row = self.execute("SELECT payload FROM staged WHERE id = ?",
                           (id_,)).fetchone()
        return pickle.loads(row[0]) if row else None

    # the rows of tables

    def create_data(self, table):
        fields = [c.field for c in table.columns]
        key = ""
        if table.is_unique:
            key = ", PRIMARY KEY (%s)" % ", ".join(
                c.field for c in table.key_columns())
        self.execute("CREATE TABLE %s (%s%s)"
                     % (table.data, ", ".join(fields), key))

    def drop_data(self, table):
        self.execute("DROP TABLE IF EXISTS %s" % table.data)

    def truncate_data(self, table):
        self.execute("DELETE FROM %s" % table.data)

    def add_column(self, table, column, value):
        self.execute("ALTER TABLE %s ADD COLUMN %s"
                     % (table.data, column.field))
        if value is not None:
            self.execute("UPDATE %s SET %s = ?" % (table.data, column.field),
                         (value,))

    def drop_column(self, table, column):
        self.execute("ALTER TABLE %s DROP COLUMN %s"
                     % (table.data, column.field))

    def rewrite_column(self, table, old, new, function):
        """Fills the new column from the old one, value by value."""
        self.execute("ALTER TABLE %s ADD COLUMN %s" % (table.data, new.field))
        self.connection.create_function("rewrite_value", 1, function)
        self.execute("UPDATE %s SET %s = rewrite_value(%s)"
                     % (table.data, new.field, old.field))
        self.drop_column(table, old)

    def apply(self, table, changes, fill):
        """Brings a Changes into the table as it is now.  `fill` gives the
        value of a column that the Changes do not know."""
        known = {id_: n for n, id_ in enumerate(changes.column_ids)}
        given = [c for c in table.columns if c.id in known]
        missing = [c for c in table.columns if c.id not in known]
        same = [c.id for c in given] == list(changes.column_ids)
        if changes.deletes:
            self.delete(table, changes.deletes)
        rows = changes.upserts
        if changes.condition in known:
            rows = self.newer(table, changes, known)
        if not rows:
            return
        if missing:
            rest = tuple(fill(c) for c in missing)
            places = [known[c.id] for c in given]
            rows = (tuple([row[p] for p in places]) + rest for row in rows)
        elif not same:
            places = [known[c.id] for c in given]
            rows = (tuple([row[p] for p in places]) for row in rows)
        fields = [c.field for c in given + missing]
        sql = "INTO %s (%s) VALUES (%s)" % (
            table.data, ", ".join(fields), ", ".join("?" * len(fields)))
        if changes.partial:
            keys = [c.field for c in table.key_columns()]
            sets = ["%s = excluded.%s" % (c.field, c.field) for c in given
                    if c.field not in keys]
            sql = "INSERT %s ON CONFLICT (%s) DO %s" % (
                sql, ", ".join(keys),
                "UPDATE SET " + ", ".join(sets) if sets else "NOTHING")
        elif table.is_unique:
            sql = "INSERT OR REPLACE " + sql
        else:
            sql = "INSERT " + sql
        self.connection.executemany(sql, rows)

    def newer(self, table, changes, known):
        """The rows whose condition column is not below the stored one."""
        condition = next(c for c in table.columns
                         if c.id == changes.condition)
        decode = decoder(condition.type) or (lambda v: v)
        keys = table.key_columns()
        sql = "SELECT %s FROM %s WHERE %s" % (
            condition.field, table.data,
            " AND ".join("%s IS ?" % c.field for c in keys))
        rows = []
        for row in changes.upserts:
            found = self.execute(sql, [row[known[c.id]]
                                       for c in keys]).fetchone()
            new = row[known[condition.id]]
            if found is None or found[0] is None or (
                    new is not None and decode(new) >= decode(found[0])):
                rows.append(row)
        return rows

    def delete(self, table, keys):
        where = " AND ".join("%s IS ?" % c.field
                             for c in table.key_columns())
        self.connection.executemany(
            "DELETE FROM %s WHERE %s" % (table.data, where), keys)
