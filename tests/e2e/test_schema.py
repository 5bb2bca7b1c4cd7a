# SPDX-License-Identifier: Apache-2.0
"""The columns of a table change while it is followed."""

import pytest

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, a int, b text, c text);"
         "INSERT INTO items SELECT i, i, 'b' || i, 'c' || i"
         " FROM generate_series(1, 500) i;"
         "CREATE TABLE others (id int PRIMARY KEY, name text)")
AGAIN = "is copied again"

# What is altered, and whether rows that nobody touches are other afterwards.
CHANGES = {
    "add": ("ADD d int", False),
    "add with a default": ("ADD d int DEFAULT 7", True),
    "add with a default that differs by row":
        ("ADD d int DEFAULT floor(random() * 1000)", True),
    "add not null": ("ADD d text NOT NULL DEFAULT 'x'", True),
    "add an identity": ("ADD d int GENERATED ALWAYS AS IDENTITY", True),
    "drop": ("DROP a", False),
    "drop several": ("DROP a, DROP c", False),
    "rename": ("RENAME a TO d", True),
    "drop and add, same type": ("DROP c, ADD c text", True),
    "drop and add, another type": ("DROP c, ADD c int", True),
    "drop and add another": ("DROP c, ADD d text", False),
    "widen the integer": ("ALTER a TYPE bigint", True),
    "change values with the type": ("ALTER a TYPE bigint USING a * 2", True),
    "change values, not the type":
        ("ALTER b TYPE varchar(90) USING upper(b)", True),
}


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


def streaming(world, **sections):
    pipeline = world.pipeline(**sections)
    run = pipeline.start()
    run.wait_streaming()
    world.wait_same(run, "items")
    return pipeline, run


def settle(world, run, *tables):
    """What is equal may be equal before the new copy."""
    run.wait_status(lambda status: all(
        table["phase"] == "streaming" for table in status["tables"])
        and status["phase"] == "streaming", "nothing waits for its copy")
    world.settle(run, *(tables or ["items"]))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_columns_is_followed(items, change):
    statement, copied = CHANGES[change]
    _, run = streaming(items)
    items.sql(f"ALTER TABLE items {statement}")
    # The stream tells of the change with the next row.
    items.sql("INSERT INTO items (id) VALUES (1000) ON CONFLICT DO NOTHING;"
              "UPDATE items SET b = 'new' WHERE id = 7")
    settle(items, run)
    assert (AGAIN in run.text) == copied, run.text


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_while_nothing_runs_is_seen(items, change):
    """H91, and without a single row behind it."""
    statement, copied = CHANGES[change]
    pipeline, run = streaming(items)
    assert run.terminate() == 0
    items.sql(f"ALTER TABLE items {statement}")
    run = pipeline.start()
    settle(items, run)
    assert (AGAIN in run.text) == copied, run.text


@pytest.mark.parametrize("change", CHANGES)
def test_rows_from_before_a_change_do_no_harm(items, change):
    """They come when the catalog knows the new columns only."""
    statement, _ = CHANGES[change]
    pipeline, run = streaming(items)
    assert run.terminate() == 0
    items.sql("UPDATE items SET c = 'before' WHERE id < 9")
    items.sql(f"ALTER TABLE items {statement}")
    settle(items, pipeline.start())


def test_h88_columns_that_swap_their_names(items):
    _, run = streaming(items)
    items.sql("BEGIN; ALTER TABLE items RENAME b TO x;"
              "ALTER TABLE items RENAME c TO b;"
              "ALTER TABLE items RENAME x TO c; COMMIT;"
              "UPDATE items SET b = 'new' WHERE id = 3")
    items.settle(run, "items")


def test_h86_changes_and_rows_in_one_transaction(items):
    _, run = streaming(items)
    items.sql("BEGIN; UPDATE items SET b = 'one' WHERE id = 1;"
              "ALTER TABLE items ADD d int DEFAULT 3;"
              "INSERT INTO items VALUES (1001, 1, 'b', 'c', 4);"
              "ALTER TABLE items RENAME a TO z;"
              "UPDATE items SET z = z + 1 WHERE id < 10;"
              "ALTER TABLE items DROP c;"
              "DELETE FROM items WHERE id = 2; COMMIT")
    items.settle(run, "items")


def test_h86_a_change_that_is_rolled_back_leaves_nothing(items):
    _, run = streaming(items)
    items.sql("BEGIN; ALTER TABLE items RENAME a TO z;"
              "INSERT INTO items (id) VALUES (1001); ROLLBACK")
    items.sql("UPDATE items SET b = 'one' WHERE id = 1")
    items.settle(run, "items")
    assert AGAIN not in run.text


def test_several_changes_that_were_not_read_yet(items):
    """Rows between the changes come after all of them have happened, and may
    not write over what the new copy has brought."""
    pipeline, run = streaming(items)
    run.terminate()
    for statement in ("RENAME a TO d", "ADD e int DEFAULT 1", "RENAME d TO f",
                      "ADD g text DEFAULT 'g'"):
        items.sql(f"ALTER TABLE items {statement}")
        items.sql("UPDATE items SET b = b || '!' WHERE id % 5 = 0")
    run = pipeline.start()
    items.settle(run, "items")


def test_other_tables_go_on(items):
    _, run = streaming(items)
    items.sql("INSERT INTO others VALUES (1, 'before');"
              "ALTER TABLE items RENAME a TO d;"
              "UPDATE items SET b = 'x' WHERE id = 1;"
              "INSERT INTO others VALUES (2, 'after')")
    items.wait_same(run, "items", "others")
    items.sql("UPDATE others SET name = 'later'; DELETE FROM items WHERE id = 9")
    items.settle(run, "items", "others")
    assert not [line for line in run.text.splitlines()
                if "table public.others" in line]


@pytest.mark.parametrize("seconds_chance", [0, 1])
def test_a_kill_while_a_table_is_copied_again(items, seconds_chance):
    pipeline, run = streaming(items)
    hold = items.starrocks.hold("items")
    items.sql("ALTER TABLE items RENAME a TO d;"
              "UPDATE items SET b = 'x' WHERE id = 1")
    if seconds_chance:
        hold.release()
    run.wait_until(lambda: AGAIN in run.text, "the copy is void")
    run.kill()
    hold.release()
    items.settle(pipeline.start(), "items")


def test_without_copies_a_change_is_followed_from_there_on(items):
    items.sql("DELETE FROM items")
    pipeline = items.pipeline()
    pipeline.section("source", snapshot="never")
    run = pipeline.start()
    run.wait_streaming()
    items.sql("ALTER TABLE items ADD d int DEFAULT 7;"
              "INSERT INTO items VALUES (1, 2, 'b', 'c', 3)")
    items.settle(run, "items")
    assert AGAIN not in run.text


def test_a_bounded_run_has_not_caught_up_before_the_copy(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.sql("ALTER TABLE items ADD d int DEFAULT 7;"
              "UPDATE items SET b = 'x' WHERE id = 1;"
              "ALTER TABLE items RENAME d TO e")
    pipeline.until_caught_up()
    items.assert_same("items")


@pytest.mark.parametrize("change", [
    "DROP c", "RENAME c TO d", "DROP c, ADD c int"])
def test_rows_are_read_again_although_columns_are_gone(items, change):
    """A changed key with a large value that did not change: the value has to
    be read from a table that has other columns by then."""
    items.sql("ALTER TABLE items ALTER b SET STORAGE EXTERNAL;"
              "UPDATE items SET b = repeat('long', 5000) WHERE id < 5")
    pipeline, run = streaming(items)
    assert run.terminate() == 0
    items.sql("UPDATE items SET id = id + 9000 WHERE id < 5")
    items.sql(f"ALTER TABLE items {change}")
    settle(items, pipeline.start())


def test_a_key_that_is_renamed_is_refused_by_name(items):
    _, run = streaming(items)
    items.sql("ALTER TABLE items RENAME id TO number;"
              "UPDATE items SET b = 'x' WHERE number = 1")
    assert run.wait_exit() == 1, run.describe()
    assert "its PRIMARY KEY is not (`number`)" in run.text, run.text


# A key that changes while nothing runs, and whether the target, which keeps
# its key, must be dropped.
KEYS = {
    "another key": (["DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (a)"], True),
    "a longer key":
        (["DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (id, a)"], True),
    "another order": (["DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (id, a)",
                       "DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (a, id)"],
                      True),
    "there and back": (["DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (a)",
                        "DROP CONSTRAINT items_pkey, ADD PRIMARY KEY (id)"],
                       False),
    "renamed": (["RENAME id TO number", "RENAME a TO x"], True),
    "another type": (["ALTER id TYPE text", "ALTER a TYPE text"], True),
    "a type that clashes":
        (["ALTER a TYPE date USING date '2020-01-01' + a"], True),
    "another type, there and back":
        (["ALTER a TYPE text", "ALTER a TYPE int USING a::int"], False),
}


@pytest.mark.parametrize("change", KEYS)
def test_a_key_or_type_that_changes_behind_its_back(items, change):
    """Changes under every shape that the table had are in the log; rows are
    written, rewritten and deleted under each."""
    steps, dropped = KEYS[change]
    pipeline, run = streaming(items)
    assert run.terminate() == 0
    for i, step in enumerate(["", *steps]):
        if step:
            items.sql(f"ALTER TABLE items {step}")
        items.sql(f"UPDATE items SET b = b || '-{i}'"
                  f" WHERE c IN ('c{i + 1}', 'c{i + 2}', 'c10');"
                  f"DELETE FROM items WHERE c = 'c{i + 20}';"
                  f"CREATE TEMP TABLE kept AS"
                  f" SELECT * FROM items WHERE c = 'c{i + 40}';"
                  f"DELETE FROM items WHERE c = 'c{i + 40}';"
                  f"INSERT INTO items SELECT * FROM kept; DROP TABLE kept")
    if dropped:
        run = pipeline.start()
        assert run.wait_exit() == 1, run.describe()
        assert "drop items and start again" in run.text, run.text
        items.starrocks.sql("DROP TABLE items FORCE", items.target)
    run = pipeline.start()
    run.wait_streaming()
    items.sql("UPDATE items SET b = 'last' WHERE c = 'c30'")
    settle(items, run)


@pytest.mark.parametrize("without, with_key", [
    ("DROP CONSTRAINT items_pkey", "ADD PRIMARY KEY (id)"),
    ("REPLICA IDENTITY NOTHING", "REPLICA IDENTITY DEFAULT")])
def test_a_table_that_was_without_a_key_for_a_moment(items, without, with_key):
    pipeline, run = streaming(items)
    assert run.terminate() == 0
    items.sql(f"UPDATE items SET b = 'before' WHERE id < 4;"
              f"DELETE FROM items WHERE id = 20;"
              f"ALTER TABLE items {without};"
              f"INSERT INTO items VALUES (1000, 1, 'without', 'c');"
              f"ALTER TABLE items {with_key};"
              f"UPDATE items SET b = 'after' WHERE id IN (2, 1000);"
              f"DELETE FROM items WHERE id = 21")
    run = pipeline.start()
    settle(items, run)
    assert "its changes are left out until it is copied again" in run.text


def test_a_table_that_loses_its_key_is_named_and_goes_on_with_a_new_one(items):
    pipeline, run = streaming(items)
    items.sql("ALTER TABLE items DROP CONSTRAINT items_pkey;"
              "INSERT INTO items VALUES (1000, 1, 'without', 'c')")
    assert run.wait_exit() == 1, run.describe()
    assert "table public.items: it has no usable key" in run.text, run.text
    items.sql("ALTER TABLE items ADD PRIMARY KEY (id);"
              "DELETE FROM items WHERE id = 20")
    settle(items, pipeline.start())


def test_a_table_that_comes_later_is_told_once(items):
    items.admin("CREATE PUBLICATION everything FOR ALL TABLES")
    _, run = streaming(items, source={"publication": "everything",
                                      "tables": "public.*"})
    items.sql("CREATE TABLE late (id int PRIMARY KEY);"
              "INSERT INTO late VALUES (1)")
    for name in ("a", "b"):
        items.sql(f"ALTER TABLE late ADD {name} int;"
                  f"INSERT INTO late VALUES ({ord(name)})")
    items.sql("INSERT INTO items VALUES (1000, 1, 'later', 'c')")
    settle(items, run)
    assert run.text.count("changes of table public.late ") == 1, run.text


def test_a_key_that_changes_under_a_run(items):
    pipeline, run = streaming(items)
    items.sql("ALTER TABLE items DROP CONSTRAINT items_pkey,"
              " ADD PRIMARY KEY (a);"
              "UPDATE items SET id = -id WHERE a < 5;"
              "DELETE FROM items WHERE a = 9")
    assert run.wait_exit() == 1, run.describe()
    assert "its PRIMARY KEY is not (`a`)" in run.text, run.text
    items.starrocks.sql("DROP TABLE items FORCE", items.target)
    items.sql("UPDATE items SET id = -id WHERE a BETWEEN 10 AND 15")
    settle(items, pipeline.start())


def test_a_change_without_a_row_behind_it_is_seen(items):
    _, run = streaming(items, pipeline={"recheck_interval": "1s"})
    items.sql("ALTER TABLE items RENAME a TO d")
    run.wait_until(lambda: AGAIN in run.text, "it is seen")
    settle(items, run)


def test_a_partition_that_may_not_be_read_is_told(items):
    if items.postgres.version < 13:
        pytest.skip("publish_via_partition_root came with PostgreSQL 13")
    items.admin("CREATE TABLE parts (id int PRIMARY KEY, v text)"
                " PARTITION BY RANGE (id);"
                "CREATE TABLE parts_1 PARTITION OF parts"
                " FOR VALUES FROM (0) TO (100);"
                f"GRANT SELECT ON parts, parts_1 TO {items.role};"
                "CREATE PUBLICATION parts FOR TABLE parts, items"
                " WITH (publish_via_partition_root = true)")
    pipeline, run = streaming(items, tables="public.items, public.parts",
                              source={"publication": "parts"},
                              pipeline={"recheck_interval": "1s"})
    items.admin("CREATE TABLE parts_2 PARTITION OF parts"
                " FOR VALUES FROM (100) TO (200)")
    run.wait_until(lambda: "may not read all of table public.parts" in
                   run.text, "it is told")
    items.admin("INSERT INTO parts VALUES (1, 'one'), (101, 'two')")
    items.settle(run, "parts", "items")
    assert "public.parts_2" in pipeline.check().stdout


def test_h77_a_table_that_leaves_the_publication_is_told(items):
    pipeline, run = streaming(items, pipeline={"recheck_interval": "1s"})
    items.admin(f"ALTER PUBLICATION {pipeline.slot} DROP TABLE items")
    assert run.wait_exit() == 1, run.describe()
    assert "table public.items: it is not in publication" in run.text, run.text


def test_a_table_that_is_dropped_is_told_and_the_others_go_on(items):
    _, run = streaming(items, pipeline={"recheck_interval": "1s"})
    items.sql("DROP TABLE items; INSERT INTO others VALUES (1, 'x')")
    run.wait_until(lambda: "table public.items is not in the source" in
                   run.text, "it is told")
    items.sql("INSERT INTO others VALUES (2, 'y')")
    settle(items, run, "others")


def test_a_new_table_that_cannot_be_replicated_stops_nobody(items):
    _, run = streaming(items, pipeline={"recheck_interval": "1s"})
    items.sql("CREATE TABLE keyless (a int)")
    items.sql("ALTER TABLE items RENAME a TO d")
    run.wait_until(lambda: AGAIN in run.text, "there was a look")
    assert "keyless" not in run.text
    settle(items, run)


@pytest.mark.parametrize("change", CHANGES)
def test_h45_a_change_between_the_list_of_tables_and_the_copy(items, change):
    pipeline = items.pipeline(pipeline={"recheck_interval": "1s"})
    pipeline.seal()
    items.starrocks.stop()
    try:
        run = pipeline.start()
        run.wait_status(lambda status: status["state"] == "backing_off",
                        "the tables are listed, the targets cannot be made")
        items.sql(f"ALTER TABLE items {CHANGES[change][0]}")
    finally:
        items.starrocks.start()
    run.wait_streaming()
    items.sql("UPDATE items SET b = 'new' WHERE id = 7")
    settle(items, run)


def test_a_column_that_the_publication_names_from_now_on(items):
    if items.postgres.version < 15:
        pytest.skip("column lists came with PostgreSQL 15")
    items.admin("CREATE PUBLICATION narrow FOR TABLE items (id, a)")
    pipeline = items.pipeline(tables="public.items")
    pipeline.section("source", publication="narrow")
    run = pipeline.start()
    run.wait_streaming()
    items.admin("ALTER PUBLICATION narrow SET TABLE items (id, a, b, c)")
    items.sql("UPDATE items SET b = 'new' WHERE id = 7")
    settle(items, run)


@pytest.mark.parametrize("live", [False, True])
def test_a_column_that_was_dropped_comes_back(items, live):
    """The target has kept its values."""
    pipeline = items.pipeline(pipeline={"recheck_interval": "1s"})
    pipeline.until_caught_up()
    run = pipeline.start() if live else None
    for change in ("ALTER TABLE items DROP c;"
                   "INSERT INTO items VALUES (1000, 1, 'without')",
                   "ALTER TABLE items ADD c text"):
        items.sql(change)
        if not live:
            pipeline.until_caught_up()
        elif "DROP" in change:
            items.wait_same(run, "items")
    if live:
        run.wait_until(lambda: AGAIN in run.text, "it is seen")
        items.settle(run, "items")
    items.assert_same("items")


def test_a_longer_character_is_filled_with_blanks(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY, c char(5));"
              "INSERT INTO items VALUES (1, 'abc')")
    pipeline = world.pipeline()
    pipeline.until_caught_up()
    world.sql("ALTER TABLE items ALTER c TYPE char(10)")
    pipeline.until_caught_up()
    done = pipeline.verify()
    assert done.code == 0, done


@pytest.mark.parametrize("how", [
    "ALTER TABLE items ADD x int DEFAULT 5 NOT NULL;"
    "ALTER TABLE items ALTER x DROP DEFAULT",
    "ALTER TABLE items ADD x int DEFAULT 5;"
    "ALTER TABLE items ALTER x DROP DEFAULT",
    "CREATE DOMAIN five AS int DEFAULT 5; ALTER TABLE items ADD x five",
    "ALTER TABLE items ADD x int GENERATED ALWAYS AS IDENTITY;"
    "ALTER TABLE items ALTER x DROP IDENTITY",
])
def test_a_default_that_was_there_for_a_moment(items, how):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.sql(how)
    pipeline.until_caught_up()
    items.assert_same("items")
