# SPDX-License-Identifier: Apache-2.0
"""Aggregate functions, one small accumulator each."""

from decimal import Decimal

from . import types
from .values import EXACT, order_key, to_number, to_text

NAMES = frozenset(["COUNT", "SUM", "MIN", "MAX", "AVG", "GROUP_CONCAT",
                   "ANY_VALUE", "BIT_XOR"])


def result_type(name, kind):
    if name == "COUNT":
        return types.BIGINT
    if name in ("MIN", "MAX", "ANY_VALUE"):
        return kind
    if name == "GROUP_CONCAT":
        return types.VARCHAR
    if name == "BIT_XOR":
        return kind
    if name == "SUM":
        if kind.name == "LARGEINT":
            return types.LARGEINT
        if kind.name in EXACT:
            return types.BIGINT
        if kind.name == "DECIMAL":
            return types.Type("DECIMAL", precision=38, scale=kind.scale)
    if name == "AVG" and kind.name == "DECIMAL":
        return types.Type("DECIMAL", precision=38,
                          scale=max(kind.scale, 12))
    return types.DOUBLE


class Accumulator:
    def __init__(self, name, kind, distinct, separator):
        self.name = name
        self.kind = kind
        self.seen = set() if distinct else None
        self.separator = separator
        self.count = 0
        self.value = None

    def add(self, value):
        if value is None:
            return
        if self.seen is not None:
            if value in self.seen:
                return
            self.seen.add(value)
        self.count += 1
        if self.name in ("SUM", "AVG"):
            number = to_number(self.kind, value)
            if number is not None:
                self.value = number if self.value is None \
                    else self.value + number
        elif self.name == "BIT_XOR":
            self.value = value if self.value is None else self.value ^ value
        elif self.name == "GROUP_CONCAT":
            text = to_text(self.kind, value)
            self.value = text if self.value is None \
                else self.value + self.separator + text
        elif self.value is None:
            self.value = value
        elif self.name == "MIN":
            self.value = min(self.value, value, key=order_key)
        elif self.name == "MAX":
            self.value = max(self.value, value, key=order_key)

    def result(self):
        if self.name == "COUNT":
            return self.count
        if self.name == "AVG" and self.value is not None:
            if isinstance(self.value, Decimal):
                return self.value / self.count
            return float(self.value) / self.count
        return self.value
