# SPDX-License-Identifier: Apache-2.0
"""What one load or statement does to one table, in stored forms."""

import time

from .types import INTEGERS


class Changes:
    """Rows in the order of `column_ids`; they were checked before."""

    def __init__(self, table, column_ids, partial=False):
        self.table_id = table.id
        self.column_ids = column_ids
        self.partial = partial
        self.condition = None
        self.upserts = []
        self.deletes = []


def now_text(type_):
    text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    return text[:10] if type_.name == "DATE" else text + ".000000"


def zero(type_):
    name = type_.name
    if name in INTEGERS or name == "BOOLEAN":
        return "0" if name == "LARGEINT" else 0
    if name in ("FLOAT", "DOUBLE"):
        return 0.0
    if name == "DECIMAL":
        return "{:.{}f}".format(0, type_.scale)
    if name == "DATE":
        return "0000-01-01"
    if name == "DATETIME":
        return "0000-01-01 00:00:00.000000"
    return b"" if name == "VARBINARY" else ""


def default_value(column, convert):
    """The stored form of the column's default; NULL without one."""
    if column.default is None or column.default[0] == "null":
        return None if column.null else zero(column.type)
    if column.default[0] == "now":
        return now_text(column.type)
    return convert(column)(column.default[1])
