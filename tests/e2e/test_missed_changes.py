# SPDX-License-Identifier: Apache-2.0
"""Tables of which the stream has missed changes: they come back, are put back
into the publication, or change their names."""

import shutil
import sqlite3

import pytest

TABLES = "".join(
    f"CREATE TABLE {name} (id int PRIMARY KEY, v text);"
    f"INSERT INTO {name} SELECT i, '{name}' || i FROM generate_series(1, 50) i;"
    for name in ("a", "b"))
MISSED = "the source has not kept its changes for a while"


@pytest.fixture
def world(world):
    world.sql(TABLES)
    return world


def change(world, table, mark):
    """A row that comes, one that changes and one that goes."""
    world.sql(f"INSERT INTO {table} VALUES ({mark}, 'new {mark}');"
              f"UPDATE {table} SET v = 'changed {mark}' WHERE id = 1;"
              f"DELETE FROM {table} WHERE id = {mark % 40 + 2}")


def streaming(world, **sections):
    pipeline = world.pipeline(**sections)
    run = pipeline.start()
    run.wait_streaming()
    world.wait_same(run, "a", "b")
    return pipeline, run


def list_tables(pipeline, tables):
    pipeline.section("source", tables=tables)
    pipeline.write()


def test_a_table_that_was_left_out_and_comes_back(world):
    pipeline = world.pipeline(tables="public.a, public.b")
    pipeline.until_caught_up()
    list_tables(pipeline, "public.a")
    change(world, "b", 100)
    run = pipeline.until_caught_up()
    assert "table public.b is not among the tables any more" in run.stderr
    list_tables(pipeline, "public.a, public.b")
    change(world, "b", 101)
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_a_start_that_fails_forgets_nothing(world):
    pipeline = world.pipeline(tables="public.a, public.b")
    pipeline.until_caught_up()
    list_tables(pipeline, "public.a, public.c")
    assert pipeline.until_caught_up(expect=None).code != 0
    list_tables(pipeline, "public.a, public.b")
    change(world, "b", 100)
    run = pipeline.until_caught_up()
    world.assert_same("a", "b")
    assert "copying" not in run.stderr, run.stderr


def test_a_table_that_was_out_of_the_publication_between_two_runs(world):
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    world.admin(f"ALTER PUBLICATION {pipeline.slot} DROP TABLE b")
    change(world, "b", 100)
    world.admin(f"ALTER PUBLICATION {pipeline.slot} ADD TABLE b")
    change(world, "b", 101)
    run = pipeline.until_caught_up()
    world.assert_same("a", "b")
    assert MISSED in run.stderr


def gap(world, pipeline):
    """Changes before a gap, and others in it that undo them."""
    world.sql("INSERT INTO b VALUES (60, 'before');"
              "UPDATE b SET v = 'before' WHERE id = 3")
    world.admin(f"ALTER PUBLICATION {pipeline.slot} DROP TABLE b")
    world.sql("DELETE FROM b WHERE id = 60;"
              "UPDATE b SET v = 'in the gap' WHERE id = 3")
    world.admin(f"ALTER PUBLICATION {pipeline.slot} ADD TABLE b")


def test_what_was_before_the_gap_comes_not_after_the_copy(world):
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    gap(world, pipeline)
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_what_was_before_the_gap_of_a_new_table(world):
    pipeline = world.pipeline(tables="public.a, public.b")
    pipeline.until_caught_up()
    list_tables(pipeline, "public.a")
    pipeline.until_caught_up()
    gap(world, pipeline)
    list_tables(pipeline, "public.a, public.b")
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_what_was_before_the_gap_when_the_copy_is_killed(world):
    pipeline, run = streaming(world, pipeline={"recheck_interval": "1s"})
    hold = world.starrocks.hold("a")
    world.sql("UPDATE a SET v = 'held' WHERE id = 1")
    gap(world, pipeline)
    run.wait_until(lambda: MISSED in run.text, "it is seen")
    run.kill()
    hold.release()
    world.settle(pipeline.start(), "a", "b")


def test_a_table_that_was_out_of_the_publication_under_a_run(world):
    """It is back before anybody has looked."""
    pipeline, run = streaming(world, pipeline={"recheck_interval": "1s"})
    with run.paused():
        world.admin(f"ALTER PUBLICATION {pipeline.slot} DROP TABLE b")
        change(world, "b", 100)
        change(world, "a", 100)
        world.admin(f"ALTER PUBLICATION {pipeline.slot} ADD TABLE b")
    change(world, "b", 101)
    run.wait_until(lambda: MISSED in run.text, "it is seen")
    change(world, "b", 102)
    world.settle(run, "a", "b")


def test_a_table_that_stopped_the_run_because_it_left_the_publication(world):
    pipeline, run = streaming(world, pipeline={"recheck_interval": "1s"})
    world.admin(f"ALTER PUBLICATION {pipeline.slot} DROP TABLE b")
    change(world, "b", 100)
    assert run.wait_exit() == 1, run.describe()
    world.admin(f"ALTER PUBLICATION {pipeline.slot} ADD TABLE b")
    change(world, "b", 101)
    run = pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_updates_that_were_not_published_for_a_while(world):
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    world.admin(f"ALTER PUBLICATION {pipeline.slot} SET (publish = 'insert')")
    world.sql("UPDATE a SET v = 'unseen' WHERE id = 1;"
              "DELETE FROM b WHERE id = 2")
    world.admin(f"ALTER PUBLICATION {pipeline.slot} SET"
                " (publish = 'insert, update, delete, truncate')")
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_a_table_that_was_unlogged_for_a_while(world):
    pipeline, run = streaming(world, source=everything(world),
                              pipeline={"recheck_interval": "1s"})
    world.sql("ALTER TABLE b SET UNLOGGED")
    assert run.wait_exit() == 1, run.describe()
    assert "table public.b: it is unlogged" in run.text, run.text
    change(world, "b", 100)
    world.sql("ALTER TABLE b SET LOGGED")
    pipeline.until_caught_up()
    world.assert_same("a", "b")


@pytest.mark.parametrize("twice", [False, True])
def test_a_table_that_is_published_by_its_schema(world, twice):
    if world.postgres.version < 15:
        pytest.skip("schemas in a publication came with PostgreSQL 15")
    world.admin("CREATE SCHEMA elsewhere")
    world.admin(f"GRANT ALL ON SCHEMA elsewhere TO {world.role}")
    world.admin("CREATE PUBLICATION by_schema FOR "
                + ("TABLE a WHERE (id > 99), " if twice else "")
                + "TABLES IN SCHEMA public")
    pipeline = world.pipeline(source={"publication": "by_schema"})
    pipeline.until_caught_up()
    if twice:
        world.admin("ALTER PUBLICATION by_schema DROP TABLES IN SCHEMA public")
        world.sql("INSERT INTO a VALUES (60, 'missed')")
        world.admin("ALTER PUBLICATION by_schema ADD TABLES IN SCHEMA public")
    else:
        world.sql("ALTER TABLE a SET SCHEMA elsewhere;"
                  "INSERT INTO elsewhere.a VALUES (60, 'missed');"
                  "ALTER TABLE elsewhere.a SET SCHEMA public")
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_a_row_filter_that_is_replaced(world):
    if world.postgres.version < 15:
        pytest.skip("row filters came with PostgreSQL 15")
    world.admin("CREATE PUBLICATION few FOR TABLE a WHERE (id < 10), b")
    pipeline = world.pipeline(source={"publication": "few"},
                              pipeline={"recheck_interval": "1s"})
    run = pipeline.start()
    run.wait_streaming()
    run.wait_until(lambda: len(world.target_rows("a")) == 9, "those are copied")
    world.admin("ALTER PUBLICATION few SET TABLE a, b")
    run.wait_until(lambda: MISSED in run.text, "it is seen")
    world.settle(run, "a", "b")


def test_what_is_not_copied_is_told(world):
    world.sql("DELETE FROM b")
    pipeline = world.pipeline(source={"snapshot": "never"})
    pipeline.until_caught_up()
    world.admin(f"ALTER PUBLICATION {pipeline.slot} DROP TABLE b")
    world.admin(f"ALTER PUBLICATION {pipeline.slot} ADD TABLE b")
    run = pipeline.until_caught_up()
    assert f"table public.b: {MISSED}" in run.stderr
    assert "what was missed is missing" in run.stderr


def test_a_table_that_comes_back_and_is_not_copied_is_told(world):
    world.sql("DELETE FROM a; DELETE FROM b")
    pipeline = world.pipeline(tables="public.a, public.b",
                              source={"snapshot": "never"})
    pipeline.until_caught_up()
    list_tables(pipeline, "public.a")
    run = pipeline.until_caught_up()
    assert "when it comes back, what it has missed is missing" in run.stderr
    list_tables(pipeline, "public.a, public.b")
    run = pipeline.until_caught_up()
    assert "table public.b: its rows went to nowhere so far" in run.stderr
    assert "went to" not in pipeline.until_caught_up().stderr


@pytest.mark.parametrize("there, back", [
    ("RENAME TO z", "ALTER TABLE z RENAME TO a"),
    ("SET SCHEMA elsewhere", "ALTER TABLE elsewhere.a SET SCHEMA public")])
def test_a_table_that_had_another_name_for_a_while(world, there, back):
    world.admin("CREATE SCHEMA elsewhere")
    world.admin(f"GRANT ALL ON SCHEMA elsewhere TO {world.role}")
    pipeline = world.pipeline(tables="public.a, public.b")
    pipeline.until_caught_up()
    world.sql(f"ALTER TABLE a {there}")
    change(world, "elsewhere.a" if "SCHEMA" in there else "z", 100)
    world.sql(back)
    change(world, "a", 101)
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_rows_that_went_to_another_target_for_a_while(world):
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    pipeline.section("table other", match="public.a", target="other")
    pipeline.write()
    change(world, "a", 100)
    pipeline.until_caught_up()
    assert not world.differences("a", "other")
    del pipeline.sections["table other"]
    pipeline.write()
    change(world, "a", 101)
    run = pipeline.until_caught_up()
    assert "went to" in run.stderr
    world.assert_same("a", "b")


def test_rows_that_went_to_another_database_for_a_while(world):
    other = world.target + "_other"
    world.starrocks.sql(f"CREATE DATABASE {other}")
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    for database in (other, world.target):
        pipeline.section("sink", database=database)
        pipeline.write()
        change(world, "a", 100 + len(database))
        pipeline.until_caught_up()
    world.assert_same("a", "b")


SWAP = ("BEGIN; ALTER TABLE a RENAME TO x; ALTER TABLE b RENAME TO a;"
        "ALTER TABLE x RENAME TO b; COMMIT")


def test_two_tables_that_swap_their_names_between_two_runs(world):
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    world.sql(SWAP)
    change(world, "a", 100)
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_two_tables_that_swap_their_names_under_a_run(world):
    _, run = streaming(world, pipeline={"recheck_interval": "1s"})
    world.sql(SWAP)
    change(world, "a", 100)
    run.wait_until(lambda: "begins again" in run.text, "it is seen")
    world.settle(run, "a", "b")


def everything(world):
    """A publication that has each table at once."""
    world.admin("CREATE PUBLICATION everything FOR ALL TABLES"
                + (" WITH (publish_via_partition_root = true)"
                   if world.postgres.version >= 13 else ""))
    return {"publication": "everything"}


def test_a_table_that_is_made_anew_under_a_run(world):
    pipeline, run = streaming(world, source=everything(world),
                              pipeline={"recheck_interval": "1s"})
    world.sql("BEGIN; DROP TABLE a;"
              "CREATE TABLE a (id int PRIMARY KEY, v text);"
              "INSERT INTO a VALUES (1, 'anew'), (99, 'anew'); COMMIT")
    change(world, "b", 100)
    run.wait_until(lambda: "begins again" in run.text, "it is seen")
    world.settle(run, "a", "b")


def test_a_table_that_takes_the_name_of_another(world):
    """New rows are prepared beside, then both names change."""
    pipeline, run = streaming(world, source=everything(world),
                              pipeline={"recheck_interval": "1s"},
                              tables="public.a, public.b")
    world.sql("CREATE TABLE beside (id int PRIMARY KEY, v text);"
              "INSERT INTO beside VALUES (1, 'beside'), (99, 'beside');"
              "BEGIN; ALTER TABLE a RENAME TO old; ALTER TABLE beside RENAME TO"
              " a; COMMIT")
    change(world, "a", 100)
    run.wait_until(lambda: "begins again" in run.text, "it is seen")
    world.settle(run, "a", "b")


def test_a_table_that_takes_the_name_of_another_and_is_not_published(world):
    pipeline, run = streaming(world, pipeline={"recheck_interval": "1s"})
    world.sql("BEGIN; DROP TABLE a;"
              "CREATE TABLE a (id int PRIMARY KEY, v text);"
              "INSERT INTO a VALUES (1, 'anew'); COMMIT")
    assert run.wait_exit() == 1, run.describe()
    assert "table public.a: it is not in publication" in run.text, run.text
    world.admin(f"ALTER PUBLICATION {pipeline.slot} ADD TABLE a")
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_a_renamed_table_goes_on_and_is_told(world):
    _, run = streaming(world, pipeline={"recheck_interval": "1s"})
    world.sql("ALTER TABLE a RENAME TO z")
    change(world, "z", 100)
    run.wait_until(lambda: "table public.a is called public.z now" in run.text,
                   "it is told")
    run.wait_until(lambda: any("new 100" in row for row in
                               world.target_rows("a")), "it goes on")
    assert run.terminate() == 0


def test_copies_that_nobody_has_followed(world):
    pipeline = world.pipeline(source={"snapshot": "only"}
                              | everything(world))
    pipeline.until_caught_up()
    for i, mode in enumerate(["only", "initial", "only", "initial"]):
        world.sql(f"CREATE TABLE more_{i} (id int PRIMARY KEY)")
        pipeline.section("source", snapshot=mode)
        pipeline.write()
        change(world, "a", 100 + i)
        pipeline.until_caught_up()
        world.assert_same("a", "b")


def hole(world, publication, column="v"):
    """Changes of b, some of which the publication does not have."""
    world.sql(f"INSERT INTO b VALUES (70, 'before');"
              f"UPDATE b SET {column} = 'before' WHERE id = 3;"
              f"DELETE FROM b WHERE id = 4")
    world.admin(f"ALTER PUBLICATION {publication} DROP TABLE b")
    world.sql(f"DELETE FROM b WHERE id = 70;"
              f"UPDATE b SET {column} = 'gap' WHERE id = 3;"
              f"INSERT INTO b VALUES (4, 'gap')")
    world.admin(f"ALTER PUBLICATION {publication} ADD TABLE b")


@pytest.mark.parametrize("left_out", [False, True])
def test_a_gap_between_a_doubt_and_its_copy(world, left_out):
    """Changes from before the gap, which the stream still brings, are not
    written over the copy."""
    pipeline, run = streaming(world, pipeline={"recheck_interval": "1s"})
    hold = world.starrocks.hold("a")
    change(world, "a", 100)
    run.wait_until(hold.reached, "a load is held")
    if left_out:
        with run.paused():
            hole(world, pipeline.slot)
        run.wait_until(lambda: MISSED in run.text, "it is seen")
        world.sql("DELETE FROM b WHERE id = 4")
        with run.paused():
            hole(world, pipeline.slot)
    else:
        world.sql("ALTER TABLE b RENAME v TO z;"
                  "INSERT INTO b VALUES (60, 'new')")
        run.wait_until(lambda: "it is copied again" in run.text, "the doubt")
        with run.paused():
            hole(world, pipeline.slot, "z")
    hold.release()
    run.wait_until(lambda: run.text.count(MISSED) == 1 + left_out,
                   "it is seen")
    world.settle(run, "a", "b")


def test_a_slot_that_was_there_brings_a_past_with_a_gap(world):
    pipeline = world.pipeline(source={"publication": "made"})
    world.admin("CREATE PUBLICATION made FOR TABLE a, b"
                " WITH (publish_via_partition_root = true)")
    world.postgres.sql("SELECT pg_create_logical_replication_slot(%s,"
                       " 'pgoutput')", (pipeline.slot,),
                       database=world.database)
    hole(world, "made")
    pipeline.until_caught_up()
    world.assert_same("a", "b")
    hole(world, "made")
    shutil.rmtree(pipeline.state_dir / pipeline.name)
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_a_crash_while_a_table_is_being_left_out(world):
    """Of what the state is told, the mark comes first."""
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    path = pipeline.state_dir / pipeline.name / "state.db"
    state = sqlite3.connect(path)
    with state:
        state.execute("INSERT INTO marks SELECT id, 2 FROM tables"
                      " WHERE name = 'public.b'")
    state.close()
    change(world, "b", 100)
    pipeline.until_caught_up()
    world.assert_same("a", "b")


def test_a_copy_of_its_own_does_not_end_what_the_stream_has_missed(world):
    """It does not read the slot: what was there before the gap comes later."""
    pipeline = world.pipeline(source={"publication": "made"})
    world.admin("CREATE PUBLICATION made FOR TABLE a, b"
                " WITH (publish_via_partition_root = true)")
    pipeline.until_caught_up()
    hole(world, "made")
    for mode in "only", "initial":
        pipeline.section("source", snapshot=mode)
        pipeline.write()
        pipeline.until_caught_up()
        world.assert_same("a", "b")


def test_a_bounded_run_makes_the_copy_that_is_due(world):
    """Though nothing was written since."""
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    path = pipeline.state_dir / pipeline.name / "state.db"
    state = sqlite3.connect(path)
    with state:
        state.execute("INSERT INTO marks SELECT id, 2 FROM tables"
                      " WHERE name = 'public.b'")
    state.close()
    world.starrocks.sql("UPDATE b SET v = 'wrong' WHERE id = 1", world.target)
    pipeline.until_caught_up()
    world.assert_same("a", "b")
    assert [table["phase"] for table in pipeline.status()["tables"]] == [
        "streaming", "streaming"]


def test_a_gap_while_the_first_slot_is_made(world):
    world.sql("CREATE TABLE other (id int)")
    world.admin("CREATE PUBLICATION made FOR TABLE a, b"
                " WITH (publish_via_partition_root = true)")
    holder = world.connect(autocommit=False)
    holder.cursor().execute("INSERT INTO other VALUES (1)")
    pipeline = world.pipeline("public.a, public.b",
                              source={"publication": "made"})
    run = pipeline.start()
    run.wait_text("waiting for open transactions to end")
    hole(world, "made")
    holder.commit()
    holder.close()
    run.wait_streaming()
    world.settle(run, "a", "b")
