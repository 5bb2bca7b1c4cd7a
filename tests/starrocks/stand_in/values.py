# SPDX-License-Identifier: Apache-2.0
"""Stored forms, values to compute with, and the ways between them."""

import math
from decimal import Decimal

from . import dates
from .convert import Bad, converter, print_stored
from .numbers_text import fit_decimal, parse_float
from .rules import no_notice
from .types import INTEGERS

TEXTS = ("VARCHAR", "CHAR", "JSON", "ARRAY")
EXACT = frozenset(list(INTEGERS) + ["BOOLEAN"])
NUMERIC = EXACT | {"FLOAT", "DOUBLE", "DECIMAL"}


def decoder(type_):
    """A function from a stored form to a value, or None if they agree."""
    name = type_.name
    if name == "LARGEINT":
        return int
    if name == "DECIMAL":
        return Decimal
    if name in ("FLOAT", "DOUBLE"):
        return lambda v: math.nan if v == "nan" else v
    return None


def to_stored(type_, value):
    """The stored form of a computed value that has this type already."""
    name = type_.name
    if name == "LARGEINT":
        return str(value)
    if name == "DECIMAL":
        return "{:.{}f}".format(value, type_.scale)
    if name in ("FLOAT", "DOUBLE"):
        value = float(value)
        return "nan" if math.isnan(value) else value
    return value


def to_text(type_, value):
    """As CAST(… AS VARCHAR) writes it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if type_.name == "NULL":
        return "NULL"
    return print_stored(type_, to_stored(type_, value))


def to_bytes(type_, value):
    return value if isinstance(value, bytes) \
        else to_text(type_, value).encode()


def to_number(type_, value):
    """A number to compare or to count with; None if there is none."""
    if type_.name in NUMERIC:
        return value
    text = to_text(type_, value)
    try:
        return int(text)
    except ValueError:
        return parse_float(text)


def caster(source, target, version):
    """CAST of one value; None where it fails."""
    if source.name == target.name and target.name in EXACT:
        return lambda v: v
    if target.name in ("VARCHAR", "CHAR"):
        if target.length and target.length > 1:
            limit = target.length
            return lambda v: to_text(source, v)[:limit]
        return lambda v: to_text(source, v)
    if target.name == "DECIMAL" and source.name in ("DECIMAL",) + tuple(
            EXACT):
        return lambda v: decimal_or_none(v, target)
    convert = converter("", target, "text", version, no_notice)
    decode = decoder(target)

    def cast(value):
        try:
            if target.name == "VARBINARY":
                return to_bytes(source, value)
            if source.name in ("DECIMAL", "FLOAT", "DOUBLE") \
               and target.name in EXACT:
                value = str(math.trunc(value))
            elif source.name != "VARCHAR":
                value = to_text(source, value)
            stored = convert(value)
        except (Bad, ValueError, OverflowError):
            return None
        return decode(stored) if decode else stored

    return cast


def decimal_or_none(value, target):
    text, _ = fit_decimal(Decimal(value), target.precision, target.scale)
    return None if text is None else Decimal(text)


def moment(type_, value):
    parsed = dates.parse(to_text(type_, value))
    return parsed and parsed.date + " " + parsed.time


def comparers(left, right):
    """Two functions that bring both sides into one ordered domain."""
    names = {left.name, right.name}
    if names <= NUMERIC | {"NULL"}:
        if names & {"FLOAT", "DOUBLE"}:
            return float, float
        return (lambda v: v), (lambda v: v)
    if names & {"DATE", "DATETIME"}:
        return (lambda v: moment(left, v)), (lambda v: moment(right, v))
    if names & NUMERIC:
        return (lambda v: to_number(left, v)), (lambda v: to_number(right, v))
    if "VARBINARY" in names:
        return (lambda v: to_bytes(left, v)), (lambda v: to_bytes(right, v))
    return (lambda v: v), (lambda v: v)


def order_key(value):
    """Sorts NULL first and NaN last; text sorts by code points, which
    is the order of its UTF-8 bytes too."""
    if value is None:
        return (0, 0)
    if isinstance(value, float) and math.isnan(value):
        return (2, 0)
    return (1, value)
