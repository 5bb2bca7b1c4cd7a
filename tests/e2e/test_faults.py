# SPDX-License-Identifier: Apache-2.0
"""StarRocks at its worst: held, lost, late, refused, redirected, gone."""

import os
import signal
import time

import pytest

from harness import rogue
from harness.starrocks import Stranger
from harness.waiting import wait_for
from harness.workload import TABLES, Workload

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 200) i")


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


@pytest.fixture
def streaming(items):
    """A pipeline that has copied the table and streams."""
    pipeline = items.pipeline(batch={"max_delay": "50ms"})
    run = pipeline.start()
    run.wait_streaming()
    items.wait_same(run, "items")
    return items, pipeline, run


def test_h01_the_slot_never_passes_what_is_not_durable(streaming):
    world, pipeline, run = streaming
    hold = world.starrocks.hold("items")
    before_first = world.postgres.position()
    for number in range(1000, 1100):
        world.sql("INSERT INTO items VALUES (%s, 'held')", (number,))
    run.wait_until(hold.reached, "a load is held")
    # Keepalives and status updates pass; none may confirm a held commit (H02).
    seen = set()

    def keepalives_passed():
        confirmed = world.postgres.confirmed(pipeline.slot)
        assert confirmed <= before_first, "confirmed before it was durable"
        seen.add(world.postgres.value(
            "SELECT reply_time::text FROM pg_stat_replication WHERE pid = %s",
            (world.postgres.walsender(pipeline.slot),)))
        return len(seen) >= 3

    run.wait_until(keepalives_passed, "three status updates arrived",
                   timeout=60)
    run.kill()
    assert world.postgres.confirmed(pipeline.slot) <= before_first
    hold.release()
    again = pipeline.start()
    world.settle(again, "items")


def test_h04_status_goes_out_while_the_sink_blocks(streaming):
    world, pipeline, run = streaming
    world.postgres.sql("ALTER SYSTEM SET wal_sender_timeout = '3s'")
    world.postgres.sql("SELECT pg_reload_conf()")
    try:
        hold = world.starrocks.hold("items")
        pid = world.postgres.walsender(pipeline.slot)
        logged = len(world.postgres.log())
        world.sql("INSERT INTO items SELECT i, 'held' FROM"
                  " generate_series(1000, 11000) i")
        run.wait_until(hold.reached, "a load is held")
        begin = world.postgres.value("SELECT now()")
        run.wait_until(lambda: world.postgres.value(
            "SELECT now() - %s > interval '10 s'", (begin,)),
            "more than three timeouts have passed")
        assert world.postgres.walsender(pipeline.slot) == pid
        assert "replication timeout" not in world.postgres.log()[logged:]
        hold.release()
        world.settle(run, "items")
    finally:
        world.postgres.sql("ALTER SYSTEM RESET wal_sender_timeout")
        world.postgres.sql("SELECT pg_reload_conf()")


@pytest.mark.parametrize("fault", [
    "reply_lost_after_commit", "reply_lost_before_commit", "reply_cut",
    "truncated_reply", "unknown_status", "cut_in_body", "cut_before_redirect",
    "cut_after_redirect", "redirect_loop", "redirect_without_location",
    "frontend_503", "backend_500", "too_many_versions", "memory_exceeded",
    "publish_timeout", "not_master", "no_backend"])
def test_h136_h137_h141_a_fault_is_survived(streaming, fault):
    world, pipeline, run = streaming
    ordered = world.starrocks.fault(fault, "items", times=2)
    world.sql("UPDATE items SET name = name || '!' WHERE id <= 100;"
              "DELETE FROM items WHERE id > 190;"
              "INSERT INTO items VALUES (1000, 'new')")
    run.wait_until(ordered.struck, f"{fault} happened", timeout=30)
    world.settle(run, "items")
    run = pipeline.start()
    world.settle(run, "items")


@pytest.mark.parametrize("fault", ["reply_lost_after_commit",
                                   "cut_in_body", "too_many_versions"])
def test_faults_during_the_snapshot(items, fault):
    pipeline = items.pipeline(batch={"max_rows": 50})
    ordered = items.starrocks.fault(fault, "items", times=2)
    run = pipeline.start()
    items.settle(run, "items")
    assert ordered.struck()


def test_h136_a_reply_that_was_lost_is_settled_by_asking(streaming):
    world, _, run = streaming
    ordered = world.starrocks.fault("reply_lost_after_commit", "items")
    world.sql("INSERT INTO items VALUES (2000, 'once')")
    run.wait_until(ordered.struck, "the reply was lost")
    world.settle(run, "items")
    # Whatever was sent again came under the same label, with the same rows.
    assert not world.starrocks.bad_manners()


def test_h142_a_redirect_to_elsewhere_is_not_followed(streaming):
    world, pipeline, run = streaming
    # A port of this machine that nobody has announced.
    stranger = Stranger()
    try:
        world.starrocks.fault_rule(
            action="redirect_to", table="items", times=-1,
            location=f"https://localhost:{stranger.port}/api/x/_stream_load")
        world.sql("INSERT INTO items VALUES (3000, 'x')")
        # Only a person can mend that: the run ends by itself and says why.
        assert run.wait_exit() == 1, run.describe()
        assert f"localhost:{stranger.port} is refused" in run.text, \
            run.describe()
        assert pipeline.status()["state"] == "failed", run.describe()
        assert stranger.visits == 0, "credentials went to another host"
    finally:
        stranger.close()
    world.starrocks.clear_faults()
    world.settle(pipeline.start(), "items")


def test_h147_starrocks_down_for_a_while(world):
    workload = Workload(world, 81).prepare()
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    world.starrocks.stop()
    try:
        workload.run(50)
        run.wait_status(lambda status: status["state"] == "backing_off"
                        and status["reason"], "backing off, with the reason")
    finally:
        world.starrocks.start()
    world.settle(run, *TABLES, timeout=90)


def test_start_while_starrocks_is_down(items):
    pipeline = items.pipeline()
    pipeline.seal()
    items.starrocks.stop()
    try:
        run = pipeline.start()
        run.wait_status(lambda status: status["state"] == "backing_off",
                        "backing off")
    finally:
        items.starrocks.start()
    items.settle(run, "items", timeout=90)


def test_a_bounded_run_ends_although_starrocks_is_down(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.sql("INSERT INTO items VALUES (4000, 'x')")
    before = items.postgres.confirmed(pipeline.slot)
    items.starrocks.stop()
    try:
        done = pipeline.until_caught_up(expect=1, timeout=280)
        assert "fe" in done.stderr.lower() or "connect" in done.stderr, done
    finally:
        items.starrocks.start()
    assert items.postgres.confirmed(pipeline.slot) >= before
    pipeline.until_caught_up()
    items.assert_same("items")


def test_h13_kill_after_the_load_before_the_confirmation(streaming):
    world, pipeline, run = streaming
    for number in range(5):
        world.sql("UPDATE items SET name = %s WHERE id <= 20;"
                  "DELETE FROM items WHERE id = %s", (f"r{number}",
                                                      100 + number))
        wait_for(lambda: not world.differences("items"), 30,
                 "the load is visible", every=0.01)
        run.kill()
        run = pipeline.start()
    world.settle(run, "items")


def test_h12_walsender_terminated_with_a_load_held(streaming):
    world, pipeline, run = streaming
    for release_first in (True, False):
        hold = world.starrocks.hold("items")
        world.sql("UPDATE items SET name = name || 'x'")
        run.wait_until(hold.reached, "a load is held")
        pid = world.postgres.walsender(pipeline.slot)
        if release_first:
            hold.release()
        world.postgres.terminate(pid)
        if not release_first:
            run.wait_until(
                lambda: world.postgres.walsender(pipeline.slot) != pid,
                "the walsender is gone")
            hold.release()
        world.wait_same(run, "items")
    world.settle(run, "items")


def test_h01_a_stream_that_begins_again_confirms_nothing_by_that(streaming):
    """It goes on after what was read; that is not what is durable."""
    world, pipeline, run = streaming
    hold = world.starrocks.hold("items")
    with world.connect(autocommit=False) as connection:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE items SET name = name || 'x'")
            # What is before the commit may be confirmed.
            cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
            before = int(cursor.fetchone()[0])
    run.wait_until(hold.reached, "a load is held")
    pid = world.postgres.walsender(pipeline.slot)
    world.postgres.terminate(pid)
    run.wait_until(lambda: world.postgres.walsender(pipeline.slot)
                   not in (None, pid), "there is a new walsender")
    world.sql("INSERT INTO items VALUES (9000, 'behind it')")
    seen = set()

    def reports_passed():
        confirmed = world.postgres.confirmed(pipeline.slot)
        assert confirmed <= before, "confirmed before it was durable"
        seen.add(world.postgres.value(
            "SELECT reply_time::text FROM pg_stat_replication WHERE pid = %s",
            (world.postgres.walsender(pipeline.slot),)))
        return len(seen) >= 3

    run.wait_until(reports_passed, "three status updates arrived", timeout=60)
    run.kill()
    hold.release()
    world.settle(pipeline.start(), "items")


def lets_in_and_is_silent(visit):
    rogue.greet_postgres(visit)
    visit.send(rogue.LET_IN + rogue.message(b"S", b"server_version\x0015.4\0")
               + rogue.message(b"S", b"client_encoding\0UTF8\0")
               + rogue.message(b"Z", b"I"))
    while True:
        visit.receive()


def test_a_server_that_lets_in_and_is_silent_is_not_waited_for(items):
    with rogue.Rogue(lets_in_and_is_silent) as server:
        pipeline = items.pipeline(
            secrets=False, pipeline={"give_up_after": "3s"},
            source={"port": server.port, "ssl_mode": "disable",
                    "connect_timeout": "2s"})
        pipeline.secrets["sink.password"] = items.starrocks.password
        done = pipeline.until_caught_up(expect=1, timeout=60)
    assert "no answer within 2 s" in done.stderr, done


def test_a_source_that_is_silent_is_not_taken_for_one_without_news(items):
    pipeline = items.pipeline(source={"connect_timeout": "2s"})
    run = pipeline.start()
    run.wait_streaming()
    items.wait_same(run, "items")
    sender = items.postgres.walsender(pipeline.slot)
    os.kill(sender, signal.SIGSTOP)
    try:
        items.sql("INSERT INTO items VALUES (5000, 'waits')")
        run.wait_status(
            lambda held: "no answer from the server for" in held["reason"]
            and held["lag_seconds"] > 3 and held["lag_bytes"] > 0,
            "the stream's silence is told", timeout=30)
        with items.postgres.frozen():
            run.wait_status(lambda held: held["lag_bytes"] == -1,
                            "the log's end is not known", timeout=60)
    finally:
        os.kill(sender, signal.SIGCONT)
    items.wait_same(run, "items")
    run.wait_status(lambda held: not held["reason"]
                    and held["lag_seconds"] == 0 and held["lag_bytes"] >= 0,
                    "all is well again", timeout=30)
    assert run.terminate() == 0
    assert "reading the stream failed" not in run.text


def test_a_catalog_that_does_not_answer_does_not_hold_the_stream(items):
    """The stream's own thread asks it now and then."""
    pipeline = items.pipeline(pipeline={"recheck_interval": "1s"},
                              source={"answer_timeout": "16s"})
    run = pipeline.start()
    run.wait_streaming()
    items.wait_same(run, "items")
    asked = run.wait_until(
        lambda: [pid for (pid,) in items.postgres.sql(
            "SELECT pid FROM pg_stat_activity WHERE usename = %s"
            " AND backend_type = 'client backend'", (items.role,))],
        "there is a session for questions")
    for pid in asked:
        os.kill(pid, signal.SIGSTOP)
    try:
        run.wait_status(
            lambda held: "no answer from the server for" in held["reason"],
            "the wait is told", timeout=30)
        run.wait_until(lambda: "no answer within 16 s" in run.text,
                       "the connection is given up", timeout=30)
        items.sql("INSERT INTO items VALUES (5000, 'goes on')")
        items.wait_same(run, "items")
    finally:
        for pid in asked:
            os.kill(pid, signal.SIGCONT)
    assert run.terminate() == 0


def test_a_copy_without_rows_is_told(world):
    world.sql("CREATE TABLE big (id int PRIMARY KEY, v text);"
              "INSERT INTO big SELECT i, repeat('x', 900)"
              " FROM generate_series(1, 60000) i")
    pipeline = world.pipeline(batch={"memory": "8MiB", "max_rows": 500})
    hold = world.starrocks.hold("big")
    run = pipeline.start()
    run.wait_until(hold.reached, "a load is held")
    copying = run.wait_until(
        lambda: [pid for (pid,) in world.postgres.sql(
            "SELECT pid FROM pg_stat_activity WHERE usename = %s"
            " AND query LIKE 'COPY%%' AND state = 'active'",
            (world.role,))], "a copy is under way")
    for pid in copying:
        os.kill(pid, signal.SIGSTOP)
    try:
        hold.release()
        run.wait_status(
            lambda held: "copy rows: no answer from the server for"
            in held["reason"], "the wait is told", timeout=40)
    finally:
        for pid in copying:
            os.kill(pid, signal.SIGCONT)
    world.settle(run, "big")


def test_a_load_without_an_answer_is_told(streaming):
    world, pipeline, run = streaming
    hold = world.starrocks.hold("items")
    world.sql("INSERT INTO items VALUES (5000, 'held')")
    run.wait_status(
        lambda held: "no answer from the sink about table public.items for"
        in held["reason"] and held["lag_seconds"] > 3,
        "the load's silence is told", timeout=30)
    hold.release()
    world.wait_same(run, "items")
    run.wait_status(lambda held: not held["reason"], "all is well again")
    world.settle(run, "items")


def test_a_target_table_that_was_dropped_is_told(streaming):
    world, pipeline, run = streaming
    world.starrocks.sql("DROP TABLE items FORCE", world.target)
    world.sql("INSERT INTO items VALUES (5000, 'x')")
    assert run.wait_exit() == 1, run.describe()
    assert "start the pipeline again to copy this table again" in run.text
    assert "cannot follow" not in run.text, "the source has not changed"
    pipeline.until_caught_up()
    world.assert_same("items")


def test_manners(items):
    """What a StarRocks administrator expects of a well-behaved client."""
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    for number in range(20):
        items.sql("UPDATE items SET name = %s", (f"m{number}",))
    items.settle(run, "items")
    assert not items.starrocks.bad_manners(), items.starrocks.bad_manners()


@pytest.mark.long
def test_a_locked_table_is_told_and_a_bounded_run_ends(world):
    world.sql("CREATE TABLE t (id int PRIMARY KEY)")
    pipeline = world.pipeline(pipeline={"give_up_after": "1s"})
    holder = world.postgres.connect(world.database)
    try:
        holder.cursor().execute(
            "BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
        done = pipeline.until_caught_up(expect=None, timeout=60)
        assert done.code == 1 and "lock timeout" in done.stderr, done
        assert "pg_locks" in done.stderr, done
        check = pipeline.check()
        assert check.code == 3 and "lock timeout" in check.stdout, check
    finally:
        holder.close()
    pipeline.until_caught_up()


def test_an_open_transaction_does_not_hold_a_bounded_run_for_ever(world):
    world.sql("CREATE TABLE t (id int PRIMARY KEY)")
    pipeline = world.pipeline(pipeline={"give_up_after": "2s"})
    holder = world.postgres.connect(world.database)
    try:
        holder.cursor().execute("BEGIN; INSERT INTO public.t VALUES (1)")
        done = pipeline.until_caught_up(expect=None, timeout=60)
        assert done.code == 1, done
        assert "waiting for open transactions to end" in done.stderr, done
        assert "gave up after" in done.stderr, done
    finally:
        holder.close()
    pipeline.until_caught_up()
    world.assert_same("t")


@pytest.mark.long
def test_a_slot_that_has_to_wait_longer_than_for_a_lock(world):
    """Open transactions are waited for as long as they last."""
    world.sql("CREATE TABLE t (id int PRIMARY KEY)")
    pipeline = world.pipeline()
    holder = world.postgres.connect(world.database)
    try:
        holder.cursor().execute("BEGIN; INSERT INTO public.t VALUES (1)")
        run = pipeline.start()
        run.wait_status(lambda status: "waiting for open transactions" in
                        status["reason"], "the slot waits")
        waiting = time.monotonic()
        run.wait_until(lambda: time.monotonic() - waiting > 11
                       or "lock timeout" in run.text, "longer than for a lock")
        assert "lock timeout" not in run.text, run.text
    finally:
        holder.close()
    world.settle(run, "t")
