# SPDX-License-Identifier: Apache-2.0
"""Names and messages from elsewhere forge no line and move no cursor."""

import json
import os
import re
import shutil
import subprocess
import unicodedata

import pytest

from harness import rogue, rogue_http
from harness.rogue import Rogue
from harness.waiting import wait_for

FORGED = "FORGED"
# A line end of each kind and what pretends to be a line of ours; cursor, title
# and colour of a terminal by C0 and C1; the direction of writing.
HOSTILE = (f"x\nezcdc: error: {FORGED}\r\n{{\"seq\":1,\"action\":\"{FORGED}\"}}\n"
           f"ok   {FORGED}\x1b[2K\x1b[1A\x1b]0;t\x07\x85\x9b31m\u2028{FORGED}"
           f"\u2029{FORGED}\u202e\u2066\x7f\x08")
# The same for where a line must not end, a header's value.
HOSTILE_LINE = re.sub("[\n\r]", "", HOSTILE)
LINE = re.compile(r"ezcdc(\[\w+\])?: (error|warning|info|debug): ")
# Of the characters of category Cf those that join letters are harmless.
JOINERS = "\u200c\u200d\u00ad"


def misleading(text):
    """Characters that must never reach a terminal or a reader of lines."""
    return {character for character in text
            if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")
            and character not in "\n" + JOINERS}


def assert_log(text):
    """Each line of standard error is one of ours; and was it ever told?"""
    assert not misleading(text), ascii(text)
    for line in text.splitlines():
        assert LINE.match(line), ascii(text)
        assert not LINE.sub("", line, 1).startswith(FORGED), ascii(text)


def assert_results(text, words=("ok ", "fail ", "fix ")):
    assert not misleading(text), ascii(text)
    for line in text.splitlines():
        assert line.startswith(words), ascii(text)
        assert not re.match(rf"ok +{FORGED}", line), ascii(text)


def assert_verified(text, schema="public."):
    assert_results(text, (schema, "  missing: "))


def assert_audit(pipeline):
    """Each line is a record, by its place in the chain."""
    text = pipeline.audit_log.read_bytes().decode()
    assert not misleading(text), ascii(text)
    records = [json.loads(line) for line in text.splitlines()]
    assert [record["seq"] for record in records] == \
        list(range(records[0]["seq"], records[0]["seq"] + len(records)))
    assert not any(record["action"] == FORGED for record in records)


def assert_safe(done):
    """No output has a line or a character that a name has brought in."""
    assert not misleading(done.text), ascii(done)
    assert not re.search(f"^ *{FORGED}", done.text, re.M), ascii(done)
    assert_log(done.stderr)
    if "--json" in done.command:
        for line in done.stdout.splitlines():
            json.loads(line)


def assert_one_json(text):
    assert not misleading(text), ascii(text)
    line, = text.splitlines()
    return json.loads(line)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def debug(pipeline):
    return pipeline.section("pipeline", log_level="debug")


def assert_status(pipeline):
    shown = pipeline("status", pipeline.ini)
    assert not misleading(shown.stdout), ascii(shown.stdout)
    for line in shown.stdout.splitlines():
        assert re.match(r"(pipeline|state|phase|position|confirmed|lag|dead"
                        r" letters|as of|tables) | {2}|tables$", line), ascii(line)
        assert not line.strip().startswith(FORGED), ascii(line)
    as_json = pipeline("status", "--json", pipeline.ini)
    assert len(as_json.stdout.splitlines()) == 1
    assert not misleading(as_json.stdout), ascii(as_json.stdout)
    return as_json.json()


# Names that the source's administrators chose.

@pytest.mark.parametrize("where", ["table", "column", "schema"])
def test_names_in_the_source(world, where):
    names = {"schema": "public", "table": "items", "column": "name"}
    # PostgreSQL cuts names after 63 bytes.
    names[where] = f"x\n{FORGED}\nok {FORGED}\x1b[2K\x85\u2028\u202e" \
        + ("" if where == "column" else "\r")
    if where == "schema":
        world.sql(f"CREATE SCHEMA {quoted(names['schema'])}")
    world.sql(f"CREATE TABLE {quoted(names['schema'])}.{quoted(names['table'])}"
              f" (id int PRIMARY KEY, {quoted(names['column'])} text)")
    world.sql(f"INSERT INTO {quoted(names['schema'])}.{quoted(names['table'])}"
              " VALUES (1, 'x')")
    pipeline = debug(world.pipeline(tables="*.*"))
    done = pipeline.check()
    assert_results(done.stdout)
    assert_log(done.stderr)
    done = pipeline.until_caught_up(expect=None)
    assert_log(done.stderr)
    status = assert_status(pipeline)
    if where == "column":       # StarRocks can't take it, and that is told
        assert FORGED in done.stderr and FORGED in status["reason"], done
    else:
        assert done.code == 0, done
        assert_verified(pipeline.verify().stdout, names["schema"][:1])
        table, = status["tables"]
        assert table["name"] == f"{names['schema']}.{names['table']}"
    assert_audit(pipeline)


def test_keys_that_verify_names(world):
    world.sql("CREATE TABLE items (id text PRIMARY KEY, name text)")
    world.sql("INSERT INTO items VALUES (%s, 'x')", (HOSTILE,))
    pipeline = debug(world.pipeline())
    done = pipeline.until_caught_up()
    assert_log(done.stderr)
    world.starrocks.sql("DELETE FROM items WHERE name = 'x'", world.target)
    done = pipeline.verify()
    assert done.code == 3 and FORGED in done.stdout, done
    assert_verified(done.stdout)
    done = pipeline.verify("--json")
    assert not misleading(done.stdout), done
    assert FORGED in json.dumps(done.json()), done


def test_a_key_in_the_dead_letters(world):
    world.sql("CREATE TABLE items (id text PRIMARY KEY, v date)")
    world.sql("INSERT INTO items VALUES (%s, 'infinity')", (HOSTILE,))
    pipeline = debug(world.pipeline())
    done = pipeline.until_caught_up(expect=1)
    assert_log(done.stderr)
    assert FORGED in done.stderr, done
    assert FORGED in assert_status(pipeline)["reason"]
    pipeline.configure(pipeline={"on_bad_row": "dead_letter"})
    assert_log(pipeline.until_caught_up().stderr)
    letters = (pipeline.state_dir / pipeline.name / "dead_letters.jsonl"
               ).read_text()
    assert not misleading(letters), ascii(letters)
    letter, = [json.loads(line) for line in letters.splitlines()]
    assert letter["row"]["id"] == HOSTILE
    assert_audit(pipeline)


# What is written in the configuration, and on the command line.

# Such control characters as an INI file may hold.
IN_A_FILE = f"\x85{FORGED}\u2028{FORGED}\u2029\x9b31m\u202e\u2066"


@pytest.mark.parametrize("key", ["user", "database", "publication"])
def test_names_in_the_configuration(world, key):
    pipeline = debug(world.pipeline())
    pipeline.section("source", **{key: IN_A_FILE})
    done = pipeline.check()
    assert done.code in (2, 3), done
    assert_log(done.stderr)
    assert_results(done.stdout)
    assert_log(pipeline.until_caught_up(expect=None).stderr)
    assert_status(pipeline)
    assert_audit(pipeline)


@pytest.mark.parametrize("key", [
    "pipeline.name", "pipeline.state_dir", "pipeline.audit_log",
    "pipeline.connector_dir", "pipeline.audit_syslog", "pipeline.on_bad_row",
    "connectors.require", "connectors.deny", "connectors.sha256",
    "source.connector", "source.host", "source.port", "source.slot",
    "source.tables", "source.snapshot", "source.ssl_mode",
    "source.ssl_root_cert", "source.ssl_client_cert", "source.ssl_client_key",
    "source.password", "sink.connector", "sink.load_url", "sink.password",
    "batch.max_rows", "batch.memory", "table x.target", "table x.match"])
def test_values_in_the_configuration(world, key):
    pipeline = debug(world.pipeline(pipeline={"give_up_after": "1s"}))
    pipeline.seal()
    section, _, name = key.rpartition(".")
    # What is made under this name is made in the test's own folder.
    made = key in ("pipeline.state_dir", "pipeline.audit_log")
    pipeline.section(section, **{
        name: world.folder / IN_A_FILE if made else IN_A_FILE})
    pipeline.write()
    for command in (("check",), ("run", "--until-caught-up"), ("status",),
                    ("status", "--json"), ("verify",), ("key", "status"),
                    ("key", "retire", "0" * 16), ("reseal",), ("seal",),
                    ("audit", "setup-keys"), ("connectors", "--policy")):
        assert_safe(pipeline(*command, pipeline.ini))


@pytest.mark.parametrize("arguments", [
    [HOSTILE], [f"--{HOSTILE}"], ["run", f"--{HOSTILE}"], ["check", HOSTILE],
    ["run", HOSTILE], ["status", HOSTILE], ["seal", HOSTILE],
    ["reseal", HOSTILE], ["connectors", HOSTILE], ["verify", HOSTILE],
    ["seal", "/dev/null", "--set", HOSTILE], ["audit", HOSTILE],
    ["audit", "verify", HOSTILE], ["audit", "show", HOSTILE], ["key", HOSTILE],
    ["connectors", f"--{HOSTILE}"], ["check", "/\udcff\n/x"],
], ids=lambda arguments: ascii(arguments)[:30])
def test_arguments(program, arguments):
    done = program(*arguments, CONFIG_ENCRYPTION_KEY=program.new_key())
    assert done.code != 0
    assert done.stderr
    assert_log(done.stderr)
    assert not misleading(done.stdout) and FORGED not in done.stdout, done


@pytest.mark.parametrize("line", [
    HOSTILE_LINE, f"[{HOSTILE_LINE}]", f"{HOSTILE_LINE} = 1",
    f"max_rows = {HOSTILE_LINE}"], ids=["no pair", "section", "key", "value"])
def test_lines_of_a_configuration(world, line):
    pipeline = world.pipeline()
    pipeline.seal()
    pipeline.ini.write_text(pipeline.ini.read_text() + line + "\n")
    for command in ("run", "check", "status", "verify", "seal", "reseal"):
        done = pipeline(command, pipeline.ini)
        assert done.code, done
        assert_log(done.stderr)


# Names of files: any bytes but a slash.

NAMES = {
    "hostile": HOSTILE.replace("/", ""), "no UTF-8": "\udcff\udc9b31m\udc80",
    "cut": f"{FORGED}\udce2\udc80", "a line end": f"\n{FORGED}\n",
    "an option": f"--{FORGED}\x1b[2K", "long": "\u202e" * 80,
    "format": "%s%n%1$s",
}
by_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)


@by_name
def test_files_of_connectors(program, tmp_path, name):
    """A folder of such a name with files of such names, one a connector."""
    folder = tmp_path / name
    folder.mkdir()
    good = folder / f"{name}.so"
    shutil.copyfile(program.connector_dir / "file.so", good)
    (folder / f"2{name}.so").write_bytes(b"\x7fELF")
    (folder / f"3{name}.so").mkdir()
    (folder / f"4{name}.so").symlink_to(good)
    (folder / f"5{name}.so").write_bytes(name.encode(errors="replace"))
    os.mkfifo(folder / f"6{name}.so")
    listed = ("connectors", f"--connector-dir={folder}")
    done = program(*listed)
    assert done.code == 0, done
    lines = done.stdout.splitlines()
    assert len(lines) == 6, ascii(done.stdout)
    assert all(" refused: " in line for line in lines), ascii(done.stdout)
    assert not misleading(done.stdout), ascii(done.stdout)
    assert_log(done.stderr)
    assert len(assert_one_json(program(*listed, "--json").stdout)) == 6
    for path in (*folder.iterdir(), folder / f"7{name}"):
        done = program("connectors", "--allow-path", "--", path)
        assert done.code == (0 if path == good else 2), done
        assert_safe(done)
    described = program("connectors", "--allow-path", "--json", "--", good)
    assert assert_one_json(described.stdout)["name"] == "file"


@by_name
def test_files_of_a_configuration(world, name):
    """Each command that names its file, which is in order and is not."""
    world.sql("CREATE TABLE items (id int PRIMARY KEY)")
    pipeline = world.pipeline(sink={"connector": "file",
                                    "path": world.folder / "rows"})
    pipeline.seal()
    folder = world.folder / name
    folder.mkdir()
    pipeline.ini = pipeline.ini.rename(folder / f"{name[:60]}.ini")
    assert pipeline.check().code == 0
    key = pipeline("key", "id").stdout.strip()
    commands = [("check",), ("run", "--until-caught-up"), ("status",),
                ("status", "--json"), ("verify",), ("key", "status"),
                ("key", "status", "--json"), ("key", "retire", key),
                ("reseal",), ("reseal", "--dry-run"), ("seal",),
                ("audit", "setup-keys"), ("connectors", "--policy")]
    whole = pipeline.ini.read_text()
    for text in (whole, whole + "nonsense\n", whole + "[sink]\n",
                 whole.replace("ezc1:", "ezc1:A"), whole.replace("ezc1:", "x"),
                 None):
        if text is None:
            pipeline.ini.unlink()
        else:
            pipeline.ini.write_text(text)
        for command in commands:
            done = pipeline(*command, pipeline.ini)
            assert_safe(done)
    assert_audit(pipeline)


@by_name
def test_files_of_a_log(world, name):
    """A log that is whole, cut, torn, forged, and not there."""
    pipeline = world.pipeline()
    pipeline.seal()
    whole = pipeline.audit_log.read_bytes()
    log = world.folder / name
    for content in (whole, whole[:-9], whole.replace(b"success", b"failure", 1),
                    whole + b"x\n", b"", HOSTILE.encode(), None):
        if content is None:
            log.unlink()
        else:
            log.write_bytes(content)
        for command in (("verify",), ("verify", "--json"), ("show",),
                        ("show", "--json"), ("checkpoint",),
                        ("verify", "--checkpoint", log),
                        ("verify", "--verification-key-file", log)):
            done = pipeline("audit", *command, log)
            assert_safe(done)
    log.write_bytes(whole)
    done = pipeline("audit", "verify", log)
    assert done.code == 0 and len(done.stdout.splitlines()) == 1, ascii(done)


# What servers say.

def rogue_error(text):
    return rogue.message(b"E", b"SFATAL\0C28P01\0M" + text + b"\0H" + text
                         + b"\0D" + text + b"\0\0")


@pytest.mark.parametrize("text", [HOSTILE.encode(), b"\xff\xfe\x80\xc3 \xe2\x80",
                                  HOSTILE.encode("utf-16")[2:].replace(b"\0", b"\xf8")],
                         ids=["hostile", "no UTF-8", "neither"])
def test_a_server_s_error(world, text):
    with Rogue(rogue.says(rogue_error(text))) as server:
        pipeline = debug(world.pipeline(source={
            "port": server.port, "ssl_mode": "disable"}))
        done = pipeline.check()
        assert done.code == 3, done
        assert_results(done.stdout)
        assert_log(done.stderr)
        assert server.visits
        done = pipeline.until_caught_up(expect=1)
    assert_log(done.stderr)
    assert_status(pipeline)
    assert_audit(pipeline)


def test_a_certificate_s_name(world, tmp_path):
    """libpq names whom a certificate is for when it is not the host."""
    certificate, key = tmp_path / "rogue.pem", tmp_path / "rogue.key"
    name = f"x\x1b[2K\x85\u2028{FORGED}\u202e\n{FORGED}"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-utf8", "-subj",
         f"/CN={name}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    with Rogue(rogue.says(rogue.SASL), (certificate, key)) as server:
        pipeline = debug(world.pipeline(source={
            "port": server.port, "ssl_root_cert": certificate}))
        done = pipeline.check()
    assert done.code == 3 and FORGED in done.stdout, done
    assert_results(done.stdout)
    assert_log(done.stderr)
    assert_audit(pipeline)


@pytest.mark.parametrize("text", [HOSTILE.encode(), b"\xff\xfe\x80\xc3 \xe2\x80"],
                         ids=["hostile", "no UTF-8"])
def test_starrocks_error_on_the_mysql_port(world, text):
    def script(visit):
        visit.send(rogue.frame(rogue.greet_mysql(visit),
                               b"\xff\x28\x04#42000" + text[:400]))

    with Rogue(script) as server:
        pipeline = debug(world.pipeline())
        pipeline.section("sink", port=server.port, ssl_enabled="false",
                         ssl_root_cert=None, ssl_mode="disable")
        done = pipeline.check()
    assert done.code == 3, done
    assert_results(done.stdout)
    assert_log(done.stderr)
    assert server.visits


@pytest.mark.parametrize("rule", [
    {"action": "fail_after_body", "message": HOSTILE},
    {"action": "frontend_fail", "message": HOSTILE},
    {"action": "redirect_to",
     "location": f"http://h{HOSTILE_LINE[1:4]}\x1b[2Kx/" + HOSTILE_LINE[8:40]
     .encode("ascii", "replace").decode()},
    {"action": "redirect_to", "location": "http://\x1b[2K/"},
], ids=["backend", "frontend", "location", "bad location"])
def test_starrocks_answers(world, rule):
    world.sql("CREATE TABLE items (id int PRIMARY KEY);"
              "INSERT INTO items VALUES (1)")
    fault = world.starrocks.fault_rule(table="items", times=2, **rule)
    pipeline = debug(world.pipeline())
    done = pipeline.until_caught_up(expect=None)
    assert fault.struck()
    assert_log(done.stderr)
    assert_status(pipeline)
    assert_audit(pipeline)


@pytest.mark.parametrize("quote", ["the reason", "a challenge", "a failure",
                                   "a status", "an older protocol", "chunks",
                                   "a length", "an encoding", "a path"])
def test_http(world, quote):
    world.sql("CREATE TABLE items (id int PRIMARY KEY);"
              "INSERT INTO items VALUES (1)")
    text = HOSTILE_LINE if quote in ("a challenge", "an encoding") else HOSTILE
    with rogue_http.echo("before the body", quote, text) as server:
        pipeline = debug(world.pipeline())
        run = rogue_http.load_into(pipeline, server)
        assert_status(pipeline)
        done = pipeline.check()
        run.terminate()
    assert server.quoted
    assert_results(done.stdout)
    assert_log(done.stderr)
    assert_log(run.text)
    assert_audit(pipeline)
    if quote == "a failure":
        assert FORGED in run.text       # shown, but on its line


@pytest.mark.parametrize("version, words", [(b"15.1 ", "42P01"),
                                            (b"", "is too old")])
@pytest.mark.parametrize("text", [HOSTILE, "x" * 100_000, "\u202e" * 9_000],
                         ids=["hostile", "long", "long and hostile"])
def test_what_a_server_says_of_itself(world, text, version, words):
    """And what it says then, both as long as libpq takes it."""
    said = text.encode()[:25_000].decode(errors="ignore").encode()

    def script(visit):
        rogue.greet_postgres(visit)
        visit.send(rogue.LET_IN
                   + rogue.message(b"S", b"server_version\0" + version
                                   + said[:900] + b"\0")
                   + rogue.message(b"S", b"client_encoding\0UTF8\0")
                   + rogue.message(b"Z", b"I"))
        visit.receive()
        visit.send(rogue.message(
            b"E", b"SERROR\0C42P01\0M" + said + b"\0H" + said + b"\0R" + said
            + b"\0F" + said + b"\0\0") + rogue.message(b"Z", b"I"))

    with Rogue(script) as server:
        pipeline = debug(world.pipeline(secrets=False, source={
            "port": server.port, "ssl_mode": "disable"}))
        pipeline.secrets["sink.password"] = world.starrocks.password
        done = pipeline.check()
        assert done.code == 3 and words in done.stdout, done
        assert_results(done.stdout)
        assert_log(done.stderr)
    assert_audit(pipeline)
