# SPDX-License-Identifier: Apache-2.0
"""Databases with another encoding than UTF8: converted by the server, or, where
it does not know what it holds, told row by row."""

import json

import pytest

from harness import engine


@pytest.fixture
def encoded(world):
    """Makes the world's database anew, in an encoding."""
    def make(encoding):
        world.postgres.drop_database(world.database)
        world.postgres.sql(
            f"CREATE DATABASE {world.database} OWNER {world.role}"
            f" ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        world.admin(f"ALTER SCHEMA public OWNER TO {world.role}")
        return world
    return make


def dead_letters(pipeline):
    path = pipeline.state_dir / pipeline.name / "dead_letters.jsonl"
    # Strict: the file is UTF-8, whatever the rows are.
    return [json.loads(line) for line in path.read_bytes().decode().splitlines()]


@pytest.mark.parametrize("encoding, name, first, second", [
    ("LATIN1", "stra\u00dfe", "\u00e4\u00f6\u00fc", "\u00f1"),
    ("EUC_JP", "\u8868", "\u65e5\u672c\u8a9e", "\u6771\u4eac"),
])
def test_the_server_converts_what_it_knows(encoded, encoding, name, first,
                                           second):
    world = encoded(encoding)
    world.sql("SET client_encoding = 'UTF8';"
              f'CREATE TABLE "{name}" (id int PRIMARY KEY, v text);'
              f"INSERT INTO \"{name}\" VALUES (1, '{first}')")
    pipeline = world.pipeline()
    assert "encoding" not in pipeline.check().stdout
    pipeline.until_caught_up()
    world.sql("SET client_encoding = 'UTF8';"
              f"INSERT INTO \"{name}\" VALUES (2, '{second}')")
    pipeline.until_caught_up()
    assert sorted(world.target_rows(name)) == [("1", first), ("2", second)]
    assert pipeline.verify().code == engine.OK


def test_texts_of_sql_ascii_that_are_utf_8_arrive(encoded):
    world = encoded("SQL_ASCII")
    world.sql("CREATE TABLE a (k text PRIMARY KEY, v text, \"\u00e4\" int);"
              "INSERT INTO a VALUES ('k\u00e4', '\u00e4', 1)".encode())
    pipeline = world.pipeline()
    checked = pipeline.check()
    assert checked.code == engine.OK and "SQL_ASCII" in checked.stdout, checked
    pipeline.until_caught_up()
    world.sql("UPDATE a SET v = '\u00f6';"
              "INSERT INTO a VALUES ('', '\u20ac', 2)".encode())
    pipeline.until_caught_up()
    assert sorted(world.target_rows("a")) == [("", "\u20ac", "2"),
                                              ("k\u00e4", "\u00f6", "1")]
    assert pipeline.verify().code == engine.OK


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("sink", ["starrocks", "file"])
def test_h109_a_text_of_sql_ascii_that_is_not_utf_8_is_a_bad_row(
        encoded, copied, sink):
    world = encoded("SQL_ASCII")
    options = None if sink == "starrocks" else {
        "connector": "file", "path": world.folder / "rows.jsonl"}
    bad = (r"INSERT INTO a VALUES (4, E'\344bad'), (5, 'good'),"
           r" (6, E'cut\303')")
    world.sql("CREATE TABLE a (id int PRIMARY KEY, v text)")
    pipeline = world.pipeline(sink=options)
    if copied:
        world.sql(bad)
    else:
        pipeline.until_caught_up()
        world.sql(bad)
    done = pipeline.until_caught_up(expect=engine.FAILED)
    assert "a row of public.a, key id=" in done.stderr, done
    assert 'column "v": the value is not valid UTF-8' in done.stderr, done
    assert "on_bad_row = dead_letter" in done.stderr, done
    pipeline.configure(pipeline={"on_bad_row": "dead_letter"})
    pipeline.until_caught_up()
    assert pipeline.status()["dead_letters"] == 2
    letters = sorted(dead_letters(pipeline), key=lambda letter: letter["key"])
    assert [letter["key"] for letter in letters] == ["id=4", "id=6"]
    assert letters[0]["row"]["v"] == "\ufffdbad"
    if sink == "starrocks":
        assert world.target_rows("a") == [("5", "good")]
        world.sql("UPDATE a SET v = 'mended' WHERE id <> 5")
        pipeline.until_caught_up()
        assert sorted(world.target_rows("a")) == [
            ("4", "mended"), ("5", "good"), ("6", "mended")]
        assert pipeline.verify().code == engine.OK
    else:
        text = options["path"].read_bytes().decode()
        assert "good" in text and "bad" not in text


def test_a_key_of_sql_ascii_that_is_not_utf_8(encoded):
    world = encoded("SQL_ASCII")
    world.sql("CREATE TABLE a (k text PRIMARY KEY, v int);"
              r"INSERT INTO a VALUES (E'\344k', 1), ('good', 1)")
    pipeline = world.pipeline()
    done = pipeline.until_caught_up(expect=engine.FAILED)
    assert r"a row of public.a, key k=\xe4k, " in done.stderr, done
    assert "key k=\ufffdk, " in pipeline.status()["reason"]
    pipeline.configure(pipeline={"on_bad_row": "dead_letter"})
    pipeline.until_caught_up()
    world.sql("UPDATE a SET v = 2; DELETE FROM a WHERE v = 2 AND k <> 'good'")
    pipeline.until_caught_up()
    assert world.target_rows("a") == [("good", "2")]
    assert {letter["key"] for letter in dead_letters(pipeline)} == {
        "k=\ufffdk"}
    assert pipeline.verify().code == engine.OK
    assert pipeline.status()["dead_letters"] == 2


@pytest.mark.parametrize("name", ["t", "v", "y"])
def test_names_of_sql_ascii_that_are_not_utf_8_are_refused(encoded, name):
    world = encoded("SQL_ASCII")
    names = {"t": "t", "v": "v", "y": "y", name: "\u00e4"}
    world.sql(f"CREATE TYPE \"{names['y']}\" AS ENUM ('x');"
              f"CREATE TABLE \"{names['t']}\" (id int PRIMARY KEY,"
              f" \"{names['v']}\" \"{names['y']}\")".encode("latin-1"))
    world.sql("CREATE TABLE other (id int PRIMARY KEY)")
    pipeline = world.pipeline()
    checked = pipeline.check()
    assert checked.code == engine.FOUND, checked
    assert "is not valid UTF-8" in checked.stdout, checked
    done = pipeline.until_caught_up(expect=engine.FAILED)
    assert "is not valid UTF-8; rename that" in done.stderr, done
    pipeline.configure(source={"tables": "public.*, !public.t" if name != "t"
                               else "public.other"})
    pipeline.until_caught_up()
    assert world.target_rows("other") == []


def test_a_column_of_sql_ascii_that_gets_a_name_that_is_not_utf_8(encoded):
    world = encoded("SQL_ASCII")
    world.sql("CREATE TABLE a (id int PRIMARY KEY, v text)")
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    world.sql(b"ALTER TABLE a RENAME v TO \"\xe4\";"
              b"INSERT INTO a VALUES (1, 'x')")
    done = pipeline.until_caught_up(expect=engine.FAILED)
    assert "table public.a: the name" in done.stderr, done
    world.sql(b"ALTER TABLE a RENAME \"\xe4\" TO v")
    pipeline.until_caught_up()
    assert world.target_rows("a") == [("1", "x")]
