# SPDX-License-Identifier: Apache-2.0
"""StarRocks' column types, their names and their limits."""

INTEGERS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64,
            "LARGEINT": 128}
WIDTHS = {"TINYINT": 4, "SMALLINT": 6, "INT": 11, "BIGINT": 20,
          "LARGEINT": 40}
KEY_TYPES = frozenset(["BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT",
                       "LARGEINT", "VARCHAR", "DATE", "DATETIME"])
KEY_BYTES = {"BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INT": 4, "BIGINT": 8,
             "LARGEINT": 16, "DATE": 4, "DATETIME": 8}
MAX_VARCHAR = 1048576
STRING_LENGTH = 65533
MAX_JSON = 16 * 1024 * 1024


class Type:
    __slots__ = ("name", "length", "precision", "scale", "item")

    def __init__(self, name, length=None, precision=None, scale=None,
                 item=None):
        self.name = name
        self.length = length
        self.precision = precision
        self.scale = scale
        self.item = item

    def to_json(self):
        return {"name": self.name, "length": self.length,
                "precision": self.precision, "scale": self.scale,
                "item": self.item.to_json() if self.item else None}

    @classmethod
    def from_json(cls, data):
        item = data["item"]
        return cls(data["name"], data["length"], data["precision"],
                   data["scale"], cls.from_json(item) if item else None)

    def __eq__(self, other):
        return self.to_json() == other.to_json()

    @property
    def bits(self):
        return INTEGERS[self.name]

    def sql(self):
        """As SHOW CREATE TABLE writes it."""
        name = self.name
        if name in WIDTHS:
            return "%s(%d)" % (name.lower(), WIDTHS[name])
        if name in ("VARCHAR", "CHAR"):
            return "%s(%d)" % (name.lower(), self.length)
        if name == "DECIMAL":
            return "decimal(%d, %d)" % (self.precision, self.scale)
        if name == "ARRAY":
            return "array<%s>" % self.item.sql()
        if name == "VARBINARY" and self.length:
            return "varbinary(%d)" % self.length
        return name.lower()

    def describe(self):
        """As DESC writes it."""
        if self.name in WIDTHS:
            return self.name.lower()
        if self.name == "DECIMAL":
            return "decimal(%d,%d)" % (self.precision, self.scale)
        return self.sql()

    def data_type(self):
        """As information_schema.columns.DATA_TYPE writes it."""
        if self.name == "BOOLEAN":
            return "tinyint"
        if self.name == "LARGEINT":
            return "bigint unsigned"
        return self.name.lower()

    def column_type(self):
        """As information_schema.columns.COLUMN_TYPE writes it."""
        if self.name == "BOOLEAN":
            return "tinyint(1)"
        if self.name == "LARGEINT":
            return "bigint(20) unsigned"
        return self.sql()

    def column_size(self):
        if self.name == "BOOLEAN":
            return 1
        if self.name in ("VARCHAR", "CHAR"):
            return self.length
        if self.name == "DECIMAL":
            return self.precision
        return {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19,
                "LARGEINT": 39, "FLOAT": 7, "DOUBLE": 15}.get(self.name)


BOOLEAN = Type("BOOLEAN")
BIGINT = Type("BIGINT")
LARGEINT = Type("LARGEINT")
DOUBLE = Type("DOUBLE")
DATE = Type("DATE")
DATETIME = Type("DATETIME")
VARCHAR = Type("VARCHAR", STRING_LENGTH)
VARBINARY = Type("VARBINARY")
JSON = Type("JSON")
NULL = Type("NULL")
