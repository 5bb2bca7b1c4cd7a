# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one PostgreSQL a test process, one world a test."""

import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.certificates import Authority  # noqa: E402
from harness.engine import Program          # noqa: E402
from harness.postgres import PostgreSQL     # noqa: E402
from harness.starrocks import StandIn       # noqa: E402
from harness.world import World             # noqa: E402

_worlds = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "long: left out of sanitizer runs")
    build = os.environ.get("EZCDC_BUILD")
    if build is None or hasattr(config, "workerinput"):
        return
    if not (pathlib.Path(build) / "stage").is_dir():
        subprocess.run(["make", "-C", build, "install",
                        f"DESTDIR={build}/stage"], check=True,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def base():
    """A folder for this test process; servers under another account pass through it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ezcdc-e2e-"))
    os.chmod(folder, 0o711)
    yield folder
    if os.environ.get("EZCDC_TEST_KEEP"):
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(base):
    return Authority(base / "authority")


@pytest.fixture(scope="session")
def postgres(base, authority):
    server = PostgreSQL(base / "postgres", authority)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def program():
    build = os.environ.get("EZCDC_BUILD")
    if not build:
        pytest.fail("EZCDC_BUILD names no build folder; use ./test")
    return Program(pathlib.Path(build) / "stage")


@pytest.fixture(scope="session")
def starrocks(base, authority):
    server = StandIn(base / "starrocks", authority)
    yield server
    server.stop()


@pytest.fixture
def world(request, base, postgres, starrocks, program):
    """A database, a role and a target database of the test's own."""
    if not starrocks.running:
        starrocks.start()       # a test that failed left it stopped
    starrocks.clear_faults()
    starrocks.clear_manners()
    made = World(base / f"world-{next(_worlds)}", postgres, starrocks, program)
    yield made
    # Loads that hang must not hold up the end of the runs.
    starrocks.clear_faults()
    made.close()
    if not os.environ.get("EZCDC_TEST_KEEP"):
        shutil.rmtree(made.folder, ignore_errors=True)
