# SPDX-License-Identifier: Apache-2.0
"""From the headers of a load to a function that makes rows."""

import json

from . import types
from .convert import (Bad, Misfit, converter, integer_converter, scalar_text)
from .errors import SqlError
from .evaluate import Scope, compile_expression
from .expression_grammar import parse_expression, parse_load_columns
from .json_body import path_steps, walk
from .values import to_stored

BINARY_OP = types.Type("TINYINT")
OPS = {"upsert": 0, "delete": 1}


class PlanError(Exception):
    """The planner refuses the load."""


class RowRefused(Exception):
    """A row that is filtered."""


class Plan:
    def __init__(self, cluster, table, headers, is_json, notice):
        self.cluster = cluster
        self.table = table
        self.headers = headers
        self.is_json = is_json
        self.notice = notice
        self.version = cluster.version
        self.strict = headers.get("strict_mode", "false").lower() == "true"
        self.partial = headers.get("partial_update", "").lower() == "true"
        self.sources = []
        self.mappings = {}
        self.op = None
        self.read_header()
        self.check_partial()
        self.condition = self.merge_condition()
        self.paths = self.json_paths()
        self.source_index = {s: n for n, s in enumerate(self.sources)}
        self.slots = []
        self.columns = []
        self.generated = []
        self.make_slots()
        self.where = self.compile_where()

    # the columns header

    def read_header(self):
        text = self.headers.get("columns")
        loadable = [c for c in self.table.columns if not c.generated]
        if text is None:
            self.sources = [c.name for c in loadable]
            if self.is_json and self.table.is_primary:
                self.sources.append("__op")
            return
        try:
            pairs = parse_load_columns(text, self.version)
        except SqlError as error:
            raise PlanError(error.text) from None
        for name, expression in pairs:
            self.one_column(name, expression)
        if self.is_json and self.table.is_primary \
           and "__op" not in self.sources and "__op" not in self.mappings:
            self.sources.append("__op")

    def one_column(self, name, expression):
        column = self.table.column(name)
        if column and column.generated:
            raise PlanError("generated column: %s can not be specified"
                            % name)
        if name.lower() == "__op" and not self.table.is_primary:
            raise PlanError("unknown reference column, column=__op")
        known = {s.lower() for s in self.sources}
        if expression is None:
            if name.lower() in known:
                raise PlanError("Duplicate column: %s" % name)
            self.sources.append(name)
            return
        if not column and name != "__op":
            raise PlanError("unknown reference column, column=%s" % name)
        if name.lower() in self.mappings:
            raise PlanError("Duplicate column: %s" % name)
        self.mappings[name.lower()] = expression

    def given(self, column):
        name = column.name.lower()
        return name in self.mappings \
            or name in {s.lower() for s in self.sources}

    def check_partial(self):
        if not self.partial:
            return
        if not self.table.is_primary:
            raise PlanError("Only primary key table support partial update")
        for column in self.table.key_columns():
            if not self.given(column):
                raise PlanError("key column %s not in partial update columns"
                                % column.name)

    def merge_condition(self):
        name = self.headers.get("merge_condition")
        if not name:
            return None
        column = self.table.column(name)
        if not column:
            raise PlanError("Merge condition column %s does not exist" % name)
        if column.key or not self.table.is_primary:
            raise PlanError("Merge condition column %s should not be primary"
                            " key!" % name)
        return column

    def json_paths(self):
        text = self.headers.get("jsonpaths")
        if not text or not self.is_json:
            return None
        try:
            paths = [path_steps(p) for p in json.loads(text)]
        except (ValueError, TypeError):
            raise PlanError("Invalid json paths: %s" % text) from None
        if self.sources and self.sources[-1] == "__op" \
           and len(paths) == len(self.sources) - 1:
            self.sources.pop()
        if len(paths) != len(self.sources):
            raise PlanError("The number of jsonpaths and columns differ")
        return paths

    # the slots

    def make_slots(self):
        names = {s.lower(): s for s in self.sources}
        for column in self.table.columns:
            name = column.name.lower()
            if column.generated:
                self.generated.append((len(self.columns), column))
                self.add(column, lambda record: None)
            elif name in self.mappings:
                self.add(column, self.mapped(column, self.mappings[name]))
            elif name in names:
                self.add(column, self.sourced(column, names[name]))
            elif self.partial:
                continue
            elif not column.has_default:
                raise PlanError("Column has no default value. column: %s"
                                % column.name)
            else:
                self.add(column, self.defaulted(column))
        self.not_null = [(n, c) for n, c in enumerate(self.columns)
                         if not c.null and not c.generated]
        self.compile_generated()
        self.make_op(names)

    def add(self, column, slot):
        self.columns.append(column)
        self.slots.append(slot)

    def raw(self, source):
        """The value of a source in a record, before conversion."""
        if self.is_json and self.paths is None:
            return lambda record: record.get(source)
        index = self.source_index[source]
        if not self.is_json:
            return lambda record: record[index]
        steps = self.paths[index]
        return lambda record: walk(record, steps)

    def sourced(self, column, source):
        convert = converter(column.name, column.type,
                            "json" if self.is_json else "csv", self.version,
                            self.notice)
        if self.is_json and self.paths is None:
            def slot(record):
                value = record.get(source)
                return None if value is None else convert(value)
            return slot
        if not self.is_json:
            index = self.source_index[source]

            def slot(record):
                value = record[index]
                return None if value is None else convert(value)
            return slot
        raw = self.raw(source)

        def slot(record):
            value = raw(record)
            return None if value is None else convert(value)
        return slot

    def compiled(self, expression):
        """An expression over the sources, which are all text."""
        columns = [([], s, types.VARCHAR) for s in self.sources]
        getters = [self.raw(s) for s in self.sources]
        try:
            compiled = compile_expression(
                expression, Scope(columns, None, self.version))
        except SqlError as error:
            raise PlanError(error.text) from None

        def value(record):
            row = [g(record) for g in getters]
            return compiled.value([None if v is None else scalar_text(v)
                                   for v in row])
        return compiled.type, value

    def mapped(self, column, expression):
        kind, value = self.compiled(expression)
        convert = converter(column.name, column.type, "text", self.version,
                            self.notice)

        def slot(record):
            found = value(record)
            if found is None:
                return None
            if not isinstance(found, bytes):
                found = to_stored(kind, found)
                if not isinstance(found, (str, float, int)):
                    found = str(found)
            elif column.type.name in ("VARCHAR", "CHAR"):
                found = found.decode("utf-8", "strict")
            return convert(found)
        return slot

    def defaulted(self, column):
        value = self.cluster.catalog.fill(column)
        return lambda record: value

    def compile_generated(self):
        self.computed = []
        columns = [([], c.name, c.type) for c in self.columns]
        for index, column in self.generated:
            try:
                compiled = compile_expression(
                    parse_expression(column.generated, self.version),
                    Scope(columns, None, self.version))
            except SqlError as error:
                raise PlanError(error.text) from None
            convert = converter(column.name, column.type, "text",
                                self.version, self.notice)
            self.computed.append((index, compiled, convert))

    def make_op(self, names):
        if not self.table.is_primary:
            return
        if "__op" in self.mappings:
            _, value = self.compiled(self.mappings["__op"])
        elif "__op" in names:
            value = self.raw("__op")
        else:
            return
        convert = integer_converter("__op", BINARY_OP)

        def op(record):
            found = value(record)
            if found is None or found == 0:
                return 0
            if isinstance(found, str) and found.lower() in OPS:
                return OPS[found.lower()]
            return convert(found)
        self.op = op

    def compile_where(self):
        text = self.headers.get("where")
        if not text:
            return None
        columns = [([], c.name, c.type) for c in self.columns]
        try:
            return compile_expression(
                parse_expression(text, self.version),
                Scope(columns, None, self.version)).value
        except SqlError as error:
            raise PlanError(error.text) from None

    # rows

    def look_at_keys(self, record):
        """Remarks on the keys of a JSON object: what is no column is
        ignored, what is missing becomes NULL."""
        known = set(self.sources)
        for key in record.keys() - known:
            self.notice("unknown_json_key", key)
        missing = known - record.keys() - {"__op"}
        if missing and not record.get("__op"):
            self.cluster.manners.remark(
                "json_key_missing_in_upsert", ", ".join(sorted(missing)),
                table=self.table.name, label=self.headers.get("label"))

    def row(self, record):
        """(operation, row), or raises RowRefused; None if `where` drops
        the row."""
        try:
            row = [slot(record) for slot in self.slots]
            op = self.op(record) if self.op else 0
        except Bad:
            op, row = self.careful(record)
        for index, column in self.not_null:
            if row[index] is None:
                raise RowRefused("NULL value in non-nullable column '%s'"
                                 % column.name)
        for index, compiled, convert in self.computed:
            value = compiled.value(row)
            row[index] = None if value is None \
                else convert(to_stored(compiled.type, value))
        if self.where and not self.where(row):
            return None
        return op, tuple(row)

    def careful(self, record):
        """The same, value by value, after something was found bad."""
        row = []
        for slot in self.slots:
            try:
                row.append(slot(record))
            except Misfit as error:
                raise RowRefused(str(error)) from None
            except Bad as error:
                if self.strict:
                    raise RowRefused(str(error)) from None
                self.notice("value_became_null", str(error).split("'")[0])
                row.append(None)
        try:
            op = self.op(record) if self.op else 0
        except Bad as error:
            raise RowRefused(str(error)) from None
        return op, row
