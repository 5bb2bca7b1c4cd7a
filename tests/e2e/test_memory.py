# SPDX-License-Identifier: Apache-2.0
"""Memory is bounded by configuration, whatever the size of a transaction."""

import pathlib
import threading

import pytest

MEBIBYTE = 1024 * 1024


class Watch:
    """The largest resident size that a run's processes ever had."""

    def __init__(self, run):
        self.peak = 0
        self._run = run
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(0.1):
            pid = self._run.runner()
            if pid:
                self.peak = max(self.peak, _high_water(pid))


def _high_water(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@pytest.mark.long
def test_h119_one_huge_transaction(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY, name text, n int)")
    pipeline = world.pipeline(batch={"memory": "32MiB", "max_bytes": "4MiB"})
    run = pipeline.start()
    run.wait_streaming()
    with Watch(run) as watch:
        world.sql("BEGIN; INSERT INTO items SELECT i, md5(i::text), i"
                  " FROM generate_series(1, 250000) i;"
                  "UPDATE items SET n = n + 1 WHERE id % 5 = 0;"
                  "DELETE FROM items WHERE id % 3 = 0; COMMIT")
        end = world.postgres.position()
        run.wait_until(lambda: world.postgres.confirmed(pipeline.slot) >= end,
                       "the transaction has arrived", timeout=200)
    world.settle(run, "items")
    assert 0 < watch.peak <= 64 * MEBIBYTE, f"{watch.peak / MEBIBYTE:.0f} MiB"


@pytest.mark.long
def test_snapshot_within_memory(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY, name text);"
              "INSERT INTO items SELECT i, repeat(md5(i::text), 10)"
              " FROM generate_series(1, 150000) i")
    pipeline = world.pipeline(batch={"memory": "32MiB"},
                              source={"snapshot_workers": 4})
    run = pipeline.start()
    with Watch(run) as watch:
        run.wait_streaming(timeout=200)
    world.settle(run, "items")
    assert 0 < watch.peak <= 64 * MEBIBYTE, f"{watch.peak / MEBIBYTE:.0f} MiB"


@pytest.mark.long
def test_wide_rows_within_memory(world):
    world.sql("CREATE TABLE wide (id int PRIMARY KEY, a text, b text);"
              "INSERT INTO wide SELECT i, repeat(md5(i::text), 30), 'b'"
              " FROM generate_series(1, 100000) i;"
              "CREATE TABLE huge (id int PRIMARY KEY, a text);"
              "INSERT INTO huge SELECT i, repeat('x', 900000)"
              " FROM generate_series(1, 30) i")
    pipeline = world.pipeline(batch={"memory": "32MiB"})
    run = pipeline.start()
    with Watch(run) as watch:
        run.wait_streaming(timeout=200)
        world.sql("UPDATE wide SET b = 'u'")
        world.sql("UPDATE huge SET a = repeat('y', 900000) || id")
        end = world.postgres.position()
        run.wait_until(lambda: world.postgres.confirmed(pipeline.slot) >= end,
                       "the changes have arrived", timeout=200)
    world.settle(run, "wide", "huge")
    assert 0 < watch.peak <= 64 * MEBIBYTE, f"{watch.peak / MEBIBYTE:.0f} MiB"


@pytest.mark.long
def test_a_copy_that_waits_for_memory_makes_no_tiny_loads(world):
    """Two readers, a sink slower than they are, and a spent budget."""
    world.sql("CREATE TABLE waiting (id int PRIMARY KEY, a text);"
              "INSERT INTO waiting SELECT i, repeat(md5(i::text), 32)"
              " FROM generate_series(1, 100000) i;"
              "CREATE TABLE huge (id int PRIMARY KEY, a text);"
              "INSERT INTO huge SELECT i, repeat('x', 900000)"
              " FROM generate_series(1, 30) i")
    pipeline = world.pipeline(batch={"memory": "16MiB"},
                              source={"snapshot_workers": 2})
    run = pipeline.start()
    run.wait_streaming(timeout=200)
    loads = [load["rows"] for load in world.starrocks.loads()
             if load["table"].endswith("waiting")]
    assert sum(loads) == 100000
    assert len(loads) < 100000 / 200, f"{len(loads)} loads"
    world.settle(run, "waiting", "huge")
