# SPDX-License-Identifier: Apache-2.0
"""Publications: ours, and those that somebody else has made."""

import pytest


def rows(lines, word):
    return [line[2:] for line in lines if line[0] == word]


def test_ours(source, server):
    source.table("t (id integer PRIMARY KEY)")
    source.table('"T ""x""" (id integer PRIMARY KEY)')
    source.run("prepare")
    assert source.sql("SELECT pubinsert, pubupdate, pubdelete, pubtruncate,"
                      " puballtables FROM pg_publication") \
        == [(True, True, True, True, False)]
    if server.version >= 13:
        assert source.value("SELECT pubviaroot FROM pg_publication")
    assert source.value("SELECT count(*) FROM pg_publication_tables") == 2


def test_choosy(source, server):
    """A row filter and a column list hold for the snapshot too."""
    if server.version < 15:
        pytest.skip("PostgreSQL 15 brought them")
    source.table("t (id integer PRIMARY KEY, a text, hidden text)")
    source.sql(f"CREATE PUBLICATION {source.publication} FOR TABLE t (id, a)"
               " WHERE (id > 10)")
    source.sql("INSERT INTO t VALUES (1, 'a', 'h'), (11, 'b', 'h')")
    assert rows(source.run("copy"), "read") == [["11", "b"]]
    source.sql("INSERT INTO t VALUES (2, 'c', 'h'), (12, 'd', 'h')")
    source.sql("UPDATE t SET id = 3 WHERE id = 11")
    lines = source.run("stream")
    assert rows(lines, "insert") == [["12", "d"]]
    assert rows(lines, "delete") == [["11", "~"]]
    assert rows(source.run("fetch", keys="2,12"), "read") == [["12", "d"]]


def test_wider_than_the_patterns(source):
    source.table("mine (id integer PRIMARY KEY)")
    source.table("theirs (id integer PRIMARY KEY)")
    source.sql(f"CREATE PUBLICATION {source.publication} FOR ALL TABLES")
    source.run("prepare", tables="mine")
    source.sql("INSERT INTO theirs VALUES (1)")
    source.sql("INSERT INTO mine VALUES (2)")
    source.sql("TRUNCATE theirs, mine")
    lines = source.run("stream", tables="mine")
    assert rows(lines, "insert") == [["2"]]
    assert len([line for line in lines if line[0] == "truncate"]) == 1


def test_narrower_than_the_patterns(source):
    source.table("t (id integer PRIMARY KEY)")
    source.table("u (id integer PRIMARY KEY)")
    source.sql(f"CREATE PUBLICATION {source.publication} FOR TABLE t")
    texts = {line[2]: line[3] for line in source.run("discover")
             if line[0] == "table"}
    assert texts["public.t"] == ""
    assert "is not in publication" in texts["public.u"]


def test_without_deletes(source):
    source.table("t (id integer PRIMARY KEY)")
    source.sql(f"CREATE PUBLICATION {source.publication} FOR TABLE t WITH"
               " (publish = 'insert, update')")
    source.run("prepare", expect=8)
    assert "does not publish deletes" in source.errors
    assert source.server.slot(source.slot) is None


def test_key_left_out(source, server):
    if server.version < 15:
        pytest.skip("PostgreSQL 15 brought column lists")
    source.table("t (id integer PRIMARY KEY, a text)")
    source.sql(f"CREATE PUBLICATION {source.publication} FOR TABLE t (a)")
    lines = source.run("discover")
    assert "leaves out a column of its key" in lines[0][3]


def test_partitions_without_root(source, server):
    if server.version < 13:
        pytest.skip("PostgreSQL 13 brought partitioned tables to publications")
    source.table("p (id integer PRIMARY KEY) PARTITION BY RANGE (id)")
    source.table("p_1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    source.sql(f"CREATE PUBLICATION {source.publication} FOR TABLE p")
    assert "publish_via_partition_root" in source.run("discover")[0][3]


def test_made_by_a_role_without_rights(source):
    source.table("t (id integer PRIMARY KEY)", owner="postgres")
    source.sql("GRANT SELECT ON t TO cdc")
    source.run("prepare", expect=8)
    assert "must own the tables" in source.errors
    source.sql(f"CREATE PUBLICATION {source.publication} FOR TABLE t")
    source.run("prepare")


def test_check_changes_nothing(source):
    source.table("t (id integer PRIMARY KEY)")
    source.table("nokey (id integer)")
    lines = source.run("check")
    outcomes = {line[1]: line[0] for line in lines}
    assert outcomes["server"] == outcomes["wal_level"] == "ok"
    assert outcomes["table public.t"] == "ok"
    assert outcomes["table public.nokey"] == "fail"
    assert source.value("SELECT count(*) FROM pg_publication") == 0
    assert source.server.slot(source.slot) is None
    source.sql("ALTER ROLE cdc NOREPLICATION")
    try:
        outcomes = {line[1]: line[0] for line in source.run("check")}
        assert outcomes["role"] == "fail"
        source.run("prepare", tables="t", expect=8)
    finally:
        source.sql("ALTER ROLE cdc REPLICATION")
