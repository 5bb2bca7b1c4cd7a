# SPDX-License-Identifier: Apache-2.0
"""The same battery against other majors of PostgreSQL."""

import contextlib
import pathlib
import shutil
import subprocess

import pytest

from harness import engine, types
from harness.postgres import PostgreSQL
from harness.workload import TABLES, Workload
from harness.world import World

FETCH = pathlib.Path(__file__).parent / "fetch-postgres"
MAJORS = [12, 13, 14, 16, 17, 18]
TOO_OLD = [10, 11]


@contextlib.contextmanager
def another(major, base, authority, starrocks, program):
    """A world whose source is another PostgreSQL."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm to get other PostgreSQL servers with")
    fetched = subprocess.run([FETCH, str(major)], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if fetched.returncode != 0:
        pytest.skip(f"PostgreSQL {major} could not be fetched: "
                    f"{fetched.stderr[-300:]}")
    folder = base / f"postgres-{major}"
    server = PostgreSQL(folder, authority, fetched.stdout.strip())
    assert server.version == major
    world = World(base / f"world-{major}", server, starrocks, program)
    yield world
    world.close()
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=MAJORS)
def elsewhere(request, base, authority, starrocks, program):
    with another(request.param, base, authority, starrocks, program) as world:
        yield world


@pytest.fixture(params=TOO_OLD)
def too_old(request, base, authority, starrocks, program):
    with another(request.param, base, authority, starrocks, program) as world:
        yield world


@pytest.mark.long
def test_battery(elsewhere):
    elsewhere.sql(types.PREPARE + types.definition())
    types.fill(elsewhere, 1)
    workload = Workload(elsewhere, 71).prepare()
    elsewhere.sql(
        "CREATE TABLE areas (id int PRIMARY KEY, side int,"
        " area int GENERATED ALWAYS AS (side * side) STORED);"
        "INSERT INTO areas (id, side) VALUES (1, 2), (2, 3)")
    pipeline = elsewhere.pipeline(source={"snapshot_workers": 2})
    assert pipeline.check().code == 0
    run = pipeline.start()
    run.wait_streaming()
    types.fill(elsewhere, 1001)
    workload.run(100)
    elsewhere.sql(
        "BEGIN; INSERT INTO accounts SELECT i, 'b', i, NULL, now()"
        " FROM generate_series(10001, 13000) i; DELETE FROM accounts"
        " WHERE id % 3 = 0; COMMIT; TRUNCATE pages;"
        "INSERT INTO pages VALUES ('a', 'b', 'c', 1)")
    elsewhere.settle(run, "kinds", "areas", *TABLES, timeout=90)
    # Nothing has changed: nothing is copied.
    again = pipeline.until_caught_up()
    assert "is copied again" not in again.stderr, again
    assert "area" not in elsewhere.starrocks.columns(elsewhere.target, "areas")
    assert pipeline.verify().code == 0


@pytest.mark.long
def test_a_server_that_is_too_old_is_refused_by_its_version(too_old):
    too_old.sql("CREATE TABLE a (id int PRIMARY KEY)")
    pipeline = too_old.pipeline()
    version = too_old.postgres.value("SHOW server_version")
    words = f"PostgreSQL {version} is too old: 12 to 18 are supported"
    if too_old.postgres.version == 10:
        # It has no channel binding, so that nothing is known before the login.
        done = pipeline.until_caught_up(expect=None)
        assert "the server must be PostgreSQL 12 or later" in done.stderr, done
        pipeline.configure(source={"channel_binding": "prefer"})
    done = pipeline.until_caught_up(expect=engine.FAILED)
    assert words in done.stderr, done
    checked = pipeline.check()
    assert checked.code == engine.FOUND, checked
    failures = [line for line in checked.stdout.splitlines()
                if line.startswith("fail ")]
    assert failures and all(words in line for line in failures), checked
    done = pipeline.verify()
    assert done.code == engine.FAILED and words in done.stderr, done
