# SPDX-License-Identifier: Apache-2.0
"""Servers that mean harm get no password, nothing to guess it from, and no row."""

import pytest

from harness import rogue
from harness.rogue import Rogue
from harness.starrocks import Stranger
from harness.waiting import wait_for
from harness.world import World


@pytest.fixture(scope="module")
def lured(base, postgres, starrocks, program):
    """A world for all the tests whose pipelines never move a row."""
    made = World(base / "lured", postgres, starrocks, program)
    made.sql("CREATE TABLE items (id int PRIMARY KEY)")
    yield made
    made.close()


def secrets_in(heard, password):
    """What a server could use, of all that it was told."""
    return [name for name, sign in [("the password", password.encode()),
                                    # With its length, so that no random
                                    # text is taken for it.
                                    ("an md5 answer", b"\x00\x00\x00\x28md5"),
                                    ("a SCRAM proof", b",p=")]
            if sign in heard]


# PostgreSQL. Each script, what the message says, and what the harm would be.

POSTGRES = {
    "cleartext": (rogue.says(rogue.CLEARTEXT), "in the clear"),
    "cleartext in drops": (rogue.says_in_drops(rogue.CLEARTEXT),
                           "in the clear"),
    "SASL and cleartext at once": (rogue.says(rogue.SASL + rogue.CLEARTEXT),
                                   "in the clear"),
    "SASL, then cleartext": (rogue.says(rogue.SASL, rogue.CLEARTEXT),
                             "in the clear"),
    "SASL with half of cleartext": (
        rogue.says(rogue.SASL + rogue.CLEARTEXT[:5], rogue.CLEARTEXT[5:]),
        "in the clear"),
    "md5": (rogue.says(rogue.MD5), "md5"),
    "SASL and md5 at once": (rogue.says(rogue.SASL + rogue.MD5), "md5"),
    "Kerberos": (rogue.says(rogue.KERBEROS), "not supported"),
    "one iteration": (rogue.scram(1), "fewer than 4096"),
    "4095 iterations": (rogue.scram(4095), "fewer than 4096"),
    "iterations after a blank": (rogue.scram(" 4096"), "that is none"),
    "a thousand million iterations": (rogue.scram(10 ** 9), "more than"),
    "no question at all": (rogue.says(rogue.LET_IN), "does not ask"),
    "SASL, then in": (rogue.says(rogue.SASL + rogue.LET_IN), "without the proof"),
    "a long request": (rogue.says(rogue.request(10, b"x" * 3000)),
                       "does not speak PostgreSQL's protocol"),
    "a request without a code": (rogue.says(rogue.message(b"R", b"\0\0")),
                                 "does not speak PostgreSQL's protocol"),
}


READY = (rogue.LET_IN + rogue.message(b"S", b"server_version\x0015.1\0")
         + rogue.message(b"Z", b"I"))
COLUMNS = rogue.message(b"T", b"\0\1c\0" + b"\0" * 6 + b"\0\0\0\x19"
                        + b"\xff\xff\xff\xff\xff\xff\0\0")
CELL = rogue.message(b"D", b"\0\1\0\1\x86\xa0" + b"x" * 100000)


# What comes first, what comes again and again, up to how many bytes (a check
# asks several times), and what is said of it.
POSTGRES_WITHOUT_END = {
    "parameters": (rogue.LET_IN, rogue.message(b"S", b"a\0b\0") * 1000,
                   64 << 20, "says too much"),
    "rows": (READY, COLUMNS + CELL * 100, 2 << 30, "more than 256 MiB"),
    "one row": (READY, b"D\x7f\0\0\0" + b"\0" * 1000000, 2 << 30,
                "more than 256 MiB"),
}


@pytest.mark.parametrize("by_tls", [False, True])
@pytest.mark.parametrize("name", POSTGRES_WITHOUT_END)
def test_postgres_says_too_much(lured, itself, name, by_tls):
    first, again, most, words = POSTGRES_WITHOUT_END[name]
    script = rogue.says_without_end(first, again, most, first == READY)
    with Rogue(script, itself if by_tls else None) as server:
        done = against(lured, server, "require" if by_tls else "disable",
                       require_auth="none", channel_binding="prefer").check()
    assert words in done.text, done
    assert server.sent < most


@pytest.fixture
def itself(authority):
    """A certificate that nobody vouches for."""
    return authority.issue_itself("rogue")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "prefer by TLS",
                                  "require by TLS"])
@pytest.mark.parametrize("name", POSTGRES)
def test_postgres(lured, itself, name, mode):
    script, words = POSTGRES[name]
    mode, _, by_tls = mode.partition(" ")
    with Rogue(script, itself if by_tls else None) as server:
        done = against(lured, server, mode, channel_binding="prefer").check()
    assert done.code == 3, done
    assert words in done.text, done
    assert server.visits
    assert not secrets_in(server.heard, lured.password)


def against(lured, server, mode, **options):
    """A pipeline whose source is the rogue; without a CA."""
    pipeline = lured.pipeline(source={"port": server.port, "ssl_mode": mode,
                                      **options})
    if not mode.startswith("verify"):
        pipeline.section("source", ssl_root_cert=None)
    return pipeline


def test_what_a_rogue_hears_when_it_is_allowed_to(lured, itself):
    """That the tests above would hear it, and that require_auth allows."""
    with Rogue(rogue.scram(4096, rogue.SASL_FINAL), itself) as server:
        done = against(lured, server, "require", channel_binding="prefer").check()
    assert secrets_in(server.heard, lured.password) == ["a SCRAM proof"], done
    with Rogue(rogue.says(rogue.MD5)) as server:
        done = against(lured, server, "disable",
                       require_auth="scram-sha-256, md5").check()
    assert secrets_in(server.heard, lured.password) == ["an md5 answer"], done


def test_a_password_in_the_clear_goes_to_a_verified_server(lured, authority):
    with Rogue(rogue.says(rogue.CLEARTEXT),
               authority.issue("postgres")) as server:
        pipeline = against(lured, server, "verify-full",
                           channel_binding="prefer")
        pipeline.check()
        assert secrets_in(server.heard, lured.password) == ["the password"]
        server.heard = b""
        pipeline.configure(source={"require_auth": "scram-sha-256,md5"})
        done = pipeline.check()
        assert "in the clear" in done.text, done
        assert not secrets_in(server.heard, lured.password)


@pytest.mark.parametrize("value", ["", "scram", "md5,", ",md5", "password md5",
                                   "scram-sha-256;md5", "none,password"])
def test_require_auth_is_checked(lured, value):
    pipeline = lured.pipeline(source={"ssl_mode": "require",
                                      "require_auth": value})
    done = pipeline.check()
    assert done.code == 2, done
    assert "require_auth" in done.stderr, done


def test_a_request_behind_the_refusal_of_tls(lured):
    """libpq has read it before it asks for anything."""
    script = rogue.refuses_tls_and_says(rogue.CLEARTEXT)
    with Rogue(script) as server:
        done = against(lured, server, "prefer").check()
    assert done.code == 3, done
    assert not secrets_in(server.heard, lured.password)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_tls_is_stripped(lured, mode):
    with Rogue(rogue.says(rogue.CLEARTEXT)) as server:
        done = against(lured, server, mode).check()
    assert done.code == 3, done
    assert server.visits
    assert not server.heard.replace(rogue.SSL_REQUEST, b""), server.heard


@pytest.mark.parametrize("script", ["cleartext", "md5", "one iteration",
                                    "no question at all"])
def test_tls_of_nobody(lured, itself, script):
    """channel_binding is auto: required, which none of them can give."""
    with Rogue(POSTGRES[script][0], itself) as server:
        done = against(lured, server, "require").check()
    assert done.code == 3, done
    assert not secrets_in(server.heard, lured.password)


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_a_server_that_is_not_believed_learns_nothing(lured, itself, mode):
    with Rogue(rogue.says(rogue.CLEARTEXT), itself) as server:
        done = against(lured, server, mode).check()
    assert done.code == 3, done
    assert server.visits
    assert not server.heard.replace(rogue.SSL_REQUEST, b""), server.heard


# Channel binding.

@pytest.mark.parametrize("mode, binding, offers, heard", [
    # Where the server can, it is used without being asked for.
    ("require", None, rogue.SASL_PLUS, b"p=tls-server-end-point,,"),
    ("require", "prefer", rogue.SASL_PLUS, b"p=tls-server-end-point,,"),
    ("prefer", None, rogue.SASL_PLUS, b"p=tls-server-end-point,,"),
    ("require", "disable", rogue.SASL_PLUS, b"n,,"),
    # Where it cannot: it is told that we could have, or nothing.
    ("prefer", None, rogue.SASL, b"y,,"),
    ("require", None, rogue.SASL, None),
    ("require", "require", rogue.SASL, None),
])
def test_channel_binding(lured, itself, mode, binding, offers, heard):
    with Rogue(rogue.says(offers), itself) as server:
        done = against(lured, server, mode, channel_binding=binding).check()
    assert done.code == 3, done
    start, _, answer = server.heard.partition(b"SCRAM-SHA-256")
    assert b"cdc" in start
    if heard is None:
        assert not answer, answer
        assert "channel binding" in done.text, done
    else:
        assert heard in answer, answer


def test_a_relay_is_found_out_by_channel_binding(lured, itself):
    """TLS that is not verified, somebody in between, the right server behind."""
    with Rogue(rogue.relays_to(lured.postgres.port), itself) as server:
        done = against(lured, server, "require", channel_binding="disable").check()
        assert done.code == 0, done
        done = against(lured, server, "require").check()
    assert done.code == 3, done
    assert "channel binding check failed" in done.text, done


# StarRocks' MySQL port.

PUBLIC_KEY = b"\x01-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAw" \
    b"SAJBAL5v\n-----END PUBLIC KEY-----\n"
MYSQL = {
    "mysql_clear_password": rogue.switches_to(b"mysql_clear_password"),
    "dialog": rogue.switches_to(b"dialog"),
    "caching_sha2_password": rogue.switches_to(
        b"caching_sha2_password", b"\x01\x04", PUBLIC_KEY),
    "sha256_password": rogue.switches_to(b"sha256_password", PUBLIC_KEY),
    "client_ed25519": rogue.switches_to(b"client_ed25519"),
    "mysql_old_password": rogue.switches_to(b""),
    "auth_gssapi_client": rogue.switches_to(b"auth_gssapi_client"),
    "mysql_clear_password at once":
        rogue.begins_with(b"mysql_clear_password"),
    "dialog at once": rogue.begins_with(b"dialog"),
}


@pytest.mark.parametrize("mode", ["disable", "prefer", "prefer by TLS",
                                  "require by TLS"])
@pytest.mark.parametrize("name", MYSQL)
def test_mysql(lured, itself, name, mode):
    mode, _, by_tls = mode.partition(" ")
    with Rogue(MYSQL[name], itself if by_tls else None) as server:
        pipeline = against_mysql(lured, server, mode)
        done = pipeline.check()
    assert "fail sink" in done.stdout, done
    assert server.visits
    assert lured.starrocks.password.encode() not in server.heard
    # Nothing was said after the switch.
    assert server.heard.count(b"loader") <= 1, server.heard


def against_mysql(lured, server, mode):
    pipeline = lured.pipeline()
    pipeline.section("sink", port=server.port, ssl_mode=mode)
    if not mode.startswith("verify"):
        pipeline.section("sink", ssl_root_cert=None)
    return pipeline


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_mysql_without_tls(lured, mode):
    with Rogue(rogue.begins_with(b"mysql_native_password")) as server:
        done = against_mysql(lured, server, mode).check()
    assert "fail sink" in done.stdout, done
    assert server.visits and server.heard == b"", server.heard


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_mysql_takes_tls_back(lured, mode):
    """It is there at the first visit, and not at the next ones."""
    with Rogue(rogue.takes_tls_back) as server:
        pipeline = against_mysql(lured, server, mode)
        for _ in range(3):
            assert "fail sink" in pipeline.check().stdout
    assert server.visits >= 3
    assert b"loader" not in server.heard


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_mysql_greets_in_drops(lured, mode):
    with Rogue(rogue.greets_in_drops) as server:
        done = against_mysql(lured, server, mode).check()
    assert "fail sink" in done.stdout, done
    assert "TLS" in done.text or "SSL" in done.text, done
    assert server.visits and server.heard == b"", server.heard


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_mysql_lets_nobody_in(lured, mode):
    """An error instead of a greeting is told as it is."""
    with Rogue(rogue.has_too_many_connections) as server:
        done = against_mysql(lured, server, mode).check()
    assert "Reach limit of connections" in done.text, done


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_mysql_that_is_not_believed(lured, itself, mode):
    with Rogue(MYSQL["mysql_clear_password"], itself) as server:
        done = against_mysql(lured, server, mode).check()
    assert "fail sink" in done.stdout, done
    assert b"loader" not in server.heard


def test_mysql_that_wants_a_file(lured, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("canary-in-a-file")
    with Rogue(rogue.wants_a_file(str(secret))) as server:
        done = against_mysql(lured, server, "disable").check()
    assert "fail sink" in done.stdout, done
    assert b"canary-in-a-file" not in server.heard


# Servers that have time, or a lot to say.

@pytest.mark.parametrize("script, mode", [
    (rogue.drips_its_greeting, "verify-full"),
    (rogue.drips_its_greeting, "require"),
    (rogue.drips_its_greeting, "disable"),
    (rogue.drips_a_record_of_tls, "verify-full"),
    (rogue.drips_a_record_of_tls, "prefer"),
])
def test_mysql_signs_in_slowly(lured, script, mode):
    with Rogue(script) as server:
        pipeline = against_mysql(lured, server, mode)
        pipeline.section("sink", connect_timeout="2s")
        done = pipeline.check()
    assert "no answer within 2 s" in done.text, done
    assert not server.dripped


@pytest.mark.parametrize("script", [
    rogue.drips_a_record_of_tls, rogue.lets_in(), rogue.drips_its_answer])
def test_a_run_that_mysql_keeps_waiting_is_ended(lured, itself, script):
    by_tls = script is not rogue.drips_a_record_of_tls
    with Rogue(script, itself if by_tls else None) as server:
        pipeline = against_mysql(lured, server, "prefer")
        pipeline.section("sink", connect_timeout="60s")
        run = pipeline.start()
        wait_for(lambda: server.asked or not by_tls and server.sent > 100, 30,
                 "the server is asked", because=run.describe)
        assert run.terminate(timeout=10) == 0, run.describe()


@pytest.mark.long
def test_mysql_answers_slowly(lured, itself):
    with Rogue(rogue.drips_its_answer, itself) as server:
        done = against_mysql(lured, server, "require").check()
    assert "no answer within 30 s" in done.text, done


COLUMN = b"\x03def\0\0\0\x01v\x01v\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0"
END = b"\xfe\0\0\2\0"
ROW = b"\xfd\xa0\x86\x01" + b"r" * 100000


@pytest.mark.parametrize("by_tls", [False, True])
@pytest.mark.parametrize("packets", [
    (b"\1", COLUMN, END, ROW),  # a row after the other
    (b"\1", COLUMN, END, b"\xfe" + b"\0" * 0xfffffe),  # a row without an end
    (b"\1", b"\x03def" + b"\xfd\xa0\x86\x01" + b"c" * 100000 + COLUMN[5:]),
])
def test_mysql_says_too_much(lured, itself, packets, by_tls):
    mode = "require" if by_tls else "disable"
    script = rogue.lets_in(*packets, most=200 << 20)
    with Rogue(script, itself if by_tls else None) as server:
        done = against_mysql(lured, server, mode).check()
    assert "larger than the 67108864 bytes" in done.text, done
    assert server.sent < 100 << 20


# Redirects of loads.

@pytest.mark.parametrize("location", [
    "https://localhost:{stranger}/api/x/_stream_load",
    "http://localhost:{stranger}/api/x/_stream_load",
    "https://{fe}@localhost:{stranger}/api/x/_stream_load",
    "https://localhost:{stranger}%40{fe}/api/x/_stream_load",
    "//localhost:{stranger}/api/x/_stream_load",
    "http://{fe}/api/x/_stream_load",
    "ftp://{fe}/api/x/_stream_load",
])
def test_a_redirect(world, location):
    world.sql("CREATE TABLE items (id int PRIMARY KEY);"
              "INSERT INTO items VALUES (1)")
    stranger = Stranger()
    fe = world.starrocks.load_url.partition("//")[2]
    try:
        world.starrocks.fault_rule(
            action="redirect_to", table="items", times=-1,
            location=location.format(stranger=stranger.port, fe=fe))
        done = world.pipeline().until_caught_up(expect=1)
        assert "redirect" in done.stderr, done
        assert stranger.visits == 0
        assert not world.target_rows("items")
    finally:
        world.starrocks.clear_faults()
        stranger.close()
