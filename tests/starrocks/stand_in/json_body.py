# SPDX-License-Identifier: Apache-2.0
"""Walks over the objects of a JSON body, one at a time."""

import re

from .json_text import JsonError, decode_prefix

SPACE = re.compile(r"[ \t\r\n]*")
PATH = re.compile(r"\$(?:\.[^.\[\]*]+)*\Z")


def text_of(body):
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonError("parse error: invalid UTF-8 at byte %d"
                        % error.start) from None
    if text.startswith("\ufeff"):
        raise JsonError("parse error: unexpected byte order mark")
    return text


def array_items(text):
    at = SPACE.match(text).end()
    if text[at:at + 1] != "[":
        raise JsonError("the value should be array type with "
                        "strip_outer_array=true")
    at = SPACE.match(text, at + 1).end()
    if text[at:at + 1] == "]":
        at += 1
    else:
        while True:
            value, at = decode_prefix(text, at)
            yield value
            at = SPACE.match(text, at).end()
            mark = text[at:at + 1]
            at += 1
            if mark == "]":
                break
            if mark != ",":
                raise JsonError("parse error at %d" % at)
            at = SPACE.match(text, at).end()
    if SPACE.match(text, at).end() != len(text):
        raise JsonError("parse error: content after the array")


def stream_items(text):
    at = SPACE.match(text).end()
    while at < len(text):
        value, at = decode_prefix(text, at)
        if isinstance(value, list):
            raise JsonError("the value is array type in json document stream,"
                            " you can set strip_outer_array=true to parse"
                            " each element of the array as individual rows")
        yield value
        at = SPACE.match(text, at).end()


def walk(value, steps):
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def path_steps(text):
    if not PATH.match(text):
        raise JsonError("Invalid json path: %s" % text)
    return [s for s in text[1:].split(".") if s]


def objects(body, strip_outer_array, root):
    """The objects of the body; raises JsonError where it is broken."""
    text = text_of(body)
    items = array_items(text) if strip_outer_array else stream_items(text)
    steps = path_steps(root) if root else None
    for item in items:
        if steps:
            item = walk(item, steps)
        if not isinstance(item, dict):
            raise JsonError("the value should be object type")
        yield item
