# SPDX-License-Identifier: Apache-2.0
"""JSON as StarRocks reads it from a load body and as it stores it."""

import json
import math


class RawNumber(str):
    """A number with a fraction or an exponent, as it was written."""
    __slots__ = ()


class JsonError(Exception):
    """The document as a whole is broken."""


def refuse_constant(text):
    raise JsonError("%s is no JSON" % text)


def first_wins(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        found = {}
        for key, value in pairs:
            found.setdefault(key, value)
    return found


def parse_integer(text):
    return RawNumber(text) if text == "-0" else int(text)


DECODER = json.JSONDecoder(object_pairs_hook=first_wins, parse_int=None,
                           parse_float=RawNumber,
                           parse_constant=refuse_constant)


def decode_prefix(text, at):
    try:
        return DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        raise JsonError(str(error)) from None


def skip_space(text, at):
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def decode(text):
    value, at = decode_prefix(text, skip_space(text, 0))
    at = skip_space(text, at)
    if at != len(text):
        raise JsonError("trailing content at %d" % at)
    return value


def quote(text):
    return json.dumps(text, ensure_ascii=False)


def minify(value):
    """The raw text of a value, without spaces; order is kept."""
    if isinstance(value, RawNumber):
        return str(value)
    if isinstance(value, dict):
        return "{%s}" % ",".join("%s:%s" % (quote(k), minify(v))
                                 for k, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ",".join(minify(v) for v in value)
    if isinstance(value, str):
        return quote(value)
    return json.dumps(value)


def print_number(value):
    if isinstance(value, int):
        if -2 ** 63 <= value < 2 ** 64:
            return str(value)
    value = float(value)
    if math.isinf(value) or math.isnan(value):
        raise JsonError("number out of range")
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def canonical(value):
    """As a JSON column keeps it: sorted keys, doubles, one space."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (RawNumber, int, float)):
        return print_number(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        return "[%s]" % ", ".join(canonical(v) for v in value)
    return "{%s}" % ", ".join("%s: %s" % (quote(k), canonical(value[k]))
                              for k in sorted(value))
