# SPDX-License-Identifier: Apache-2.0
"""A table's definition.  It never changes: ALTER makes a new one."""

import copy
import time

from .types import KEY_BYTES, Type


class Column:
    def __init__(self, id_, name, type_, null, default=None, comment="",
                 generated=None, key=False, aggregate=None, was=None):
        self.id = id_
        self.name = name
        self.type = type_
        self.null = null
        self.default = default
        self.comment = comment
        self.generated = generated
        self.key = key
        self.aggregate = aggregate
        # After MODIFY: [id, type] of the column that it replaces.
        self.was = was

    @property
    def field(self):
        """The column's name in the engine below."""
        return "c%d" % self.id

    def to_json(self):
        data = dict(self.__dict__)
        data["type"] = self.type.to_json()
        return data

    @classmethod
    def from_json(cls, data):
        data = dict(data)
        data["id_"] = data.pop("id")
        data["type_"] = Type.from_json(data.pop("type"))
        return cls(**data)

    def default_text(self):
        """As DESC prints it: None without one."""
        if self.default is None or self.default[0] == "null":
            return None
        if self.default[0] == "now":
            return "CURRENT_TIMESTAMP"
        return self.default[1]

    @property
    def has_default(self):
        return self.null or self.default is not None


class Table:
    FIELDS = ("id", "database", "name", "keys_type", "keys", "hash",
              "buckets", "order_by", "properties", "comment", "next_column",
              "retired",
              "created")

    def __init__(self, **fields):
        self.columns = fields.pop("columns")
        fields.setdefault("created", time.time())
        fields.setdefault("retired", [])
        for name in self.FIELDS:
            setattr(self, name, fields[name])
        self.by_name = {c.name.lower(): c for c in self.columns}

    @property
    def data(self):
        """The table's name in the engine below."""
        return "data_%d" % self.id

    @property
    def is_primary(self):
        return self.keys_type == "PRIMARY"

    @property
    def is_unique(self):
        return self.keys_type in ("PRIMARY", "UNIQUE")

    @property
    def fast_evolution(self):
        return self.properties.get("fast_schema_evolution") == "true"

    def column(self, name):
        return self.by_name.get(name.lower())

    def key_columns(self):
        return [self.by_name[k.lower()] for k in self.keys]

    def fixed_key_bytes(self):
        """The size of the key's fixed part."""
        return sum(KEY_BYTES.get(c.type.name, 0) for c in self.key_columns())

    def altered(self, columns=None, **fields):
        values = {name: getattr(self, name) for name in self.FIELDS}
        values.update(fields)
        values["columns"] = columns if columns is not None \
            else copy.deepcopy(self.columns)
        return Table(**values)

    def to_json(self):
        data = {name: getattr(self, name) for name in self.FIELDS}
        data["columns"] = [c.to_json() for c in self.columns]
        return data

    @classmethod
    def from_json(cls, data):
        data = dict(data)
        data["columns"] = [Column.from_json(c) for c in data["columns"]]
        return cls(**data)
