# SPDX-License-Identifier: Apache-2.0
"""Dates as StarRocks reads them, with its habit of ignoring what follows."""

import calendar
import functools
import re

STANDARD = re.compile(r"(\d{4})-(\d{2})-(\d{2})"
                      r"(?:[ T](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?)?\Z",
                      re.A)
DASHED = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})"
                    r"(?:[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?)?",
                    re.A)
SOLID = re.compile(r"\s*(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2}))?",
                   re.A)
HARMLESS_REST = re.compile(r"Z?\s*\Z")


class Parsed:
    __slots__ = ("date", "time", "rest")

    def __init__(self, date, time, rest):
        self.date = date
        self.time = time
        self.rest = rest


def valid_date(year, month, day):
    if not 1 <= month <= 12 or day < 1:
        return False
    if year == 0:
        return day <= (29 if month == 2 else calendar.mdays[month])
    return day <= calendar.monthrange(year, month)[1]


@functools.lru_cache(maxsize=65536)
def good_date(text):
    """A date in the standard form that exists."""
    return valid_date(int(text[:4]), int(text[5:7]), int(text[8:10]))


def standard(text, whole):
    """The stored form of a text in standard form, or None to look closer."""
    found = STANDARD.match(text)
    if not found or not good_date(text[:10]):
        return None
    if not whole:
        return text[:10]
    hour, minute, second, fraction = found.group(4, 5, 6, 7)
    if hour is None:
        return text + " 00:00:00.000000"
    if hour > "23" or minute > "59" or second > "59":
        return None
    return "%s %s.%s" % (text[:10], text[11:19],
                         (fraction or "").ljust(6, "0"))


def parse(text):
    """A Parsed, or None where StarRocks would fail."""
    found = STANDARD.match(text) or DASHED.match(text) or SOLID.match(text)
    if not found:
        return None
    year, month, day = (int(n) for n in found.group(1, 2, 3))
    if not valid_date(year, month, day):
        return None
    hour, minute, second = (int(n or 0) for n in found.group(4, 5, 6))
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = found.group(7) if found.re is not SOLID else None
    fraction = (fraction or "")[:6].ljust(6, "0")
    rest = text[found.end():]
    return Parsed("%04d-%02d-%02d" % (year, month, day),
                  "%02d:%02d:%02d.%s" % (hour, minute, second, fraction),
                  "" if HARMLESS_REST.match(rest) else rest)
