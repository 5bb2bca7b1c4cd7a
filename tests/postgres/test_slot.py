# SPDX-License-Identifier: Apache-2.0
"""Slots: who made them, what they still have, and the seam to the snapshot."""

import signal
import threading
import time

import pytest

from harness.postgres import lsn
from harness.waiting import wait_for


def reads(lines):
    return [line[2:] for line in lines if line[0] == "read"]


def start_position(lines):
    return [line[1] for line in lines if line[0] == "start"][0]


def line_with(stream, text):
    lines = []
    for line in stream:
        lines.append(line)
        if text in line:
            return line
    raise AssertionError(f"nothing says {text}:\n{''.join(lines)}")


def test_identity(source):
    source.table("t (id integer PRIMARY KEY)")
    first = source.run("prepare")
    again = source.run("prepare")
    assert first[0][1] == again[0][1]
    assert first[0][2] == "created 1"
    assert again[0][2] == "created 0"
    assert start_position(first) == start_position(again)


def test_slot_gone(source):
    source.table("t (id integer PRIMARY KEY)")
    start = start_position(source.run("prepare"))
    source.server.drop_slot(source.slot)
    source.run("prepare", after=start, expect=8)
    assert "is gone" in source.errors
    assert source.server.slot(source.slot) is None


def test_slot_ahead_is_a_gap_and_behind_is_none(source):
    source.table("t (id integer PRIMARY KEY)")
    start = start_position(source.run("prepare"))
    # With the test server's asynchronous commit the log's end on disk might
    # still be where the slot is.
    source.sql("SET synchronous_commit = on; INSERT INTO t VALUES (1)")
    end = source.value("SELECT pg_current_wal_flush_lsn()")
    # The core has stored more than the server remembers: normal.
    lines = source.run("prepare", after=end)
    assert start_position(lines) == end
    source.sql("SELECT pg_replication_slot_advance(%s, %s)",
               (source.slot, end))
    source.run("prepare", after=start, expect=8)
    assert "the changes between are gone" in source.errors


def test_server_behind_us(source):
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    source.run("prepare", after="FFFF/0", expect=8)
    assert "was restored" in source.errors


def test_slots_of_others(source, server):
    source.table("t (id integer PRIMARY KEY)")
    source.sql("SELECT pg_create_logical_replication_slot(%s,"
               " 'test_decoding')", (source.slot,))
    source.run("prepare", expect=8)
    assert "test_decoding" in source.errors
    server.drop_slot(source.slot)
    server.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')",
               (source.slot,))
    source.run("prepare", expect=8)
    assert "belongs to database postgres" in source.errors
    server.drop_slot(source.slot)


def test_publication_younger_than_the_slot(source):
    source.table("t (id integer PRIMARY KEY)")
    source.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')",
               (source.slot,))
    source.run("prepare", expect=8)
    assert "is missing, but slot" in source.errors


def test_publication_dropped_and_made_again(source, server):
    """The slot comes to changes of a time at which there was none."""
    if server.version >= 18:
        pytest.skip("PostgreSQL 18 leaves such changes out")
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    source.sql(f"DROP PUBLICATION {source.publication}")
    source.sql("INSERT INTO t VALUES (1)")
    source.sql(f"CREATE PUBLICATION {source.publication} FOR TABLE t")
    source.run("stream", expect=8)
    assert f"publication {source.publication} did not exist" in source.errors
    assert f"pg_drop_replication_slot('{source.slot}')" in source.errors


def test_lost_slot(source, server):
    if server.version < 13:
        pytest.skip("PostgreSQL 13 brought max_slot_wal_keep_size")
    source.table("t (id integer PRIMARY KEY)")
    start = start_position(source.run("prepare"))
    server.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'")
    server.sql("SELECT pg_reload_conf()")
    try:
        def lost():
            server.sql("SELECT pg_logical_emit_message(false, 'x',"
                       " repeat('x', 8000000))")
            server.sql("SELECT pg_switch_wal()")
            server.sql("CHECKPOINT")
            return server.slot(source.slot)["wal_status"] == "lost"
        wait_for(lost, 60, "the slot is lost")
    finally:
        server.sql("ALTER SYSTEM RESET max_slot_wal_keep_size")
        server.sql("SELECT pg_reload_conf()")
    source.run("prepare", after=start, expect=8)
    assert "given it up" in source.errors
    outcomes = {line[1]: line for line in source.run("check")}
    assert outcomes["slot"][0] == "fail"
    assert server.slot(source.slot) is not None


def test_transaction_across_the_seam(source):
    """Open when the slot is made: waited for, visibly, and nothing is lost."""
    source.table("t (id integer PRIMARY KEY)")
    connection = source.connect(autocommit=False)
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    child = source.start("sync")
    line = line_with(child.stderr, "waiting for open transactions")
    assert f"process {connection.info.backend_pid} " in line
    connection.cursor().execute("INSERT INTO t VALUES (2)")
    connection.commit()
    connection.close()
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    rows = [line.split("\t")[2:] for line in out.splitlines()
            if line.startswith(("read", "insert"))]
    assert sorted(rows) == [["1"], ["2"]]


def test_stopped_while_it_waits(source):
    source.table("t (id integer PRIMARY KEY)")
    connection = source.connect(autocommit=False)
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    child = source.start("prepare")
    line_with(child.stderr, "waiting for open transactions")
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 7
    assert time.monotonic() - began < 5
    if source.server.version >= 14:
        wait_for(lambda: source.server.slot(source.slot) is None, 20,
                 "no half a slot stays behind")
    connection.close()


def test_later_snapshot(source):
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    source.sql("INSERT INTO t VALUES (1)")
    lines = source.run("sync")
    assert reads(lines) == [["1"]]
    # The stream begins before it and repeats what the copy has.
    assert [line[2:] for line in lines if line[0] == "insert"] == [["1"]]
    positions = {line[0]: lsn(line[1]) for line in lines
                 if line[0] in ("start", "snapshot", "commit")}
    assert positions["start"] < positions["commit"] <= positions["snapshot"]


def test_later_snapshot_waits_until_commits_are_visible(source, server):
    """A commit that waits for a standby is in the log, but invisible."""
    source.table("t (id integer PRIMARY KEY, v text)")
    source.sql("INSERT INTO t VALUES (1, 'old')")
    source.run("prepare")
    server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.sql("SELECT pg_reload_conf()")
    connection = source.connect()
    cursor = connection.cursor()
    cursor.execute("SET synchronous_commit = on")
    pid = connection.info.backend_pid
    update = threading.Thread(
        target=lambda: cursor.execute("UPDATE t SET v = 'new'"))
    update.start()
    try:
        wait_for(lambda: server.value(
            "SELECT wait_event = 'SyncRep' FROM pg_stat_activity"
            " WHERE pid = %s", (pid,)), 10, "the commit waits")
        child = source.start("copy")
        line = line_with(child.stderr, "waiting for open transactions")
        assert f"process {pid} " in line
    finally:
        server.sql("ALTER SYSTEM RESET synchronous_standby_names")
        server.sql("SELECT pg_reload_conf()")
    update.join(20)
    connection.close()
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    assert [line.split("\t")[2:] for line in out.splitlines()
            if line.startswith("read")] == [["1", "new"]]


def test_view_waits_for_nobody(source):
    source.table("t (id integer PRIMARY KEY)")
    source.sql("INSERT INTO t VALUES (1)")
    connection = source.connect(autocommit=False)
    connection.cursor().execute("INSERT INTO t VALUES (2)")
    assert reads(source.run("view")) == [["1"]]
    connection.close()
    assert source.server.slot(source.slot) is None


def test_position_is_reached(source):
    """A bounded run must be able to end, whatever the position is."""
    source.table("t (id integer PRIMARY KEY)")
    source.run("prepare")
    for number in range(3):
        source.sql("INSERT INTO t VALUES (%s)", (number,))
        lines = source.run("stream", timeout=20)
        end = lsn([line[1] for line in lines if line[0] == "end"][0])
        assert source.server.confirmed(source.slot) == end
