# SPDX-License-Identifier: Apache-2.0
"""A table of many PostgreSQL types, and values at their edges."""

COLUMNS = [
    ("id", "bigint PRIMARY KEY"),
    ("a_bool", "boolean"),
    ("a_int2", "smallint"),
    ("a_int4", "integer"),
    ("a_int8", "bigint"),
    ("a_numeric", "numeric(18,4)"),
    ("a_wide_numeric", "numeric(38,10)"),
    ("a_free_numeric", "numeric"),
    ("a_float4", "real"),
    ("a_float8", "double precision"),
    ("a_text", "text"),
    ("a_varchar", "varchar(20)"),
    ("a_char", "char(5)"),
    ("a_bytea", "bytea"),
    ("a_date", "date"),
    ("a_time", "time"),
    ("a_timetz", "timetz"),
    ("a_timestamp", "timestamp"),
    ("a_timestamptz", "timestamptz"),
    ("a_interval", "interval"),
    ("a_uuid", "uuid"),
    ("a_json", "json"),
    ("a_jsonb", "jsonb"),
    ("a_int_array", "integer[]"),
    ("a_text_array", "text[]"),
    ("a_enum", "mood"),
    ("a_domain", "positive"),
    ("a_inet", "inet"),
    ("a_macaddr", "macaddr"),
    ("a_bits", "bit varying(12)"),
    ("a_range", "int4range"),
    ("a_point", "point"),
    ("a_xml", "xml"),
    ("a_money", "money"),
    ("a_tsvector", "tsvector"),
    ("a_lsn", "pg_lsn"),
]

PREPARE = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
"""

ORDINARY = {
    "a_bool": "true", "a_int2": "7", "a_int4": "42", "a_int8": "4200000000",
    "a_numeric": "12.5", "a_wide_numeric": "1.0000000001",
    "a_free_numeric": "3.14159", "a_float4": "1.5", "a_float8": "2.25",
    "a_text": "plain", "a_varchar": "varchar", "a_char": "abc",
    "a_bytea": "\\xdeadbeef", "a_date": "2024-02-29", "a_time": "12:34:56",
    "a_timetz": "12:34:56+02", "a_timestamp": "2024-02-29 12:34:56",
    "a_timestamptz": "2024-02-29 12:34:56+02",
    "a_interval": "1 year 2 days 03:04:05",
    "a_uuid": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
    "a_json": '{"a": 1}', "a_jsonb": '{"b": [1, 2, {"c": null}]}',
    "a_int_array": "{1,2,3}", "a_text_array": '{one,"two words"}',
    "a_enum": "ok", "a_domain": "5", "a_inet": "192.168.0.1/24",
    "a_macaddr": "08:00:2b:01:02:03", "a_bits": "1010", "a_range": "[1,5)",
    "a_point": "(1,2)", "a_xml": "<a>b</a>", "a_money": "12.34",
    "a_tsvector": "a fat cat", "a_lsn": "16/B374D848",
}

# Each row overrides the ordinary values.
EDGES = [
    {},
    dict.fromkeys(ORDINARY),                                    # all NULL
    {"a_bool": "false", "a_int2": "-32768", "a_int4": "-2147483648",
     "a_int8": "-9223372036854775808", "a_domain": "1"},
    {"a_int2": "32767", "a_int4": "2147483647",
     "a_int8": "9223372036854775807"},
    {"a_numeric": "-99999999999999.9999",
     "a_wide_numeric": "-9999999999999999999999999999.9999999999",
     "a_free_numeric": "-1234567890123456789012345678901234567890.123456789"},
    {"a_numeric": "0.0001", "a_wide_numeric": "0",
     "a_free_numeric": "0.000000000000000000000000000000000001"},
    {"a_float4": "3.4028235e38", "a_float8": "1.7976931348623157e308"},
    {"a_float4": "1e-45", "a_float8": "5e-324"},
    {"a_float4": "-0", "a_float8": "-0"},
    {"a_float4": "0.1", "a_float8": "0.30000000000000004"},
    {"a_text": "", "a_varchar": "", "a_char": "", "a_bytea": "\\x",
     "a_text_array": "{}", "a_int_array": "{}", "a_bits": ""},
    {"a_text": "\\N", "a_varchar": "NULL", "a_char": "null"},
    {"a_text": "tab\there\nnew line\r\nreturn 'quote' \"double\" \\ back\\nslash",
     "a_varchar": "a,b;c|d"},
    {"a_text": "\x01\x02\x1f\x7f control", "a_varchar": " \t "},
    {"a_text": "{\"json\": \"look-alike\"}", "a_varchar": "{[(<`~"},
    {"a_text": "Grüße, 世界, \U0001f600, e\u0301, \u202eright to left",
     "a_varchar": "\U0001f600" * 20, "a_char": "世界"},
    {"a_text": " leading and trailing ", "a_varchar": "  ", "a_char": "a  "},
    {"a_bytea": "\\x" + bytes(range(256)).hex()},
    {"a_bytea": "\\x00"},
    {"a_date": "0001-01-01", "a_timestamp": "0001-01-01 00:00:00",
     "a_timestamptz": "0001-01-02 00:00:00+00"},
    {"a_date": "9999-12-31", "a_timestamp": "9999-12-31 23:59:59.999999",
     "a_timestamptz": "9999-12-31 23:59:59.999999+00"},
    {"a_date": "1582-10-10", "a_timestamp": "1582-10-10 10:10:10.000001",
     "a_timestamptz": "1969-12-31 23:59:59.999999+00"},
    {"a_timestamptz": "2024-03-31 02:30:00 Europe/Berlin",
     "a_timestamp": "2024-03-31 02:30:00"},
    {"a_timestamptz": "2024-10-27 02:30:00+02"},
    {"a_timestamptz": "2024-10-27 02:30:00+01"},
    {"a_time": "00:00:00", "a_timetz": "00:00:00+00"},
    {"a_time": "23:59:59.999999", "a_timetz": "23:59:59.999999-15:59"},
    {"a_time": "24:00:00", "a_timetz": "24:00:00+15:59"},
    {"a_interval": "-1 year -2 mons +3 days -04:05:06.000007"},
    {"a_interval": "178000000 years"},
    {"a_interval": "0"},
    {"a_json": '{"b":1,"a":"x\\u00e9\\"y", "n": -12.5e3, "t": [true,null]}',
     "a_jsonb": '{"k": "tab\\t nl\\n quote\\" back\\\\ uni\\u2028"}'},
    {"a_json": "null", "a_jsonb": "null"},
    {"a_json": '"text"', "a_jsonb": "[]"},
    {"a_json": "9007199254740993", "a_jsonb": "9007199254740993"},
    {"a_int_array": "{{1,2},{3,NULL}}",
     "a_text_array": '{NULL,"NULL","","a,b","q\\"q","b\\\\b","{x}"}'},
    {"a_int_array": "[0:1]={7,8}", "a_text_array": '{"tab\there","nl\nhere"}'},
    {"a_enum": "very happy", "a_domain": "2147483647"},
    {"a_inet": "2001:db8::1", "a_range": "empty", "a_point": "(-1.5,1e+300)"},
    {"a_range": "(,)", "a_money": "-92233720368547758.08", "a_lsn": "0/0"},
    {"a_tsvector": "'it''s':1A quote", "a_bits": "000000000001"},
]


def definition(table="kinds"):
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
    return f"CREATE TABLE {table} ({columns})"


def fill(world, first, table="kinds"):
    """One row for each edge, ids from first on. Returns how many."""
    names = [name for name, _ in COLUMNS]
    connection = world.connect()
    try:
        with connection.cursor() as cursor:
            for number, edge in enumerate(EDGES):
                row = dict(ORDINARY, **edge)
                cursor.execute(
                    f"INSERT INTO {table} ({', '.join(names)}) VALUES"
                    f" ({', '.join(['%s'] * len(names))})",
                    [first + number] + [row[name] for name in names[1:]])
    finally:
        connection.close()
    return len(EDGES)
