# SPDX-License-Identifier: Apache-2.0
"""Secrets and rows are nowhere but where they belong: canaries, searched for
in all that the program prints, writes, or shows in /proc."""

import base64
import os
import re
import signal
import stat

import pymysql
import pytest

import quickstart
from harness.canaries import KEY, NUMBER, ROW, found

LONG = " ".join(f"{ROW}-{i}" for i in range(2000))      # TOAST
ITEMS = """
CREATE TABLE items (id text PRIMARY KEY, note text, big text, n bigint,
                    day date, data jsonb);
ALTER TABLE items ALTER COLUMN big SET STORAGE EXTERNAL;
"""


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    add(world, KEY)
    return world


def add(world, key, day="2024-01-01"):
    world.sql("INSERT INTO items VALUES (%s, %s, %s, %s, %s, %s)",
              (key, ROW, LONG, NUMBER, day, f'{{"a": "{ROW}"}}'))


def debug(pipeline):
    return pipeline.section("pipeline", log_level="debug")


def tell_all(pipeline):
    """Every command that shows something, in both forms where there are two."""
    pipeline("status", pipeline.ini)
    pipeline.status()
    pipeline.check()
    pipeline.verify()
    pipeline.verify("--json")
    pipeline.audit_verify()
    pipeline("audit", "show", pipeline.audit_log)
    pipeline("audit", "show", "--json", pipeline.audit_log)
    pipeline("key", "id")
    pipeline("key", "status", pipeline.ini)


def test_the_search_finds(items):
    """What would be a leak is one."""
    pipeline = items.pipeline()
    pipeline.seal()
    assert not found(items, pipeline)
    file = pipeline.folder / "file"
    for text in (b"x" + items.password.encode() + b"x", ROW.encode(),
                 base64.b64encode(b"loader:" + items.starrocks.password.encode()),
                 NUMBER.encode(), pipeline.key.encode()):
        file.write_bytes(text)
        assert found(items, pipeline) != [], text
    file.unlink()


def test_a_life_without_mishaps(items):
    pipeline = debug(items.pipeline())
    pipeline.section("pipeline", audit_syslog=pipeline.folder / "nobody")
    run = pipeline.start()
    run.wait_streaming()
    hold = items.starrocks.hold("items")
    add(items, f"{KEY}-4")
    run.wait_until(hold.reached, "a row is on its way")
    assert not found(items, pipeline, KEY)      # no row was refused
    hold.release()
    add(items, f"{KEY}-2")
    items.sql("UPDATE items SET n = n + 1")         # big is unchanged
    items.sql("UPDATE items SET id = id || '-3' WHERE id = %s", (KEY,))
    items.wait_same(run, "items")
    tell_all(pipeline)
    assert not found(items, pipeline)
    assert run.terminate() == 0, run.describe()
    items.starrocks.sql("DELETE FROM items WHERE id LIKE '%-2'", items.target)
    tell_all(pipeline)
    assert not found(items, pipeline)


@pytest.mark.parametrize("number", [
    # A sanitizer takes it for its own and makes an exit code of it.
    pytest.param(signal.SIGSEGV, marks=pytest.mark.long), signal.SIGABRT,
    signal.SIGKILL])
def test_a_runner_that_crashes(items, number):
    pipeline = debug(items.pipeline())
    run = pipeline.start()
    run.wait_streaming()
    hold = items.starrocks.hold("items")
    add(items, f"{KEY}-2")
    run.wait_until(hold.reached, "rows are in the runner")
    runner = run.runner()
    os.kill(runner, number)
    run.wait_until(lambda: run.runner() not in (None, runner),
                   "another runner is there")
    hold.release()
    items.wait_same(run, "items")
    assert "runner" in run.text
    tell_all(pipeline)
    assert not found(items, pipeline)
    run.terminate()


# Rows that are refused.

@pytest.mark.parametrize("then", ["stop", "dead_letter"])
def test_a_row_that_can_t_be_stored(items, then):
    pipeline = debug(items.pipeline(pipeline={"on_bad_row": then}))
    add(items, f"{KEY}-bad", "infinity")
    done = pipeline.until_caught_up(expect=None)
    assert done.code == (1 if then == "stop" else 0), done
    letters = pipeline.state_dir / pipeline.name / "dead_letters.jsonl"
    if then == "stop":      # a person needs to know which
        assert f"{KEY}-bad" in done.stderr, done
        assert not letters.exists()
    else:
        assert ROW in letters.read_text()
    tell_all(pipeline)
    assert not found(items, pipeline)


QUOTES = {
    "filtered rows": "too many filtered rows, Error: Value '{row}' is out of"
                     " range. The type of 'note' is VARCHAR(3). Row: [{row}]",
    "JSON": "Failed to parse json as array. error: INCOMPLETE: {row} {number}",
    "a NULL": "NULL value in non-nullable column 'day'. Row: ['k', '{row}']",
    "a value": "Value length is 9, exceeds 3, column=note, value={row}",
    "anything": 'close index channel failed: "{row}" {{"n": {number}}}',
    "a parser": "could not convert {row} to DATE, row: {number}|{row}",
}


@pytest.mark.parametrize("name, then", [
    *((name, "dead_letter") for name in QUOTES), ("a NULL", "stop")])
def test_starrocks_quotes_a_row(items, name, then):
    message = QUOTES[name].format(row=ROW, number=NUMBER)
    pipeline = debug(items.pipeline(pipeline={"on_bad_row": then}))
    pipeline.until_caught_up()
    fault = items.starrocks.fault_rule(action="fail_after_body", table="items",
                                       times=2, message=message)
    add(items, f"{KEY}-bad")
    pipeline.until_caught_up(expect=None)
    assert fault.struck()
    tell_all(pipeline)
    assert not found(items, pipeline)


# Rows that PostgreSQL quotes.

@pytest.mark.parametrize("when", ["copy", "stream"])
def test_postgres_quotes_a_row(items, when):
    """By a publication's filter that fails on a value."""
    items.sql("ALTER TABLE items REPLICA IDENTITY FULL")
    if when == "stream":
        items.sql("UPDATE items SET note = 'fine'")
    items.admin("CREATE PUBLICATION filtered FOR TABLE items WHERE"
                " (cardinality(parse_ident(note)) > 0)"
                " WITH (publish_via_partition_root = true)")
    pipeline = debug(items.pipeline(source={"publication": "filtered"}))
    if when == "stream":
        pipeline.until_caught_up()
        add(items, f"{KEY}-2")
    done = pipeline.until_caught_up(expect=1)
    assert "SQLSTATE 22023" in done.stderr, done
    assert ROW in items.postgres.log()      # it was said
    tell_all(pipeline)
    assert not found(items, pipeline)


# Configurations and environments with a secret in the wrong place.

SECRET = "canary-misplaced-secret"
LINES = ["password = {}", "password {}", "passwrd = {}", "[password = {}]",
         "[password = {}", "[{}", "password = ezc1:{}", "password = ezc1:{}!",
         "ssl_client_key = -----BEGIN PRIVATE KEY-----{}", "{}", "= {}",
         "ssl_root_cert = -----BEGIN CERTIFICATE-----{}",
         "host = postgres://u:{}@h/"]


@pytest.mark.parametrize("line", LINES)
def test_a_secret_on_a_broken_line(world, line):
    pipeline = world.pipeline()
    pipeline.seal()
    key = line.split(" = ")[0] + " ="
    lines = [old for old in pipeline.text().splitlines()
             if not (line.startswith(("port", "host", "ssl_"))
                     and old.startswith(key))]
    at = lines.index("[source]") + 1
    lines.insert(at, line.format(SECRET))
    broken = "\n".join(lines) + "\n"
    refused = []
    for command in ("check", "run", "status", "verify", "reseal", "seal"):
        pipeline.ini.write_text(broken)
        done = pipeline(command, *["--until-caught-up"][:command == "run"],
                        pipeline.ini)
        refused.append(done.code != 0)
    pipeline.ini.write_text("")
    assert any(refused)
    leaks = found(world, pipeline, SECRET)
    assert not leaks, pipeline.outputs()


@pytest.mark.parametrize("url", ["https://loader:{}@{}", "https://{1}/?p={0}",
                                 "https://{1}/#{0}"])
def test_a_secret_in_a_url(items, url):
    pipeline = items.pipeline()
    pipeline.section("sink", load_url=url.format(
        SECRET, items.starrocks.load_url.partition("//")[2]))
    pipeline.seal()
    assert pipeline.check().code
    assert pipeline.until_caught_up(expect=None).code
    pipeline.ini.unlink()
    assert not found(items, pipeline, SECRET)


@pytest.mark.parametrize("arguments", [
    ["--set", f"source.password={SECRET}"],
    [f"--set=source.password={SECRET}"],
    ["--set", "source.password", SECRET], ["--set", SECRET]])
def test_a_secret_on_the_command_line(world, arguments):
    """It is in the shell's history then, but not in a log of ours."""
    pipeline = world.pipeline()
    pipeline.write()
    done = pipeline("seal", pipeline.ini, *arguments, input="x")
    assert done.code == 2, done
    assert not found(world, pipeline, SECRET)


KEYS = ["{half}", "{key}{half}", "{half}z{half}", "{key},{key}",
        "{key} {key}", "x{key}"]


@pytest.mark.parametrize("variable", [
    "CONFIG_ENCRYPTION_KEY", "CONFIG_ENCRYPTION_KEYS_OLD", "the file",
    "CONFIG_ENCRYPTION_KEY_FILE", "CONFIG_ENCRYPTION_KEY_COMMAND"])
def test_a_key_that_is_none(world, variable):
    pipeline = world.pipeline()
    pipeline.seal()
    other = pipeline.program.new_key()
    forms_of = [*KEYS, *["{key}"][:variable.endswith(("_FILE", "_COMMAND"))]]
    if variable == "CONFIG_ENCRYPTION_KEYS_OLD":
        forms_of.remove("{key},{key}")      # a good list
    for form in forms_of:
        value = form.format(key=other, half=other[:32])
        environment = {variable: value}
        if variable == "the file":
            path = world.folder / "key"
            path.write_text(value)
            path.chmod(0o600)
            environment = {"CONFIG_ENCRYPTION_KEY_FILE": path}
        if variable != "CONFIG_ENCRYPTION_KEYS_OLD":
            environment.setdefault("CONFIG_ENCRYPTION_KEY", None)
        for command in ("run", "check", "reseal", "seal"):
            done = pipeline(command, pipeline.ini, **environment)
            assert done.code == 2, done
    assert not found(world, pipeline, other, other[:32])


def test_a_key_in_the_place_of_another_word(world):
    pipeline = world.pipeline()
    pipeline.seal()
    key = pipeline.program.new_key()
    ini, log = pipeline.ini, pipeline.audit_log
    pipeline.until_caught_up(expect=None)
    for words in (["audit", "verify", "--verification-key-file", key, log],
                  ["audit", "verify", key], ["audit", "show", key],
                  ["audit", "checkpoint", key], ["key", "retire", key, ini],
                  ["key", "retire", "0" * 16, key], ["key", "id", key],
                  ["key", key], [key], ["help", key], ["connectors", key],
                  ["run", key], ["check", key], ["status", key],
                  ["seal", key], ["reseal", key]):
        done = pipeline(*words)
        assert done.code, done
        if words != ["key", "retire", "0" * 16, key]:
            assert "it looks like a key itself" in done.stderr, done
    assert not found(world, pipeline, key, key[:32])


# Commands that fail.

@pytest.mark.parametrize("mishap", [
    "another key", "a moved value", "a wrong password", "a wrong authority",
    "nobody there", "a folder that is read-only"])
def test_what_fails(items, mishap):
    pipeline = debug(items.pipeline())
    wrong = "canary-wrong-password"
    environment = {}
    if mishap == "a wrong password":
        pipeline.secrets["source.password"] = wrong
        pipeline.secrets["sink.password"] = f"{wrong}-too"
    pipeline.seal()
    source, sink = (pipeline.sections[name] for name in ("source", "sink"))
    if mishap == "another key":
        environment["CONFIG_ENCRYPTION_KEY"] = pipeline.program.new_key()
    elif mishap == "a moved value":
        source["password"] = sink["password"]
    elif mishap == "a wrong authority":
        source["ssl_root_cert"] = sink["ssl_root_cert"] = \
            items.starrocks.ca.parent / "starrocks.pem"
    elif mishap == "nobody there":
        source["port"] = 9
        sink["port"] = 9
    elif mishap == "a folder that is read-only":
        pipeline.section("pipeline", state_dir="/proc/none")
    pipeline.write()
    done = pipeline.check(**environment)
    assert done.code, done
    if mishap != "nobody there":        # it is waited for
        assert pipeline.until_caught_up(expect=None, **environment).code
    for command in (("verify",), ("status",), ("reseal",), ("seal",),
                    ("status", "--json"), ("key", "status")):
        if mishap != "nobody there" or command[0] != "verify":
            pipeline(*command, pipeline.ini, **environment)
    assert not found(items, pipeline, *environment.values(), wrong)


# What is shown to somebody who tries it out.

def test_the_quickstart_that_is_kept(items, capsys):
    """It names the clients of both sides and how they come in."""
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    show = quickstart.Show(0)
    quickstart.say_how_to_look_around(show, items.folder, pipeline,
                                      items.postgres, items.starrocks, "shop")
    shown = capsys.readouterr().out
    assert run.terminate() == 0
    secrets = [pipeline.key, *pipeline.secrets.values()]
    assert not [secret for secret in secrets if secret in shown]
    quickstart.demand_discretion(show, pipeline)
    for secret in secrets:
        show.detail(f"x{secret}x")
        with pytest.raises(SystemExit):
            quickstart.demand_discretion(show, pipeline)
        show.shown.pop()
    options, = re.findall(r"--defaults-extra-file=(\S+)", shown)
    assert stat.S_IMODE(os.stat(options).st_mode) == 0o600
    connection = pymysql.connect(
        host=items.starrocks.host, port=items.starrocks.port,
        user=items.starrocks.user, read_default_file=options,
        ssl={"ca": str(items.starrocks.ca)})
    connection.close()
