# SPDX-License-Identifier: Apache-2.0
"""Scalar functions: name → (fewest, most arguments, result type, function).

A function gets the values of its arguments (never None) and their types; the
caller answers NULL for a NULL argument, except for those in NULL_AWARE.
"""

import base64
import binascii
import hashlib
import math
import time
import zlib
from decimal import ROUND_HALF_UP, Decimal

from . import types
from .json_text import JsonError, canonical, decode
from .values import moment, to_bytes, to_number, to_text

FUNCTIONS = {}


def function(name, fewest, most, result):
    def register(implementation):
        for each in name.split():
            FUNCTIONS[each] = (fewest, most, result, implementation)
        return implementation
    return register


def same_as_first(arguments):
    return arguments[0]


@function("MD5", 1, 1, types.VARCHAR)
def md5(values, kinds):
    return hashlib.md5(to_bytes(kinds[0], values[0])).hexdigest()


@function("MD5SUM", 1, 99, types.VARCHAR)
def md5sum(values, kinds):
    return hashlib.md5(b"".join(map(to_bytes, kinds, values))).hexdigest()


@function("SHA2", 2, 2, types.VARCHAR)
def sha2(values, kinds):
    bits = {0: 256, 224: 224, 256: 256, 384: 384, 512: 512}.get(values[1])
    if not bits:
        return None
    return hashlib.new("sha%d" % bits, to_bytes(kinds[0],
                                                values[0])).hexdigest()


@function("CRC32", 1, 1, types.BIGINT)
def crc32(values, kinds):
    return zlib.crc32(to_bytes(kinds[0], values[0]))


@function("HEX", 1, 1, types.VARCHAR)
def hex_(values, kinds):
    if kinds[0].name in types.INTEGERS or kinds[0].name == "BOOLEAN":
        return "%X" % (values[0] & (2 ** 64 - 1))
    return to_bytes(kinds[0], values[0]).hex().upper()


@function("UNHEX", 1, 1, types.VARBINARY)
def unhex(values, kinds):
    try:
        return binascii.unhexlify(to_bytes(kinds[0], values[0]))
    except (binascii.Error, ValueError):
        return b""


@function("TO_BASE64", 1, 1, types.VARCHAR)
def to_base64(values, kinds):
    return base64.b64encode(to_bytes(kinds[0], values[0])).decode()


@function("FROM_BASE64", 1, 1, types.VARBINARY)
def from_base64(values, kinds):
    try:
        return base64.b64decode(to_bytes(kinds[0], values[0]), validate=True)
    except (binascii.Error, ValueError):
        return None


@function("TO_BINARY", 1, 2, types.VARBINARY)
def to_binary(values, kinds):
    form = values[1].lower() if len(values) > 1 else "hex"
    data = to_bytes(kinds[0], values[0])
    try:
        if form == "hex":
            return binascii.unhexlify(data)
        if form == "encode64":
            return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if form == "utf8" else None


@function("FROM_BINARY", 1, 2, types.VARCHAR)
def from_binary(values, kinds):
    form = values[1].lower() if len(values) > 1 else "hex"
    data = to_bytes(kinds[0], values[0])
    if form == "hex":
        return data.hex().upper()
    if form == "encode64":
        return base64.b64encode(data).decode()
    return data.decode("utf-8", "replace") if form == "utf8" else None


@function("LENGTH", 1, 1, types.BIGINT)
def length(values, kinds):
    return len(to_bytes(kinds[0], values[0]))


@function("CHAR_LENGTH CHARACTER_LENGTH", 1, 1, types.BIGINT)
def char_length(values, kinds):
    return len(to_text(kinds[0], values[0]))


@function("CONCAT", 1, 999, types.VARCHAR)
def concat(values, kinds):
    return "".join(map(to_text, kinds, values))


@function("CONCAT_WS", 2, 999, types.VARCHAR)
def concat_ws(values, kinds):
    if values[0] is None:
        return None
    return to_text(kinds[0], values[0]).join(
        to_text(k, v) for k, v in zip(kinds[1:], values[1:])
        if v is not None)


@function("COALESCE IFNULL NVL", 1, 999, None)
def coalesce(values, kinds):
    for value in values:
        if value is not None:
            return value
    return None


@function("NULLIF", 2, 2, same_as_first)
def nullif(values, kinds):
    return None if values[0] == values[1] else values[0]


@function("IF", 3, 3, None)
def if_(values, kinds):
    return values[1] if values[0] else values[2]


NULL_AWARE = frozenset(["CONCAT_WS", "COALESCE", "IFNULL", "NVL", "NULLIF",
                        "IF"])


@function("UPPER UCASE", 1, 1, types.VARCHAR)
def upper(values, kinds):
    return to_text(kinds[0], values[0]).upper()


@function("LOWER LCASE", 1, 1, types.VARCHAR)
def lower(values, kinds):
    return to_text(kinds[0], values[0]).lower()


@function("TRIM", 1, 1, types.VARCHAR)
def trim(values, kinds):
    return to_text(kinds[0], values[0]).strip(" ")


@function("REPLACE", 3, 3, types.VARCHAR)
def replace(values, kinds):
    text, old, new = map(to_text, kinds, values)
    return text.replace(old, new)


@function("SUBSTR SUBSTRING", 2, 3, types.VARCHAR)
def substring(values, kinds):
    text = to_text(kinds[0], values[0])
    start = values[1] - 1 if values[1] > 0 else len(text) + values[1]
    if values[1] == 0 or start < 0:
        return ""
    end = len(text) if len(values) < 3 else start + max(values[2], 0)
    return text[start:end]


@function("LEFT", 2, 2, types.VARCHAR)
def left(values, kinds):
    return to_text(kinds[0], values[0])[:max(values[1], 0)]


@function("RIGHT", 2, 2, types.VARCHAR)
def right(values, kinds):
    return to_text(kinds[0], values[0])[-values[1]:] if values[1] > 0 else ""


@function("ABS", 1, 1, same_as_first)
def absolute(values, kinds):
    return abs(to_number(kinds[0], values[0]))


@function("FLOOR", 1, 1, types.BIGINT)
def floor(values, kinds):
    return math.floor(to_number(kinds[0], values[0]))


@function("CEIL CEILING", 1, 1, types.BIGINT)
def ceil(values, kinds):
    return math.ceil(to_number(kinds[0], values[0]))


@function("ROUND", 1, 2, types.DOUBLE)
def round_(values, kinds):
    places = values[1] if len(values) > 1 else 0
    number = Decimal(str(to_number(kinds[0], values[0])))
    return float(number.quantize(Decimal((0, (1,), -places)),
                                 rounding=ROUND_HALF_UP))


@function("MOD", 2, 2, same_as_first)
def mod(values, kinds):
    divisor = to_number(kinds[1], values[1])
    if not divisor:
        return None
    number = to_number(kinds[0], values[0])
    return number - divisor * math.trunc(Decimal(number) / Decimal(divisor))


@function("NOW CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP", 0, 1,
          types.DATETIME)
def now(values, kinds):
    return time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime())


@function("CURRENT_DATE CURDATE", 0, 0, types.DATE)
def current_date(values, kinds):
    return time.strftime("%Y-%m-%d", time.gmtime())


@function("DATE_FORMAT", 2, 2, types.VARCHAR)
def date_format(values, kinds):
    text = moment(kinds[0], values[0])
    if text is None:
        return None
    parts = {"Y": text[:4], "m": text[5:7], "d": text[8:10],
             "H": text[11:13], "i": text[14:16], "s": text[17:19],
             "S": text[17:19], "f": text[20:26], "T": text[11:19],
             "%": "%"}
    out = []
    pieces = iter(values[1])
    for piece in pieces:
        if piece == "%":
            piece = next(pieces, "%")
            piece = parts.get(piece, piece)
        out.append(piece)
    return "".join(out)


@function("JSON_QUERY", 2, 2, types.JSON)
def json_query(values, kinds):
    try:
        value = decode(to_text(kinds[0], values[0]))
    except JsonError:
        return None
    for step in values[1].lstrip("$").strip(".").split("."):
        if step and (not isinstance(value, dict) or step not in value):
            return None
        value = value[step] if step else value
    return canonical(value)


@function("PARSE_JSON", 1, 1, types.JSON)
def parse_json(values, kinds):
    try:
        return canonical(decode(to_text(kinds[0], values[0])))
    except JsonError:
        return None


@function("JSON_STRING", 1, 1, types.VARCHAR)
def json_string(values, kinds):
    return values[0]


@function("SLEEP", 1, 1, types.BOOLEAN)
def sleep(values, kinds):
    time.sleep(min(float(values[0]), 60))
    return 1
