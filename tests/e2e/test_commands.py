# SPDX-License-Identifier: Apache-2.0
"""seal, key, reseal, connectors, status, check, verify: results and exit codes."""

import json
import os
import re
import time

import pytest

from harness import engine, process
from harness.workload import TABLES, Workload

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text, amount numeric);"
         "INSERT INTO items SELECT i, 'n' || i, i FROM generate_series(1, 300)"
         " i")


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


def test_key_new_and_key_id(program):
    first, second = program.new_key(), program.new_key()
    assert re.fullmatch("[0-9a-f]{64}", first) and first != second
    identity = program("key", "id", CONFIG_ENCRYPTION_KEY=first)
    assert identity.code == engine.OK
    assert re.fullmatch("[0-9a-f]{16}", identity.stdout.strip()), identity
    again = program("key", "id", CONFIG_ENCRYPTION_KEY=first)
    assert again.stdout == identity.stdout
    assert program("key", "id").code == engine.USAGE


def test_seal_finds_the_plaintext_secrets_of_a_file(items):
    pipeline = items.pipeline(secrets=False)
    pipeline.section("source", password=items.password)
    pipeline.section("sink", password=items.starrocks.password)
    pipeline.write()
    before = pipeline.ini.read_text()
    mode = pipeline.ini.stat().st_mode
    done = pipeline("seal", pipeline.ini)
    assert done.code == engine.OK, done
    after = pipeline.ini.read_text()
    assert pipeline.ini.stat().st_mode == mode
    for old, new in zip(before.splitlines(), after.splitlines()):
        if old.startswith("password ="):
            assert new.startswith("password = ezc1:"), new
        else:
            assert old == new
    assert items.password not in after
    assert pipeline("run", "--until-caught-up", pipeline.ini).code == 0
    items.assert_same("items")


def test_seal_twice_changes_nothing(items):
    pipeline = items.pipeline()
    pipeline.seal()
    before = pipeline.ini.read_bytes()
    assert pipeline("seal", pipeline.ini).code == engine.OK
    assert pipeline.ini.read_bytes() == before


def test_seal_set_takes_a_certificate_text(items):
    pipeline = items.pipeline()
    pem = items.postgres.authority.certificate.read_text()
    pipeline.section("source", ssl_root_cert=None)
    pipeline.secrets["source.ssl_root_cert"] = pem
    pipeline.seal()
    assert "BEGIN CERTIFICATE" not in pipeline.ini.read_text()
    pipeline.until_caught_up()
    items.assert_same("items")
    del pipeline.secrets["source.ssl_root_cert"]    # no secret of the test's


@pytest.mark.parametrize("option, word", [
    ("source.pasword", "did you mean password; "),
    ("sink.user", "has these: password, ssl_root_cert, ssl_client_cert, "
                  "ssl_client_key, ssl_crl"),
    ("sink.ssl_min_version", "is no option that can be sealed"),
    ("batch.password", "no section [batch] with secrets")])
def test_seal_set_refuses_what_is_no_secret_option(items, option, word):
    pipeline = items.pipeline()
    pipeline.seal()
    before = pipeline.ini.read_bytes()
    done = pipeline("seal", "--set", option, pipeline.ini, input="a value")
    assert done.code == engine.USAGE, done
    assert word in done.stderr, done
    assert pipeline.ini.read_bytes() == before


def test_seal_set_asks_the_connector_for_options_of_tls_too(items):
    """A file has no server to show a certificate to."""
    pipeline = items.pipeline(sink={"connector": "file",
                                    "path": items.folder / "out"})
    pipeline.seal()
    before = pipeline.ini.read_bytes()
    done = pipeline("seal", "--set", "sink.ssl_client_key", pipeline.ini,
                    input="a value")
    assert done.code == engine.USAGE, done
    assert "sink.ssl_client_key: is no option that can be sealed" \
        in done.stderr, done
    assert "the connector of [sink] has these: none" in done.stderr, done
    assert pipeline.ini.read_bytes() == before


@pytest.mark.parametrize("option", ["password", "ssl_client_key"])
def test_seal_set_needs_the_connector(items, option):
    pipeline = items.pipeline()
    pipeline.seal()
    pipeline.configure(source={"connector": "elsewhere"})
    before = pipeline.ini.read_bytes()
    done = pipeline("seal", "--set", f"source.{option}", pipeline.ini,
                    input="a value")
    assert done.code == engine.USAGE, done
    assert "source.connector: the connector cannot be asked" in done.stderr
    assert "has to be installed where they are sealed" in done.stderr
    assert pipeline.ini.read_bytes() == before


def test_seal_set_refuses_nothing_and_takes_a_line_of_windows(items):
    pipeline = items.pipeline()
    pipeline.seal()
    before = pipeline.ini.read_bytes()
    done = pipeline("seal", "--set", "source.password", pipeline.ini, input="")
    assert done.code == engine.USAGE and "is empty" in done.stderr, done
    assert pipeline.ini.read_bytes() == before
    done = pipeline("seal", "--set", "source.password", pipeline.ini,
                    input=pipeline.secrets["source.password"] + "\r\n")
    assert done.code == engine.OK, done
    assert pipeline("run", "--until-caught-up", pipeline.ini).code == engine.OK


def test_reseal_moves_to_the_newest_key(items):
    pipeline = items.pipeline()
    pipeline.seal()
    old, new = pipeline.key, pipeline.program.new_key()
    before = pipeline.ini.read_text()
    done = pipeline("reseal", pipeline.ini, CONFIG_ENCRYPTION_KEY=new,
                    CONFIG_ENCRYPTION_KEYS_OLD=old)
    assert done.code == engine.OK, done
    assert pipeline.ini.read_text() != before
    assert old not in done.text and new not in done.text
    done = pipeline("run", "--until-caught-up", pipeline.ini,
                    CONFIG_ENCRYPTION_KEY=new)
    assert done.code == engine.OK, done
    items.assert_same("items")


def test_an_old_key_in_the_ring_still_opens(items):
    pipeline = items.pipeline()
    pipeline.seal()
    done = pipeline("run", "--until-caught-up", pipeline.ini,
                    CONFIG_ENCRYPTION_KEY=pipeline.program.new_key(),
                    CONFIG_ENCRYPTION_KEYS_OLD=pipeline.key)
    assert done.code == engine.OK, done
    items.assert_same("items")


def test_connectors(items):
    pipeline = items.pipeline()
    program = pipeline.program
    listing = program("connectors", "--json")
    if listing.code == engine.OK and listing.json():
        names = {entry["name"] for entry in listing.json()}
        assert {"postgres", "starrocks", "file"} <= names
    plain = program("connectors", "postgres")
    if plain.code == engine.OK:
        for option in ("host", "password", "tables", "snapshot_workers"):
            assert option in plain.stdout


def test_status_while_it_runs_and_after(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    items.sql("UPDATE items SET amount = amount + 1 WHERE id <= 50")
    items.wait_same(run, "items")
    status = run.wait_status(
        lambda held: held["tables"][0]["changes"] >= 50
        and held["lag_bytes"] is not None, "50 changes are counted")
    assert status["pipeline"] == pipeline.name
    assert status["state"] == "running" and status["phase"] == "streaming"
    table, = status["tables"]
    assert table["name"] == "public.items" and table["target"] == "items"
    assert table["phase"] == "streaming"
    assert table["rows"] == 300
    assert table["rows_total"] is not None
    assert re.fullmatch("[0-9A-F]+/[0-9A-F]+", status["position"])
    assert re.fullmatch("[0-9A-F]+/[0-9A-F]+", status["confirmed"])
    assert status["lag_bytes"] >= 0 and status["lag_seconds"] >= 0
    assert status["dead_letters"] == 0
    assert "reason" in status
    plain = pipeline("status", pipeline.ini)
    assert plain.code == engine.OK and "public.items" in plain.stdout
    assert run.terminate() == 0
    status = pipeline.status()
    assert status["state"] == "stopped"
    assert [table["name"] for table in status["tables"]] == ["public.items"]


def test_status_of_a_run_that_could_not_say_why(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    run.kill()
    status = pipeline.status()
    assert status["state"] == "stopped"
    for cause in ("killed", "machine stopped", "disk of its state folder",
                  "its log"):
        assert cause in status["reason"], status


def test_status_before_the_first_run(items):
    pipeline = items.pipeline()
    pipeline.seal()
    done = pipeline("status", "--json", pipeline.ini)
    assert done.code == engine.OK, done
    status = done.json()
    assert status["state"] == "stopped", done
    assert status["updated"] is None and status["started"] is None


def test_status_and_run_wait_for_no_named_pipe(items):
    """SQLite looks into this one before each transaction."""
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    journal = pipeline.state_dir / pipeline.name / "state.db-journal"
    os.mkfifo(journal)
    for done in (pipeline("status", pipeline.ini),
                 pipeline.until_caught_up(expect=engine.FAILED)):
        assert done.code == engine.FAILED, done
        assert f"{journal.with_name('state.db')}: " in done.stderr, done
    journal.unlink()
    pipeline.until_caught_up()


def test_status_needs_no_key(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    done = pipeline("status", "--json", pipeline.ini,
                    CONFIG_ENCRYPTION_KEY=None)
    assert done.code == engine.OK, done


def test_check_passes_and_changes_nothing(items):
    pipeline = items.pipeline()
    done = pipeline.check()
    assert done.code == engine.OK, done
    assert "ok" in done.stdout
    assert items.postgres.slot(pipeline.slot) is None
    assert not items.admin("SELECT 1 FROM pg_publication")
    assert items.target_rows("items") is None


@pytest.mark.parametrize("breakage, word", [
    ("ALTER ROLE {role} NOREPLICATION", "REPLICATION"),
    ("REVOKE ALL ON items FROM {role}; ALTER TABLE items OWNER TO postgres",
     "items"),
])
def test_check_names_the_remedy(items, breakage, word):
    pipeline = items.pipeline()
    items.admin(breakage.format(role=items.role))
    done = pipeline.check()
    assert done.code == engine.FOUND, done
    assert "fail" in done.text and "fix" in done.text, done
    assert word in done.text, done


def test_check_of_a_server_that_is_down(items):
    pipeline = items.pipeline(source={"port": process.free_port()})
    done = pipeline.check()
    assert done.code == engine.FOUND, done
    assert "fail" in done.text


def test_check_looks_whether_the_slot_has_what_the_pipeline_needs(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    assert pipeline.check().code == engine.OK
    items.sql("UPDATE items SET amount = 1")
    items.admin("SELECT pg_replication_slot_advance(%s, pg_current_wal_lsn())",
                (pipeline.slot,))
    done = pipeline.check()
    assert done.code == engine.FOUND, done
    assert "the changes between are gone" in done.stdout, done
    items.admin("SELECT pg_drop_replication_slot(%s)", (pipeline.slot,))
    done = pipeline.check()
    assert done.code == engine.FOUND, done
    assert f"slot {pipeline.slot} is gone" in done.stdout, done


def test_check_does_not_take_the_slot_of_another_pipeline(items):
    first = items.pipeline()
    run = first.start()
    run.wait_streaming()
    assert first.check().code == engine.OK
    second = items.pipeline(source={"slot": first.slot})
    done = second.check()
    assert done.code == engine.FOUND, done
    assert "has never run" in done.stdout, done
    assert run.terminate() == 0


def test_a_sink_that_refuses_a_table_leaves_nothing_at_the_source(items):
    items.sql('CREATE TABLE compared (id int PRIMARY KEY, "a=b" text)')
    pipeline = items.pipeline()
    done = pipeline.check()
    assert done.code == engine.FOUND, done
    assert '"a=b" holds one of' in done.stdout, done
    done = pipeline.until_caught_up(expect=1)
    assert "rename the column in the source" in done.stderr, done
    assert items.postgres.slot(pipeline.slot) is None
    assert not items.admin("SELECT 1 FROM pg_publication")


def test_a_bounded_run_gives_up_when_its_time_is_over(items):
    pipeline = items.pipeline(source={"port": process.free_port()},
                              pipeline={"give_up_after": "5s"})
    begin = time.monotonic()
    done = pipeline.until_caught_up(expect=1)
    assert "gave up after 5 s" in done.stderr, done
    assert done.stderr.count("next attempt in") >= 4, done
    assert time.monotonic() - begin < 9


def test_run_shows_plain_lines_when_there_is_no_terminal(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    assert run.terminate() == 0
    assert "\x1b" not in run.text and "\r" not in run.text
    assert "public.items" in run.text or "items" in run.text
    assert run.stdout_path.read_text() == ""


def test_a_slot_that_shows_what_is_not_committed_is_refused(items):
    pipeline = items.pipeline()
    items.postgres.sql("SELECT pg_create_logical_replication_slot(%s,"
                       " 'pgoutput', false, true)", (pipeline.slot,),
                       database=items.database)
    done = pipeline.check()
    assert done.code == engine.FOUND and "two_phase" in done.stdout, done
    done = pipeline.until_caught_up(expect=engine.FAILED)
    assert "two_phase" in done.stderr, done


def test_verify_reports_equal(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    done = pipeline.verify()
    assert done.code == engine.OK, done
    assert "public.items" in done.stdout, done
    assert pipeline.verify("--json").code == engine.OK


@pytest.mark.parametrize("damage, key", [
    ("DELETE FROM items WHERE id = 77", "77"),
    ("UPDATE items SET name = 'other' WHERE id = 78", "78"),
    ("INSERT INTO items VALUES (999, 'extra', 1)", "999"),
    ("UPDATE items SET amount = NULL WHERE id = 79", "79"),
])
def test_verify_names_the_differing_key(items, damage, key):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.starrocks.sql(damage, items.target)
    done = pipeline.verify()
    assert done.code == engine.FOUND, done
    assert "public.items" in done.stdout, done
    assert re.search(rf"\b{key}\b", done.stdout), done
    done = pipeline.verify("--json")
    assert done.code == engine.FOUND, done
    assert key in json.dumps(done.json()), done


def test_verify_finds_rows_behind_many_equal_ones(items):
    """They lie in so many places that these hold many more rows than are
    looked at one by one at a time."""
    items.sql("CREATE TABLE many (id int PRIMARY KEY, v text);"
              "INSERT INTO many SELECT i, 'v' || i"
              " FROM generate_series(1, 300000) i")
    pipeline = items.pipeline(tables="public.many")
    pipeline.until_caught_up()
    for change, kind, count in [
        ("INSERT INTO many SELECT i, 'new'"
         " FROM generate_series(300001, 306000) i", "missing", 6000),
        ("DELETE FROM many WHERE id > 300000 OR id % 10 = 0",
         "extra", 30000),
    ]:
        items.sql(change)
        done = pipeline.verify("--json")
        assert done.code == engine.FOUND, done
        table, = done.json()["tables"]
        assert not table["equal"] and not table["truncated"]
        kinds = [difference["kind"] for difference in table["differences"]]
        assert kinds == [kind] * count
        assert pipeline.verify().code == engine.FOUND
    items.sql("UPDATE many SET v = 'other'")
    done = pipeline.verify()
    assert done.code == engine.FOUND, done
    assert "at least" in done.stdout, done


def test_verify_compares_numbers_without_a_scale_as_numbers(items):
    items.sql("INSERT INTO items VALUES (1001, 'a', 1.10), (1002, 'b', 100),"
              " (1003, 'c', 0.0), (1004, 'd', -20.50)")
    pipeline = items.pipeline()
    pipeline.section("sink", decimal_unlimited="decimal")
    pipeline.until_caught_up()
    assert pipeline.verify().code == engine.OK
    items.starrocks.sql("UPDATE items SET amount = 10 WHERE id = 1002",
                        items.target)
    done = pipeline.verify()
    assert done.code == engine.FOUND and "1002" in done.stdout, done


def test_verify_goes_on_behind_a_table_that_cannot_be_compared(items):
    items.sql("CREATE TABLE a (id int PRIMARY KEY, v int);"
              "CREATE TABLE b (id int PRIMARY KEY, v int);"
              "INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1)")
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.starrocks.sql("DROP TABLE a FORCE", items.target)
    items.starrocks.sql("ALTER TABLE b DROP COLUMN v", items.target)
    done = pipeline.verify()
    assert done.code == engine.FOUND, done
    lines = done.stdout.splitlines()
    assert lines[0].startswith("public.a: DIFFERENT, it cannot be compared: ")
    assert 'there is no table "a"' in lines[0], done
    assert lines[1].startswith("public.b: DIFFERENT, it cannot be compared: ")
    assert '"v"' in lines[1], done
    assert lines[2].startswith("public.items: equal, "), done
    done = pipeline.verify("--json")
    assert done.code == engine.FOUND, done
    tables = {table["name"]: table for table in done.json()["tables"]}
    assert not done.json()["equal"]
    assert not tables["public.a"]["equal"]
    assert 'no table "a"' in tables["public.a"]["reason"], done
    assert tables["public.a"]["source_rows"] is None
    assert tables["public.a"]["differences"] == []
    assert '"v"' in tables["public.b"]["reason"], done
    assert tables["public.items"]["equal"]
    assert tables["public.items"]["reason"] is None


def test_verify_while_the_target_is_down(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.starrocks.stop()
    try:
        done = pipeline.verify()
    finally:
        items.starrocks.start()
    assert done.code == engine.FAILED, done
    assert "DIFFERENT" not in done.stdout, done


def test_verify_while_it_runs(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    items.sql("INSERT INTO items SELECT i, 'later', 1 FROM"
              " generate_series(1000, 2000) i")
    items.wait_same(run, "items")
    done = pipeline.verify()
    assert done.code == engine.OK, done
    assert run.terminate() == 0


def test_a_failed_run_says_why_in_status(items):
    pipeline = items.pipeline(tables="public.absent")
    done = pipeline.until_caught_up(expect=1)
    assert "public.absent" in done.stderr
    status = pipeline.status()
    assert status["state"] == "failed" and status["reason"], status


def test_a_start_that_fails_forgets_no_position(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    before = pipeline.status()
    items.sql("CREATE TABLE keyless (id int)")
    pipeline.until_caught_up(expect=1)
    status = pipeline.status()
    assert status["state"] == "failed", status
    assert status["position"] == status["confirmed"] == before["confirmed"]
    assert status["lag_bytes"] == -1, status


def test_run_shows_progress_on_a_terminal(world):
    Workload(world, 91).prepare(rows=30000)
    pipeline = world.pipeline(batch={"max_rows": 500})
    pipeline.seal()
    ours, theirs = os.openpty()
    child = process.start(
        [str(pipeline.program.path), "run", "--until-caught-up",
         str(pipeline.ini)], stdin=theirs, stdout=theirs, stderr=theirs,
        env=pipeline.program.environment(CONFIG_ENCRYPTION_KEY=pipeline.key,
                                         TERM="xterm"))
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:         # the terminal's other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert child.wait() == 0, shown
    text = shown.decode(errors="replace")
    assert "%" in text and "rows" in text, text
    assert "\r" in text
    world.assert_same(*TABLES)
