# SPDX-License-Identifier: Apache-2.0
"""Another server takes over: a copy of the primary, on a new timeline."""

import shutil
import subprocess

import pytest

from harness.postgres import PostgreSQL, lsn
from harness.waiting import wait_for
from harness.world import World

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 200) i")


class Failover(World):
    """A world with a server of its own, which can be put back to a copy."""

    def keep_copy(self):
        self.postgres.stop()
        subprocess.run(["cp", "-a", self.postgres.data, self.spare],
                       check=True)
        self.postgres.start()

    @property
    def spare(self):
        return self.postgres.folder / "spare"

    def take_over(self):
        """The copy is recovered up to what it has, and promoted."""
        self.postgres.stop()
        shutil.rmtree(self.postgres.data)
        self.spare.rename(self.postgres.data)
        (self.postgres.data / "recovery.signal").touch()
        with open(self.postgres.data / "postgresql.auto.conf", "a") as file:
            file.write("restore_command = 'false'\n")
        self.postgres.start()
        wait_for(lambda: not self.postgres.value("SELECT pg_is_in_recovery()"),
                 30, "the copy is promoted")


@pytest.fixture
def family(base, authority, starrocks, program):
    server = PostgreSQL(base / "family", authority)
    world = Failover(base / "world-family", server, starrocks, program)
    world.sql(ITEMS)
    yield world
    world.close()
    server.stop()
    shutil.rmtree(server.folder)


def followed(world):
    pipeline = world.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    world.sql("UPDATE items SET name = 'first' WHERE id < 9")
    world.settle(run, "items")
    return pipeline


def test_a_server_that_has_all_is_followed(family):
    pipeline = followed(family)
    family.keep_copy()
    family.take_over()
    family.sql("UPDATE items SET name = 'second' WHERE id < 5")
    run = pipeline.start()
    family.settle(run, "items")
    assert "the server is on timeline 2 now" in run.text, run.text
    # From here on it is the timeline that is known.
    run = pipeline.start()
    family.sql("DELETE FROM items WHERE id = 7")
    family.settle(run, "items")
    assert "timeline" not in run.text


def test_h125_a_server_without_the_last_changes_is_refused(family):
    pipeline = followed(family)
    family.keep_copy()
    run = pipeline.start()
    family.sql("INSERT INTO items VALUES (1000, 'only in the old primary')")
    family.settle(run, "items")
    family.take_over()
    # The new primary's log grows beyond what was read from the old one's.
    stored = lsn(pipeline.status()["confirmed"])
    wait_for(lambda: family.sql("UPDATE items SET name = name || '.'") == []
             and family.postgres.position() > stored, 30, "the log is longer")
    run = pipeline.start()
    assert run.wait_exit() == 1, run.describe()
    assert "promoted without the last changes" in run.text, run.text
    assert (1000, "only in the old primary") in [
        (int(row[0]), row[1]) for row in family.target_rows("items")]


@pytest.mark.parametrize("broken_off", [False, True])
def test_a_copy_that_has_seen_more_than_the_new_server_has(family, broken_off):
    """The stream is behind what is lost, a table's copy is not."""
    family.sql("CREATE TABLE held (id int PRIMARY KEY);"
               "INSERT INTO held VALUES (1)")
    pipeline = family.pipeline()
    pipeline.until_caught_up()
    family.sql("UPDATE items SET name = 'second' WHERE id < 5;"
               "INSERT INTO held VALUES (2)")
    family.keep_copy()
    family.sql("INSERT INTO items VALUES (1000, 'only in the old primary');"
               "DELETE FROM items WHERE id = 50")
    family.starrocks.sql("DROP TABLE items FORCE", family.target)
    if broken_off:
        family.starrocks.sql("DROP TABLE held FORCE", family.target)
    hold = family.starrocks.hold("held")
    run = pipeline.start()
    if broken_off:
        run.wait_status(lambda status: status["phase"] == "snapshot" and any(
            table["name"] == "public.items" and table["rows"] == 200
            for table in status["tables"]), "items are copied")
    else:
        run.wait_streaming()
    run.wait_until(lambda: any(row[0] == "1000" for row in
                               family.target_rows("items") or []),
                   "the copy has what will be lost")
    run.kill()
    hold.release()
    family.take_over()
    run = pipeline.start()
    run.wait_until(lambda: "the server which has taken over does not have"
                   in run.text, "it is seen")
    family.settle(run, "items", "held")


def test_loads_beyond_the_position_that_the_new_server_does_not_have(family):
    """One table's load hangs, so the position stays; others went on."""
    family.sql("CREATE TABLE held (id int PRIMARY KEY);"
               "INSERT INTO held VALUES (1)")
    pipeline = family.pipeline()
    pipeline.until_caught_up()
    family.sql("INSERT INTO held VALUES (2)")
    family.keep_copy()
    hold = family.starrocks.hold("held")
    run = pipeline.start()
    run.wait_until(hold.reached, "a load is held")
    family.sql("INSERT INTO items VALUES (1000, 'only in the old primary');"
               "UPDATE items SET name = 'lost' WHERE id = 3;"
               "DELETE FROM items WHERE id = 50")
    run.wait_until(lambda: any(row[0] == "1000" for row in
                               family.target_rows("items")),
                   "the target has what will be lost")
    run.kill()
    hold.release()
    family.take_over()
    family.sql("INSERT INTO items VALUES (1001, 'new')")
    run = pipeline.start()
    run.wait_until(lambda: "the server which has taken over does not have"
                   in run.text, "it is seen")
    family.settle(run, "items", "held")
    run = pipeline.start()
    family.sql("DELETE FROM items WHERE id = 60")
    family.settle(run, "items", "held")
    assert "taken over" not in run.text, run.text
