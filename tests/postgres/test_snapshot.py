# SPDX-License-Identifier: Apache-2.0
"""The snapshot: chunks, losing whoever holds it, tables that change."""

import psycopg2
import pytest


def test_chunks_hold_each_row_once(source, server):
    """One row a block, so that a few rows make a table of several chunks."""
    source.table("t (id integer PRIMARY KEY, pad text) WITH (fillfactor = 10)")
    source.sql("ALTER TABLE t ALTER pad SET STORAGE PLAIN")
    source.sql("INSERT INTO t SELECT i, repeat('x', 900) FROM"
               " generate_series(1, 33000) i")
    source.sql("DELETE FROM t WHERE id % 100 = 0")
    lines = source.run("copy", timeout=110)
    identities = [line[2] for line in lines if line[0] == "read"]
    assert len(identities) == 32670
    assert len(set(identities)) == 32670
    pages = source.value("SELECT pg_relation_size('t') / 8192")
    chunks = [line[1] for line in lines if line[0] == "chunk"]
    assert len(chunks) == (-(-pages // 16384) if server.version >= 14 else 1)
    assert chunks[-1].split()[3] == "0", "the last one is open"


@pytest.mark.parametrize("rows", [0, 1])
def test_small_tables(source, rows):
    source.table("t (id integer PRIMARY KEY)")
    source.sql("INSERT INTO t SELECT generate_series(1, %s)", (rows,))
    lines = source.run("copy")
    assert len([line for line in lines if line[0] == "read"]) == rows
    assert len([line for line in lines if line[0] == "chunk"]) == 1


def test_the_first_holder_is_lost(source, server):
    source.table("t (id integer PRIMARY KEY)")
    source.sql("INSERT INTO t VALUES (1), (2)")
    child = source.start("regroup")
    for line in child.stdout:
        if line.startswith("ready"):
            break
    source.sql("DELETE FROM t WHERE id = 1")
    holders = [pid for (pid,) in server.sql(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND usename ="
        " 'cdc' AND state = 'idle in transaction' ORDER BY xact_start",
        (source.database,))]
    assert len(holders) == 2
    server.terminate(holders[0])
    child.stdin.write("\n")
    child.stdin.flush()
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    rows = [line.split("\t")[2] for line in out.splitlines()
            if line.startswith("read")]
    # Both readers see what was there when the snapshot was taken.
    assert sorted(rows) == ["1", "1", "2", "2"]


def test_all_holders_are_lost(source, server):
    source.table("t (id integer PRIMARY KEY)")
    child = source.start("regroup")
    for line in child.stdout:
        if line.startswith("ready"):
            break
    for (pid,) in server.sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND usename ="
            " 'cdc' AND state = 'idle in transaction'", (source.database,)):
        server.terminate(pid)
    child.stdin.write("\n")
    child.stdin.flush()
    _, err = child.communicate(timeout=30)
    assert child.returncode == 3
    assert "the snapshot is lost" in err


def test_rewritten_after_the_plan(source):
    source.table("t (id integer PRIMARY KEY)")
    source.sql("INSERT INTO t VALUES (1)")
    source.run("prepare")
    lines = source.run("copy")
    chunk = [line[1] for line in lines if line[0] == "chunk"][0]
    assert source.run("chunk", chunk=chunk)[-1][2:] == ["1"]
    source.sql("VACUUM FULL t")
    source.run("chunk", chunk=chunk, expect=6)
    assert "rewritten" in source.errors


REWRITES = {
    "vacuum": "VACUUM FULL t",
    "type": "ALTER TABLE t ALTER v TYPE bigint",
    "truncate": "TRUNCATE t",
    "drop": "DROP TABLE t",
}


def pause(source, place):
    """A copy that waits at a place for a line, and what it printed before."""
    source.table("t (id integer PRIMARY KEY, v integer)")
    source.sql("INSERT INTO t SELECT i, i FROM generate_series(1, 100) i")
    child = source.start("copy", pause=place)
    lines = []
    for line in child.stdout:
        if line.startswith("ready"):
            return child, lines
        lines.append(line.split("\t")[0])
    raise AssertionError(child.stderr.read())


@pytest.mark.parametrize("rewrite", REWRITES)
@pytest.mark.parametrize("place", ["snapshot", "plan"])
def test_rewritten_under_the_snapshot(source, place, rewrite):
    """The snapshot would find the new file empty, and nobody would know."""
    child, _ = pause(source, place)
    source.sql(REWRITES[rewrite])
    out, err = child.communicate("\n", timeout=30)
    if place == "snapshot" and rewrite == "drop":
        # There is nothing left to plan; the stream says what became of it.
        assert child.returncode == 0 and "read" not in out, err
        return
    assert child.returncode == 6, out + err
    assert "read\t" not in out
    assert "was rewritten" in err or "was dropped" in err


@pytest.mark.parametrize("rewrite", REWRITES)
def test_no_rewrite_between_two_chunks(source, rewrite):
    """A table stays as it is from its first chunk to the snapshot's end."""
    child, lines = pause(source, "chunk")
    assert lines.count("read") == 100
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        connection = source.connect()
        try:
            connection.cursor().execute("SET lock_timeout = '100ms'")
            connection.cursor().execute(REWRITES[rewrite])
        finally:
            connection.close()
    _, err = child.communicate("\n", timeout=30)
    assert child.returncode == 0, err


def test_rows_of_a_table_that_is_gone(source):
    """The stream still has its changes: they must not be asked for for ever."""
    source.table("t (id integer PRIMARY KEY)")
    source.sql("INSERT INTO t VALUES (1)")
    child = source.start("fetch", keys="1", pause="discover")
    assert child.stdout.readline() == "ready\n"
    source.sql("DROP TABLE t")
    out, err = child.communicate("\n", timeout=30)
    assert child.returncode == 0, err
    assert out == ""


def test_chunks_of_others(source):
    source.table("t (id integer PRIMARY KEY)")
    source.run("chunk", chunk="1 2 3", expect=11)
    source.run("chunk", chunk="x", expect=11)


def test_connection_problems(source, server):
    source.table("t (id integer PRIMARY KEY)")
    source.run("position", password="wrong", expect=2)
    assert "wrong" not in source.errors
    source.run("position", ssl_root_cert=server.folder / "none", expect=1)
    source.run("position", host="localhost.invalid", expect=3)
    source.run("position", port=1, expect=3)
    source.run("position", database="nosuch", expect=1)
    source.run("position", ssl_mode="disable", expect=8)
    source.run("position", host="/tmp", expect=1)
