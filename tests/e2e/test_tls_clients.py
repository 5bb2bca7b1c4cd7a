# SPDX-License-Identifier: Apache-2.0
"""Certificates that we show, and certificates that change while we run."""

import os
import pathlib
import signal
import threading

import pytest

from harness import process
from harness.certificates import Authority, fingerprint
from harness.postgres import PostgreSQL
from harness.starrocks import StandIn
from harness.waiting import wait_for
from harness.world import World

HBA = """\
local all all trust
hostssl all all 127.0.0.1/32 {method}
"""
CERT = "cert"
BOTH = "scram-sha-256 clientcert=verify-full"
ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 10) i")


class Demanding(PostgreSQL):
    """A server that lets nobody in without a certificate."""

    def trust(self, authority, label="postgres"):
        """Shows a certificate of this authority and wants one of it."""
        certificate, key = authority.issue(label)
        self.give(certificate, "server.crt")
        self.give(key, "server.key")
        self.sql("ALTER SYSTEM SET ssl_ca_file = '%s'"
                 % self.give(authority.certificate, "clients.crt"))
        self.demand(CERT)

    def demand(self, method):
        (self.data / "pg_hba.conf").write_text(HBA.format(method=method))
        loaded = self.value("SELECT pg_conf_load_time()")
        self.sql("SELECT pg_reload_conf()")
        wait_for(lambda: self.value("SELECT pg_conf_load_time()") > loaded, 10,
                 "the server has read its settings", because=self.log)


@pytest.fixture(scope="module")
def demanding(base, authority):
    server = Demanding(base / "demanding", authority)
    yield server
    server.stop()


@pytest.fixture
def world(base, authority, demanding, starrocks, program, tmp_path):
    demanding.trust(authority)
    made = World(base / tmp_path.name, demanding, starrocks, program)
    made.sql(ITEMS)
    yield made
    made.close()


def identity(authority, name):
    """(certificate, key) of a client."""
    return authority.issue(f"{name}", names=(), addresses=(),
                           usage="clientAuth")


def by_certificate(world, certificate=None, key=None, **secrets):
    pipeline = world.pipeline()
    del pipeline.secrets["source.password"]
    pipeline.section("source", ssl_client_cert=certificate, ssl_client_key=key)
    pipeline.secrets.update({f"source.{name}": value
                             for name, value in secrets.items()})
    return pipeline


def folded(path):
    """A PEM text on one line, as an INI file holds it."""
    return path.read_text().replace("\n", "\\n")


def pipeline_that_shows(world, how):
    certificate, key = identity(world.postgres.authority, world.role)
    if how == "paths":
        return by_certificate(world, certificate, key)
    if how == "inline, key sealed":
        return by_certificate(world, folded(certificate),
                              ssl_client_key=key.read_text())
    assert how == "sealed"
    return by_certificate(world, ssl_client_cert=certificate.read_text(),
                          ssl_client_key=key.read_text())


@pytest.mark.parametrize("how", ["paths", "inline, key sealed", "sealed"])
def test_cert_authentication(world, how):
    pipeline = pipeline_that_shows(world, how)
    assert pipeline.check().code == 0
    run = pipeline.start()
    run.wait_streaming()
    world.sql("INSERT INTO items VALUES (11, 'later')")
    world.settle(run, "items")
    assert f'identity="CN={world.role}" method=cert' in world.postgres.log()
    # Its third line is in the middle of the key.
    _, key = identity(world.postgres.authority, world.role)
    middle = key.read_text().splitlines()[2]
    for text in (pipeline.outputs(), run.text, pipeline.audit_log.read_text(),
                 pipeline.ini.read_text()):
        assert middle not in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another")
def test_a_key_for_root_alone_and_a_runner_of_another_user(world):
    """The file in memory that libpq reads is the runner's own."""
    user = process.unprivileged_user()
    pipeline = pipeline_that_shows(world, "paths")
    pipeline.state_dir.mkdir()
    os.chown(pipeline.state_dir, user.pw_uid, user.pw_gid)
    assert pipeline.check().code == 0
    run = pipeline.start()
    run.wait_streaming()
    status = pathlib.Path(f"/proc/{run.runner()}/status").read_text()
    assert f"\nUid:\t{user.pw_uid}\t" in status, status
    run.process.send_signal(signal.SIGHUP)
    run.wait_text("keys and configuration were read anew")
    world.settle(run, "items")


def test_certificate_and_password_bound_to_the_connection(world):
    """channel_binding is required by itself, and PostgreSQL can do it."""
    world.postgres.demand(BOTH)
    pipeline = world.pipeline()
    certificate, key = identity(world.postgres.authority, world.role)
    pipeline.section("source", ssl_client_cert=certificate, ssl_client_key=key)
    pipeline.until_caught_up()
    world.assert_same("items")
    # Neither alone is enough.
    without = world.pipeline()
    assert without.check().code == 3
    assert by_certificate(world, certificate, key).check().code == 3


def test_no_certificate(world):
    done = by_certificate(world).check()
    assert done.code == 3, done
    assert "certificate" in done.text, done


def test_a_certificate_for_another_role(world):
    done = by_certificate(world, *identity(world.postgres.authority,
                                           "mallory")).check()
    assert done.code == 3, done
    assert "certificate authentication failed" in done.text, done


def test_a_certificate_of_another_authority(world, tmp_path):
    done = by_certificate(world, *identity(Authority(tmp_path / "other"),
                                           world.role)).check()
    assert done.code == 3, done
    assert "unknown ca" in done.text, done


def test_a_key_in_the_clear_is_refused(world):
    certificate, key = identity(world.postgres.authority, world.role)
    done = by_certificate(world, certificate, folded(key)).check()
    assert done.code == 2, done
    assert "private key in the clear" in done.stderr, done
    assert key.read_text().splitlines()[2] not in done.text


def test_a_key_that_others_can_read_is_refused(world, tmp_path):
    certificate, key = identity(world.postgres.authority, world.role)
    copy = tmp_path / "open.key"
    copy.write_text(key.read_text())
    copy.chmod(0o644)
    done = by_certificate(world, certificate, copy).check()
    assert done.code == 2, done
    assert "can be read by others" in done.stderr, done


@pytest.mark.parametrize("port", ["mysql", "tls"])
def test_starrocks_wants_a_certificate(world, authority, tmp_path, port):
    """On the MySQL port, or before the HTTP port (a proxy)."""
    server = StandIn(tmp_path / "starrocks", authority, options=[
        f"--{port}-client-ca", str(authority.certificate)])
    try:
        certificate, key = identity(world.postgres.authority, world.role)
        pipeline = by_certificate(world, certificate, key)
        pipeline.section("sink", **server.options(world.target))
        pipeline.secrets["sink.password"] = server.password
        without = pipeline.check()
        assert without.code == 3, without
        assert "certificate" in without.text, without
        pipeline.secrets["sink.ssl_client_key"] = key.read_text()
        pipeline.section("sink", ssl_client_cert=certificate)
        pipeline.seal()
        done = pipeline.check()
        assert done.code == 0, done
        assert set(server.sign_ins()) == {True}
    finally:
        server.stop()


class Writer(threading.Thread):
    """Inserts rows until it is told to stop."""

    def __init__(self, world):
        super().__init__()
        self._world = world
        self._end = threading.Event()
        self.rows = 0
        self.start()

    def run(self):
        connection = self._world.connect()
        with connection.cursor() as cursor:
            while not self._end.wait(0.02):
                self.rows += 1
                cursor.execute("INSERT INTO items VALUES (%s, 'written')",
                               (1000 + self.rows,))
        connection.close()

    def stop(self):
        self._end.set()
        self.join()


def test_sighup_changes_certificates_without_a_gap(world, tmp_path):
    """Server, its authority, and our certificate are all renewed."""
    server = world.postgres
    newer = Authority(tmp_path / "newer", "a newer authority")
    files = {name: tmp_path / f"{name}.pem"
             for name in ("trust", "client", "client-key")}

    def install(authority):
        certificate, key = identity(authority, world.role)
        for name, path in (("trust", authority.certificate),
                           ("client", certificate), ("client-key", key)):
            fresh = files[name].with_suffix(".new")
            fresh.write_text(path.read_text())
            fresh.chmod(0o600)
            fresh.rename(files[name])

    def reload(action):
        before = count(action)
        run.process.send_signal(signal.SIGHUP)
        run.wait_until(lambda: count(action) > before, f"{action} is audited")

    def count(action):
        return sum(record["action"] == action
                   and record["resource_id"] == "source"
                   for record in pipeline.audit())

    def new_walsender():
        run.wait_until(lambda: server.walsender(pipeline.slot),
                       "there is a walsender")
        old = server.walsender(pipeline.slot)
        server.terminate(old)
        return run.wait_until(
            lambda: server.walsender(pipeline.slot) not in (None, old),
            "there is another walsender")

    install(server.authority)
    pipeline = by_certificate(world, files["client"], files["client-key"])
    pipeline.section("source", ssl_root_cert=files["trust"])
    run = pipeline.start()
    run.wait_streaming()
    runner, walsender = run.runner(), server.walsender(pipeline.slot)
    writer = Writer(world)
    try:
        server.trust(newer, "renewed")
        install(newer)
        reload("tls.reloaded")
        assert server.walsender(pipeline.slot) == walsender, "it was cut"
        new_walsender()
        written = writer.rows
        run.wait_until(lambda: pipeline.status()["tables"][0]["changes"]
                       >= written, "what was written has arrived")
        assert run.runner() == runner
        assert fingerprint(newer.issue("renewed")[0]) in [
            connection["fingerprint"]
            for connection in pipeline.status()["connections"]]
        # What is wrong changes nothing.
        files["trust"].write_text("no certificate")
        reload("tls.reload_rejected")
        new_walsender()
    finally:
        writer.stop()
    world.settle(run, "items")
    assert run.text.count("certificates stay as they were") == 1
