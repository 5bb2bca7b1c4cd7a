# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a running stand-in, a certificate, a table to load into."""

import itertools
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from client import StandIn    # noqa: E402


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """(certificate, key) for localhost and 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-keyout", key, "-out", cert, "-days", "2", "-subj",
         "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    return cert, key


@pytest.fixture
def start(tmp_path, request):
    """Starts stand-ins with options and stops them afterwards."""
    def launch(*options, **settings):
        server = StandIn(tmp_path / ("data%d" % len(launch.servers)),
                         *options, **settings)
        launch.servers.append(server)
        return server.start()

    launch.servers = []
    yield launch
    for server in launch.servers:
        server.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One stand-in for all tests of a file, with a database `d`."""
    with StandIn(tmp_path_factory.mktemp("shared")) as server:
        server.sql("CREATE DATABASE d")
        yield server


NUMBERS = itertools.count(1)


def fresh():
    """A label that no test has used."""
    return "fresh-%d" % next(NUMBERS)


CREATE = ("CREATE TABLE d.%s (%s) PRIMARY KEY (id) DISTRIBUTED BY HASH (id)"
          " BUCKETS 1 PROPERTIES (\"replication_num\" = \"1\")")


@pytest.fixture
def table(shared, request):
    """Makes a primary key table named after the test; returns its name."""
    name = request.node.originalname or request.node.name

    def make(columns="id BIGINT NOT NULL, v VARCHAR(20)"):
        shared.sql("DROP TABLE IF EXISTS d.%s FORCE" % name)
        shared.sql(CREATE % (name, columns))
        return name

    shared.clear_faults()
    shared.admin("DELETE", "manners")
    return make
