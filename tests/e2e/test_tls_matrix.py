# SPDX-License-Identifier: Apache-2.0
"""Every ssl_mode against every kind of server, on each of the three roads.

What is expected stands in TABLE. It follows PostgreSQL's documentation, chapter
"SSL Support" (34.19 in version 15), and the pages ezcdc.ini(5) and
ezcdc-starrocks(7), never what the program was seen to do:

  disable      "only try a non-SSL connection"
  allow        "first try a non-SSL connection; if that fails, try SSL"
  prefer       "first try an SSL connection; if that fails, try non-SSL"; no
               certificate is verified
  require      "only try an SSL connection. If a root CA file is present, verify
               the certificate in the same way as if verify-ca was specified"
  verify-ca    the chain, its dates and the revocation list
  verify-full  and the name

MySQL port: allow and prefer use TLS if the greeting offers it and do not come
back to the clear when the handshake fails. HTTP: https:// in load_url asks for
TLS in every mode; the mode says what is verified. No road has less than TLS 1.2.

What happened is told by the servers: PostgreSQL's log, and the stand-in's record
of sign-ins and requests.
"""

import dataclasses
import hashlib
import os
import pathlib
import re
import socket
import ssl

import pytest

from harness.certificates import Authority, fingerprint
from harness.engine import Pipeline
from harness.postgres import PostgreSQL
from harness.starrocks import StandIn
from harness.waiting import wait_for
from harness.world import World

# What the test does on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")

MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

# "require -" is require without ssl_root_cert (and so without ssl_crl).
TABLE = """
                     disable allow   prefer  require verify-ca verify-full require-
postgres
  no TLS             plain   plain   plain   refused refused   refused     refused
  good               plain   plain   tls     tls     tls       tls         tls
  self-signed        plain   plain   tls     refused refused   refused     tls
  wrong CA           plain   plain   tls     refused refused   refused     tls
  wrong name         plain   plain   tls     tls     tls       refused     tls
  IP, not name       plain   plain   tls     tls     tls       refused     tls
  expired            plain   plain   tls     refused refused   refused     tls
  TLS 1.1            plain   plain   plain   refused refused   refused     refused
  revoked            plain   plain   tls     refused refused   refused     tls
mysql
  no TLS             plain   plain   plain   refused refused   refused     refused
  good               plain   tls     tls     tls     tls       tls         tls
  self-signed        plain   tls     tls     refused refused   refused     tls
  wrong CA           plain   tls     tls     refused refused   refused     tls
  wrong name         plain   tls     tls     tls     tls       refused     tls
  IP, not name       plain   tls     tls     tls     tls       refused     tls
  expired            plain   tls     tls     refused refused   refused     tls
  TLS 1.1            plain   refused refused refused refused   refused     refused
  revoked            plain   tls     tls     refused refused   refused     tls
http
  no TLS             refused refused refused refused refused   refused     refused
  good               tls     tls     tls     tls     tls       tls         tls
  self-signed        tls     tls     tls     refused refused   refused     tls
  wrong CA           tls     tls     tls     refused refused   refused     tls
  wrong name         tls     tls     tls     tls     tls       refused     tls
  IP, not name       tls     tls     tls     tls     tls       refused     tls
  expired            tls     tls     tls     refused refused   refused     tls
  TLS 1.1            refused refused refused refused refused   refused     refused
  revoked            tls     tls     tls     refused refused   refused     tls
"""
ROADS = ["postgres", "mysql", "http"]
KINDS = ["no TLS", "good", "self-signed", "wrong CA", "wrong name",
         "IP, not name", "expired", "TLS 1.1", "revoked"]


def cells():
    """(road, kind, mode, outcome) of each cell of the table."""
    header, *lines = TABLE.strip().splitlines()
    modes = header.split()
    road = None
    found = []
    for line in lines:
        if not line.startswith(" "):
            road = line
            continue
        kind, *outcomes = re.split(r"\s{2,}|(?<=[a-z]) (?=(?:plain|tls|refused)\b)",
                                   line.strip())
        assert len(outcomes) == len(modes), line
        found += [(road, kind, mode, outcome)
                  for mode, outcome in zip(modes, outcomes)]
    return found


def test_the_table_is_complete():
    with_ca = [cell[:3] for cell in cells() if cell[2] in MODES]
    assert sorted(with_ca) == sorted((road, kind, mode) for road in ROADS
                                     for kind in KINDS for mode in MODES)
    assert len(with_ca) == 3 * 9 * 6 == 162
    assert len(cells()) == 162 + 3 * 9
    assert {cell[3] for cell in cells()} == {"plain", "tls", "refused"}


# The servers of each kind.

@dataclasses.dataclass
class Kind:
    """What a server of this kind shows, and what a client knows of it."""
    name: str
    identity: tuple                 # certificate, key; None: no TLS
    authority: Authority            # that the client trusts
    host: str = "127.0.0.1"         # that the client connects to
    version: str = None             # the only one that the server speaks
    crl: pathlib.Path = None        # that the client has


@pytest.fixture(scope="module")
def kinds(base):
    ours = Authority(base / "matrix-ca")
    other = Authority(base / "other-ca", "another authority")
    good = ours.issue("good")
    revoked = ours.issue("revoked")
    found = [
        Kind("no TLS", None, ours),
        Kind("good", good, ours),
        Kind("self-signed", ours.issue_itself("self-signed"), ours),
        Kind("wrong CA", other.issue("wrong-ca"), ours),
        Kind("wrong name", ours.issue("wrong-name", ("elsewhere.example",), ()),
             ours, "localhost"),
        Kind("IP, not name", ours.issue("name-only", ("localhost",), ()), ours),
        Kind("expired", ours.issue_expired("expired"), ours),
        Kind("TLS 1.1", good, ours, version="TLSv1.1"),
        Kind("revoked", revoked, ours, crl=ours.revocation_list(revoked[0])),
    ]
    return {kind.name: kind for kind in found}


def shown(port, ask_postgres=False):
    """(fingerprint, version) of the TLS that a port offers; None: it has none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        if ask_postgres:
            connection.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
            if connection.recv(1) != b"S":
                return None
        with context.wrap_socket(connection) as tls:
            certificate = tls.getpeercert(binary_form=True)
            return hashlib.sha256(certificate).hexdigest(), tls.version()


def is_shown(kind, seen):
    if kind.identity is None:
        return seen is None
    return seen is not None and seen[0] == fingerprint(kind.identity[0]) \
        and seen[1] == (kind.version or "TLSv1.3")


class Chameleon(PostgreSQL):
    """A server that lets everybody with the password in, by TLS or not, and
    becomes a server of another kind while it runs."""

    def __init__(self, folder, authority):
        super().__init__(folder, authority, settings={"ssl": None})
        self._is = None
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self.sql("CREATE ROLE cdc LOGIN REPLICATION PASSWORD 'canary-chameleon'")
        self.sql("CREATE DATABASE shop OWNER cdc")
        self.sql("CREATE TABLE items (id int PRIMARY KEY);"
                 "ALTER TABLE items OWNER TO cdc", database="shop")

    def become(self, kind):
        if self._is is kind:
            return
        settings = {"ssl": "off" if kind.identity is None else "on",
                    "ssl_min_protocol_version": kind.version or "TLSv1.2",
                    "ssl_max_protocol_version": kind.version or "TLSv1.3",
                    "ssl_ciphers": "ALL:@SECLEVEL=0"}
        for path, name in zip(kind.identity or (), ("ssl_cert_file",
                                                    "ssl_key_file")):
            settings[name] = self.give(path, path.name)
        for name, value in settings.items():
            self.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        self.sql("SELECT pg_reload_conf()")
        wait_for(lambda: is_shown(kind, shown(self.port, True)), 10,
                 f"the server is as {kind}", because=self.log)
        self._is = kind

    def sign_ins(self):
        """Whether it was by TLS, for each sign-in of the pipeline's role."""
        return ["SSL enabled" in line for line in self.log().splitlines()
                if "connection authorized: user=cdc" in line]


# The roads: how a pipeline comes to a server of a kind, and what the server saw.

class PostgresRoad:
    section = "source"

    def __init__(self, folder, kinds, program):
        self.server = Chameleon(folder / "postgres", kinds["good"].authority)
        self.pipeline = Pipeline(program, folder, "matrix", program.new_key())
        self.pipeline.section("source", connector="postgres", database="shop",
                              user="cdc", tables="public.*",
                              port=self.server.port)
        self.pipeline.section("sink", connector="file",
                              path=folder / "lines.jsonl")
        self.pipeline.secrets["source.password"] = "canary-chameleon"

    def lead_to(self, kind):
        self.server.become(kind)
        return {"host": kind.host}

    def seen(self, kind):
        return self.server.sign_ins()

    def close(self):
        self.server.stop()


class StarRocksRoad:
    """The MySQL port or the HTTP port of a kind; the other one is good."""
    section = "sink"

    def __init__(self, stand_ins, world, http):
        self.stand_ins = stand_ins
        self.http = http
        self.pipeline = world.pipeline(
            name="http_road" if http else "mysql_road")

    def lead_to(self, kind):
        target = self.stand_ins[kind.name]
        plain_port, tls_port = target.http_ports
        if not self.http:
            return {"host": kind.host, "port": target.port}
        port = plain_port if kind.identity is None else tls_port
        return {"load_url": f"https://{kind.host}:{port}"}

    def seen(self, kind):
        target = self.stand_ins[kind.name]
        return target.requests() if self.http else target.sign_ins()


@pytest.fixture(scope="module")
def postgres_road(base, kinds, program):
    folder = base / "matrix-postgres"
    folder.mkdir()
    os.chmod(folder, 0o755)
    road = PostgresRoad(folder, kinds, program)
    yield road
    road.close()


@pytest.fixture(scope="module")
def stand_ins(base, kinds):
    made = {}
    for kind in kinds.values():
        options = ["--no-mysql-tls"] if kind.identity is None else []
        if kind.version:
            options += ["--tls-version", kind.version.replace(".", "_")]
        made[kind.name] = StandIn(
            base / f"matrix-{len(made)}", kind.authority, required=False,
            options=options, password="canary-matrix",
            identity=kind.identity or kinds["good"].identity)
        if kind.identity is not None:
            assert is_shown(kind, shown(made[kind.name].http_ports[1]))
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture(scope="module")
def starrocks_world(base, kinds, postgres, stand_ins, program):
    world = World(base / "matrix-world", postgres, stand_ins["good"], program)
    world.sql("CREATE TABLE items (id int PRIMARY KEY)")
    yield world
    world.close()


@pytest.fixture(scope="module")
def mysql_road(stand_ins, starrocks_world):
    return StarRocksRoad(stand_ins, starrocks_world, http=False)


@pytest.fixture(scope="module")
def http_road(stand_ins, starrocks_world):
    return StarRocksRoad(stand_ins, starrocks_world, http=True)


@pytest.mark.parametrize("road, kind, mode, outcome", cells())
def test_cell(request, kinds, road, kind, mode, outcome):
    road = request.getfixturevalue(f"{road}_road")
    kind = kinds[kind]
    pipeline = road.pipeline
    pipeline.section(road.section, **road.lead_to(kind),
                     ssl_mode=mode.rstrip("-"),
                     ssl_root_cert=kind.authority.certificate,
                     ssl_crl=kind.crl)
    if mode.endswith("-"):
        pipeline.section(road.section, ssl_root_cert=None, ssl_crl=None)
    pipeline.write()
    before = len(road.seen(kind))
    done = pipeline.check()
    seen = set(road.seen(kind)[before:])
    assert seen == {"plain": {False}, "tls": {True}, "refused": set()}[outcome], \
        done
    refused = f"fail {road.section}:" in done.stdout
    assert refused == (outcome == "refused"), done
    assert done.code == (3 if refused else 0), done
