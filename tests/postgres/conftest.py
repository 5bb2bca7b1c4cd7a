# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the source by itself, driven by a small host, on a real server."""

import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from harness.certificates import Authority  # noqa: E402
from harness.postgres import PostgreSQL     # noqa: E402

PASSWORD = "s3cret of cdc"
_databases = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "long: left out of sanitizer runs")
    build = os.environ.get("EZCDC_BUILD")
    if build is not None and not hasattr(config, "workerinput"):
        subprocess.run(["make", "-C", build, "tests/postgres/driver",
                        "plugins/postgres/postgres.la"], check=True,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def base():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ezcdc-postgres-"))
    os.chmod(folder, 0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(base):
    return Authority(base / "authority")


@pytest.fixture(scope="session")
def server(base, authority):
    server = PostgreSQL(base / "server", authority)
    # The role's own settings must not reach the values.
    server.sql(f"CREATE ROLE cdc LOGIN REPLICATION PASSWORD '{PASSWORD}'")
    for setting in ("timezone = 'America/New_York'", "datestyle = 'SQL, DMY'",
                    "intervalstyle = 'sql_standard'", "bytea_output = 'escape'",
                    "extra_float_digits = 0", "statement_timeout = '1s'",
                    "lock_timeout = '1s'",
                    "idle_in_transaction_session_timeout = '1s'"):
        server.sql(f"ALTER ROLE cdc SET {setting}")
    yield server
    server.stop()


class Source:
    """A database of its own, and the connector on it."""

    def __init__(self, server, authority, build):
        self.server = server
        self.authority = authority
        self.database = f"source{next(_databases)}"
        self.slot = f"slot_{self.database}"
        self.publication = f"publication_{self.database}"
        build = pathlib.Path(build)
        self.driver = build / "tests/postgres/driver"
        self.connector = build / "plugins/postgres/.libs/postgres.so"
        server.sql(f"CREATE DATABASE {self.database} OWNER cdc")
        self.running = []

    def sql(self, statement, arguments=None):
        return self.server.sql(statement, arguments, database=self.database)

    def value(self, statement, arguments=None):
        return self.server.value(statement, arguments, database=self.database)

    def connect(self, **parameters):
        return self.server.connect(self.database, **parameters)

    def table(self, definition, owner="cdc"):
        """CREATE TABLE, by whom the publication may be made."""
        name = definition.split("(")[0].split(" PARTITION")[0].strip()
        self.sql(f"CREATE TABLE {definition}")
        self.sql(f"ALTER TABLE {name} OWNER TO {owner}")

    def command(self, command, tables="public.*", **options):
        words = {
            "host": "127.0.0.1", "port": self.server.port,
            "database": self.database, "user": "cdc", "password": PASSWORD,
            "ssl_mode": "verify-full",
            "ssl_root_cert": self.authority.certificate,
            "slot": self.slot, "publication": self.publication,
            "tables": tables,
        }
        words.update(options)
        return [str(self.driver), str(self.connector), command] + [
            f"{name}={value}" for name, value in words.items()]

    def run(self, command, tables="public.*", expect=0, timeout=60, **options):
        """Runs the driver to its end; returns its lines, split at tabs."""
        done = subprocess.run(self.command(command, tables, **options),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=timeout, check=False)
        self.errors = done.stderr
        assert done.returncode == expect, \
            f"exit {done.returncode}, not {expect}:\n{done.stderr}"
        return [line.split("\t") for line in done.stdout.splitlines()]

    def start(self, command, tables="public.*", **options):
        child = subprocess.Popen(self.command(command, tables, **options),
                                 stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, bufsize=1)
        self.running.append(child)
        return child

    def close(self):
        for child in self.running:
            if child.poll() is None:
                child.kill()
            child.communicate()
        for (name,) in self.server.sql(
                "SELECT slot_name FROM pg_replication_slots"
                " WHERE database = %s", (self.database,)):
            self.server.drop_slot(name)
        self.server.drop_database(self.database)


@pytest.fixture
def build():
    folder = os.environ.get("EZCDC_BUILD")
    if folder is None:
        pytest.skip("EZCDC_BUILD names no build folder")
    return folder


@pytest.fixture
def source(server, authority, build):
    source = Source(server, authority, build)
    yield source
    source.close()
