# SPDX-License-Identifier: Apache-2.0
"""SELECT over one relation."""

import itertools
import operator

from . import types
from .aggregates import Accumulator
from .errors import analyzing_error
from .evaluate import Compiled, Scope, compile_expression
from .values import order_key, to_stored


class Result:
    """Column names and types, and rows of stored forms."""

    def __init__(self, columns, rows):
        self.columns = columns
        self.rows = rows


class Relation:
    """`columns` are (qualifiers, name, type); `scan` gives stored rows and
    may use the hints (conditions, order, limit) to give fewer."""

    def __init__(self, columns, scan):
        self.columns = columns
        self.scan = scan


def no_rows():
    return Relation([], lambda *hints: [()])


def expand(node, columns):
    items = []
    for expression, alias, text in node["items"]:
        if expression[0] != "star":
            items.append((expression, alias or label_of(expression, text)))
            continue
        if not columns:
            raise analyzing_error("No tables used")
        for own, name, _ in columns:
            items.append((("column", list(own[-1:]) + [name]), name))
    return items


def label_of(expression, text):
    return expression[1][-1] if expression[0] == "column" else text


def substitute(expression, items, columns, columns_first=False):
    """An alias or a position of the select list."""
    if expression[0] == "literal" and expression[2] is types.BIGINT:
        if not 1 <= expression[1] <= len(items):
            raise analyzing_error("Position %d is not in select list"
                                  % expression[1])
        return items[expression[1] - 1][0]
    if expression[0] == "column" and len(expression[1]) == 1:
        name = expression[1][0].lower()
        if columns_first and any(c[1].lower() == name for c in columns):
            return expression
        for inner, alias in items:
            if alias.lower() == name:
                return inner
    return expression


def has_aggregate(node):
    from .aggregates import NAMES
    if not isinstance(node, (tuple, list)):
        return False
    if len(node) > 1 and node[0] == "call" and node[1] in NAMES:
        return True
    return any(has_aggregate(part) for part in node)


def bare_columns(node, groups):
    """The first column outside of aggregates and GROUP BY expressions."""
    from .aggregates import NAMES
    if not isinstance(node, (tuple, list)) or node in groups:
        return None
    if isinstance(node, tuple) and node and node[0] == "column":
        plain = [g for g in groups if g[0] == "column"]
        if any(g[1][-1].lower() == node[1][-1].lower() for g in plain):
            return None
        return node[1][-1]
    if len(node) > 1 and node[0] == "call" and node[1] in NAMES:
        return None
    for part in node:
        found = bare_columns(part, groups)
        if found:
            return found
    return None


def stored_getter(compiled):
    if compiled.stored:
        return compiled.stored
    type_, value = compiled.type, compiled.value

    def get(row):
        found = value(row)
        return None if found is None else to_stored(type_, found)

    return get


def run(node, relation, session, version):
    scope = Scope(relation.columns, session, version)
    items = expand(node, relation.columns)
    order = [(substitute(e, items, relation.columns), down, nulls)
             for e, down, nulls in node["order_by"]]
    groups = [substitute(e, items, relation.columns, True)
              for e in node["group_by"]]
    where = node["where"] and compile_expression(node["where"], scope)
    grouped = bool(groups) or has_aggregate([i[0] for i in items]) \
        or node["having"] is not None
    if grouped:
        scope.aggregates = []
        for expression in [i[0] for i in items] + [o[0] for o in order]:
            found = bare_columns(expression, groups)
            if found:
                raise analyzing_error(
                    "'%s' must be an aggregate expression or appear in GROUP"
                    " BY clause" % found)
    compiled = [compile_expression(e, scope) for e, _ in items]
    keys = [(compile_expression(e, scope), down, nulls)
            for e, down, nulls in order]
    having = node["having"] and compile_expression(
        substitute(node["having"], items, relation.columns), scope)
    limit = node["limit"]
    hint_limit = None
    if limit is not None and not grouped and not node["distinct"]:
        hint_limit = limit + node["offset"]
    rows = relation.scan(node["where"], None if grouped else order,
                         hint_limit)
    if where:
        test = where.value
        rows = (row for row in rows if test(row))
    if grouped:
        aggregates, scope.aggregates = scope.aggregates, None
        plain = [compile_expression(g, scope) for g in groups]
        rows = group(rows, plain, aggregates, len(relation.columns))
        if having:
            rows = [row for row in rows if having.value(row)]
    return finish(node, items, compiled, keys, rows)


def project(compiled, rows):
    """The rows of the result, one by one as they are asked for."""
    indexes = [c.index for c in compiled]
    if len(indexes) > 1 and None not in indexes:
        return map(operator.itemgetter(*indexes), rows)
    getters = [stored_getter(c) for c in compiled]
    return (tuple([get(row) for get in getters]) for row in rows)


def finish(node, items, compiled, keys, rows):
    if keys:
        rows = sorted_rows(rows, keys)
    out = project(compiled, rows)
    if node["distinct"]:
        out = iter(dict.fromkeys(out))
    if node["limit"] is not None:
        out = itertools.islice(out, node["offset"],
                               node["offset"] + node["limit"])
    columns = [(label, c.type if c.type.name != "NULL" else types.VARCHAR)
               for (_, label), c in zip(items, compiled)]
    return Result(columns, out)


def sorted_rows(rows, keys):
    rows = list(rows)
    for compiled, down, nulls in reversed(keys):
        value = compiled.value
        if nulls and (nulls == "FIRST") == down:
            flip = 3

            def key(row, value=value, flip=flip):
                found = value(row)
                return (flip, 0) if found is None else order_key(found)
        else:
            def key(row, value=value):
                return order_key(value(row))
        rows.sort(key=key, reverse=down)
    return rows


def group(rows, plain, aggregates, width):
    groups = {}
    for row in rows:
        key = tuple([p.value(row) for p in plain])
        entry = groups.get(key)
        if entry is None:
            entry = groups[key] = (row, accumulators(aggregates))
        for (_, inner, _, _), accumulator in zip(aggregates, entry[1]):
            accumulator.add(inner.value(row))
    if not groups and not plain:
        groups[()] = ((None,) * width, accumulators(aggregates))
    return [tuple(row) + (tuple(a.result() for a in found),)
            for row, found in groups.values()]


def accumulators(aggregates):
    return [Accumulator(name, inner.type, distinct, separator)
            for name, inner, distinct, separator in aggregates]


__all__ = ["Compiled", "Relation", "Result", "no_rows", "run"]
