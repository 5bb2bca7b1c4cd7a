# SPDX-License-Identifier: Apache-2.0
"""INSERT, UPDATE and DELETE."""

from .changes import Changes
from .convert import Bad
from .errors import SqlError, analyzing_error, unknown_column
from .evaluate import Scope, compile_expression
from .pushdown import scanner
from .session import new_label
from .transactions import LabelExists, TransactionError
from .values import to_stored

MOST_ROWS = 10000


class Mutation:
    """One statement's way through a transaction of its own."""

    def __init__(self, cluster, session, table, label=None):
        self.cluster = cluster
        self.session = session
        self.table = table
        self.label = label or new_label()

    def commit(self, changes):
        """The info text of the OK packet."""
        cluster = self.cluster
        with cluster.lock:
            try:
                transaction = cluster.transactions.begin(
                    self.table.database, self.table, self.label, "INSERT",
                    timeout=300)
                cluster.transactions.commit(transaction, [changes])
            except LabelExists as error:
                raise SqlError(str(error)) from None
            except TransactionError as error:
                raise SqlError(str(error)) from None
        transaction.done.wait(300)
        return "{'label':'%s', 'status':'%s', 'txnId':'%d'}" % (
            self.label, transaction.state, transaction.id)

    def stored(self, column, compiled, value):
        """A computed value in the column's stored form."""
        if value is None:
            return None
        if not isinstance(value, bytes):
            value = to_stored(compiled.type, value)
        if isinstance(value, bytes) and column.type.name != "VARBINARY":
            value = value.decode("utf-8", "replace")
        try:
            return self.cluster.catalog.converter_of(column)(value)
        except Bad as error:
            raise SqlError("Insert has filtered data: %s" % error, 5604,
                           "22000") from None


def key_of(table, columns, row):
    return tuple(row[columns.index(c)] for c in table.key_columns())


def insert(cluster, session, node, table):
    names = node["columns"]
    loadable = [c for c in table.columns if not c.generated]
    columns = loadable if names is None else []
    for name in names or []:
        column = table.column(name)
        if not column:
            raise unknown_column(name, table.name)
        if column in columns:
            raise analyzing_error("Column '%s' specified twice" % name)
        if column.generated:
            raise analyzing_error("generated column: %s can not be specified"
                                  % name)
        columns.append(column)
    partial = names is not None and table.is_primary \
        and len(columns) < len(loadable) \
        and cluster.version.insert_list_is_partial_update
    missing = [c for c in loadable if c not in columns]
    for column in missing:
        if column.key or not (partial or column.has_default):
            raise analyzing_error("'%s' must be explicitly mentioned in"
                                  " column permutation" % column.name)
    if len(node["rows"]) > MOST_ROWS:
        raise analyzing_error("Expression child number %d exceeded the"
                              " maximum %d" % (len(node["rows"]), MOST_ROWS))
    mutation = Mutation(cluster, session, table, node["label"])
    rows = evaluate_rows(mutation, node, columns, session)
    everything = columns if partial else columns + missing
    rest = [] if partial else [cluster.catalog.fill(c) for c in missing]
    computed = [c for c in table.columns if c.generated and not partial]
    changes = Changes(table, [c.id for c in everything + computed], partial)
    final = {}
    for row in rows:
        row = row + rest
        for column, value in zip(everything, row):
            if value is None and not column.null:
                raise SqlError("Insert has filtered data: NULL value in"
                               " non-nullable column '%s'" % column.name,
                               5604, "22000")
        row += generate(mutation, computed, everything, row)
        if table.is_unique:
            final[key_of(table, everything, row)] = tuple(row)
        else:
            changes.upserts.append(tuple(row))
    changes.upserts += final.values()
    return len(rows), mutation.commit(changes)


def generate(mutation, computed, columns, row):
    from .expression_grammar import parse_expression
    version = mutation.cluster.version
    scope = Scope([([], c.name, c.type) for c in columns], None, version)
    out = []
    for column in computed:
        compiled = compile_expression(
            parse_expression(column.generated, version), scope)
        out.append(mutation.stored(column, compiled, compiled.value(row)))
    return out


def evaluate_rows(mutation, node, columns, session):
    scope = Scope([], session, mutation.cluster.version)
    rows = []
    for given in node["rows"]:
        if len(given) != len(columns):
            raise analyzing_error("Column count doesn't match value count")
        row = []
        for column, expression in zip(columns, given):
            if expression[0] == "default":
                row.append(mutation.cluster.catalog.fill(column))
                continue
            compiled = compile_expression(expression, scope)
            row.append(mutation.stored(column, compiled,
                                       compiled.value(())))
        rows.append(row)
    return rows


def matching(cluster, session, table, where):
    """The rows that a WHERE chooses, and the scope they live in."""
    scope = Scope([([table.database, table.name], c.name, c.type)
                   for c in table.columns], session, cluster.version)
    rows = scanner(cluster.store, table)(where)
    if where is not None:
        test = compile_expression(where, scope).value
        rows = [row for row in rows if test(row)]
    return list(rows), scope


def delete(cluster, session, node, table):
    if node["using"]:
        raise analyzing_error("The stand-in has no DELETE USING")
    if node["where"] is None:
        raise analyzing_error("Delete must specify where clause to prevent"
                              " full table delete")
    if not table.is_primary:
        raise analyzing_error("The stand-in deletes from primary key tables"
                              " only")
    rows, _ = matching(cluster, session, table, node["where"])
    changes = Changes(table, [c.id for c in table.columns])
    changes.deletes = [key_of(table, table.columns, r) for r in rows]
    info = Mutation(cluster, session, table).commit(changes)
    return len(rows), info


def update(cluster, session, node, table):
    if not table.is_primary:
        raise analyzing_error("table %s is not primary key table, update is"
                              " not supported" % table.name)
    if node["where"] is None:
        raise analyzing_error("must specify where clause to prevent full"
                              " table update")
    mutation = Mutation(cluster, session, table)
    rows, scope = matching(cluster, session, table, node["where"])
    assigned = {}
    for name, expression in node["assignments"]:
        column = table.column(name)
        if not column:
            raise unknown_column(name, table.name)
        if column.key:
            raise analyzing_error("primary key column cannot be updated: %s"
                                  % name)
        assigned[table.columns.index(column)] = (
            column, compile_expression(expression, scope))
    changes = Changes(table, [c.id for c in table.columns])
    for row in rows:
        new = list(row)
        for index, (column, compiled) in assigned.items():
            new[index] = mutation.stored(column, compiled,
                                         compiled.value(row))
            if new[index] is None and not column.null:
                raise SqlError("NULL value in non-nullable column '%s'"
                               % column.name)
        changes.upserts.append(tuple(new))
    return len(rows), mutation.commit(changes)


