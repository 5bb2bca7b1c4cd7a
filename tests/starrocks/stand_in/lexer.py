# SPDX-License-Identifier: Apache-2.0
"""Splits a SQL text into the tokens of StarRocks' lexer."""

import re

from .errors import syntax_error

# Words that are no identifiers unless they stand in backticks.
RESERVED = frozenset("""
ADD ALL ALTER ANALYZE AND ARRAY AS ASC BETWEEN BIGINT BITMAP BOTH BY CASE CHAR
CHARACTER CHECK COLLATE COLUMN COMPACTION CONVERT CREATE CROSS CUBE
CURRENT_DATE CURRENT_ROLE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DATABASE
DATABASES DECIMAL DECIMALV2 DECIMAL32 DECIMAL64 DECIMAL128 DEFAULT DEFERRED
DELETE DENSE_RANK DESC DESCRIBE DISTINCT DOUBLE DROP DUAL ELSE EXCEPT EXISTS
EXPLAIN FALSE FIRST_VALUE FLOAT FOR FORCE FROM FULL FUNCTION GRANT GROUP GROUPS
GROUPING GROUPING_ID HAVING HLL IF IGNORE IMMEDIATE IN INDEX INFILE INNER
INSERT INT INTEGER INTERSECT INTO IS JOIN JSON KEY KEYS KILL LAG LARGEINT
LAST_VALUE LATERAL LEAD LEFT LIKE LIMIT LOAD LOCALTIME LOCALTIMESTAMP MAXVALUE
MOD NTILE NOT NULL ON OR ORDER OUTER OUTFILE OVER PARTITION PERCENTILE PRIMARY
PROCEDURE RANGE READ REGEXP RELEASE RENAME REPLACE REVOKE RIGHT RLIKE ROWS
ROW_NUMBER SCHEMA SCHEMAS SELECT SET SET_VAR SHOW SMALLINT SYSTEM TABLE
TERMINATED TEXT THEN TINYINT TO TRUE UNION UNIQUE UNSIGNED UPDATE USE USING
VALUES VARCHAR WHEN WHERE WITH
""".split())

TOKEN = re.compile(r"""
  (?P<space>[ \r\n\t\u3000]+)
 |(?P<comment>--[^\r\n]*(?:\r?\n)?|/\*(?!\+).*?\*/)
 |(?P<hint>/\*\+.*?\*/)
 |(?P<binary>[xX]'[^'\\]*'|[xX]"[^"\\]*")
 |(?P<string>'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+")
 |(?P<quoted>`(?:[^`]++|``)*+`)
 |(?P<double>(?:\d+(?:\.\d*)?|\.\d+)[eE][+-]?\d+(?![A-Za-z0-9_$]))
 |(?P<decimal>\d+\.\d*(?![A-Za-z_$])|\.\d+(?![A-Za-z0-9_$]))
 |(?P<integer>\d+(?![A-Za-z0-9_$\u0080-\uffff]))
 |(?P<word>[A-Za-z0-9_$\u0080-\uffff]+)
 |(?P<operator><=>|<>|!=|<=|>=|\|\||&&|->|@@|[-+*/%=<>(),.;!&|^~@?:\[\]{}])
""", re.X | re.S)

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "b": "\b",
           "Z": "\x1a", "%": "\\%", "_": "\\_"}


class Token:
    __slots__ = ("kind", "text", "value", "at")

    def __init__(self, kind, text, value, at):
        self.kind = kind
        self.text = text
        self.value = value
        self.at = at


def position(sql, at):
    """Line and column of an offset, as the error messages count them."""
    line = sql.count("\n", 0, at) + 1
    return line, at - (sql.rfind("\n", 0, at) + 1)


def unquote(text):
    quote = text[0]
    body = text[1:-1].replace(quote + quote, quote)
    if "\\" not in body:
        return body
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m.group(1), m.group(1)),
                  body, flags=re.S)


def tokenize(sql, binary_literals=True):
    tokens = []
    at = 0
    while at < len(sql):
        found = TOKEN.match(sql, at)
        if not found:
            raise syntax_error("Unexpected input '%s'" % sql[at],
                               *position(sql, at))
        kind = found.lastgroup
        text = found.group()
        if kind == "binary" and not binary_literals:
            # An older lexer sees the word X and then a string.
            tokens.append(Token("word", text[0], text[0].upper(), at))
            tokens.append(Token("string", text[1:], unquote(text[1:]), at + 1))
        elif kind == "binary":
            digits = text[2:-1]
            if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", digits):
                raise syntax_error("Binary literal can only contain "
                                   "hexadecimal digits", *position(sql, at))
            tokens.append(Token(kind, text, bytes.fromhex(digits), at))
        elif kind == "string":
            tokens.append(Token(kind, text, unquote(text), at))
        elif kind == "quoted":
            tokens.append(Token(kind, text,
                                text[1:-1].replace("``", "`"), at))
        elif kind == "word":
            tokens.append(Token(kind, text, text.upper(), at))
        elif kind not in ("space", "comment"):
            tokens.append(Token(kind, text, text, at))
        at = found.end()
    tokens.append(Token("end", "<EOF>", None, len(sql)))
    return tokens
