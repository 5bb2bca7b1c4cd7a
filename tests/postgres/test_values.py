# SPDX-License-Identifier: Apache-2.0
"""Canonical text: the same from the snapshot, the stream and by key."""

# type, literals, canonical text of each
MATRIX = [
    ("boolean", ["true", "false"], ["true", "false"]),
    ("smallint", ["-32768"], ["-32768"]),
    ("bigint", ["9223372036854775807"], ["9223372036854775807"]),
    ("numeric", ["'NaN'", "1e-20", "12345678901234567890.5"],
     ["NaN", "0.00000000000000000001", "12345678901234567890.5"]),
    ("numeric(10,2)", ["1", "-0.005"], ["1.00", "-0.01"]),
    ("real", ["0.1", "'-0'", "1e-42", "'Infinity'"],
     ["0.1", "-0", "1e-42", "Infinity"]),
    ("double precision", ["0.30000000000000004", "'NaN'", "5e-324"],
     ["0.30000000000000004", "NaN", "5e-324"]),
    ("text", ["''", "E'a\\tb\\nc\\\\d\\re\\bf\\x0bg\\fh'", "'\\N'", "'\\.'",
              "'ünïcödé 😀'"],
     ["", "a\\09b\\0ac\\5cd\\0de\\08f\\0bg\\0ch", "\\5cN", "\\5c.",
      "ünïcödé 😀"]),
    ("char(4)", ["'ab'"], ["ab  "]),
    ("varchar(10)", ["'xyz'"], ["xyz"]),
    ("bytea", ["'\\x'", "'\\x00ff5c'"], ["", "00ff5c"]),
    ("date", ["'2024-02-29'", "'0044-03-15 BC'", "'infinity'",
              "'12345-01-01'"],
     ["2024-02-29", "0044-03-15 BC", "infinity", "12345-01-01"]),
    ("time", ["'24:00'", "'01:02:03.450'"], ["24:00:00", "01:02:03.45"]),
    ("timestamp", ["'2024-03-31 02:30'", "'0001-01-01 BC'", "'-infinity'"],
     ["2024-03-31 02:30:00", "0001-01-01 00:00:00 BC", "-infinity"]),
    ("timestamptz", ["'2024-03-31 01:30:00.000001+02'",
                     "'0044-03-15 12:00+00 BC'", "'infinity'",
                     "'1850-01-01 00:00+00'"],
     ["2024-03-30 23:30:00.000001", "0044-03-15 12:00:00 BC", "infinity",
      "1850-01-01 00:00:00"]),
    ("interval", ["'1 year -2 mons 3 days 04:05:06.7'", "'-1 sec'"],
     ["10 mons 3 days 04:05:06.7", "-00:00:01"]),
    ("uuid", ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"],
     ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("json", ["'{\"b\": 1,  \"a\":[]}'"], ["{\"b\": 1,  \"a\":[]}"]),
    ("jsonb", ["'{\"b\": 1,  \"a\":[]}'"], ["{\"a\": [], \"b\": 1}"]),
    ("mood", ["'very sad'"], ["very sad"]),
    ("amount", ["2.5"], ["2.500"]),
    ("inet", ["'10.0.0.1/8'"], ["10.0.0.1/8"]),
    ("bit varying(5)", ["B'101'"], ["101"]),
    ("int4range", ["'[1,5)'"], ["[1,5)"]),
    ("money", ["'-1234.5'"], ["-$1,234.50"]),
    ("integer[]", ["'{1,NULL,3}'", "'{}'", "'[0:1]={7,8}'", "'{{1,2},{3,4}}'"],
     ["{1,NULL,3}", "{}", "[0:1]={7,8}", "{{1,2},{3,4}}"]),
    ("text[]", ["'{a,\"b c\",\"NULL\",\"q\\\"x\",\"\"}'"],
     ["{a,\"b c\",\"NULL\",\"q\\5c\"x\",\"\"}"]),
    ("boolean[]", ["'{t,NULL,f}'", "'{{t},{f}}'"],
     ["{true,NULL,false}", "{{true},{false}}"]),
    ("bytea[]", ["ARRAY['\\x6162','\\x',NULL]::bytea[]"], ["{6162,\"\",NULL}"]),
    ("timestamptz[]", ["ARRAY['2024-01-01 00:00+01','infinity',"
                       "'0044-01-01 00:00+00 BC',NULL]::timestamptz[]"],
     ["{\"2023-12-31 23:00:00\",infinity,\"0044-01-01 00:00:00 BC\",NULL}"]),
]


def matrix_table(source):
    source.sql("CREATE TYPE mood AS ENUM ('ok', 'very sad')")
    source.sql("CREATE DOMAIN price AS numeric(8,3)")
    source.sql("CREATE DOMAIN amount AS price CHECK (VALUE > 0)")
    columns = ", ".join(f"c{i} {kind}" for i, (kind, _, _) in enumerate(MATRIX))
    source.table(f"matrix (id integer PRIMARY KEY, {columns})")


def insert_matrix(source, first):
    """Rows until each value of each type has been there, then one of NULLs."""
    rows = max(len(literals) for _, literals, _ in MATRIX)
    expected = {}
    for row in range(rows):
        chosen = [(literals[min(row, len(literals) - 1)],
                   texts[min(row, len(literals) - 1)])
                  for _, literals, texts in MATRIX]
        source.sql(f"INSERT INTO matrix VALUES ({first + row}, "
                   + ", ".join(literal for literal, _ in chosen) + ")")
        expected[str(first + row)] = [text for _, text in chosen]
    source.sql(f"INSERT INTO matrix (id) VALUES ({first + rows})")
    expected[str(first + rows)] = ["~"] * len(MATRIX)
    return expected


def rows_of(lines, word):
    return {line[2]: line[3:] for line in lines if line[0] == word}


def test_snapshot_stream_and_fetch_agree(source):
    matrix_table(source)
    expected = insert_matrix(source, 1)
    copied = rows_of(source.run("copy"), "read")
    for key, values in expected.items():
        assert copied.pop(key) == values
    assert copied == {}
    streamed = insert_matrix(source, 101)
    lines = source.run("stream")
    assert rows_of(lines, "insert") == streamed
    keys = ",".join(list(expected) + list(streamed))
    assert rows_of(source.run("fetch", keys=keys), "read") \
        == {**expected, **streamed}


def test_logical_types(source):
    matrix_table(source)
    lines = source.run("discover")
    columns = {line[2]: line[3:6] for line in lines if line[0] == "column"}
    assert columns["numeric(10,2)"] == ["type 5 of 0", "10,2", "length -1"]
    assert columns["public.amount"] == ["type 5 of 0", "8,3", "length -1"]
    assert columns["character varying(10)"][2] == "length 10"
    assert columns["bytea[]"][0] == "type 17 of 9"
    assert columns["public.mood"][0] == "type 18 of 0"


def test_keys_of_many_types(source):
    for kind, literal, key in (("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
                                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
                               ("bytea", "'\\x00ff'", "00ff"),
                               ("text", "'it''s \\ \"x\"'", "it's \\ \"x\""),
                               ("timestamptz", "'2024-01-01 00:00+00'",
                                "2024-01-01 00:00:00"),
                               ("char(3)", "'a'", "a  "),
                               ("numeric(5,1)", "1.5", "1.5"),
                               ("boolean", "true", "true")):
        source.sql("DROP TABLE IF EXISTS k")
        source.table(f"k (a {kind}, b integer, v text, PRIMARY KEY (b, a))")
        source.sql(f"INSERT INTO k VALUES ({literal}, 1, 'found'),"
                   f" ({literal}, 2, 'other')")
        rows = source.run("fetch", keys=f"{key};1")
        assert [row[-1] for row in rows] == ["found"], kind
