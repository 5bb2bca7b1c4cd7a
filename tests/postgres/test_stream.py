# SPDX-License-Identifier: Apache-2.0
"""The stream: what changes mean, schema changes, positions, timeouts."""

import signal

from harness.postgres import lsn
from harness.waiting import wait_for


def changes(lines):
    return [[line[0]] + line[2:] for line in lines
            if line[0] in ("insert", "update", "delete", "truncate")]


def until(child, word):
    """Reads the child's lines up to one that begins with word."""
    lines = []
    for line in child.stdout:
        lines.append(line.rstrip("\n").split("\t"))
        if lines[-1][0] == word:
            return lines
    raise AssertionError(f"no {word}:\n{child.stderr.read()}")


def test_toast_keys_and_full(source):
    source.table("t (id integer PRIMARY KEY, n integer, big text)")
    source.sql("ALTER TABLE t ALTER big SET STORAGE EXTERNAL")
    source.run("prepare")
    big = "x" * 9000
    source.sql("INSERT INTO t VALUES (1, 1, %s)", (big,))
    source.sql("UPDATE t SET n = 2")
    source.sql("UPDATE t SET id = 2")
    source.sql("UPDATE t SET big = NULL")
    source.sql("UPDATE t SET big = %s", (big,))
    source.sql("ALTER TABLE t REPLICA IDENTITY FULL")
    source.sql("UPDATE t SET n = 3")
    source.sql("DELETE FROM t")
    lines = source.run("stream")
    assert changes(lines) == [
        ["insert", "1", "1", big],
        ["update", "1", "2", "="],
        ["update", "2", "2", "=", "old", "1", "~", "~"],
        ["update", "2", "2", "~"],
        ["update", "2", "2", big],
        # With the old row at hand nothing is missing.
        ["update", "2", "3", big, "old", "2", "2", big],
        ["delete", "2", "~", "~", "old", "2", "3", big],
    ]
    keys = [line[6] for line in lines if line[:2] == ["column", "id"]]
    assert set(keys) == {"flags 7 key 1 number 1"}


def test_transactions(source):
    source.table("t (id integer PRIMARY KEY, v text)")
    source.run("prepare")
    connection = source.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO t VALUES (1, 'a')")
    cursor.execute("SAVEPOINT s")
    cursor.execute("INSERT INTO t VALUES (2, 'gone')")
    cursor.execute("ROLLBACK TO s")
    source.sql("INSERT INTO t VALUES (3, 'first')")
    cursor.execute("INSERT INTO t VALUES (4, 'b')")
    connection.commit()
    cursor.execute("INSERT INTO t VALUES (5, 'gone')")
    connection.rollback()
    connection.close()
    lines = source.run("stream")
    assert changes(lines) == [["insert", "3", "first"], ["insert", "1", "a"],
                              ["insert", "4", "b"]]
    commits = [lsn(line[1]) for line in lines if line[0] == "commit"]
    assert commits == sorted(commits)
    # Going on behind the first transaction repeats the second as a whole.
    first = [line[1] for line in lines if line[0] == "commit"][0]
    assert source.server.confirmed(source.slot) >= commits[-1]
    source.run("stream", after=first, expect=8)
    assert "are gone" in source.errors


def test_restart_behind_a_commit(source):
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    source.sql("INSERT INTO t SELECT generate_series(1, 20)")
    source.sql("INSERT INTO t VALUES (21)")
    lines = source.run("stream", confirm="no")
    assert len(changes(lines)) == 21
    commits = [line[1] for line in lines if line[0] == "commit"]
    again = source.run("stream", confirm="no", after=commits[0])
    assert changes(again) == [["insert", "21"]]


def test_schema_changes_in_order(source):
    source.table("t (id integer PRIMARY KEY, a integer, b text)")
    source.run("prepare")
    connection = source.connect(autocommit=False)
    cursor = connection.cursor()
    for statement in (
            "INSERT INTO t VALUES (1, 1, 'one')",
            "ALTER TABLE t ADD COLUMN c boolean",
            "INSERT INTO t VALUES (2, 2, 'two', true)",
            "ALTER TABLE t DROP COLUMN a",
            "ALTER TABLE t ADD COLUMN a bytea",
            "INSERT INTO t VALUES (3, 'three', false, '\\x0a')",
            "ALTER TABLE t RENAME COLUMN b TO a2",
            "ALTER TABLE t ALTER COLUMN id TYPE bigint",
            "UPDATE t SET id = 4 WHERE id = 3"):
        cursor.execute(statement)
    connection.commit()
    cursor.execute("ALTER TABLE t ADD COLUMN never integer")
    connection.rollback()
    connection.close()
    source.sql("CREATE TYPE late AS (x integer)")
    source.sql("ALTER TABLE t ADD COLUMN d late")
    source.sql("INSERT INTO t VALUES (5, 'five', NULL, NULL, '(1)')")
    source.sql("ALTER TABLE t DROP COLUMN d")
    source.sql("DROP TYPE late")
    lines = source.run("stream")
    assert changes(lines) == [
        ["insert", "1", "1", "one"],
        ["insert", "2", "2", "two", "true"],
        ["insert", "3", "three", "false", "0a"],
        ["update", "4", "three", "false", "0a", "old", "3", "~", "~", "~"],
        ["insert", "5", "five", "~", "~", "(1)"],
    ]
    tables, columns = [], None
    for line in lines:
        if line[0] == "table":
            columns = []
            tables.append(columns)
        elif line[0] == "column":
            columns.append((line[1], line[3].split()[1]))
    assert tables[:3] == [
        [("id", "3"), ("a", "3"), ("b", "8")],
        [("id", "3"), ("a", "3"), ("b", "8"), ("c", "1")],
        [("id", "3"), ("b", "8"), ("c", "1"), ("a", "9")],
    ]
    assert tables[3] == [("id", "4"), ("a2", "8"), ("c", "1"), ("a", "9")]
    assert tables[-1][-1] == ("d", "18")


def test_table_dropped_before_it_is_read(source):
    source.table("t (id integer PRIMARY KEY, b boolean)")
    source.run("prepare")
    source.sql("INSERT INTO t VALUES (1, true)")
    source.sql("DROP TABLE t")
    source.table("t (id text PRIMARY KEY)")
    source.sql(f"ALTER PUBLICATION {source.publication} ADD TABLE t")
    source.sql("INSERT INTO t VALUES ('x')")
    lines = source.run("stream")
    assert changes(lines) == [["insert", "1", "true"], ["insert", "x"]]
    assert len({line[1] for line in lines if line[0] == "insert"}) == 2


def test_messages_of_applications(source):
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    source.sql("SELECT pg_logical_emit_message(true, 'p', 'x')")
    source.sql("INSERT INTO t VALUES (1)")
    source.sql("SELECT pg_logical_emit_message(false, 'p', 'x')")
    assert changes(source.run("stream")) == [["insert", "1"]]


def test_idle_position_moves(source, server):
    """A busy neighbour must not hold back our slot."""
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    child = source.start("stream", seconds=60)
    until(child, "streaming")
    server.sql("CREATE TABLE IF NOT EXISTS busy (x text)")
    server.sql("INSERT INTO busy SELECT repeat('x', 100) FROM"
               " generate_series(1, 1000)")
    end = server.position()
    wait_for(lambda: server.confirmed(source.slot) >= end, 20,
             "the slot moves on")
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 7


def test_kept_alive_while_nothing_is_taken(source, server):
    """wal_sender_timeout passes, and more data than the socket takes waits."""
    source.table("t (id integer PRIMARY KEY, v text)")
    source.run("prepare")
    server.sql("ALTER ROLE cdc SET wal_sender_timeout = '1s'")
    try:
        source.sql("INSERT INTO t SELECT i, repeat('x', 1000) FROM"
                   " generate_series(1, 30000) i")
        source.run("stream", stall=4, quiet=1)
    finally:
        server.sql("ALTER ROLE cdc RESET wal_sender_timeout")
    assert "30000 rows" in source.errors
    assert "replication timeout" not in server.log()


def test_backlog_is_fetched_in_large_pieces(source):
    """Also past a call's deadline, which is shorter than its turn here."""
    source.table("t (id integer PRIMARY KEY, v text)")
    source.run("prepare")
    source.sql("INSERT INTO t SELECT i, repeat('x', 100) FROM"
               " generate_series(1, 50000) i")
    lines = source.run("stream", quiet=1, call_ms=10)
    assert "50000 rows" in source.errors
    waits = [int(line[1]) for line in lines if line[0] == "waits"][0]
    assert waits < 5000


def test_one_stream_at_a_time(source):
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    child = source.start("stream", seconds=60)
    until(child, "streaming")
    pid = source.server.walsender(source.slot)
    source.run("stream", expect=3)
    assert f"PID {pid}" in source.errors
    child.send_signal(signal.SIGTERM)
    child.wait(10)
    source.run("stream")


def test_server_shuts_down(source, server):
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    child = source.start("stream", seconds=60)
    until(child, "streaming")
    assert server.stop(), "the server could not stop"
    assert child.wait(10) == 3
    server.start()
    source.sql("INSERT INTO t VALUES (1)")
    assert changes(source.run("stream")) == [["insert", "1"]]


def test_columns_are_numbered_and_filled(source):
    """What tells a renamed column, one that was made anew, and one that has
    values in old rows."""
    source.table("t (id integer PRIMARY KEY, a text, b text)")
    source.run("prepare")

    def columns(statement):
        source.sql(statement)
        return {line[1]: line[6] for line in source.run("discover")
                if line[0] == "column"}

    assert columns("SELECT") == {
        "id": "flags 7 key 1 number 1", "a": "flags 0 key 0 number 2",
        "b": "flags 0 key 0 number 3"}
    assert columns("ALTER TABLE t RENAME a TO c")["c"] == \
        "flags 0 key 0 number 2"
    assert columns("ALTER TABLE t DROP b, ADD b text")["b"] == \
        "flags 0 key 0 number 4"
    assert columns("ALTER TABLE t ADD d int DEFAULT 1")["d"] == \
        "flags 4 key 0 number 5"
    assert columns("ALTER TABLE t ADD e int GENERATED ALWAYS AS IDENTITY"
                   )["e"] == "flags 4 key 0 number 6"
