# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost and nothing is confirmed too early, whatever ends."""

import os
import random
import signal

import pytest

from harness import process
from harness.postgres import lsn
from harness.waiting import wait_for
from harness.workload import TABLES, Workload

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 200) i")


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kill_9_at_random_moments_loses_nothing(world, seed):
    draw = random.Random(seed)
    workload = Workload(world, seed).prepare(rows=2000)
    pipeline = world.pipeline(batch={"max_rows": draw.choice([10, 100, 5000]),
                                     "max_delay": "20ms"})
    with workload:
        for _ in range(6):
            run = pipeline.start()
            # The moment is a number of transactions, not of seconds: it falls
            # into the start, the snapshot or the stream.
            target = workload.transactions + draw.randint(1, 120)
            run.wait_until(lambda: workload.transactions >= target, every=0.01,
                           what="the moment has come")
            run.kill()
    run = pipeline.start()
    world.settle(run, *TABLES, timeout=120)


@pytest.mark.parametrize("seed", [11])
def test_kill_9_of_the_runner_alone_is_mended_by_the_keeper(world, seed):
    draw = random.Random(seed)
    workload = Workload(world, seed).prepare()
    pipeline = world.pipeline()
    run = pipeline.start()
    with workload:
        for _ in range(3):
            runner = run.wait_until(run.runner, "there is a runner")
            target = workload.transactions + draw.randint(20, 100)
            run.wait_until(lambda: workload.transactions >= target, every=0.01,
                           what="the moment has come")
            os.kill(runner, signal.SIGKILL)
            run.wait_until(lambda: run.runner() not in (None, runner),
                           "there is a new runner")
    world.settle(run, *TABLES, timeout=120)


def test_the_runner_ends_with_its_keeper(items):
    run = items.pipeline().start()
    run.wait_streaming()
    runner = run.runner()
    assert runner not in (None, run.keeper)
    os.kill(run.keeper, signal.SIGKILL)
    wait_for(lambda: not process.alive(runner), 10, "the runner ends")


def test_random_workload_with_restarts_of_postgres(world):
    workload = Workload(world, 21).prepare()
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    workload.run(100)
    assert world.postgres.stop(), "PostgreSQL could not shut down (H16)"
    run.wait_status(lambda status: status["state"] == "backing_off",
                    "backing off")
    world.postgres.start()
    workload.run(100)
    world.settle(run, *TABLES, timeout=120)


def test_sigterm_drains_and_ends_with_0(items):
    pipeline = items.pipeline(batch={"max_delay": "1s"})
    run = pipeline.start()
    run.wait_streaming()
    items.sql("INSERT INTO items SELECT i, 'late' FROM generate_series(1000,"
              " 1999) i")
    end = items.postgres.position()
    assert run.terminate() == 0, run.describe()
    assert not process.descendants(run.keeper)
    status = pipeline.status()
    assert status["state"] == "stopped", status
    # What was drained is in the target, and what is in the target is confirmed.
    pipeline.until_caught_up()
    items.assert_same("items")
    assert items.postgres.confirmed(pipeline.slot) >= end


def test_sigint_ends_with_0(items):
    run = items.pipeline().start()
    run.wait_streaming()
    run.process.send_signal(signal.SIGINT)
    assert run.wait_exit() == 0, run.describe()


def test_sigterm_during_the_snapshot_ends_with_0(world):
    Workload(world, 31).prepare(rows=20000)
    pipeline = world.pipeline(batch={"max_rows": 100})
    run = pipeline.start()
    run.wait_status(lambda status: status["phase"] == "snapshot"
                    or status["phase"] == "streaming", "the snapshot runs")
    assert run.terminate() == 0, run.describe()
    pipeline.until_caught_up()
    world.assert_same(*TABLES)


def test_sigterm_ends_a_run_that_backs_off(items):
    pipeline = items.pipeline(source={"port": process.free_port()})
    run = pipeline.start()
    run.wait_status(lambda status: status["state"] == "backing_off",
                    "backing off")
    assert run.terminate() == 0, run.describe()


def test_h11_each_bounded_run_advances_the_slot(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    before = items.postgres.confirmed(pipeline.slot)
    for number in range(20):
        items.sql("INSERT INTO items VALUES (%s, 'bounded')", (1000 + number,))
        pipeline.until_caught_up()
        after = items.postgres.confirmed(pipeline.slot)
        assert after > before, f"run {number}"
        before = after
    items.assert_same("items")


def test_bounded_run_without_any_change_advances_the_slot(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.sql("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.unrelated (id int);"
              " INSERT INTO elsewhere.unrelated SELECT"
              " generate_series(1, 1000)")
    end = items.postgres.position()
    pipeline.until_caught_up()
    assert items.postgres.confirmed(pipeline.slot) >= end


def test_h20_idle_pipeline_lets_the_slot_advance(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    items.postgres.sql("CREATE TABLE IF NOT EXISTS noise (v text);"
                       "INSERT INTO noise SELECT md5(i::text) FROM"
                       " generate_series(1, 20000) i")
    end = items.postgres.position()
    run.wait_until(lambda: items.postgres.confirmed(pipeline.slot) >= end,
                   "the slot has passed the neighbour's WAL")
    assert run.terminate() == 0


def test_h12_walsender_terminated(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    for number in range(3):
        pid = run.wait_until(lambda: items.postgres.walsender(pipeline.slot),
                             "the slot is in use")
        items.sql("INSERT INTO items VALUES (%s, 'x')", (2000 + number,))
        items.postgres.terminate(pid)
    items.settle(run, "items")


def test_h17_restart_while_the_slot_is_still_active(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    pid = run.wait_until(lambda: items.postgres.walsender(pipeline.slot),
                         "the stream is open")
    # A stopped walsender keeps the slot after its client has gone.
    os.kill(pid, signal.SIGSTOP)
    try:
        run.kill()
        items.sql("INSERT INTO items VALUES (3000, 'x')")
        again = pipeline.start()
        again.wait_status(lambda status: status["state"] == "backing_off",
                          "waits for the slot")
        assert "active" in again.text + str(pipeline.status()), \
            again.describe()
    finally:
        os.kill(pid, signal.SIGCONT)
    items.settle(again, "items")


def test_h19_second_instance_changes_nothing(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    second = pipeline.until_caught_up(expect=None, timeout=60)
    assert second.code in (1, 2), second
    assert second.stderr.strip(), second
    items.sql("INSERT INTO items VALUES (4000, 'x')")
    items.settle(run, "items")


def test_h10_slot_ahead_of_the_stored_position_is_refused(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    # Flushed, or the slot could not be advanced behind it yet.
    items.sql("BEGIN; SET LOCAL synchronous_commit = on;"
              " INSERT INTO items VALUES (5000, 'lost otherwise'); COMMIT")
    items.admin("SELECT pg_replication_slot_advance(%s,"
                       " pg_current_wal_lsn())", (pipeline.slot,))
    before = items.target_rows("items")
    done = pipeline.until_caught_up(expect=None)
    assert done.code == 1, done
    assert pipeline.slot in done.stderr and "snapshot" in done.stderr, done
    assert items.target_rows("items") == before
    run = pipeline.start()
    assert run.wait_exit() == 1, run.describe()
    assert pipeline.status()["state"] == "failed"
    assert "snapshot" in pipeline.status()["reason"]


def test_h10_stored_position_ahead_of_the_slot_is_normal(items):
    # After a crash of the server a slot may be set back; here it is made so
    # by a copy of the slot from before.
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.admin(
        "SELECT pg_copy_logical_replication_slot(%s, %s)",
        (pipeline.slot, f"{pipeline.slot}_old"))
    items.sql("UPDATE items SET name = 'first' WHERE id = 1")
    items.sql("UPDATE items SET name = 'second' WHERE id = 1;"
              "DELETE FROM items WHERE id = 2")
    pipeline.until_caught_up()
    items.postgres.drop_slot(pipeline.slot)
    items.admin(
        "SELECT pg_copy_logical_replication_slot(%s, %s)",
        (f"{pipeline.slot}_old", pipeline.slot))
    items.sql("INSERT INTO items VALUES (6000, 'x')")
    pipeline.until_caught_up()
    items.assert_same("items")


def test_slot_dropped_is_refused_and_not_made_anew(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.postgres.drop_slot(pipeline.slot)
    done = pipeline.until_caught_up(expect=None)
    assert done.code == 1, done
    assert pipeline.slot in done.stderr and "snapshot" in done.stderr, done
    assert items.postgres.slot(pipeline.slot) is None


def test_h18_slot_survives_failures(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    made = items.postgres.slot(pipeline.slot)["catalog_xmin"]
    assert made is not None
    wrong = dict(pipeline.sections["source"])
    pipeline.configure(source={"tables": "public.absent"})
    pipeline.until_caught_up(expect=None)
    pipeline.configure(source=wrong)
    assert items.postgres.slot(pipeline.slot) is not None
    items.sql("INSERT INTO items VALUES (7000, 'x')")
    pipeline.until_caught_up()
    items.assert_same("items")


def test_publication_and_slot_of_an_administrator(items):
    reader = f"{items.role}_reader"
    items.postgres.sql(f"CREATE ROLE {reader} LOGIN REPLICATION"
                       f" PASSWORD '{items.password}'")
    try:
        items.admin(f"GRANT SELECT ON items TO {reader};"
                    f"GRANT USAGE ON SCHEMA public TO {reader};"
                    "CREATE PUBLICATION by_admin FOR TABLE items"
                    " WITH (publish_via_partition_root = true)")
        items.admin("SELECT pg_create_logical_replication_slot("
                    f"'{items.database}_admin', 'pgoutput')")
        pipeline = items.pipeline(source={
            "user": reader, "publication": "by_admin",
            "slot": f"{items.database}_admin"})
        pipeline.until_caught_up()
        items.assert_same("items")
        items.sql("UPDATE items SET name = 'x'; DELETE FROM items WHERE id = 3")
        pipeline.until_caught_up()
        items.assert_same("items")
    finally:
        pipeline.stop_all()
        items.admin(f"DROP OWNED BY {reader}")
        items.postgres.drop_slot(f"{items.database}_admin")
        items.postgres.sql(f"DROP ROLE {reader}")


def test_h37_timeouts_of_the_role_change_nothing(world):
    Workload(world, 41).prepare(rows=20000)
    for name in ("statement_timeout", "lock_timeout",
                 "idle_in_transaction_session_timeout",
                 "idle_session_timeout"):
        world.postgres.sql(f"ALTER ROLE {world.role} SET {name} = '200ms'")
    pipeline = world.pipeline(batch={"max_rows": 500})
    run = pipeline.start()
    run.wait_streaming(timeout=120)
    world.postgres.sql(f"ALTER ROLE {world.role} RESET ALL")
    Workload(world, 42).run(10)
    world.settle(run, *TABLES, timeout=120)


def test_h23_old_transaction_holds_up_the_slot_visibly(items):
    blocker = items.connect(autocommit=False)
    with blocker.cursor() as cursor:
        cursor.execute("INSERT INTO items VALUES (8000, 'uncommitted')")
        pipeline = items.pipeline()
        run = pipeline.start()
        run.wait_status(lambda status: status.get("reason"),
                        "status says what it waits for")
        blocker.commit()
    blocker.close()
    items.settle(run, "items")


def test_h32_transaction_open_across_the_snapshot(items):
    # The slot waits for transactions that run; one that begins after the slot
    # was made and commits during the copy must come by the stream, once.
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_until(lambda: items.postgres.slot(pipeline.slot),
                   "the slot exists", every=0.005)
    items.sql("BEGIN; INSERT INTO items VALUES (9000, 'x');"
              "UPDATE items SET name = 'y' WHERE id = 9000;"
              "DELETE FROM items WHERE id = 4; COMMIT")
    items.settle(run, "items")


def test_confirmed_in_status_is_the_slot_s(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    status = pipeline.status()
    assert lsn(status["confirmed"]) == items.postgres.confirmed(pipeline.slot)
    assert lsn(status["position"]) >= lsn(status["confirmed"])


def held_loads(world, hold):
    """A pipeline that streams two tables, of which the second cannot be
    loaded: nothing is confirmed, and every start repeats all of it."""
    world.sql("CREATE TABLE items (id int PRIMARY KEY, name text);"
              "CREATE TABLE stuck (id int PRIMARY KEY);"
              "INSERT INTO items VALUES (1, 'old'), (2, 'old')")
    pipeline = world.pipeline(batch={"max_delay": "20ms"})
    run = pipeline.start()
    run.wait_streaming()
    world.wait_same(run, "items", "stuck")
    return pipeline, run, world.starrocks.hold(hold)


def test_a_range_that_was_loaded_before_a_kill_is_loaded_again(world):
    pipeline, run, hold = held_loads(world, "stuck")
    world.sql("BEGIN; INSERT INTO stuck VALUES (1);"
              "UPDATE items SET name = 'middle' WHERE id = 1;"
              "UPDATE items SET name = 'middle' WHERE id = 2; COMMIT")
    run.wait_until(hold.reached, "the other table's load is held")
    world.wait_same(run, "items")
    world.sql("UPDATE items SET name = 'new' WHERE id = 1")
    world.wait_same(run, "items")
    run.kill()
    hold.release()
    # The first transaction comes in smaller batches now, which bring 'middle'
    # back; the second comes as it did.
    pipeline.section("batch", max_rows=1)
    pipeline.write()
    world.settle(pipeline.start(), "items", "stuck")


def test_a_big_transaction_that_breaks_off_twice_is_loaded_whole(world):
    """As above, but within one run."""
    pipeline, run, hold = held_loads(world, "stuck")
    hold.release()
    run.terminate()
    # Loads of a part of a transaction: more than max_rows.
    pipeline.section("batch", max_rows=100, max_delay="20ms")
    pipeline.write()
    world.sql("INSERT INTO items SELECT i, 'n' FROM generate_series(3, 3000) i")
    run = pipeline.start()
    run.wait_streaming()
    world.wait_same(run, "items")
    world.sql("UPDATE items SET name = name || '!'")
    for _ in range(3):
        pid = world.postgres.walsender(pipeline.slot)
        if pid:
            world.postgres.terminate(pid)
    world.settle(run, "items")


@pytest.mark.parametrize("rows", [{}, {"max_rows": 1}])
def test_a_load_that_outlives_its_run_is_waited_for(world, rows):
    """H151: it must not overwrite what the next run writes."""
    pipeline, run, hold = held_loads(world, "items")
    world.sql("UPDATE items SET name = 'late'")
    run.wait_until(hold.reached, "the load is held")
    run.kill()
    world.sql("UPDATE items SET name = 'new'")
    pipeline.section("batch", **rows)
    pipeline.write()
    run = pipeline.start()
    run.wait_status(lambda status: "items" in (status["reason"] or ""),
                    "it waits for the load")
    assert {row[1] for row in world.target_rows("items")} == {"old"}
    hold.release()
    world.settle(run, "items")
    assert {row[1] for row in world.target_rows("items")} == {"new"}


def test_a_chunk_that_outlives_its_run_is_waited_for(world):
    """H151, the copy."""
    world.sql("CREATE TABLE items (id int PRIMARY KEY, name text);"
              "INSERT INTO items VALUES (1, 'late'), (2, 'late')")
    hold = world.starrocks.hold("items")
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_until(hold.reached, "the load of a chunk is held")
    run.kill()
    world.sql("UPDATE items SET name = 'new' WHERE id = 1;"
              "DELETE FROM items WHERE id = 2")
    run = pipeline.start()
    run.wait_status(lambda status: "items" in (status["reason"] or ""),
                    "it waits for the load")
    hold.release()
    world.settle(run, "items")
