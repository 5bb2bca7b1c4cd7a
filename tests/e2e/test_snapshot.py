# SPDX-License-Identifier: Apache-2.0
"""The first copy: complete, consistent with the stream, in parallel."""

import pytest

from harness import engine
from harness.waiting import wait_for
from harness.workload import TABLES, Workload


@pytest.mark.parametrize("workers", [1, 4])
def test_parallel_snapshot_under_live_traffic(world, workers):
    workload = Workload(world, 61).prepare(rows=20000)
    pipeline = world.pipeline(source={"snapshot_workers": workers},
                              batch={"max_rows": 1000})
    with workload:
        run = pipeline.start()
        run.wait_streaming(timeout=120)
    world.settle(run, *TABLES, timeout=120)


def test_snapshot_counts_rows(world):
    Workload(world, 62).prepare(rows=3000)
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    rows = {table["name"]: table["rows"]
            for table in pipeline.status()["tables"]}
    assert rows == {"public.accounts": 3000, "public.orders": 3000,
                    "public.pages": 600}


def test_h36_connections_cut_during_the_snapshot(world):
    Workload(world, 63).prepare(rows=30000)
    pipeline = world.pipeline(batch={"max_rows": 200})
    run = pipeline.start()
    mine = ("SELECT pid FROM pg_stat_activity WHERE usename = %s"
            " AND pid <> pg_backend_pid()")
    for _ in range(3):
        for (pid,) in run.wait_until(
                lambda: world.postgres.sql(mine, (world.role,)),
                "ezcdc is connected", every=0.01):
            world.postgres.terminate(pid)
    world.settle(run, *TABLES, timeout=120)


def test_a_chunk_that_is_read_again_in_another_order(world):
    """The publication's row filter goes through parallel workers, as often as
    the server likes: the rows come as they come, also in a second attempt."""
    world.sql("CREATE TABLE big (id int PRIMARY KEY, v text);"
              "INSERT INTO big SELECT i, repeat(md5(i::text), 14)"
              " FROM generate_series(1, 60000) i; ANALYZE big")
    world.admin("CREATE PUBLICATION filtered FOR TABLE big"
                " WHERE (length(v) % 2 = 0)"
                " WITH (publish_via_partition_root = true)")
    for setting in ("parallel_setup_cost", "parallel_tuple_cost",
                    "min_parallel_table_scan_size"):
        world.admin(f"ALTER ROLE {world.role} SET {setting} = 0")
    pipeline = world.pipeline(source={"publication": "filtered"},
                              batch={"max_rows": 500, "memory": "8MiB",
                                     "writers": 1})
    held = world.starrocks.hold("big")
    run = pipeline.start("--until-caught-up")
    wait_for(held.reached, 60, "a load is held", because=run.describe)
    readers = ("SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY%'"
               " AND state = 'active' AND usename = '" + world.role + "'"
               " AND backend_type = 'client backend'")
    pids = [pid for (pid,) in world.postgres.sql(readers)]
    assert pids
    for pid in pids:
        world.postgres.terminate(pid)
    wait_for(lambda: not world.postgres.sql(readers), 30, "no reader is left")
    held.release()
    assert run.wait_exit(120) == 0
    assert "reading a chunk of the snapshot failed" in run.text, run.text
    done = pipeline.verify()
    assert done.code == engine.OK, done


def test_kill_9_during_the_snapshot_starts_over_without_leftovers(world):
    Workload(world, 64).prepare(rows=30000)
    pipeline = world.pipeline(batch={"max_rows": 200})
    run = pipeline.start()
    run.wait_until(lambda: world.target_rows("accounts"),
                   "the first rows arrived", every=0.02)
    run.kill()
    # Rows that the dead run had copied go; the new copy must not keep them.
    world.sql("DELETE FROM accounts WHERE id <= 15000;"
              "UPDATE orders SET state = 'after'; DELETE FROM pages")
    pipeline.until_caught_up()
    world.assert_same(*TABLES)


def test_h150_rows_that_moved_into_what_was_copied_keep_their_large_values(
        world):
    """The copy dies between its two chunks. Rows of the second one then move
    into blocks of the first: nothing reads them again, and the log has no
    large value that they did not change."""
    if world.postgres.version < 14:
        pytest.skip("before PostgreSQL 14 a table is one chunk")
    # A row fills its block, so it can only move to where rows are gone.
    world.sql("CREATE TABLE moving (id int PRIMARY KEY, pad text, note text,"
              " body text);"
              "ALTER TABLE moving ALTER pad SET STORAGE PLAIN,"
              " ALTER body SET STORAGE EXTERNAL;"
              "INSERT INTO moving SELECT i, repeat('x', 4100), 'before',"
              " CASE WHEN i > 18000 THEN repeat(md5(i::text), 200) END"
              " FROM generate_series(1, 18500) i;"
              "DELETE FROM moving WHERE id <= 50")
    world.sql("VACUUM (INDEX_CLEANUP true) moving")
    pipeline = world.pipeline(source={"snapshot_workers": 1},
                              batch={"max_rows": 1000})
    # 16384 blocks are the first chunk, in 17 loads.
    cut = world.starrocks.fault_rule(action="hold", table="moving", nth=18)
    run = pipeline.start()
    run.wait_until(cut.struck, "the second chunk is being loaded")
    run.kill()
    world.starrocks.clear_faults()
    world.sql("UPDATE moving SET note = 'after' WHERE id BETWEEN 18101 AND"
              " 18110")
    moved = world.sql("SELECT count(*) FROM moving WHERE note = 'after'"
                      " AND ctid < '(50,0)'")
    assert moved == [(10,)]
    world.settle(pipeline.start(), "moving", timeout=120)


def test_snapshot_only_copies_and_ends(world):
    Workload(world, 65).prepare(rows=1000)
    pipeline = world.pipeline(source={"snapshot": "only"})
    run = pipeline.start()
    assert run.wait_exit(60) == 0, run.describe()
    world.assert_same(*TABLES)


def test_h40_empty_tiny_and_bloated_tables(world):
    world.sql("CREATE TABLE empty (id int PRIMARY KEY);"
              "CREATE TABLE tiny (id int PRIMARY KEY); INSERT INTO tiny"
              " VALUES (1);"
              "CREATE TABLE bloated (id int PRIMARY KEY, v text);"
              "INSERT INTO bloated SELECT i, repeat('x', 500)"
              " FROM generate_series(1, 20000) i;"
              "DELETE FROM bloated WHERE id % 100 <> 0")
    world.pipeline(source={"snapshot_workers": 3}).until_caught_up()
    world.assert_same("empty", "tiny", "bloated")


@pytest.mark.parametrize("kind, values", [
    ("uuid", "md5(i::text)::uuid"),
    ("text", "'Key ' || i || CASE i % 2 WHEN 0 THEN 'ü' ELSE '' END"),
    ("timestamptz", "'2024-01-01'::timestamptz + i * interval '1 hour'"),
    ("bigint", "(i - 50)::bigint * 184467440737095516"),
    ("date", "date '2024-01-01' + i"),
    ("varchar(10)", "i::text"),
    ("boolean", "i = 1"),
    ("smallint", "i - 32768"),
])
def test_h41_types_of_keys(world, kind, values):
    count = 2 if kind == "boolean" else 99
    world.sql(f"CREATE TABLE keyed (k {kind} PRIMARY KEY, v int);"
              f"INSERT INTO keyed SELECT {values}, i"
              f" FROM generate_series(1, {count}) i")
    pipeline = world.pipeline("public.keyed")
    pipeline.until_caught_up()
    world.assert_same("keyed")
    world.sql("UPDATE keyed SET v = v + 1; DELETE FROM keyed WHERE v = 3")
    pipeline.until_caught_up()
    world.assert_same("keyed")


def test_h51_views_and_unlogged_tables_are_not_captured_in_silence(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY);"
              "CREATE VIEW seen AS SELECT * FROM items;"
              "CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)")
    pipeline = world.pipeline("public.*")
    check = pipeline.check()
    assert check.code == 3 and "public.fleeting" in check.text, check
    done = pipeline.until_caught_up(expect=None)
    assert done.code == 1 and "public.fleeting" in done.stderr, done
    pipeline.configure(source={"tables": "public.*, !public.fleeting"})
    pipeline.until_caught_up()
    world.assert_same("items")


def test_h52_row_security_is_not_a_partial_copy(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY);"
              "INSERT INTO items VALUES (1), (2);"
              "ALTER TABLE items ENABLE ROW LEVEL SECURITY;"
              "ALTER TABLE items FORCE ROW LEVEL SECURITY;"
              "CREATE POLICY half ON items USING (id = 1)")
    pipeline = world.pipeline("public.items")
    check = pipeline.check()
    assert check.code == 3 and "public.items" in check.text, check
    done = pipeline.until_caught_up(expect=None)
    assert done.code == 1 and "public.items" in done.stderr, done
    assert not world.target_rows("items")


def test_wide_rows(world):
    columns = ", ".join(f"c{i} text" for i in range(300))
    world.sql(f"CREATE TABLE wide (id int PRIMARY KEY, {columns})")
    values = ", ".join(f"'v{i}-' || i" for i in range(300))
    world.sql(f"INSERT INTO wide SELECT i, {values}"
              " FROM generate_series(1, 50) i")
    pipeline = world.pipeline("public.wide")
    pipeline.until_caught_up()
    world.assert_same("wide")
    world.sql("UPDATE wide SET c7 = 'changed', c299 = NULL")
    pipeline.until_caught_up()
    world.assert_same("wide")


def test_large_values(world):
    world.sql("CREATE TABLE large (id int PRIMARY KEY, v text, b bytea);"
              "INSERT INTO large SELECT i, repeat('x' || i, i * 100000),"
              " decode(repeat('00ff', i * 50000), 'hex')"
              " FROM generate_series(1, 5) i")
    pipeline = world.pipeline("public.large", batch={"memory": "64MiB"})
    pipeline.until_caught_up()
    world.assert_same("large")
    world.sql("UPDATE large SET b = b || b WHERE length (b) <= 250000;"
              "UPDATE large SET id = id + 10")
    pipeline.until_caught_up()
    world.assert_same("large")


def test_a_table_that_is_created_later(world):
    """It is not followed while the pipeline runs; the next start refuses it by
    name until it is in the publication, then it is copied and followed."""
    world.sql("CREATE TABLE items (id int PRIMARY KEY);"
              "INSERT INTO items VALUES (1)")
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    world.sql("CREATE TABLE later (id int PRIMARY KEY, v text);"
              "INSERT INTO later VALUES (1, 'before'); INSERT INTO items"
              " VALUES (2)")
    world.settle(run, "items")
    assert world.target_rows("later") is None
    done = pipeline.until_caught_up(expect=1)
    remedy = f"ALTER PUBLICATION {pipeline.slot} ADD TABLE"
    assert "table public.later: " in done.stderr and remedy in done.stderr
    check = pipeline.check()
    assert check.code == 3 and remedy in check.text, check

    world.sql(f"{remedy} later; UPDATE later SET v = 'published'")
    run = pipeline.start()
    world.wait_same(run, "items", "later")
    world.sql("INSERT INTO later VALUES (2, 'followed')")
    world.settle(run, "items", "later")


def test_a_table_that_is_published_while_the_pipeline_runs(world):
    """Its changes are in the stream then, but belong to no table that this
    run knows; the next start copies it."""
    world.sql("CREATE TABLE items (id int PRIMARY KEY);"
              "INSERT INTO items VALUES (1)")
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    world.sql("CREATE TABLE later (id int PRIMARY KEY);"
              f"ALTER PUBLICATION {pipeline.slot} ADD TABLE later;"
              "INSERT INTO later VALUES (1); INSERT INTO items VALUES (2)")
    world.settle(run, "items")
    assert world.target_rows("later") is None
    world.sql("INSERT INTO later VALUES (2)")
    pipeline.until_caught_up()
    world.assert_same("items", "later")


def test_a_table_of_a_publication_for_all_tables(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY)")
    pipeline = world.pipeline()
    world.admin(f"CREATE PUBLICATION {pipeline.slot} FOR ALL TABLES"
                " WITH (publish_via_partition_root = true)")
    pipeline.until_caught_up()
    world.sql("CREATE TABLE later (id int PRIMARY KEY);"
              "INSERT INTO later VALUES (1)")
    pipeline.until_caught_up()
    world.assert_same("items", "later")


def test_a_pipeline_is_copied_again_as_operations_says(world):
    """docs/operations.md, Copying again: the slot is dropped, state.db* goes."""
    world.sql("CREATE TABLE items (id int PRIMARY KEY);"
              "INSERT INTO items SELECT generate_series(1, 100)")
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    world.postgres.drop_slot(pipeline.slot)
    world.sql("DELETE FROM items WHERE id < 50; INSERT INTO items VALUES (0)")
    assert pipeline.until_caught_up(expect=1)
    for path in (pipeline.state_dir / pipeline.name).glob("state.db*"):
        path.unlink()
    pipeline.until_caught_up()
    world.assert_same("items")
    assert pipeline.audit_verify().code == 0


def test_a_filter_goes_with_the_table_when_its_name_changes(world):
    world.sql("CREATE TABLE b (id int PRIMARY KEY, v text);"
              "INSERT INTO b SELECT i, 'v' FROM generate_series(1, 200) i")
    world.admin("CREATE PUBLICATION made FOR TABLE b WHERE (id < 100)"
                " WITH (publish_via_partition_root = true)")
    pipeline = world.pipeline("public.b*", source={"publication": "made"},
                              pipeline={"recheck_interval": "1s"})
    run = pipeline.start()
    run.wait_streaming()
    with run.paused():
        world.sql("ALTER TABLE b RENAME TO b2")
        world.admin("ALTER PUBLICATION made DROP TABLE b2")
        world.admin("ALTER PUBLICATION made ADD TABLE b2 WHERE (id < 100)")
    run.wait_until(lambda: run.text.count("the tables are copied") > 1,
                   "a copy")
    assert run.terminate() == 0
    target, = {row[0] for row in world.starrocks.sql(
        "SELECT max(id) FROM b", world.target)}
    assert int(target) == 99


def test_a_column_that_is_filled_while_the_slot_waits(world):
    """The tables were listed before, the slot's view comes after."""
    world.sql("CREATE TABLE b (id int PRIMARY KEY);"
              "INSERT INTO b SELECT generate_series(1, 50);"
              "CREATE TABLE other (id int)")
    holder = world.connect(autocommit=False)
    holder.cursor().execute("INSERT INTO other VALUES (1)")
    pipeline = world.pipeline("public.b")
    run = pipeline.start()
    run.wait_text("waiting for open transactions to end")
    world.sql("ALTER TABLE b ADD z text")
    world.sql("UPDATE b SET z = 'filled' WHERE id < 9")
    holder.commit()
    holder.close()
    world.settle(run, "b")
