# SPDX-License-Identifier: Apache-2.0
"""Servers that say back what they were told, or quote rows: none of it is
passed on."""

import pytest

from harness import rogue, rogue_http
from harness.canaries import KEY, NUMBER, ROW, found
from harness.rogue import Rogue
from harness.waiting import wait_for


def debug(pipeline):
    return pipeline.section("pipeline", log_level="debug")


@pytest.fixture
def items(world):
    world.sql("CREATE TABLE items (id text PRIMARY KEY, note text, n bigint)")
    world.sql("INSERT INTO items VALUES (%s, %s, %s)", (KEY, ROW, NUMBER))
    return world


def tell(pipeline):
    """Every command that shows what was said."""
    pipeline("status", pipeline.ini)
    pipeline.status()
    pipeline("audit", "show", pipeline.audit_log)
    pipeline("audit", "show", "--json", pipeline.audit_log)


# What a server that has read rows may say of them.
OF_ROWS = ["the reason", "a page", "an error", "a refusal", "a failure",
           "a status", "another host's path"]


@pytest.mark.parametrize("stage, quote", [
    *(("before the body", quote) for quote in rogue_http.QUOTES),
    *(("after the body", quote) for quote in OF_ROWS),
    *(("asked for the label", quote) for quote in [*OF_ROWS, "a state"])])
def test_starrocks_by_http(items, stage, quote):
    with rogue_http.echo(stage, quote) as server:
        pipeline = debug(items.pipeline())
        run = rogue_http.load_into(pipeline, server)
        tell(pipeline)
        pipeline.check()
        run.terminate()
        tell(pipeline)
    assert server.quoted
    # By halves, too: messages are cut.
    password = items.starrocks.password
    assert not found(items, pipeline, password[:16], KEY), run.text


def test_starrocks_by_sql(items):
    """Of a statement that reads rows, for "verify"."""
    pipeline = debug(items.pipeline())
    pipeline.until_caught_up()
    # One that concerns the table, and one that the library has for itself.
    for number, code in ((1064, 3), (2013, 1)):
        fault = items.starrocks.fault_rule(
            action="sql_error", table="SELECT.*`items`", times=1,
            status=number, message=f"Invalid value: {KEY} {ROW} {NUMBER}")
        done = pipeline.verify()
        assert fault.struck() and done.code == code, done
        assert "which may quote a row" in done.text, done
    assert not found(items, pipeline, KEY)


# PostgreSQL. What is said is a message, a detail, a hint, a context.

@pytest.mark.parametrize("state", ["42501", "55000", "ZZ001", "P0001"])
def test_a_function_in_the_database(items, state):
    """It says what it likes, under any SQLSTATE."""
    items.sql(f"""
        CREATE FUNCTION quote() RETURNS event_trigger LANGUAGE plpgsql AS $$
        DECLARE said text = (SELECT t::text FROM public.items t);
        BEGIN
          RAISE NOTICE '%', said; RAISE WARNING '%', said;
          RAISE '%', said USING ERRCODE = '{state}', HINT = said, DETAIL = said;
        END $$""")
    items.admin("CREATE EVENT TRIGGER quote ON ddl_command_start"
                " WHEN TAG IN ('CREATE PUBLICATION') EXECUTE FUNCTION quote()")
    pipeline = debug(items.pipeline())
    run = pipeline.start()
    wait_for(lambda: not run.running or f"SQLSTATE {state}" in run.text, 60,
             "it was said", because=run.describe)
    tell(pipeline)
    run.terminate()
    assert "the server has a notice: SQLSTATE 01000 in exec_stmt_raise" \
        in run.text
    assert ROW in items.postgres.log()
    tell(pipeline)
    assert not found(items, pipeline, KEY), run.text


def said(kind, state):
    """A message of the server with the canaries in each of its fields."""
    text = f"{KEY} {ROW} {NUMBER}".encode()
    fields = [b"S" + (b"NOTICE" if kind == b"N" else b"ERROR"),
              b"V" + (b"NOTICE" if kind == b"N" else b"ERROR"),
              b"C" + state.encode(),
              *(field.encode() + text for field in "MDHWqFRstcdn")]
    return rogue.message(kind, b"\0".join(fields) + b"\0\0")


def lets_in_and_says(state, then=b""):
    def script(visit):
        rogue.greet_postgres(visit)
        visit.send(rogue.LET_IN
                   + rogue.message(b"S", b"server_version\x0015.4\0")
                   + rogue.message(b"S", b"client_encoding\0UTF8\0")
                   + rogue.message(b"Z", b"I") + said(b"N", "00000"))
        visit.receive()
        visit.send(said(b"N", "01000") + said(b"E", state)
                   + (then or rogue.message(b"Z", b"I")))
        if then:
            raise rogue.HungUp()
    return script


@pytest.mark.parametrize("state", ["22P02", "23505", "42601", "XX000", "00000"])
@pytest.mark.parametrize("when", ["at sign-in", "amid", "and hangs up"])
def test_a_postgres_that_quotes(items, state, when):
    script = {"at sign-in": rogue.says(said(b"E", state)),
              "amid": lets_in_and_says(state),
              "and hangs up": lets_in_and_says(state, said(b"N", state)),
              }[when]
    with Rogue(script) as server:
        pipeline = debug(items.pipeline(secrets=False, source={
            "port": server.port, "ssl_mode": "disable"}))
        pipeline.secrets["sink.password"] = items.starrocks.password
        done = pipeline.check()
        assert done.code == 3 and state in done.stdout, done
        run = pipeline.start()
        wait_for(lambda: not run.running or state in str(pipeline.status()),
                 60, "it was said", because=run.describe)
        run.terminate()
        tell(pipeline)
    assert not found(items, pipeline, KEY), run.text


def test_a_postgres_that_quotes_the_password(items, authority):
    """One that was told it in the clear, as it had proved itself."""
    def script(visit):
        rogue.greet_postgres(visit)
        visit.send(rogue.CLEARTEXT)
        visit.receive()
        visit.send(rogue.message(
            b"E", b"SFATAL\0C28P01\0Mbad password "
            + items.password.encode() + b"\0\0"))

    with Rogue(script, authority.issue("postgres")) as server:
        pipeline = debug(items.pipeline(source={
            "port": server.port, "channel_binding": "prefer"}))
        done = pipeline.check()
        assert done.code == 3 and "SQLSTATE 28P01" in done.text, done
        assert items.password.encode() in server.heard
        pipeline.until_caught_up(expect=None)
    tell(pipeline)
    assert not found(items, pipeline)
