# SPDX-License-Identifier: Apache-2.0
"""Which secret is in the memory of which process, and when.

Both processes are read from outside, as root does it: all of their memory but
the pages of memfd_secret, which nobody else can read.
"""

import contextlib
import copy
import os
import pathlib
import resource
import shlex
import signal
import sys
import unicodedata

import pytest

from harness import memory, process
from harness.memory import Secret
from harness.postgres import PostgreSQL
from harness.starrocks import StandIn
from harness.waiting import wait_for
from harness.world import World

# Under sanitizers there are terabytes of shadow memory.
pytestmark = [memory.needs_root(), pytest.mark.long]

# How often a secret is found in the runner while it is connected, by how it has
# signed in: for each connection of which kind, and why. What is not named here
# is nowhere: passwords, of the sink its hash and its Basic header, too; a client's
# key as PEM, as DER, as numbers; the md5 of a password; the root key and the record keys.
# While a load waits for its answer, libcurl holds nothing more than between two.
# A password that SASLprep changes is nowhere in either form.
# In the keeper, and in a runner without a connection, nothing is found.
ALLOWED = {
    # libpq keeps its state of the exchange until the connection closes.
    "scram": {"SaltedPassword": "source"},
    "scram, prepared": {"SaltedPassword": "source"},
}

HBA = """\
local all all trust
hostssl all all 127.0.0.1/32 {method}
"""
METHODS = {"scram": "scram-sha-256", "scram, prepared": "scram-sha-256",
           "md5": "md5", "EC key": "cert",
           "RSA key": "cert", "sink's EC key": "md5", "sink's RSA key": "md5"}

# Spaces that do not break, a ligature, a Roman number, an umlaut in two.
CHANGED = "kR7-\u00a0\ufb01\u00a0Zu\u0308rich\u2168"


class Server(PostgreSQL):
    """Lets in by the method that is asked for."""

    def demand(self, method):
        (self.data / "pg_hba.conf").write_text(HBA.format(method=method))
        clients = self.give(self.authority.certificate, "clients.crt")
        self.sql(f"ALTER SYSTEM SET ssl_ca_file = '{clients}'")
        loaded = self.value("SELECT pg_conf_load_time()")
        self.sql("SELECT pg_reload_conf()")
        wait_for(lambda: self.value("SELECT pg_conf_load_time()") > loaded, 10,
                 "the server has read its settings", because=self.log)


@pytest.fixture(scope="module")
def server(base, authority):
    made = Server(base / "server", authority)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def sink(request, base, authority):
    """Loads by http, by https, or by https to who shows a certificate."""
    loads = getattr(request, "param", "https")
    options = (["--tls-client-ca", str(authority.certificate)]
               if loads == "mutual" else [])
    made = StandIn(base / f"sink-{loads}", authority, https=loads != "http",
                   options=options, password=os.urandom(24).hex())
    yield made
    made.stop()


@pytest.fixture
def world(server, sink, program, tmp_path):
    for one in (server, sink):
        if not one.running:
            one.start()
    made = World(tmp_path / "world", server, sink, program)
    made.password = os.urandom(24).hex()
    made.sql("CREATE TABLE items (id int PRIMARY KEY, name text);"
             "INSERT INTO items SELECT i, 'n' || i"
             " FROM generate_series(1, 100) i")
    yield made
    for one in (server, sink):
        if not one.running:
            one.start()
    made.close()


def sealed_values(pipeline):
    return {name: pipeline.sections[section][option] for name in
            pipeline.secrets for section, option in [name.split(".")]}


def prepare(world, how):
    """A pipeline that signs in so, and the secrets of it."""
    server, sink = world.postgres, world.starrocks
    server.demand(METHODS[how])
    if how == "scram, prepared":
        world.password = CHANGED + world.password
    encryption = METHODS[how] if METHODS[how] != "cert" else "scram-sha-256"
    server.sql(f"SET password_encryption = '{encryption}';"
               f"ALTER ROLE {world.role} PASSWORD '{world.password}'")
    pipeline = world.pipeline()
    secrets = [Secret("sink password", sink.password),
               *memory.mysql_native(sink.password),
               *memory.basic(sink.user, sink.password)]
    algorithm = {"algorithm": ("rsa:2048",)} if "RSA" in how else {}
    if METHODS[how] == "cert":
        certificate, key = server.authority.issue(
            world.role, names=(), addresses=(), usage="clientAuth", **algorithm)
        pipeline.section("source", ssl_client_cert=certificate)
        pipeline.secrets = {"source.ssl_client_key": key.read_text(),
                            "sink.password": sink.password}
        secrets += memory.private_key(key)
    else:
        secrets.append(Secret("source password", world.password))
    if METHODS[how] == "scram-sha-256":
        prepared = unicodedata.normalize("NFKC", world.password)
        secrets += [Secret("source password, prepared", prepared),
                    *memory.scram(server, world.role, prepared)]
    if how.startswith("sink's"):
        certificate, key = server.authority.issue(
            "loader", names=(), addresses=(), usage="clientAuth", **algorithm)
        pipeline.section("sink", ssl_client_cert=certificate)
        pipeline.secrets["sink.ssl_client_key"] = key.read_text()
        secrets += memory.private_key(key)
    if METHODS[how] == "md5":
        pipeline.section("source", channel_binding="prefer")
        secrets += memory.md5(world.role, world.password)
    pipeline.seal()
    return pipeline, secrets + memory.keys(pipeline.key,
                                           sealed_values(pipeline))


def stop(world):
    world.postgres.stop()
    world.starrocks.stop()


def wait_nothing(run, secrets):
    """An attempt to connect may be under way; what it leaves would stay."""
    for pid in run.keeper, run.runner():
        run.wait_until(lambda: memory.count(pid, secrets) == {},
                       "there is no secret", timeout=20)


def connections(world, run):
    """How many there are of each kind. All of them stand: without one there
    would be nothing to find."""
    ports = {"source": [world.postgres.port], "sink": [world.starrocks.port],
             "load": world.starrocks.load_ports}
    number = {kind: process.connections(run.runner(), some)
              for kind, some in ports.items()}
    assert 0 not in number.values(), number
    return number


def assert_as_allowed(world, run, how, secrets):
    # An opening may be under way; what it leaves would stay.
    run.wait_until(lambda: memory.count(run.keeper, secrets) == {},
                   "there is no secret in the keeper", timeout=20)
    number = connections(world, run)
    assert memory.count(run.runner(), secrets) == {
        name: number[kind] for name, kind in ALLOWED.get(how, {}).items()}


def assert_as_allowed_in_a_load(world, run, how, secrets):
    """When all of the request has been sent, and there is no answer yet."""
    hold = world.starrocks.hold("items")
    world.sql("UPDATE items SET name = name || '.'")
    run.wait_until(hold.reached, "a load is held")
    assert_as_allowed(world, run, how, secrets)
    hold.release()
    world.wait_same(run, "items")


@pytest.mark.parametrize("sink, how", [
    ("https", "scram"), ("http", "scram, prepared"), ("http", "md5"),
    ("https", "EC key"), ("http", "RSA key"),
    ("mutual", "sink's EC key"), ("mutual", "sink's RSA key")], indirect=["sink"])
def test_secrets_of_a_connection(world, how):
    pipeline, secrets = prepare(world, how)
    stop(world)
    run = pipeline.start()
    run.wait_status(lambda status: status["state"] == "backing_off",
                    "nobody answers")
    wait_nothing(run, secrets)
    world.postgres.start()
    world.starrocks.start()
    run.wait_streaming()
    assert_as_allowed(world, run, how, secrets)
    world.sql("UPDATE items SET name = name || '!'")
    world.wait_same(run, "items")
    assert_as_allowed(world, run, how, secrets)
    assert_as_allowed_in_a_load(world, run, how, secrets)
    world.starrocks.stop()
    world.sql("UPDATE items SET name = name || '?'")
    run.wait_status(lambda status: status["state"] == "backing_off",
                    "the sink has gone")
    world.postgres.stop()
    wait_nothing(run, secrets)
    assert run.terminate() == 0


# ---- Where the keys are ------------------------------------------------

WITHOUT = pathlib.Path(__file__).parent / "without_memfd_secret.py"


@pytest.fixture
def started_by(program, tmp_path):
    """A program that is the program, started by another one."""
    def made(*command):
        script = tmp_path / "bin" / "ezcdc"
        script.parent.mkdir()
        script.write_text(f"#!/bin/sh\nexec {shlex.join(map(str, command))}"
                          f" {program.path} \"$@\"\n")
        script.chmod(0o755)
        result = copy.copy(program)
        result.path = script
        return result
    return made


# Locked pages: the ring of the keeper, a copy of it in the audit log, and
# the digits as they came from the environment, for the next SIGHUP.
KEEPER_WITHOUT_MEMFD_SECRET = {"root key": 2, "root key in digits": 1}

HIDDEN = "/secretmem (deleted)"


def assert_keys(run, keys, unlocked=False):
    """In the keeper, in pages that are neither dumped nor inherited."""
    assert memory.count(run.runner(), keys) == {}
    assert memory.count(run.keeper, keys) == KEEPER_WITHOUT_MEMFD_SECRET
    for name, mapping in memory.search(run.keeper, keys):
        flags = memory.flags(run.keeper, mapping)
        assert {"dd", "wf"} <= flags, (name, mapping)
        assert ("lo" in flags) != unlocked, (name, mapping)


def assert_header_is_locked(run, secrets):
    """The sink's Basic header is made once, and kept where secrets are."""
    places = [mapping for name, mapping in memory.search(run.runner(), secrets)
              if name == "Basic header"]
    assert len(places) == 1
    assert {"lo", "dd", "wf"} <= memory.flags(run.runner(), places[0])


def read_keys_anew(run):
    run.process.send_signal(signal.SIGHUP)
    run.wait_text("keys and configuration were read anew")


def test_keys_are_in_hidden_pages(world):
    pipeline, secrets = prepare(world, "scram")
    run = pipeline.start()
    run.wait_streaming()
    read_keys_anew(run)
    assert memory.count(run.keeper, secrets) == {}
    # The runner has the sink's header in one.
    for pid in run.keeper, run.runner():
        hidden = [mapping for mapping in memory.mappings(pid)
                  if mapping.name == HIDDEN]
        assert hidden, pid
        for mapping in hidden:
            assert {"lo", "dd", "dc"} <= memory.flags(pid, mapping), mapping
    assert run.terminate() == 0


def test_keys_are_in_locked_pages_without_memfd_secret(world, started_by):
    pipeline, secrets = prepare(world, "scram")
    pipeline.program = started_by(sys.executable, WITHOUT)
    keys = memory.keys(pipeline.key, sealed_values(pipeline))
    run = pipeline.start()
    run.wait_streaming()
    assert_keys(run, keys)
    assert_header_is_locked(run, secrets)
    read_keys_anew(run)
    assert_keys(run, keys)
    assert "cannot be locked" not in run.text
    assert run.terminate() == 0


def test_pages_that_cannot_be_locked_are_warned_of(world, started_by):
    """RLIMIT_MEMLOCK counts hidden pages as well."""
    pipeline, _ = prepare(world, "scram")
    pipeline.program = started_by("setpriv", "--bounding-set=-ipc_lock",
                                  "prlimit", "--memlock=0")
    keys = memory.keys(pipeline.key, sealed_values(pipeline))
    run = pipeline.start()
    run.wait_streaming()
    assert_keys(run, keys, unlocked=True)
    run.wait_text("secrets cannot be locked in memory")
    assert run.terminate() == 0


# ---- Core dumps --------------------------------------------------------

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def dumped(pid):
    """Whether our child, which a signal has ended, has dumped core."""
    how = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert how.si_code in (os.CLD_DUMPED, os.CLD_KILLED)
    return how.si_code == os.CLD_DUMPED


def test_neither_process_dumps_core(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The kernel writes cores here, if one may be written.
    other = process.start(["sleep", "60"])
    resource.prlimit(other.pid, resource.RLIMIT_CORE, UNLIMITED)
    other.send_signal(signal.SIGABRT)
    if not dumped(other.pid):
        pytest.skip("the kernel dumps no core whatever a process allows")
    other.wait()
    pipeline, _ = prepare(world, "scram")
    run = pipeline.start()
    run.wait_streaming()
    runner = run.runner()
    places = {tmp_path, *(pathlib.Path(os.readlink(f"/proc/{pid}/cwd"))
                          for pid in (run.keeper, runner))}
    before = {place: set(place.glob("core*")) for place in places}
    for pid in run.keeper, runner:
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
        # Not to be dumpable is enough, where root may take the limit away.
        with contextlib.suppress(PermissionError):
            resource.prlimit(pid, resource.RLIMIT_CORE, UNLIMITED)
    os.kill(runner, signal.SIGSEGV)
    run.wait_text("was ended by signal 11")
    run.process.send_signal(signal.SIGABRT)
    assert not dumped(run.keeper)
    run.kill()
    assert {place: set(place.glob("core*")) for place in places} == before


# ---- The search itself -------------------------------------------------

def test_the_search_finds():
    """Or the tests above would say nothing: whole, in part, and nothing else."""
    text = os.urandom(32).hex()
    secret = Secret("whole or in part", text)
    with contextlib.ExitStack() as end:
        def counted(**environment):
            other = process.start(["sleep", "60"], env=environment)
            end.callback(process.stop, other)
            return memory.count(other.pid, [secret])
        assert counted() == {}
        assert counted(WHOLE=text) == {secret.name: 1}
        assert counted(WHOLE=text, PART=text[3:24]) == {secret.name: 2}
