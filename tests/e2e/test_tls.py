# SPDX-License-Identifier: Apache-2.0
"""TLS towards StarRocks: its MySQL port, loads, redirects."""

import pytest

from harness.starrocks import StandIn
from harness.world import World

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 100) i")


@pytest.fixture
def elsewhere(base, postgres, authority, program, tmp_path):
    """Makes worlds whose target is a stand-in of their own."""
    made = []

    def make(**options):
        server = StandIn(tmp_path / f"starrocks{len(made)}", authority,
                         **options)
        world = World(tmp_path / f"world{len(made)}", postgres, server, program)
        made.append((world, server))
        world.sql(ITEMS)
        return world

    yield make
    for world, server in made:
        world.close()
        server.stop()


def test_loads_by_http_with_starrocks_redirects(elsewhere):
    world = elsewhere(https=False)
    pipeline = world.pipeline()
    done = pipeline.until_caught_up()
    assert "load_url" in done.stderr and "warn" in done.stderr.lower(), done
    world.assert_same("items")
    world.sql("UPDATE items SET name = 'x'; DELETE FROM items WHERE id = 1")
    pipeline.until_caught_up()
    world.assert_same("items")
    assert not world.starrocks.bad_manners()


def test_no_plaintext_load_beside_tls(world):
    world.sql(ITEMS)
    pipeline = world.pipeline()
    pipeline.section("sink", load_url="http://192.0.2.1:8030")
    for done in (pipeline.check(), pipeline.until_caught_up(expect=None)):
        assert done.code == 2, done
        assert "load_plaintext" in done.stderr, done


def test_a_redirect_from_https_to_http_needs_leave(elsewhere):
    world = elsewhere(https=True, options=["--redirect", "http"])
    pipeline = world.pipeline()
    done = pipeline.until_caught_up(expect=None, timeout=280)
    assert done.code == 1, done
    assert "load_plaintext" in done.stderr, done
    assert not world.target_rows("items")
    pipeline.configure(sink={"load_plaintext": "allow"})
    pipeline.until_caught_up()
    world.assert_same("items")


@pytest.mark.parametrize("options", [[], ["--clear-user", "loader"]])
def test_a_port_without_tls_gets_no_password(elsewhere, options):
    world = elsewhere(options=["--no-mysql-tls", *options], required=False)
    pipeline = world.pipeline()
    done = pipeline.check()
    assert done.code == 3, done
    assert "TLS" in done.text, done
    assert pipeline.until_caught_up(expect=None, timeout=280).code == 1
    assert not world.starrocks.bad_manners()


def test_a_client_certificate(elsewhere, authority):
    certificate, key = authority.issue("client", names=(), addresses=(),
                                       usage="clientAuth")
    world = elsewhere(options=["--tls-client-ca", str(authority.certificate)])
    without = world.pipeline()
    assert without.until_caught_up(expect=None, timeout=280).code == 1
    pipeline = world.pipeline()
    pipeline.section("sink", ssl_client_cert=certificate)
    pipeline.secrets["sink.ssl_client_key"] = key.read_text()
    pipeline.until_caught_up()
    world.assert_same("items")
