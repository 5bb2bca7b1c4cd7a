# SPDX-License-Identifier: Apache-2.0
"""The file sink: every row and every change, in commit order, as JSON Lines."""

import json
import os

import pytest

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text, amount numeric);"
         "INSERT INTO items SELECT i, 'n' || i, i FROM generate_series(1, 50) i")


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


def file_pipeline(world, folder, **more):
    path = folder / "changes.jsonl"
    pipeline = world.pipeline("public.items",
                              sink={"connector": "file", "path": path, **more})
    return pipeline, path


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def replay(lines):
    """The state that the records lead to, by the key column id."""
    state = {}
    for line in lines:
        text = json.dumps(line)
        operation = line.get("op") or line.get("operation")
        assert operation, text
        values = line.get("after") or line.get("values") or line.get("row")
        old = line.get("before") or line.get("old") or line.get("key") or {}
        kind = str(operation).lower()
        if kind.startswith(("t", "trunc")):
            state.clear()
        elif kind.startswith("d"):
            state.pop(str((old or values)["id"]), None)
        elif kind.startswith(("i", "c", "r", "s", "u")):
            if old and str(old.get("id")) != str(values["id"]):
                state.pop(str(old["id"]), None)
            state[str(values["id"])] = values
    return state


def test_snapshot_and_changes(items, tmp_path):
    pipeline, path = file_pipeline(items, tmp_path)
    pipeline.until_caught_up()
    assert len(records(path)) >= 50
    items.sql("INSERT INTO items VALUES (100, 'new', NULL);"
              "UPDATE items SET name = 'changed' WHERE id = 1;"
              "UPDATE items SET id = 200 WHERE id = 2;"
              "DELETE FROM items WHERE id = 3")
    pipeline.until_caught_up()
    state = replay(records(path))
    wanted = {str(key): name for key, name in
              items.sql("SELECT id, name FROM items")}
    assert {key: row["name"] for key, row in state.items()} == wanted


def test_kill_9_leaves_whole_lines_and_loses_nothing(items, tmp_path):
    pipeline, path = file_pipeline(items, tmp_path)
    run = pipeline.start()
    run.wait_streaming()
    for number in range(5):
        items.sql("INSERT INTO items SELECT i, 'x', 1 FROM generate_series"
                  "(%s, %s) i", (1000 * (number + 1), 1000 * (number + 1) + 99))
        run.wait_until(lambda: path.stat().st_size > 0, "something is there")
        run.kill()
        run = pipeline.start()
    run.wait_streaming()
    assert run.terminate() == 0
    pipeline.until_caught_up()
    state = replay(records(path))
    assert set(state) == {str(key) for (key,) in
                          items.sql("SELECT id FROM items")}


def test_files_are_private(items, tmp_path):
    pipeline, path = file_pipeline(items, tmp_path)
    pipeline.until_caught_up()
    assert os.stat(path).st_mode & 0o077 == 0


def test_a_table_that_was_without_a_key_for_a_moment(world):
    world.sql("CREATE TABLE t (id int PRIMARY KEY, v text)")
    path = world.folder / "rows.jsonl"
    pipeline = world.pipeline(sink={"connector": "file", "path": path})
    pipeline.until_caught_up()
    world.sql("ALTER TABLE t REPLICA IDENTITY NOTHING;"
              "INSERT INTO t VALUES (1, 'without');"
              "ALTER TABLE t REPLICA IDENTITY DEFAULT;"
              "INSERT INTO t VALUES (2, 'with')")
    run = pipeline.until_caught_up()
    assert "what is missed is missing" in run.stderr
    lines = path.read_text()
    assert '"with"' in lines and "without" not in lines
