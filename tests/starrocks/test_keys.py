# SPDX-License-Identifier: Apache-2.0
"""The primary-key engine, and statements that change rows."""

import json

import pymysql
import pytest

from conftest import CREATE, fresh

JSON = {"format": "json", "strip_outer_array": "true"}
PROPS = " PROPERTIES (\"replication_num\"=\"1\")"


def load(server, name, *records, **headers):
    settings = dict(JSON, label=fresh())
    settings.update(headers)
    return server.load("d", name, json.dumps(records), **settings)


def test_upsert_and_delete(shared, table):
    name = table()
    load(shared, name, {"id": 1, "v": "a"}, {"id": 2, "v": "b"})
    answer = load(shared, name, {"id": 1, "v": "c", "__op": 0},
                  {"id": 2, "__op": 1}, {"id": 9, "__op": 1})
    assert answer["Status"] == "Success"
    assert shared.rows("d." + name) == (("1", "c"),)
    assert shared.bad_manners() == []


@pytest.mark.parametrize("columns, body", [
    ("id, v, __op", b"1\tx\t1\n2\tb\t0\n"),
    ("id, v, __op = 'delete'", b"1\tx\n"),
])
def test_operations_by_csv(shared, table, columns, body):
    name = table()
    shared.sql("INSERT INTO d.%s VALUES (1, 'a'), (2, 'b')" % name)
    answer = shared.load("d", name, body, label=fresh(), columns=columns)
    assert answer["Status"] == "Success", answer
    assert shared.rows("d." + name) == (("2", "b"),)


def test_the_last_operation_wins_but_it_is_bad_manners(shared, table):
    name = table()
    load(shared, name, {"id": 1, "__op": 1}, {"id": 1, "v": "a"},
         {"id": 2, "v": "b"}, {"id": 2, "__op": 1})
    assert shared.rows("d." + name) == (("1", "a"),)
    assert shared.bad_manners() == ["key_twice_in_load"]


def test_deletes_last_is_the_shared_data_bug(shared, table):
    name = table()
    shared.config(deletes_last=True)
    try:
        load(shared, name, {"id": 1, "__op": 1}, {"id": 1, "v": "a"})
        assert shared.rows("d." + name) == ()
    finally:
        shared.config(deletes_last=False)


def test_key_limit_cancels_the_load(shared, table):
    name = table("id VARCHAR(200) NOT NULL, v VARCHAR(20)")
    assert load(shared, name, {"id": "x" * 128})["Status"] == "Success"
    answer = load(shared, name, {"id": "a"}, {"id": "x" * 129},
                  max_filter_ratio="1")
    assert answer["Message"] == "primary key size exceed the limit."
    assert shared.rows("d." + name) == (("x" * 128, None),)


def test_key_limit_of_a_composite_key(shared):
    shared.sql("DROP TABLE IF EXISTS d.composite FORCE")
    shared.sql("CREATE TABLE d.composite (a VARCHAR(100) NOT NULL, b INT NOT"
               " NULL, c VARCHAR(100) NOT NULL) PRIMARY KEY (a, b, c)"
               " DISTRIBUTED BY HASH (a)" + PROPS)
    assert load(shared, "composite", {"a": "x" * 60, "b": 1, "c": "y" * 62}
                )["Status"] == "Success"
    answer = load(shared, "composite", {"a": "x" * 60, "b": 1,
                                        "c": "y" * 63})
    assert answer["Message"] == "primary key size exceed the limit."
    answer = load(shared, "composite", {"a": "x" * 60, "b": 1,
                                        "c": "y" * 62, "__op": 1})
    assert answer["Status"] == "Success"
    assert shared.rows("d.composite") == ()


def test_keys_are_compared_by_their_bytes(shared, table):
    name = table("id VARCHAR(20) NOT NULL, v VARCHAR(20)")
    load(shared, name, {"id": "a"}, {"id": "A"}, {"id": "a "}, {"id": ""},
         {"id": "ä"})
    assert [r[0] for r in shared.rows("d." + name)] == ["", "A", "a", "a ",
                                                        "ä"]


def test_not_null_is_checked_before_the_operation(shared, table):
    name = table("id BIGINT NOT NULL, v INT NOT NULL")
    assert load(shared, name, {"id": 1, "v": 1})["Status"] == "Success"
    answer = load(shared, name, {"id": 1, "__op": 1})
    assert answer["Message"] == "too many filtered rows"
    answer = load(shared, name, {"id": 1, "v": 0, "__op": 1})
    assert answer["Status"] == "Success"
    assert load(shared, name, {"v": 1})["Status"] == "Fail"


def test_partial_update(shared, table):
    name = table("id BIGINT NOT NULL, v INT, w INT DEFAULT '5'")
    load(shared, name, {"id": 1, "v": 1, "w": 2})
    answer = load(shared, name, {"id": 1, "v": 9}, {"id": 2, "v": 8},
                  partial_update="true", columns="id, v")
    assert answer["Status"] == "Success", answer
    assert shared.rows("d." + name) == (("1", "9", "2"), ("2", "8", "5"))


def test_partial_update_needs_a_primary_key(shared):
    shared.sql("DROP TABLE IF EXISTS d.plain FORCE")
    shared.sql("CREATE TABLE d.plain (id BIGINT, v INT) DUPLICATE KEY (id)"
               " DISTRIBUTED BY RANDOM" + PROPS)
    answer = load(shared, "plain", {"id": 1}, partial_update="true",
                  columns="id")
    assert answer["Message"] == "Only primary key table support partial" \
        " update"
    load(shared, "plain", {"id": 1}, {"id": 1})
    assert shared.sql("SELECT count(*) FROM d.plain") == ((2,),)


def test_merge_condition(shared, table):
    name = table("id BIGINT NOT NULL, v INT, n INT")
    load(shared, name, {"id": 1, "v": 1, "n": 5})
    load(shared, name, {"id": 1, "v": 2, "n": 4}, merge_condition="n")
    assert shared.rows("d." + name) == (("1", "1", "5"),)
    load(shared, name, {"id": 1, "v": 3, "n": 5}, merge_condition="n")
    assert shared.rows("d." + name) == (("1", "3", "5"),)
    answer = load(shared, name, {"id": 1, "__op": 1}, merge_condition="n")
    assert answer["Message"] == "delete with condition column"


def test_insert_upserts_and_names_its_label(shared, table):
    name = table("id BIGINT NOT NULL, v VARCHAR(20), w INT DEFAULT '5'")
    connection = shared.connect()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO d.%s VALUES (1, 'a', 1), (2, 'b''', NULL)"
                       % name)
        assert cursor.rowcount == 2
        cursor.execute("INSERT INTO d.%s (id, w) VALUES (1, 7)" % name)
        cursor.execute("INSERT INTO d.%s WITH LABEL %s_l VALUES (3, X'41',"
                       " DEFAULT)" % (name, name))
        with pytest.raises(pymysql.err.ProgrammingError) as caught:
            cursor.execute("INSERT INTO d.%s WITH LABEL %s_l VALUES (3, 'c',"
                           " 1)" % (name, name))
        assert "has already been used" in caught.value.args[1]
    connection.close()
    assert shared.rows("d." + name) == (("1", "a", "7"), ("2", "b'", None),
                                        ("3", "A", "5"))
    assert shared.load_state("d", name + "_l") == "VISIBLE"


def test_insert_list_resets_columns_before_3_3_1(start):
    server = start("--version", "3.3.0")
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v INT, w INT DEFAULT"
                              " '5'"))
    server.sql("INSERT INTO d.t VALUES (1, 1, 1)")
    server.sql("INSERT INTO d.t (id, v) VALUES (1, 2)")
    assert server.rows("d.t") == (("1", "2", "5"),)


@pytest.mark.parametrize("sql, text", [
    ("INSERT INTO d.{} VALUES (1)", "Column count doesn't match"),
    ("INSERT INTO d.{} (id, nix) VALUES (1, 2)", "cannot be resolved"),
    ("INSERT INTO d.{} (v) VALUES ('a')", "explicitly mentioned"),
    ("INSERT INTO d.{} VALUES (NULL, 'a')", "NULL value in non-nullable"),
    ("INSERT INTO d.{} VALUES (1, 'aaaaaaaaaaaaaaaaaaaaa')", "too long"),
    ("INSERT INTO d.{} VALUES ('x', 'a')", "filtered data"),
    ("DELETE FROM d.{}", "must specify where"),
    ("UPDATE d.{} SET id = 1 WHERE id = 2", "primary key column"),
])
def test_refused_statements(shared, table, sql, text):
    name = table()
    with pytest.raises(pymysql.err.MySQLError) as caught:
        shared.sql(sql.format(name))
    assert text in caught.value.args[1]


def test_delete_and_update(shared, table):
    name = table("id BIGINT NOT NULL, v VARCHAR(20), w INT")
    shared.sql("INSERT INTO d.%s VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c',"
               " 3)" % name)
    shared.sql("DELETE FROM d.%s WHERE id IN (1, 7) OR (v = 'c' AND w = 3)"
               % name)
    shared.sql("UPDATE d.%s SET w = w + 10, v = concat(v, '!') WHERE id = 2"
               % name)
    assert shared.rows("d." + name) == (("2", "b!", "12"),)
