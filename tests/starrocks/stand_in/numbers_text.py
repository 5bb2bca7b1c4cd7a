# SPDX-License-Identifier: Apache-2.0
"""Numbers as StarRocks parses and prints them."""

import math
import re
import struct
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

DECIMAL_TEXT = re.compile(r"\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
                          r"(?:[eE][+-]?\d+)?\s*\Z", re.A)
INTEGER_TEXT = re.compile(r"\s*[+-]?\d+\s*\Z", re.A)
FLOAT_WORDS = {"nan": math.nan, "inf": math.inf, "+inf": math.inf,
               "-inf": -math.inf, "infinity": math.inf,
               "+infinity": math.inf, "-infinity": -math.inf}
WIDE = Context(prec=200, rounding=ROUND_HALF_UP)


def parse_float(text):
    """The value, or None if the text is no number."""
    word = FLOAT_WORDS.get(text.strip().lower())
    if word is not None:
        return word
    if not DECIMAL_TEXT.match(text):
        return None
    return float(text)


def to_float32(value):
    if math.isinf(value) or math.isnan(value):
        return value
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return None


def trim_exponent(text):
    return text[:-2] if text.endswith(".0") else text


def print_double(value):
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return trim_exponent(repr(value))


def print_float(value):
    if math.isnan(value) or math.isinf(value):
        return print_double(value)
    for digits in range(6, 10):
        text = "%.*g" % (digits, value)
        if to_float32(float(text)) == value:
            break
    return text


def parse_decimal(text, precision, scale):
    """(text with exactly `scale` fraction digits, None) or (None, reason)."""
    if not DECIMAL_TEXT.match(text):
        return None, "not a number"
    try:
        return fit_decimal(WIDE.create_decimal(text.strip()), precision,
                           scale)
    except InvalidOperation:
        return None, "out of range"


def fit_decimal(value, precision, scale):
    if not value.is_finite():
        return None, "not a number"
    if value.adjusted() > precision:
        return None, "out of range"
    try:
        value = value.quantize(Decimal((0, (1,), -scale)), context=WIDE)
    except InvalidOperation:
        return None, "out of range"
    if len(value.as_tuple().digits) > precision and value != 0:
        return None, "out of range"
    if value == 0:
        value = abs(value)
    return "{:f}".format(value), None
