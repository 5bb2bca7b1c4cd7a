# SPDX-License-Identifier: Apache-2.0
"""What was negotiated, with whom, and how long its certificate is good."""

import datetime
import re
import subprocess

import pytest

from harness.certificates import fingerprint
from harness.starrocks import StandIn
from harness.world import World

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 10) i")


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


def expiry(certificate):
    """notAfter as ezcdc writes times."""
    text = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in",
                           certificate], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()
    end = datetime.datetime.strptime(text, "notAfter=%b %d %H:%M:%S %Y GMT")
    return end.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def audited(pipeline, action):
    return [(record["resource_id"], record["detail"])
            for record in pipeline.audit() if record["action"] == action]


def peers(world):
    """{peer: certificate} of the three that a pipeline talks to."""
    postgres, _ = world.postgres.authority.issue("postgres")
    starrocks, _ = world.postgres.authority.issue("starrocks")
    fe = world.starrocks.load_url.partition("//")[2]
    return {f"{world.database} at 127.0.0.1:{world.postgres.port}": postgres,
            f"127.0.0.1:{world.starrocks.port}": starrocks, fe: starrocks}


def test_peers_are_named_in_status_log_and_audit(items):
    pipeline = items.pipeline()
    done = pipeline.until_caught_up()
    shown = {connection["peer"]: connection
             for connection in pipeline.status()["connections"]}
    told = dict(audited(pipeline, "tls.negotiated"))
    assert set(shown) == set(told) == set(peers(items))
    for peer, certificate in peers(items).items():
        facts = {"fingerprint": fingerprint(certificate),
                 "expires": expiry(certificate)}
        assert re.fullmatch(r"TLSv1\.[23]", shown[peer]["tls"])
        assert shown[peer]["cipher"]
        assert facts.items() <= shown[peer].items(), shown[peer]
        assert facts.items() <= told[peer].items(), told[peer]
        assert f"connected to {peer}, {shown[peer]['tls']}, " in done.stderr
        assert f"SHA-256 {facts['fingerprint']} until {facts['expires']}" \
            in done.stderr, done
    assert not audited(pipeline, "tls.expiring"), done


def test_a_certificate_that_expires_soon_warns_once(items):
    """Those of the harness are good for 90 days."""
    pipeline = items.pipeline(source={"ssl_expiry_days": 100})
    pipeline.section("sink", ssl_expiry_days=100)
    done = pipeline.until_caught_up()
    warned = audited(pipeline, "tls.expiring")
    told = {peer: detail for peer, detail in warned if "option" not in detail}
    assert set(told) == set(peers(items))
    for peer, certificate in peers(items).items():
        assert told[peer]["fingerprint"] == fingerprint(certificate)
        assert told[peer]["expires"] == expiry(certificate)
        assert done.stderr.count(f"the certificate of {peer} (") == 1, done
    # And the CA's, once for each section.
    own = [(section, detail["option"]) for section, detail in warned
           if "option" in detail]
    assert sorted(own) == [("sink", "ssl_root_cert"),
                           ("source", "ssl_root_cert")]
    assert len(warned) == len(told) + len(own)


def test_an_expired_certificate_that_is_not_verified(items, authority,
                                                     tmp_path):
    identity = authority.issue_expired("too-old")
    server = StandIn(tmp_path / "starrocks", authority, identity=identity)
    world = World(tmp_path / "world", items.postgres, server, items.program)
    try:
        world.sql(ITEMS)
        pipeline = world.pipeline()
        pipeline.section("sink", ssl_mode="require", ssl_root_cert=None,
                         ssl_expiry_days=0)
        done = pipeline.until_caught_up()
        assert "has expired on 2020-02-01T00:00:00" in done.stderr, done
        assert {detail["fingerprint"] for _, detail
                in audited(pipeline, "tls.expiring")} \
            == {fingerprint(identity[0])}
    finally:
        world.close()
        server.stop()


def test_a_certificate_begins_to_expire_while_it_is_used(items, authority,
                                                         tmp_path):
    end = datetime.datetime.utcnow() + datetime.timedelta(days=1, seconds=4)
    identity = authority.issue_until("soon", end)
    server = StandIn(tmp_path / "starrocks", authority, identity=identity)
    world = World(tmp_path / "world", items.postgres, server, items.program)
    try:
        world.sql(ITEMS)
        pipeline = world.pipeline()
        pipeline.section("sink", ssl_expiry_days=1)
        run = pipeline.start()
        run.wait_streaming()
        assert not audited(pipeline, "tls.expiring")
        run.wait_text("expires on")
        assert run.terminate() == 0
        warned = audited(pipeline, "tls.expiring")
        # The MySQL port and the one for loads.
        assert len(warned) == len(dict(warned)) == 2, warned
        assert {detail["expires"] for _, detail in warned} == {
            end.strftime("%Y-%m-%dT%H:%M:%S.000000Z")}
    finally:
        world.close()
        server.stop()


@pytest.mark.parametrize("value", ["-1", "3651", "soon", "30d", ""])
def test_ssl_expiry_days_is_checked(items, value):
    pipeline = items.pipeline(source={"ssl_expiry_days": value})
    done = pipeline.check()
    assert done.code == 2, done
    assert "ssl_expiry_days" in done.stderr, done
