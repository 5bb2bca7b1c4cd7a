# SPDX-License-Identifier: Apache-2.0
"""Tells whether a target table holds what the source table holds.

Shares nothing with the engine: it reads PostgreSQL's own text under settings
of its own, reads the target through its SQL port, and brings both to one
comparable form by the type that PostgreSQL names.
"""

import datetime
import decimal
import json
import re

# Whatever a role may have set, the oracle reads with these.
PINNED = {
    "timezone": "UTC", "datestyle": "ISO, YMD", "intervalstyle": "postgres",
    "bytea_output": "hex", "extra_float_digits": "3", "lc_monetary": "C",
    "statement_timeout": "0", "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0", "xmloption": "content",
}
INTEGERS = {"smallint", "integer", "bigint", "oid"}
DECIMALS = {"numeric"}
FLOATS = {"real", "double precision"}


class Different(AssertionError):
    """Source and target hold different rows."""


def source_columns(cursor, schema, table):
    """[(name, type without modifiers)] in order, and the names of the key.

    The key is the primary key, else the replica identity index.
    """
    cursor.execute(
        """SELECT a.attname, format_type(a.atttypid, NULL)
             FROM pg_attribute a
            WHERE a.attrelid = %s::regclass AND a.attnum > 0
              AND NOT a.attisdropped AND a.attgenerated = ''
            ORDER BY a.attnum""", (_quoted(schema, table),))
    columns = cursor.fetchall()
    cursor.execute(
        """SELECT a.attname
             FROM pg_index i
             JOIN unnest(i.indkey) WITH ORDINALITY k(attnum, position) ON true
             JOIN pg_attribute a ON a.attrelid = i.indrelid
                                AND a.attnum = k.attnum
            WHERE i.indrelid = %s::regclass AND i.indexrelid =
                  (SELECT indexrelid FROM pg_index
                    WHERE indrelid = i.indrelid
                      AND (indisprimary OR indisreplident)
                    ORDER BY indisprimary DESC LIMIT 1)
            ORDER BY k.position""", (_quoted(schema, table),))
    return columns, [name for (name,) in cursor.fetchall()]


def _quoted(schema, table):
    return ".".join('"%s"' % part.replace('"', '""')
                    for part in (schema, table))


def source_rows(connection, schema, table):
    """(columns, key names, {key: row}) with every value as PostgreSQL's text."""
    with connection.cursor() as cursor:
        for name, value in PINNED.items():
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
        columns, key = source_columns(cursor, schema, table)
        # format() calls the type's output function; a cast to text would
        # strip the blanks of char(n) and add a netmask to inet.
        wanted = ", ".join(
            "CASE WHEN {0} IS NOT NULL THEN format('%s', {0}) END".format(
                '"%s"' % name.replace('"', '""')) for name, _ in columns)
        cursor.execute(f"SELECT {wanted} FROM {_quoted(schema, table)}")
        rows = cursor.fetchall()
    return columns, key, rows


def comparable(type_name, value):
    """One form for a value of either side; value is text, bytes or None."""
    if value is None:
        return None
    if type_name == "bytea":
        return _bytes(value)
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if type_name.endswith("[]"):
        return value
    if type_name == "boolean":
        return {"true": True, "t": True, "1": True,
                "false": False, "f": False, "0": False}[value.lower()]
    if type_name == "character":
        return value.rstrip(" ")    # what pads char(n) has no meaning
    if type_name in INTEGERS:
        # A target that was made for another type may hold any text.
        return int(value) if re.fullmatch(r"[+-]?\d+", value) else value
    if type_name in DECIMALS:
        return _decimal(value)
    if type_name in FLOATS:
        return _float(type_name, value)
    if type_name == "date" or type_name.startswith("timestamp"):
        return _moment(type_name, value)
    if type_name.startswith("time"):
        return re.sub(r"\.?0+$", "", value) if "." in value else value
    if type_name in ("json", "jsonb"):
        return _json(value)
    return value


def _bytes(value):
    if isinstance(value, str):
        if not value.startswith("\\x"):
            raise Different(f"bytea as text that is no \\x form: {value[:60]!r}")
        return bytes.fromhex(value[2:])
    return bytes(value)


def _decimal(value):
    number = decimal.Decimal(value)
    return "NaN" if number.is_nan() else number


def _float(type_name, value):
    number = float(value)
    if number != number:
        return "NaN"
    if type_name == "real":
        # The shortest text of a float4 and its widened double must agree.
        import struct
        return struct.unpack("f", struct.pack("f", number))[0]
    return number


def _moment(type_name, value):
    text = value.strip()
    if type_name == "timestamp with time zone":
        text = re.sub(r"\+00(:00)?$", "", re.sub(r"\+00(:00)?( BC)$", r"\2", text))
    try:
        moment = datetime.datetime.fromisoformat(_six_digits(text))
    except ValueError:
        return text
    return moment


def _six_digits(text):
    head, dot, fraction = text.partition(".")
    return f"{head}.{fraction:0<6}" if dot else head


def _json(value):
    # StarRocks orders keys and keeps numbers as 64-bit integers or doubles.
    document = json.loads(value, parse_int=_json_number,
                          parse_float=_json_number)
    return json.dumps(document, sort_keys=True)


def _json_number(text):
    number = decimal.Decimal(text)
    if number == number.to_integral_value() and -2**63 <= number < 2**64:
        return int(number)
    return float(text)


def differences(columns, key, source, target, target_names):
    """Up to 20 lines that say how two lists of rows differ; [] when they agree."""
    if not key:
        raise ValueError("the oracle compares tables with a key")
    order = []
    names = {name.lower(): place for place, name in enumerate(target_names)}
    for name, _ in columns:
        if name.lower() not in names:
            return [f"column {name} is missing in the target"]
        order.append(names[name.lower()])
    key_places = [place for place, (name, _) in enumerate(columns)
                  if name in key]

    def index(rows, places):
        indexed = {}
        for row in rows:
            ready = tuple(comparable(type_name, row[place])
                          for place, (_, type_name) in zip(places, columns))
            found = tuple(ready[place] for place in key_places)
            if found in indexed:
                raise Different(f"key {found} is there twice")
            indexed[found] = ready
        return indexed

    wanted = index(source, range(len(columns)))
    present = index(target, order)
    lines = [f"missing in the target: {found}" for found in wanted
             if found not in present]
    lines += [f"only in the target: {found}" for found in present
              if found not in wanted]
    for found, row in wanted.items():
        if found in present and present[found] != row:
            other = present[found]
            changed = [f"{name}: {_short(left)} != {_short(right)}"
                       for (name, _), left, right
                       in zip(columns, row, other) if left != right]
            lines.append(f"key {found} differs: {'; '.join(changed)}")
    if lines:
        lines = lines[:20] + [f"({len(lines)} differences; "
                              f"{len(wanted)} rows in the source, "
                              f"{len(present)} in the target)"]
    return lines


def _short(value):
    text = repr(value)
    return text if len(text) < 80 else f"{text[:60]}… ({len(text)})"
