# SPDX-License-Identifier: Apache-2.0
"""The same battery against other majors of PostgreSQL."""

import pathlib
import shutil
import subprocess

import pytest

from harness import types
from harness.postgres import PostgreSQL
from harness.workload import TABLES, Workload
from harness.world import World

FETCH = pathlib.Path(__file__).parent / "fetch-postgres"
MAJORS = [12, 13, 14, 16, 17, 18]


@pytest.fixture(params=MAJORS)
def elsewhere(request, base, authority, starrocks, program):
    """A world whose source is another PostgreSQL."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm to get other PostgreSQL servers with")
    fetched = subprocess.run([FETCH, str(request.param)], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if fetched.returncode != 0:
        pytest.skip(f"PostgreSQL {request.param} could not be fetched: "
                    f"{fetched.stderr[-300:]}")
    folder = base / f"postgres-{request.param}"
    server = PostgreSQL(folder, authority, fetched.stdout.strip())
    assert server.version == request.param
    world = World(base / f"world-{request.param}", server, starrocks, program)
    yield world
    world.close()
    server.stop()
    shutil.rmtree(folder)


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
