# SPDX-License-Identifier: Apache-2.0
"""SELECT: what a program that verifies tables asks for."""

import pymysql
import pytest

COLUMNS = ("id BIGINT NOT NULL, t VARCHAR(20), n DECIMAL(10,2), f DOUBLE,"
           " ts DATETIME, d DATE, b BOOLEAN, vb VARBINARY, big LARGEINT")


@pytest.fixture(scope="module")
def filled(shared):
    shared.sql("CREATE TABLE d.s (%s) PRIMARY KEY (id) DISTRIBUTED BY HASH"
               " (id) PROPERTIES (\"replication_num\"=\"1\")" % COLUMNS)
    shared.sql(
        "INSERT INTO d.s VALUES"
        " (1, 'a', 1.50, 0.5, '2024-01-02 03:04:05.5', '2024-01-02', true,"
        "  X'00ff', 170141183460469231731687303715884105727),"
        " (2, 'b', 10.25, -1, '2023-01-02 03:04:05', '2023-01-02', false,"
        "  'raw', -5),"
        " (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
    return shared


@pytest.mark.parametrize("sql, expected", [
    ("SELECT count(*), count(t), sum(n), min(id), max(ts) FROM d.s",
     ("3", "2", "11.75", "1", "2024-01-02 03:04:05.500000")),
    ("SELECT id FROM d.s WHERE t = 'a' AND n < 2", ("1",)),
    ("SELECT id FROM d.s WHERE t IS NULL", ("3",)),
    ("SELECT id FROM d.s WHERE d BETWEEN '2024-01-01' AND '2024-12-31'",
     ("1",)),
    ("SELECT id FROM d.s WHERE ts = '2023-01-02 03:04:05'", ("2",)),
    ("SELECT id FROM d.s WHERE n = 1.5", ("1",)),
    ("SELECT id FROM d.s WHERE big > 170141183460469231731687303715884105726",
     ("1",)),
    ("SELECT id FROM d.s WHERE NOT (id IN (1, 3))", ("2",)),
    ("SELECT id FROM d.s WHERE t NOT IN ('a')", ("2",)),
    ("SELECT id FROM d.s ORDER BY n DESC LIMIT 1", ("2",)),
    ("SELECT id FROM d.s ORDER BY n LIMIT 1, 1", ("1",)),
    ("SELECT id FROM d.s WHERE id > 1 ORDER BY id LIMIT 1", ("2",)),
    ("SELECT id AS x FROM d.s WHERE t LIKE 'B' OR t LIKE '_' ORDER BY x DESC"
     " LIMIT 1", ("2",)),
    ("SELECT hex(vb), to_base64(vb), length(vb), hex(id) FROM d.s WHERE"
     " id = 1", ("00FF", "AP8=", "2", "1")),
    ("SELECT md5(concat_ws('|', id, t, ifnull(n, 'x'))) FROM d.s WHERE id ="
     " 1", ("7beb8b7935e4fa4c7ff252387bf396b7",)),
    ("SELECT cast(n AS VARCHAR), cast(f AS VARCHAR), cast(ts AS VARCHAR),"
     " cast(b AS VARCHAR), cast(id AS VARCHAR) FROM d.s WHERE id = 1",
     ("1.50", "0.5", "2024-01-02 03:04:05.500000", "1", "1")),
    ("SELECT cast('12x' AS INT), cast('1.5' AS DECIMAL(5,1)), cast('2024-01-"
     "02' AS DATETIME)", (None, "1.5", "2024-01-02 00:00:00")),
    ("SELECT coalesce(NULL, 'x'), nullif(1, 1), if(1 = 1, 'y', 'n'),"
     " concat('a', NULL)", ("x", None, "y", None)),
    ("SELECT CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END, CASE 3 WHEN 3 THEN 1"
     " END", ("b", "1")),
    ("SELECT 1 + 2 * 3, 7 / 2, 7 DIV 2, 7 % 4, -(-3)",
     ("7", "3.5", "3", "3", "3")),
    ("SELECT NULL = 1, NULL <=> NULL, 1 <> 2", (None, "1", "1")),
    ("SELECT length('äö'), char_length('äö'), upper('ä'), substr('abc', 2)",
     ("4", "2", "Ä", "bc")),
    ("SELECT date_format(ts, '%Y-%m-%d %H:%i:%s.%f') FROM d.s WHERE id = 1",
     ("2024-01-02 03:04:05.500000",)),
    ("SELECT from_binary(vb, 'hex'), unhex('41') FROM d.s WHERE id = 1",
     ("00FF", b"A")),
    ("SELECT x.id FROM d.s x WHERE x.id = 2", ("2",)),
    ("SELECT sum(c) FROM (SELECT id % 2 AS k, count(*) AS c FROM d.s GROUP BY"
     " id % 2) q", ("3",)),
    ("SELECT id % 2 AS k, count(*) FROM d.s GROUP BY k HAVING count(*) > 1",
     ("1", "2")),
    ("SELECT count(DISTINCT id % 2), avg(id) FROM d.s", ("2", "2")),
    ("SELECT count(*) FROM d.s WHERE id > 99", ("0",)),
    ("SELECT max(id) FROM d.s WHERE id > 99", (None,)),
    ("SELECT database(), version()", (None, "8.0.33")),
    ("SELECT @@version_comment", ("StarRocks version 3.3.11",)),
    ("SELECT count(*) FROM information_schema.schemata WHERE schema_name ="
     " 'd'", ("1",)),
    ("SELECT table_name FROM information_schema.tables WHERE table_schema ="
     " 'd' AND table_name = 's'", ("s",)),
])
def test_select(filled, sql, expected):
    found = filled.texts(sql)
    assert len(found) == 1
    assert found[0] == expected


def test_all_rows_and_types(filled):
    found = filled.sql("SELECT * FROM d.s ORDER BY id")
    assert found[0][7] == b"\x00\xff"
    assert found[0][8] == "170141183460469231731687303715884105727"
    assert found[2][1:] == (None,) * 8
    assert [r[0] for r in filled.sql("SELECT DISTINCT b FROM d.s ORDER BY b")
            ] == [None, 0, 1]


@pytest.mark.parametrize("sql, text", [
    ("SELECT nix FROM d.s", "cannot be resolved"),
    ("SELECT nix(1)", "No matching function"),
    ("SELECT md5()", "No matching function"),
    ("SELECT t, count(*) FROM d.s", "must be an aggregate expression"),
    ("SELECT id FROM d.s WHERE count(*) > 1", "not allowed"),
    ("SELECT id FROM d.s ORDER BY 2", "Position 2"),
    ("SELECT * ", "No tables used"),
    ("SELECT @@nix", "Unknown system variable"),
    ("SET nix = 1", "Unknown system variable"),
    ("SELECT id FROM d.s UNION SELECT 1", "syntax error"),
])
def test_refused(filled, sql, text):
    with pytest.raises(pymysql.err.MySQLError) as caught:
        filled.sql(sql)
    assert text in caught.value.args[1]


def test_commands(filled):
    connection = filled.connect(database="d")
    connection.ping(reconnect=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT database()")
        assert cursor.fetchone() == ("d",)
        cursor.execute("SET NAMES utf8mb4")
        cursor.execute("SET SESSION query_timeout = 10")
        cursor.execute("SELECT @@query_timeout")
        assert cursor.fetchone() == ("10",)
    connection.select_db("information_schema")
    with pytest.raises(pymysql.err.MySQLError):
        connection.select_db("nix")
    connection.close()


def test_a_large_statement_and_a_large_row(filled):
    """More than one packet of 16 MiB in either direction."""
    text = "x" * (17 << 20)
    assert filled.sql("SELECT '%s' AS x" % text) == ((text,),)
