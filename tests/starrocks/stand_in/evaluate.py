# SPDX-License-Identifier: Apache-2.0
"""Turns the grammar's expressions into functions of a row."""

import math
import re
from decimal import Decimal

from . import aggregates, types
from .errors import analyzing_error, unknown_column
from .functions import FUNCTIONS, NULL_AWARE
from .values import (EXACT, NUMERIC, caster, comparers, decoder, to_number,
                     to_text)

COMPARE = {"=": lambda a, b: a == b, "<>": lambda a, b: a != b,
           "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
           ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


class Compiled:
    """A type and a function; a plain column also has a function that gives
    the stored form, and its index."""
    __slots__ = ("type", "value", "stored", "index")

    def __init__(self, type_, value, stored=None, index=None):
        self.type = type_
        self.value = value
        self.stored = stored
        self.index = index


class Scope:
    """The columns that a row has: (qualifiers, name, type) each."""

    def __init__(self, columns, session=None, version=None):
        self.columns = columns
        self.session = session
        self.version = version
        self.aggregates = None

    def find(self, names):
        name = names[-1].lower()
        qualifiers = [n for n in names[:-1]]
        found = [n for n, (own, column, _) in enumerate(self.columns)
                 if column.lower() == name
                 and (not qualifiers or own[-len(qualifiers):] == qualifiers)]
        if not found:
            raise unknown_column(".".join(names))
        if len(found) > 1:
            raise analyzing_error("Column '%s' is ambiguous" % names[-1])
        return found[0]


def literal(value, type_):
    return Compiled(type_, lambda row: value)


def compile_expression(node, scope):
    return getattr(Compiler(scope), node[0])(node)


class Compiler:
    def __init__(self, scope):
        self.scope = scope

    def compile(self, node):
        return getattr(self, node[0])(node)

    def literal(self, node):
        return literal(node[1], node[2])

    def star(self, node):
        raise analyzing_error("* is not allowed here")

    def column(self, node):
        index = self.scope.find(node[1])
        type_ = self.scope.columns[index][2]
        decode = decoder(type_)

        def stored(row):
            return row[index]

        if not decode:
            return Compiled(type_, stored, stored, index)

        def value(row):
            found = row[index]
            return None if found is None else decode(found)

        return Compiled(type_, value, stored, index)

    def variable(self, node):
        if not self.scope.session:
            raise analyzing_error("Variables are not allowed here")
        value = self.scope.session.variable(node[1])
        return literal(value, types.VARCHAR)

    def cast(self, node):
        inner = self.compile(node[1])
        cast = caster(inner.type, node[2], self.scope.version)

        def value(row):
            found = inner.value(row)
            return None if found is None else cast(found)

        return Compiled(node[2] if node[2].name != "NULL" else types.VARCHAR,
                        value)

    def unary(self, node):
        inner = self.compile(node[2])
        sign = {"-": lambda v: -v, "+": lambda v: v,
                "~": lambda v: ~v}[node[1]]

        def value(row):
            found = inner.value(row)
            if found is None:
                return None
            found = to_number(inner.type, found)
            return None if found is None else sign(found)

        return Compiled(inner.type if inner.type.name in NUMERIC
                        else types.DOUBLE, value)

    def binary(self, node):
        _, operator, left, right = node
        if operator in ("AND", "OR"):
            return self.logic(operator, left, right)
        a = self.compile(left)
        b = self.compile(right)
        if operator in COMPARE or operator == "<=>":
            return self.comparison(operator, a, b)
        return self.arithmetic(operator, a, b)

    def logic(self, operator, left, right):
        a = self.compile(left).value
        b = self.compile(right).value
        decisive = operator == "OR"

        def value(row):
            x = a(row)
            if x is not None and bool(x) == decisive:
                return int(decisive)
            y = b(row)
            if y is not None and bool(y) == decisive:
                return int(decisive)
            return None if x is None or y is None else int(not decisive)

        return Compiled(types.BOOLEAN, value)

    def comparison(self, operator, a, b):
        ours, theirs = comparers(a.type, b.type)
        left, right = a.value, b.value
        null_safe = operator == "<=>"
        compare = COMPARE["=" if null_safe else operator]

        def value(row):
            x = left(row)
            y = right(row)
            if x is None or y is None:
                return int(x is y) if null_safe else None
            x = ours(x)
            y = theirs(y)
            if x is None or y is None:
                return None
            return int(compare(x, y))

        return Compiled(types.BOOLEAN, value)

    def arithmetic(self, operator, a, b):
        names = {a.type.name, b.type.name}
        floating = names & {"FLOAT", "DOUBLE"} or names - NUMERIC
        if operator == "/" or floating and operator != "DIV":
            type_ = types.DOUBLE
        elif "DECIMAL" in names:
            scales = [t.scale or 0 for t in (a.type, b.type)]
            scale = sum(scales) if operator == "*" else max(scales)
            type_ = types.Type("DECIMAL", precision=38, scale=min(scale, 38))
        else:
            type_ = types.LARGEINT if "LARGEINT" in names else types.BIGINT

        def compute(x, y):
            if type_ is types.DOUBLE:
                x, y = float(x), float(y)
            if operator == "+":
                return x + y
            if operator == "-":
                return x - y
            if operator == "*":
                return x * y
            if operator in "&|^":
                x, y = int(x), int(y)
                return x & y if operator == "&" else \
                    x | y if operator == "|" else x ^ y
            if not y:
                return None
            if operator == "/":
                return x / y
            if operator == "DIV":
                return math.trunc(Decimal(x) / Decimal(y))
            if isinstance(x, float):
                return math.fmod(x, y)
            return x - y * math.trunc(Decimal(x) / Decimal(y))

        def value(row):
            x = a.value(row)
            y = b.value(row)
            if x is None or y is None:
                return None
            x = to_number(a.type, x)
            y = to_number(b.type, y)
            return None if x is None or y is None else compute(x, y)

        return Compiled(type_, value)

    def __getattr__(self, name):
        rule = {"not": self.negation, "in": self.membership}.get(name)
        if rule is None:
            raise AttributeError(name)
        return rule

    def negation(self, node):
        inner = self.compile(node[1]).value

        def value(row):
            found = inner(row)
            return None if found is None else int(not found)

        return Compiled(types.BOOLEAN, value)

    def membership(self, node):
        _, left, items, negated = node
        subject = self.compile(left)
        tests = [self.comparison("=", subject, self.compile(item)).value
                 for item in items]
        if all(item[0] == "literal" and item[1] is not None
               for item in items):
            fast = self.constant_membership(subject, items, negated)
            if fast:
                return fast

        def value(row):
            results = [test(row) for test in tests]
            if any(results):
                return int(not negated)
            return None if None in results else int(negated)

        return Compiled(types.BOOLEAN, value)

    def constant_membership(self, subject, items, negated):
        kinds = {item[2].name for item in items}
        if len(kinds) != 1:
            return None
        ours, theirs = comparers(subject.type, items[0][2])
        wanted = {theirs(item[1]) for item in items}

        def value(row):
            found = subject.value(row)
            if found is None:
                return None
            return int((ours(found) in wanted) != negated)

        return Compiled(types.BOOLEAN, value)

    def between(self, node):
        _, subject, low, high, negated = node
        inside = ("binary", "AND", ("binary", ">=", subject, low),
                  ("binary", "<=", subject, high))
        return self.compile(("not", inside) if negated else inside)

    def is_null(self, node):
        inner = self.compile(node[1])
        look = inner.stored or inner.value
        negated = node[2]
        return Compiled(types.BOOLEAN,
                        lambda row: int((look(row) is None) != negated))

    def like(self, node):
        _, operator, left, pattern, negated = node
        subject = self.compile(left)
        wanted = self.compile(pattern)

        def value(row):
            x = subject.value(row)
            y = wanted.value(row)
            if x is None or y is None:
                return None
            text = to_text(subject.type, x)
            found = like_pattern(y).fullmatch(text) if operator == "LIKE" \
                else re.search(y, text)
            return int(bool(found) != negated)

        return Compiled(types.BOOLEAN, value)

    def case(self, node):
        _, operand, branches, otherwise = node
        tests = []
        results = []
        for when, then in branches:
            if operand is not None:
                when = ("binary", "=", operand, when)
            tests.append(self.compile(when).value)
            results.append(self.compile(then))
        final = self.compile(otherwise or ("literal", None, types.NULL))
        type_ = common_type([r.type for r in results + [final]])
        casts = [r.value if r.type == type_ else
                 self.converted(r, type_) for r in results + [final]]

        def value(row):
            for test, result in zip(tests, casts):
                if test(row):
                    return result(row)
            return casts[-1](row)

        return Compiled(type_, value)

    def converted(self, inner, type_):
        cast = caster(inner.type, type_, self.scope.version)

        def value(row):
            found = inner.value(row)
            return None if found is None else cast(found)

        return value

    def call(self, node):
        _, name, arguments, distinct = node
        if name in aggregates.NAMES:
            return self.aggregate(name, arguments, distinct)
        if name in ("VERSION", "CURRENT_VERSION", "DATABASE", "SCHEMA",
                    "USER", "CURRENT_USER", "SESSION_USER", "CONNECTION_ID",
                    "CATALOG", "CURRENT_ROLE"):
            return literal(self.scope.session.information(name),
                           types.BIGINT if name == "CONNECTION_ID"
                           else types.VARCHAR)
        known = FUNCTIONS.get(name)
        if not known:
            raise analyzing_error("No matching function with signature: %s("
                                  "...)" % name.lower())
        fewest, most, result, implementation = known
        if not fewest <= len(arguments) <= most:
            raise analyzing_error("No matching function with signature: %s"
                                  " with %d arguments"
                                  % (name.lower(), len(arguments)))
        compiled = [self.compile(a) for a in arguments]
        kinds = [c.type for c in compiled]
        getters = [c.value for c in compiled]
        if result is None:
            chosen = kinds[1:] if name == "IF" else kinds
            result = common_type(chosen)
            skip = 1 if name == "IF" else 0
            getters = [c.value if n < skip or c.type == result
                       else self.converted(c, result)
                       for n, c in enumerate(compiled)]
        elif callable(result):
            result = result(kinds)
        null_aware = name in NULL_AWARE

        def value(row):
            values = [g(row) for g in getters]
            if not null_aware and None in values:
                return None
            return implementation(values, kinds)

        return Compiled(result, value)

    def aggregate(self, name, arguments, distinct):
        scope = self.scope
        if scope.aggregates is None:
            raise analyzing_error("Aggregate function %s is not allowed here"
                                  % name.lower())
        separator = ", "
        if name == "GROUP_CONCAT" and len(arguments) == 2:
            separator = arguments.pop()[1]
        if len(arguments) != 1:
            raise analyzing_error("No matching function with signature: %s"
                                  % name.lower())
        outer, scope.aggregates = scope.aggregates, None
        inner = literal(1, types.BIGINT) if arguments[0][0] == "star" \
            else self.compile(arguments[0])
        scope.aggregates = outer
        slot = len(outer)
        outer.append((name, inner, distinct, separator))
        return Compiled(aggregates.result_type(name, inner.type),
                        lambda row: row[-1][slot])


def like_pattern(pattern):
    out = []
    pieces = iter(pattern)
    for piece in pieces:
        if piece == "\\":
            out.append(re.escape(next(pieces, "\\")))
        elif piece == "%":
            out.append(".*")
        elif piece == "_":
            out.append(".")
        else:
            out.append(re.escape(piece))
    return re.compile("".join(out), re.S)


def common_type(kinds):
    kinds = [k for k in kinds if k.name != "NULL"] or [types.VARCHAR]
    if all(k == kinds[0] for k in kinds):
        return kinds[0]
    names = {k.name for k in kinds}
    if names <= EXACT:
        return types.LARGEINT if "LARGEINT" in names else types.BIGINT
    if names <= EXACT | {"DECIMAL"}:
        return types.Type("DECIMAL", precision=38,
                          scale=max(k.scale or 0 for k in kinds))
    if names <= NUMERIC:
        return types.DOUBLE
    if names <= {"DATE", "DATETIME"}:
        return types.DATETIME
    return types.VARCHAR
