# SPDX-License-Identifier: Apache-2.0
"""Splits a CSV body into rows and fields by StarRocks' rules."""

import re


class CsvError(Exception):
    """A header that describes the format is wrong."""


def separator(text, default):
    r"""The bytes of column_separator or row_delimiter: \x01, 0x01, \t, \n."""
    if text is None:
        return default
    found = re.fullmatch(r"(?:\\x|0x|\\X|0X)((?:[0-9a-fA-F]{2})+)", text)
    if found:
        data = bytes.fromhex(found.group(1))
    else:
        data = text.replace("\\t", "\t").replace("\\n", "\n") \
            .replace("\\r", "\r").encode()
    if not 1 <= len(data) <= 50:
        raise CsvError("Delimiter length must be between 1 and 50")
    return data


class CsvFormat:
    def __init__(self, headers):
        self.column = separator(headers.get("column_separator"), b"\t")
        self.row = separator(headers.get("row_delimiter"), b"\n")
        self.enclose = headers.get("enclose", "").encode()[:1]
        self.escape = headers.get("escape", "").encode()[:1]
        self.trim = headers.get("trim_space", "false").lower() == "true"
        try:
            self.skip = int(headers.get("skip_header", "0"))
        except ValueError:
            raise CsvError("Invalid csv load argument: skip_header") \
                from None


def plain_rows(body, form):
    for row in body.split(form.row):
        if row:
            yield row, row.split(form.column)


def quoted_rows(body, form):
    """The state machine for enclose and escape."""
    at = 0
    size = len(body)
    while at < size:
        start = at
        fields = []
        field = bytearray()
        quoted = False
        opening = True
        ended = False
        while at < size:
            one = body[at:at + 1]
            if form.escape and one == form.escape and at + 1 < size:
                field += body[at + 1:at + 2]
                at += 2
                opening = False
            elif quoted and one == form.enclose:
                if body[at + 1:at + 2] == form.enclose:
                    field += one
                    at += 2
                else:
                    quoted = False
                    at += 1
            elif quoted:
                field += one
                at += 1
            elif opening and form.enclose and one == form.enclose:
                quoted = True
                opening = False
                at += 1
            elif body.startswith(form.column, at):
                fields.append(bytes(field))
                field = bytearray()
                opening = True
                at += len(form.column)
            elif body.startswith(form.row, at):
                ended = True
                break
            else:
                field += one
                opening = False
                at += 1
        row = body[start:at]
        fields.append(bytes(field))
        if ended:
            at += len(form.row)
        if row:
            yield row, fields


def rows(body, form):
    """(row bytes, list of field bytes) of each row that is not blank."""
    split = quoted_rows if form.enclose or form.escape else plain_rows
    skipped = 0
    for row, fields in split(body, form):
        if skipped < form.skip:
            skipped += 1
            continue
        if form.trim:
            fields = [f.strip(b" ") for f in fields]
        yield row, fields
