# SPDX-License-Identifier: Apache-2.0
"""The harness itself: a test that trusts a blind oracle proves nothing."""

import decimal
import pathlib
import re

import psycopg2
import pytest

from harness import oracle
from harness.certificates import Authority

COLUMNS = [("id", "integer"), ("note", "text")]


def test_postgres_speaks_tls_only_to_tcp_clients(postgres):
    postgres.sql("CREATE ROLE knock LOGIN PASSWORD 'knock'")
    address = dict(host="localhost", hostaddr="127.0.0.1", port=postgres.port,
                   user="knock", password="knock", dbname="postgres")
    connection = psycopg2.connect(
        sslmode="verify-full", sslrootcert=str(postgres.authority.certificate),
        **address)
    assert connection.info.ssl_in_use
    connection.close()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(sslmode="disable", **address)


def test_postgres_is_refused_under_another_authority(postgres, tmp_path):
    other = Authority(tmp_path)
    with pytest.raises(psycopg2.OperationalError, match="certificate"):
        psycopg2.connect(host="localhost", hostaddr="127.0.0.1",
                         port=postgres.port, user="postgres", dbname="postgres",
                         sslmode="verify-full",
                         sslrootcert=str(other.certificate))


@pytest.mark.parametrize("target, complaint", [
    ([("1", "a"), ("2", "b")], None),
    ([("2", "b"), ("1", "a")], None),
    ([("1", "a")], "missing in the target: (2,)"),
    ([("1", "a"), ("2", "b"), ("3", "c")], "only in the target: (3,)"),
    ([("1", "a"), ("2", "B")], "key (2,) differs: note: 'b' != 'B'"),
    ([("1", "a"), ("2", None)], "key (2,) differs: note: 'b' != None"),
])
def test_oracle_finds_each_kind_of_difference(target, complaint):
    source = [("1", "a"), ("2", "b")]
    lines = oracle.differences(COLUMNS, ["id"], source, target, ["id", "note"])
    assert lines == [] if complaint is None else lines[0] == complaint


def test_oracle_finds_a_key_that_is_there_twice():
    with pytest.raises(oracle.Different, match="twice"):
        oracle.differences(COLUMNS, ["id"], [("1", "a")],
                           [("1", "a"), ("1", "a")], ["id", "note"])


@pytest.mark.parametrize("type_name, source, target", [
    ("boolean", "true", "1"),
    ("numeric", "1.50", "1.500"),
    ("real", "0.1", "0.1"),
    ("double precision", "1e+20", "100000000000000000000"),
    ("timestamp without time zone", "2024-02-29 01:02:03.5",
     "2024-02-29 01:02:03.500000"),
    ("timestamp with time zone", "2024-02-29 01:02:03+00",
     "2024-02-29 01:02:03"),
    ("bytea", "\\x00ff", b"\x00\xff"),
    ("jsonb", '{"b": 1, "a": [1.0]}', '{"a": [1.0], "b": 1}'),
    ("integer[]", "{1,NULL}", "{1,NULL}"),
])
def test_oracle_sees_equal_values_through_their_spelling(type_name, source,
                                                         target):
    assert (oracle.comparable(type_name, source)
            == oracle.comparable(type_name, target))


@pytest.mark.parametrize("type_name, source, target", [
    ("numeric", "1.50", "1.51"),
    ("double precision", "0.30000000000000004", "0.3"),
    ("timestamp with time zone", "2024-02-29 01:02:03+00",
     "2024-02-29 02:02:03"),
    ("text", "", "NULL "),
    ("text", "a ", "a"),
    ("bytea", "\\x00ff", b"\x00"),
    ("jsonb", '{"a": 1}', '{"a": "1"}'),
])
def test_oracle_sees_different_values(type_name, source, target):
    assert (oracle.comparable(type_name, source)
            != oracle.comparable(type_name, target))


def test_oracle_tells_null_from_the_text_null():
    assert oracle.comparable("text", None) != oracle.comparable("text", "NULL")


def test_oracle_keeps_all_digits():
    digits = "12345678901234567890123456789012345678.123456789"
    assert oracle.comparable("numeric", digits) == decimal.Decimal(digits)


def test_oracle_reads_what_postgres_would_send(postgres):
    postgres.sql("CREATE TABLE sent (id int PRIMARY KEY, c char(4), i inet,"
                 " b boolean, t timestamptz)")
    postgres.sql("INSERT INTO sent VALUES (1, 'ab', '::1', true,"
                 " '2024-01-01 12:00:00+02'), (2, NULL, NULL, NULL, NULL)")
    connection = postgres.connect()
    columns, key, rows = oracle.source_rows(connection, "public", "sent")
    connection.close()
    postgres.sql("DROP TABLE sent")
    assert key == ["id"]
    assert rows == [("1", "ab  ", "::1", "t", "2024-01-01 10:00:00+00"),
                    ("2", None, None, None, None)]
    assert columns[1] == ("c", "character")


def test_oracle_compares_postgres_with_starrocks(postgres, starrocks):
    postgres.sql("CREATE TABLE both_sides (id int PRIMARY KEY, note text)")
    postgres.sql("INSERT INTO both_sides VALUES (1, 'a'), (2, NULL)")
    starrocks.sql("CREATE DATABASE harness")
    starrocks.sql(
        "CREATE TABLE harness.both_sides (id INT NOT NULL, note VARCHAR(10))"
        " PRIMARY KEY (id) DISTRIBUTED BY HASH (id) BUCKETS 1"
        ' PROPERTIES ("replication_num" = "1")')
    starrocks.sql("INSERT INTO harness.both_sides VALUES (1, 'a'), (2, 'b')")
    connection = postgres.connect()
    columns, key, rows = oracle.source_rows(connection, "public", "both_sides")
    connection.close()
    postgres.sql("DROP TABLE both_sides")
    names, present = starrocks.read("harness", "both_sides")
    assert oracle.differences(columns, key, rows, present, names)[0] \
        == "key (2,) differs: note: None != 'b'"
    starrocks.sql("UPDATE harness.both_sides SET note = NULL WHERE id = 2")
    names, present = starrocks.read("harness", "both_sides")
    assert oracle.differences(columns, key, rows, present, names) == []
    assert starrocks.columns("harness", "both_sides") == {
        "id": ("int", False, True), "note": ("varchar(10)", True, False)}
    assert starrocks.read("harness", "absent") == ([], None)


def test_the_distribution_holds_every_file_of_these_tests():
    here = pathlib.Path(__file__).parent
    listed = set(re.findall(r"tests/e2e/(\S+)",
                            (here / "local.mk").read_text()))
    present = {str(path.relative_to(here)) for path in here.rglob("*")
               if path.is_file() and path.suffix != ".pyc"}
    assert present - {"local.mk"} == listed
