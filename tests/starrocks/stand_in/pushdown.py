# SPDX-License-Identifier: Apache-2.0
"""Reads a table's rows; conditions that the engine below understands the
same way are handed down, so that a key range does not read everything.
The evaluator checks all conditions again on what comes up."""

PLAIN = frozenset(["BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT"])
TEXT = frozenset(["VARCHAR", "CHAR"])
OPERATORS = ("=", "<", "<=", ">", ">=")


class Conditions:
    def __init__(self, table):
        self.table = table
        self.values = []

    def column(self, node):
        if node[0] != "column":
            return None
        return self.table.column(node[1][-1])

    def literal(self, node, column):
        """A one-item list with the value to compare with, or None."""
        if node[0] != "literal" or node[1] is None:
            return None
        if column.type.name in PLAIN and node[2].name in ("BIGINT",
                                                          "BOOLEAN"):
            return [node[1]]
        if column.type.name in TEXT and node[2].name == "VARCHAR":
            return [node[1]]
        return None

    def sql(self, node):
        """The condition as SQL of the engine below, or None."""
        if node[0] == "binary" and node[1] in ("AND", "OR"):
            left = self.sql(node[2])
            right = self.sql(node[3])
            if left and right:
                return "(%s %s %s)" % (left, node[1], right)
            return None
        if node[0] == "binary" and node[1] in OPERATORS:
            return self.comparison(node)
        if node[0] == "in" and not node[3]:
            column = self.column(node[1])
            values = column and [self.literal(i, column) for i in node[2]]
            if not values or None in values or len(values) > 10000:
                return None
            self.values += [v[0] for v in values]
            return "%s IN (%s)" % (column.field,
                                   ",".join("?" * len(values)))
        return None

    def comparison(self, node):
        column = self.column(node[2])
        value = column and self.literal(node[3], column)
        if not value:
            return None
        self.values += value
        return "%s %s ?" % (column.field, node[1])

    def conjunction(self, node):
        """(sql, complete): as much as can be handed down."""
        if node is None:
            return "", True
        if node[0] == "binary" and node[1] == "AND":
            left, all_left = self.conjunction(node[2])
            right, all_right = self.conjunction(node[3])
            both = [s for s in (left, right) if s]
            return " AND ".join(both), all_left and all_right
        before = len(self.values)
        text = self.sql(node)
        if text is None:
            del self.values[before:]
            return "", False
        return text, True


def order_sql(table, order):
    """ORDER BY of the engine below, or None if it would differ."""
    parts = []
    for node, down, nulls in order:
        column = table.column(node[1][-1]) if node[0] == "column" else None
        if not column or nulls or \
           column.type.name not in PLAIN | TEXT | {"DATE", "DATETIME"}:
            return None
        parts.append(column.field + (" DESC" if down else ""))
    return " ORDER BY " + ", ".join(parts) if parts else ""


def scanner(store, table):
    fields = ", ".join(c.field for c in table.columns)

    def scan(where=None, order=None, limit=None):
        conditions = Conditions(table)
        text, complete = conditions.conjunction(where)
        sql = "SELECT %s FROM %s" % (fields, table.data)
        if text:
            sql += " WHERE " + text
        if limit is not None and complete and order is not None:
            ordered = order_sql(table, order)
            if ordered is not None:
                sql += ordered + " LIMIT %d" % limit
        return store.reader().execute(sql, conditions.values)

    return scan
