# SPDX-License-Identifier: Apache-2.0
"""What becomes of values on their way in, by CSV and by JSON."""

import json

import pytest

from conftest import CREATE, fresh

JSON = {"format": "json", "strip_outer_array": "true"}
NULL = None
BAD = "bad"

# type, JSON value, what is stored; BAD: refused under strict_mode.
FROM_JSON = [
    ("BOOLEAN", "true", "1"), ("BOOLEAN", "0", "0"),
    ("BOOLEAN", '"FALSE"', "0"), ("BOOLEAN", '"t"', BAD),
    ("TINYINT", "127", "127"), ("TINYINT", "128", BAD),
    ("INT", '"12"', "12"), ("INT", "1.9", "1"), ("INT", '"x"', BAD),
    ("INT", "true", "1"), ("INT", "[1]", BAD),
    ("BIGINT", "-9223372036854775808", "-9223372036854775808"),
    ("BIGINT", "9223372036854775808", BAD),
    ("LARGEINT", '"170141183460469231731687303715884105727"',
     "170141183460469231731687303715884105727"),
    ("LARGEINT", '"170141183460469231731687303715884105728"', BAD),
    ("FLOAT", "0.1", "0.1"), ("FLOAT", '"NaN"', "nan"),
    ("FLOAT", '"1e39"', BAD),
    ("DOUBLE", "0.1", "0.1"), ("DOUBLE", '"-Infinity"', "-inf"),
    ("DOUBLE", "1", "1"), ("DOUBLE", "1e400", BAD),
    ("DECIMAL(5,2)", '"1.005"', "1.01"), ("DECIMAL(5,2)", '"-1.005"',
                                          "-1.01"),
    ("DECIMAL(5,2)", "1.25", "1.25"), ("DECIMAL(5,2)", '"999.995"', BAD),
    ("DECIMAL(5,2)", '"NaN"', BAD), ("DECIMAL(5,2)", '"1e2"', "100.00"),
    ("DECIMAL(38,10)", '"1234567890123456789012345678.0123456789"',
     "1234567890123456789012345678.0123456789"),
    ("DECIMAL(3,3)", '"0.123"', "0.123"), ("DECIMAL(3,3)", '"1"', BAD),
    ("DECIMAL(5,2)", '"-0.001"', "0.00"),
    ("VARCHAR(6)", '"äöü"', "äöü"), ("VARCHAR(5)", '"äöü"', BAD),
    ("VARCHAR(9)", "1.50", "1.50"), ("VARCHAR(9)", "true", "1"),
    ("VARCHAR(20)", '{"b": [1, 2.0]}', '{"b":[1,2.0]}'),
    ("VARCHAR(9)", '"\\\\N"', "\\N"), ("VARCHAR(9)", '""', ""),
    ("DATE", '"2024-02-29"', "2024-02-29"), ("DATE", '"2023-02-29"', BAD),
    ("DATE", '"infinity"', BAD), ("DATE", '"0000-01-01"', "0000-01-01"),
    ("DATE", '"10000-01-01"', BAD),
    ("DATETIME", '"2024-01-02 03:04:05"', "2024-01-02 03:04:05"),
    ("DATETIME", '"2024-01-02T03:04:05.5Z"', "2024-01-02 03:04:05.500000"),
    ("DATETIME", '"2024-01-02 24:00:00"', BAD),
    ("DATETIME", '"2024-01-02"', "2024-01-02 00:00:00"),
    ("DATETIME", '"20240102030405"', "2024-01-02 03:04:05"),
    ("JSON", '{"b": 1.0, "a": "x"}', '{"a": "x", "b": 1}'),
    ("JSON", '"{}"', '"{}"'), ("JSON", "null", NULL),
    ("JSON", "123456789012345678901234567890", "1.2345678901234568e+29"),
    ("JSON", "[null, true]", "[null, true]"),
    ("VARBINARY", '"616263"', b"616263"),
    ("ARRAY<INT>", "[1, null, 3]", "[1,null,3]"),
    ("ARRAY<INT>", '["x"]', BAD), ("ARRAY<VARCHAR(9)>", '["a"]', '["a"]'),
    ("INT", "null", NULL),
]


def unpacked(value):
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("kind, value, stored", FROM_JSON)
def test_from_json(shared, table, kind, value, stored):
    name = table("id INT NOT NULL, v " + kind)
    body = '[{"id": 1, "v": %s}]' % value
    answer = shared.load("d", name, body, label=fresh(), **JSON)
    if stored == BAD:
        assert answer["Message"] == "too many filtered rows"
        return
    assert answer["Status"] == "Success", answer
    assert unpacked(shared.rows("d." + name)[0][1]) == unpacked(stored)


def test_lax_mode_turns_bad_values_into_null(shared, table):
    name = table("id INT NOT NULL, v INT")
    answer = shared.load("d", name, '[{"id": 1, "v": "x"}]', label=name,
                         strict_mode="false", **JSON)
    assert answer["Status"] == "Success"
    assert shared.rows("d." + name) == (("1", None),)
    assert "value_became_null" in shared.bad_manners()


def test_the_end_of_a_date_is_ignored_but_noticed(shared, table):
    name = table("id INT NOT NULL, v DATETIME")
    answer = shared.load("d", name,
                         '[{"id": 1, "v": "2024-01-02 03:04:05+05"}]',
                         label=name, **JSON)
    assert answer["Status"] == "Success"
    assert shared.rows("d." + name) == (("1", "2024-01-02 03:04:05"),)
    assert shared.bad_manners() == ["date_rest_ignored"]


@pytest.mark.parametrize("body", [
    '[{"id": 1}', '[{"id": 1},]', '[{"id": 1}] x', '{"id": 1}', '[1]',
    '[{"id": NaN}]', '[{"id": 1, "v": "\\ud800"}]', '[{"id": 01}]',
    b'[{"id": 1, "v": "\xff"}]', b'\xef\xbb\xbf[{"id": 1}]',
    '[{"id": 1, "v": "a\nb"}]', "[{'id': 1}]",
])
def test_broken_json_fails_the_load(shared, table, body):
    name = table()
    answer = shared.load("d", name, body, label=fresh(), **JSON)
    assert answer["Status"] == "Fail"
    assert shared.rows("d." + name) == ()


def test_json_keys(shared, table):
    """Case matters, the first of two wins, extra keys are ignored."""
    name = table("id INT NOT NULL, v VARCHAR(9), w VARCHAR(9) DEFAULT 'x'")
    body = '[{"id": 1, "V": "a", "z": 1}, {"id": 2, "v": "b", "v": "c"}]'
    answer = shared.load("d", name, body, label=name, **JSON)
    assert answer["Status"] == "Success"
    assert shared.rows("d." + name) == (("1", None, None), ("2", "b", None))


def test_json_documents_one_after_another(shared, table):
    name = table()
    body = '{"id": 1, "v": "a"}\n{"id": 2, "v": "b"} {"id": 3}'
    answer = shared.load("d", name, body, label=name, format="json")
    assert answer["NumberLoadedRows"] == 3
    answer = shared.load("d", name, '[{"id": 1}]', label=name + "2",
                         format="json")
    assert "strip_outer_array=true" in answer["Message"]


def test_json_with_columns(shared, table):
    """Omitted columns get their default, not NULL; expressions work."""
    name = table("id INT NOT NULL, b VARBINARY, w VARCHAR(9) DEFAULT 'x'")
    answer = shared.load(
        "d", name, '[{"id": 1, "h": "00ff"}]', label=name,
        columns="id, h, b = to_binary(h, 'hex')", **JSON)
    assert answer["Status"] == "Success", answer
    assert shared.texts("SELECT id, hex(b), w FROM d." + name) == (
        ("1", "00FF", "x"),)


def test_json_paths_and_root(shared, table):
    name = table()
    answer = shared.load(
        "d", name, '{"r": {"k": 1, "x": {"y": "a"}}}', label=name,
        format="json", json_root="$.r", jsonpaths='["$.k", "$.x.y"]',
        columns="id, v")
    assert answer["Status"] == "Success", answer
    assert shared.rows("d." + name) == (("1", "a"),)


# type, CSV field, what is stored
FROM_CSV = [
    ("VARCHAR(9)", b"\\N", NULL), ("VARCHAR(9)", b"", ""),
    ("INT", b"", BAD), ("INT", b"\\N", NULL), ("INT", b"1.5", "1"),
    ("BIGINT", b"1.5", BAD), ("BOOLEAN", b"true", "1"),
    ("DECIMAL(5,2)", b"1.005", "1.01"), ("DATE", b"2024-01-02", "2024-01-02"),
    ("DOUBLE", b"inf", "inf"), ("JSON", b'{"a":1}', '{"a": 1}'),
    ("JSON", b"null", "null"), ("JSON", b"{", BAD),
    ("ARRAY<VARCHAR(9)>", b'["a","b""c",null]', '["a","b\\"c",null]'),
    ("VARBINARY", b"YWJj", b"abc"), ("VARBINARY", b"!", b"!"),
    ("VARCHAR(9)", b"\xff", BAD),
]


@pytest.mark.parametrize("kind, field, stored", FROM_CSV)
def test_from_csv(shared, table, kind, field, stored):
    name = table("id INT NOT NULL, v " + kind)
    answer = shared.load("d", name, b"1\t" + field + b"\n",
                         label=fresh())
    if stored == BAD:
        assert answer["Message"] == "too many filtered rows"
        return
    assert answer["Status"] == "Success", answer
    assert unpacked(shared.rows("d." + name)[0][1]) == unpacked(stored)


@pytest.mark.parametrize("version, stored", [("3.1.10", b"abc"),
                                             ("3.2.0", b"616263")])
def test_binary_csv_by_version(start, version, stored):
    """Hex before 3.2; then base64, with the raw bytes if it is none."""
    server = start("--version", version)
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id INT NOT NULL, v VARBINARY"))
    field = b"616263" if version == "3.1.10" else b"616263!"
    server.load("d", "t", b"1\t" + field, label="l")
    expected = stored if version == "3.1.10" else stored + b"!"
    assert unpacked(server.rows("d.t")[0][1]) == expected.decode()


@pytest.mark.parametrize("headers, body, expected", [
    ({"column_separator": "\\x01", "row_delimiter": "0x02"},
     b"1\x01a\nb\x022\x01c", [("1", "a\nb"), ("2", "c")]),
    ({"column_separator": ",", "enclose": '"'},
     b'1,"a,""b"\n2,"\\N"\n', [("1", 'a,"b'), ("2", None)]),
    ({"column_separator": ",", "enclose": '"', "escape": "\\"},
     b'1,"a\\"b"\n2,\\N\n', [("1", 'a"b'), ("2", "N")]),
    ({"skip_header": "1", "column_separator": ","}, b"id,v\n1,a\n",
     [("1", "a")]),
    ({"trim_space": "true", "column_separator": ","}, b"1 , a \n",
     [("1", "a")]),
    ({"columns": "v, id"}, b"a\t1\n\n", [("1", "a")]),
    ({"columns": "id, t, v = upper(t)"}, b"1\ta\n", [("1", "A")]),
    ({"where": "id > 1"}, b"1\ta\n2\tb\n", [("2", "b")]),
])
def test_csv_format(shared, table, headers, body, expected):
    name = table()
    answer = shared.load("d", name, body, label=fresh(), **headers)
    assert answer["Status"] == "Success", answer
    assert list(shared.rows("d." + name)) == expected


def test_wrong_number_of_fields(shared, table):
    name = table()
    answer = shared.load("d", name, b"1\ta\tb\n2\tb\n", label=name,
                         max_filter_ratio="0.5")
    assert answer["NumberFilteredRows"] == 1
    assert shared.rows("d." + name) == (("2", "b"),)


def test_microseconds_are_printed_from_3_3_5(start):
    server = start("--version", "3.3.4")
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id INT NOT NULL, v DATETIME"))
    body = json.dumps([{"id": 1, "v": "2024-01-02 03:04:05.123456"}])
    server.load("d", "t", body, label="l", **JSON)
    assert server.rows("d.t") == (("1", "2024-01-02 03:04:05"),)


def test_generated_column(shared, table):
    name = table("id INT NOT NULL, v INT, g INT AS v + 1")
    answer = shared.load("d", name, '[{"id": 1, "v": 2}]', label=name,
                         **JSON)
    assert answer["Status"] == "Success", answer
    assert shared.rows("d." + name) == (("1", "2", "3"),)
    answer = shared.load("d", name, '[{"id": 1}]', label=name + "2",
                         columns="id, v, g", **JSON)
    assert "generated column: g can not be specified" in answer["Message"]


def test_double_as_mysql_prints_it(shared, table):
    name = table("id INT NOT NULL, v DOUBLE, f FLOAT")
    shared.load("d", name, '[{"id": 1, "v": 1e20, "f": 16777216},'
                '{"id": 2, "v": 0.30000000000000004, "f": 3.4028235e38}]',
                label=name, **JSON)
    found = shared.rows("d." + name)
    assert float(found[0][1]) == 1e20
    assert found[1][1] == "0.30000000000000004"
    assert float(found[1][2]) == pytest.approx(3.4028235e38)
