# SPDX-License-Identifier: Apache-2.0
"""Conversions into a column's stored form, as StarRocks makes them.

Stored forms: BOOLEAN and integers int (LARGEINT text), FLOAT and DOUBLE float
(NaN the text "nan"), DECIMAL text with its scale, VARCHAR text, DATE and
DATETIME text (always with microseconds), JSON and ARRAY canonical text,
VARBINARY bytes.  A converter takes any value but None and raises Bad.
"""

import base64
import binascii
import csv
import io
import math
import re
from decimal import Decimal

from . import dates
from .json_text import (JsonError, RawNumber, canonical, decode, minify,
                        quote)
from .numbers_text import (INTEGER_TEXT, fit_decimal, parse_decimal,
                           parse_float, print_double, print_float,
                           to_float32)
from .types import MAX_JSON

TRUTHS = {"true": 1, "false": 0}


class Bad(Exception):
    """A value that does not fit; the text goes into the error log."""


class Misfit(Bad):
    """Found when the row is written: filters it whatever strict_mode says."""


def out_of_range(value, column, type_):
    return Bad("Value '%s' is out of range. The type of '%s' is %s"
               % (value, column, type_.sql().upper()))


def too_long(what, size, column, limit):
    return Misfit("%s(length=%d) is too long. The max length of '%s' is %d"
                  % (what, size, column, limit))


def invalid(value, column, type_):
    return Bad("Value '%s' cannot be cast. The type of '%s' is %s"
               % (value, column, type_.sql().upper()))


def scalar_text(value):
    """The text of a JSON value on its way into a VARCHAR."""
    kind = type(value)
    if kind is str:
        return value
    if kind is bool:
        return "1" if value else "0"
    if kind is int or kind is RawNumber:
        return str(value)
    return minify(value)


def integer_converter(column, type_):
    limit = 2 ** (type_.bits - 1)
    low = -limit
    # CSV and JSON text with a fraction is cut for the smaller types only.
    cuts = type_.bits <= 32

    def slow(value):
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, RawNumber):
            number = math.trunc(float(value)) \
                if math.isfinite(float(value)) else limit
        elif isinstance(value, str):
            if len(value) > 100:
                raise out_of_range(value[:100], column, type_)
            if INTEGER_TEXT.match(value):
                number = int(value)
            else:
                parsed = parse_float(value) if cuts else None
                if parsed is None or not math.isfinite(parsed):
                    raise invalid(value, column, type_)
                number = math.trunc(parsed)
        elif isinstance(value, int):
            number = value
        else:
            raise invalid(value, column, type_)
        if not low <= number < limit:
            raise out_of_range(value, column, type_)
        return number

    def convert(value):
        if type(value) is int and low <= value < limit:
            return value
        return slow(value)

    return convert


def largeint_converter(column, type_):
    def convert(value):
        text = scalar_text(value)
        if len(text) > 100 or not INTEGER_TEXT.match(text):
            raise invalid(value, column, type_)
        number = int(text)
        if not -2 ** 127 <= number < 2 ** 127:
            raise out_of_range(value, column, type_)
        return str(number)

    return convert


def boolean_converter(column, type_):
    def convert(value):
        if value is True or value is False:
            return int(value)
        if type(value) is str and value.lower() in TRUTHS:
            return TRUTHS[value.lower()]
        if isinstance(value, (int, str)):
            number = parse_float(str(value))
            if number is not None and math.isfinite(number):
                return 1 if number != 0 else 0
        raise invalid(value, column, type_)

    return convert


def float_converter(column, type_):
    single = type_.name == "FLOAT"

    def convert(value):
        if type(value) is RawNumber:
            number = float(value)
        elif isinstance(value, bool):
            number = float(value)
        elif isinstance(value, (int, str)):
            number = parse_float(str(value))
        else:
            number = value if isinstance(value, float) else None
        if number is None:
            raise invalid(value, column, type_)
        if math.isinf(number) and isinstance(value, RawNumber):
            raise out_of_range(value, column, type_)
        if single:
            number = to_float32(number)
            if number is None:
                raise out_of_range(value, column, type_)
        return "nan" if math.isnan(number) else number

    return convert


def decimal_converter(column, type_):
    precision, scale = type_.precision, type_.scale
    # A text in stored form already: the common case.
    exact = re.compile(r"(?:0|-?[1-9]\d{0,%d})%s\Z" % (
        max(precision - scale - 1, 0),
        r"\.\d{%d}" % scale if scale else ""), re.A).match

    def convert(value):
        if type(value) is str and precision > scale and exact(value):
            return value
        if isinstance(value, Decimal):
            text, reason = fit_decimal(value, precision, scale)
        else:
            text, reason = parse_decimal(scalar_text(value), precision, scale)
        if text is None:
            if reason == "out of range":
                raise Misfit("Decimal '%s' is out of range. The type of '%s'"
                             " is %s'" % (value, column,
                                          type_.sql().upper()))
            raise invalid(value, column, type_)
        return text

    return convert


def encoded(text):
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Misfit("Invalid UTF-8 row") from None


def string_converter(column, type_):
    limit = type_.length
    safe = limit // 4

    def convert(value):
        if type(value) is not str:
            value = scalar_text(value)
        size = len(value)
        if (size > safe or not value.isascii()):
            size = len(encoded(value))
            if size > limit:
                raise too_long("String ", size, column, limit)
        return value

    return convert


def date_converter(column, type_, notice):
    whole = type_.name == "DATETIME"

    standard = dates.standard

    def convert(value):
        text = value if type(value) is str else scalar_text(value)
        quick = standard(text, whole)
        if quick:
            return quick
        parsed = dates.parse(text)
        if parsed is None:
            raise invalid(value, column, type_)
        if parsed.rest:
            notice("date_rest_ignored", "column '%s': the end of a date text "
                   "is ignored, such as a zone or an era" % column)
        return parsed.date + " " + parsed.time if whole else parsed.date

    return convert


def json_size(text, column):
    if len(encoded(text)) > MAX_JSON:
        raise too_long("JSON string", len(text), column, MAX_JSON)
    return text


def json_value_converter(column, type_):
    """From a native value of a JSON body."""
    def convert(value):
        try:
            return json_size(canonical(value), column)
        except JsonError:
            raise invalid(value, column, type_) from None

    return convert


def json_text_converter(column, type_):
    """From a text: parsed; what is no JSON is refused."""
    def convert(value):
        text = scalar_text(value)
        try:
            return json_size(canonical(decode(text)), column)
        except JsonError:
            raise invalid(value, column, type_) from None

    return convert


def binary_from_json(column, type_):
    limit = type_.length or 1048576

    def convert(value):
        data = value if isinstance(value, bytes) \
            else encoded(scalar_text(value))
        if len(data) > limit:
            raise too_long("String ", len(data), column, limit)
        return data

    return convert


def binary_from_csv(column, type_, is_hex):
    checked = binary_from_json(column, type_)

    def convert(value):
        if isinstance(value, bytes):
            return checked(value)
        raw = encoded(value)
        try:
            data = binascii.unhexlify(raw) if is_hex \
                else base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            data = raw
        return checked(data)

    return convert


def print_stored(type_, value, microseconds=True):
    """A stored value as the MySQL text protocol shows it."""
    name = type_.name
    if name == "FLOAT":
        return "nan" if value == "nan" else print_float(value)
    if name == "DOUBLE":
        return "nan" if value == "nan" else print_double(value)
    if name == "DATETIME":
        if not microseconds or value.endswith(".000000"):
            return value[:19]
        return value
    return str(value)


def array_text(type_, items):
    parts = []
    for item in items:
        if item is None:
            parts.append("null")
        elif type_.item.name in ("VARCHAR", "CHAR", "DATE", "DATETIME"):
            parts.append(quote(print_stored(type_.item, item)))
        else:
            parts.append(print_stored(type_.item, item))
    return "[%s]" % ",".join(parts)


def array_from_json(column, type_, item):
    def convert(value):
        if isinstance(value, str) and not isinstance(value, RawNumber):
            try:
                value = decode(value)
            except JsonError:
                raise invalid(value, column, type_) from None
        if not isinstance(value, list):
            raise invalid(value, column, type_)
        return array_text(type_, [None if v is None else item(v)
                                  for v in value])

    return convert


def array_from_csv(column, type_, item):
    def convert(text):
        if not (text.startswith("[") and text.endswith("]")):
            raise invalid(text, column, type_)
        body = text[1:-1]
        if not body:
            return "[]"
        if type_.item.name == "ARRAY":
            return array_from_json(column, type_, item)(text)
        fields = next(csv.reader(io.StringIO(body), strict=True))
        return array_text(type_, [None if f == "null" else item(f)
                                  for f in fields])

    return convert


def converter(column, type_, source, version, notice):
    """`source` is "json", "csv" or "text" (the value of an expression)."""
    name = type_.name
    if name == "LARGEINT":
        return largeint_converter(column, type_)
    if name in ("TINYINT", "SMALLINT", "INT", "BIGINT"):
        return integer_converter(column, type_)
    if name == "BOOLEAN":
        return boolean_converter(column, type_)
    if name in ("FLOAT", "DOUBLE"):
        return float_converter(column, type_)
    if name == "DECIMAL":
        return decimal_converter(column, type_)
    if name in ("VARCHAR", "CHAR"):
        return string_converter(column, type_)
    if name in ("DATE", "DATETIME"):
        return date_converter(column, type_, notice)
    if name == "JSON":
        return json_value_converter(column, type_) if source == "json" \
            else json_text_converter(column, type_)
    if name == "VARBINARY":
        if source == "csv":
            return binary_from_csv(column, type_, version.csv_binary_is_hex)
        return binary_from_json(column, type_)
    item = converter(column, type_.item, source, version, notice)
    return array_from_csv(column, type_, item) if source == "csv" \
        else array_from_json(column, type_, item)
