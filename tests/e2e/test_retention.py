# SPDX-License-Identifier: Apache-2.0
"""The log that a slot keeps: who makes it keep so much, and how long it may."""

import pytest

MEGABYTES = ("SELECT pg_logical_emit_message(false, 'noise',"
             " repeat('x', 1000000)) FROM generate_series(1, {})")


@pytest.fixture
def streaming(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY, name text);"
              "INSERT INTO items VALUES (1, 'one')")
    pipeline = world.pipeline(batch={"max_delay": "50ms"},
                              pipeline={"recheck_interval": "1s"})
    run = pipeline.start()
    run.wait_streaming()
    return world, pipeline, run


def test_h22_who_holds_the_log_is_told(streaming):
    world, pipeline, run = streaming
    holder = world.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("CREATE TABLE held (id int)")
        cursor.execute("SELECT pg_backend_pid()")
        pid, = cursor.fetchone()
    world.admin(MEGABYTES.format(80))
    status = run.wait_status(lambda held: f"process {pid} " in held["reason"],
                             "the status names the transaction")
    assert status["state"] == "running", status
    run.wait_text(f"the oldest is process {pid} of user {world.role}")
    assert "gives it up" not in run.text, "nothing limits the log"
    # It is no reason to stop.
    world.sql("INSERT INTO items VALUES (2, 'two')")
    world.wait_same(run, "items")
    holder.rollback()
    holder.close()

    def let_go(held):
        world.admin("CHECKPOINT")
        return held["reason"] == ""

    run.wait_status(let_go, "the server has let go of the log")
    assert run.terminate() == 0


def test_h27_a_slot_that_will_be_given_up_is_told_before(streaming):
    world, pipeline, run = streaming
    hold = world.starrocks.hold("items")
    world.postgres.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '160MB'")
    world.postgres.sql("SELECT pg_reload_conf()")
    try:
        world.sql("INSERT INTO items VALUES (2, 'two')")
        run.wait_until(hold.reached, "a load is held")
        world.admin(MEGABYTES.format(40))
        run.wait_status(lambda held: held["lag_bytes"] > 40000000,
                        "the log is known to be longer")
        assert "gives it up" not in run.text
        world.admin(MEGABYTES.format(70))
        run.wait_text(f"of its log for slot {pipeline.slot} and gives it up"
                      " after")
        hold.release()
        world.settle(run, "items")
    finally:
        hold.release()
        world.postgres.sql("ALTER SYSTEM RESET max_slot_wal_keep_size")
        world.postgres.sql("SELECT pg_reload_conf()")
