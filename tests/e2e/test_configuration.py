# SPDX-License-Identifier: Apache-2.0
"""A mistake in the INI file ends in exit 2 with file, line and the nearest name."""

import pathlib
import socket
import tempfile
import threading

import pytest

from harness import engine


@pytest.fixture
def pipeline(world):
    world.sql("CREATE TABLE items (id int PRIMARY KEY)")
    made = world.pipeline()
    made.seal()
    return made


@pytest.fixture
def silence(world):
    """A port that notices anybody who connects."""
    listener = socket.create_server(("127.0.0.1", 0))
    visitors = []

    def accept():
        try:
            while True:
                connection, address = listener.accept()
                visitors.append(address)
                connection.close()
        except OSError:
            pass
    thread = threading.Thread(target=accept)
    thread.start()
    yield listener.getsockname()[1], visitors
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def refused(pipeline, text, *expected, commands=("check", "run")):
    """Both commands end with 2, say FILE:LINE and what is expected."""
    pipeline.ini.write_text(text)
    for command in commands:
        done = pipeline(command, pipeline.ini)
        assert done.code == engine.USAGE, done
        assert f"{pipeline.ini}:" in done.stderr, done
        for word in expected:
            assert word in done.stderr, done
    assert not (pipeline.state_dir / pipeline.name / "state.db").exists()


def with_line(text, section, line):
    return text.replace(f"[{section}]\n", f"[{section}]\n{line}\n", 1)


def line_of(text, needle):
    return next(number for number, line in enumerate(text.splitlines(), 1)
                if needle in line)


@pytest.mark.parametrize("section, line, expected", [
    ("source", "hots = elsewhere", ("source.hots", "host")),
    ("sink", "databse = x", ("sink.databse", "database")),
    ("batch", "max_row = 5", ("batch.max_row", "max_rows")),
    ("pipeline", "nam = x", ("pipeline.nam", "name")),
    ("batch", "max_rows = many", ("batch.max_rows", "many")),
    ("batch", "max_bytes = 32 parsecs", ("batch.max_bytes",)),
    ("batch", "memory = -1", ("batch.memory",)),
    ("source", "snapshot = sometimes", ("source.snapshot", "initial")),
    ("source", "ssl_mode = verify-fully", ("source.ssl_mode", "verify-full")),
    ("source", "snapshot_workers = 0", ("source.snapshot_workers",)),
])
def test_wrong_names_and_values(pipeline, section, line, expected):
    text = with_line(pipeline.text(), section, line)
    key = line.split(" ")[0]
    text = "\n".join(held for held in text.splitlines()
                     if not held.startswith(f"{key} =") or held == line) + "\n"
    refused(pipeline, text, f":{line_of(text, line)}:", *expected)


def test_a_key_that_stands_twice(pipeline):
    text = with_line(pipeline.text(), "source", "port = 1")
    refused(pipeline, text, "source.port")


def test_a_section_that_stands_twice(pipeline):
    refused(pipeline, pipeline.text() + "[source]\nschema = x\n", "source")


def test_an_unknown_section(pipeline):
    refused(pipeline, pipeline.text() + "[sorce]\nhost = x\n", "sorce")


@pytest.mark.parametrize("wrong, right", [
    ("pipelin", "pipeline"), ("sinc", "sink"), ("soruce", "source"),
])
def test_a_section_whose_name_is_nearly_right(pipeline, wrong, right):
    text = pipeline.text().replace(f"[{right}]", f"[{wrong}]")
    refused(pipeline, text, f"{pipeline.ini}:{line_of(text, f'[{wrong}]')}:",
            f"unknown section, did you mean [{right}]?")


def test_a_required_option_that_is_missing(pipeline):
    text = "\n".join(line for line in pipeline.text().splitlines()
                     if not line.startswith("database =")) + "\n"
    pipeline.ini.write_text(text)
    done = pipeline("check", pipeline.ini)
    assert done.code == engine.USAGE, done
    assert "source.database" in done.stderr, done


def test_a_line_that_is_too_long(pipeline):
    text = with_line(pipeline.text(), "source", "host = " + "x" * 70000)
    refused(pipeline, text)


@pytest.mark.parametrize("name", ["Upper", "with-dash", "", "x" * 41, "../up",
                                  "space name"])
def test_a_bad_pipeline_name(pipeline, name):
    text = pipeline.text().replace(f"name = {pipeline.name}", f"name = {name}")
    refused(pipeline, text, "pipeline.name")


def test_a_connector_that_does_not_exist(pipeline):
    refused(pipeline, pipeline.text().replace("connector = postgres",
                                              "connector = mysql"),
            "source.connector", "there are file, postgres, starrocks")


@pytest.mark.parametrize("section, option, value, word", [
    ("source", "slot", "Not-A-Slot", "a-z, 0-9"),
    ("source", "tables", "!", "tables: "),
    ("source", "ssl_root_cert", "/there/is/none.pem", "No such file"),
    ("sink", "load_url", "http://127.0.0.1:8030/x", "has a path"),
    ("sink", "load_url", "ftp://127.0.0.1:8030", "must begin with"),
])
def test_what_only_the_connector_finds_is_told_with_its_line(
        pipeline, section, option, value, word):
    pipeline.section(section, **{option: value})
    pipeline.seal()
    lines = pipeline.ini.read_text().splitlines()
    at = 1 + next(number for number, line in enumerate(lines)
                  if line == f"{option} = {value}")
    done = pipeline("check", pipeline.ini)
    assert done.code == engine.USAGE, done
    assert f"{pipeline.ini}:{at}: {section}.{option}: " in done.stderr, done
    assert word in done.stderr, done
    assert "read and valid" not in done.stdout, done


@pytest.mark.parametrize("section", ["source", "sink"])
@pytest.mark.parametrize("option, value", [
    ("host", "postgres://u:canary@db.example.com/d"),
    ("host", "u:canary@db.example.com"),
    ("database", "host=db.example.com password=canary"),
])
def test_a_url_is_no_host_and_not_repeated(pipeline, section, option, value):
    pipeline.section(section, **{option: value})
    pipeline.seal()
    for command in "check", "run":
        done = pipeline(command, pipeline.ini)
        assert done.code == engine.USAGE, done
        assert f"{section}.{option}: " in done.stderr, done
        assert "canary" not in done.text, done


def test_a_path_as_connector_needs_leave(pipeline):
    path = pipeline.program.connector_dir / "postgres.so"
    text = pipeline.text().replace("connector = postgres",
                                   f"connector = {path}")
    refused(pipeline, text, "source.connector", "allow_path")


def test_a_plaintext_secret_is_refused_before_any_connection(pipeline,
                                                             silence):
    port, visitors = silence
    secret = pipeline.secrets["source.password"]
    text = "\n".join(
        f"port = {port}" if line.startswith("port =") else line
        for line in pipeline.text().splitlines()) + "\n"
    sealed = pipeline.sections["source"]["password"]
    text = text.replace(sealed, secret)
    refused(pipeline, text, "source.password", "ezcdc seal")
    assert not visitors
    pipeline.ini.unlink()       # it held the canary on purpose


@pytest.mark.parametrize("key", [None, "", "12345", "g" * 64, "0" * 64,
                                 "ab" * 31, "ab" * 33])
def test_a_missing_or_bad_key(pipeline, silence, key):
    port, visitors = silence
    pipeline.configure(source={"port": port}, sink={"port": port})
    for command in ("run", "check"):
        done = pipeline(command, pipeline.ini, CONFIG_ENCRYPTION_KEY=key)
        assert done.code == engine.USAGE, done
        assert "CONFIG_ENCRYPTION_KEY" in done.stderr, done
        if key:
            assert key not in done.text
    assert not visitors


def test_another_key_opens_nothing(pipeline, silence):
    port, visitors = silence
    pipeline.configure(source={"port": port}, sink={"port": port})
    done = pipeline("run", "--until-caught-up", pipeline.ini,
                    CONFIG_ENCRYPTION_KEY=pipeline.program.new_key())
    assert done.code == engine.USAGE, done
    assert "credential_unreadable" in done.stderr, done
    assert not visitors


def test_a_sealed_value_that_was_moved_opens_nothing(pipeline, silence):
    port, visitors = silence
    pipeline.configure(source={"port": port},
                       sink={"port": port, "password":
                             pipeline.sections["source"]["password"]})
    done = pipeline("run", "--until-caught-up", pipeline.ini)
    assert done.code == engine.USAGE, done
    assert "credential_unreadable" in done.stderr, done
    assert not visitors


def test_a_key_from_a_file(world, pipeline, tmp_path):
    held = tmp_path / "key"
    held.write_text(pipeline.key + "\n")
    held.chmod(0o600)
    done = pipeline.until_caught_up(CONFIG_ENCRYPTION_KEY=None,
                                    CONFIG_ENCRYPTION_KEY_FILE=str(held))
    assert done.code == 0
    world.assert_same("items")


def test_a_key_where_connectors_may_read_is_refused(pipeline):
    """In the pipeline's folder, and in the system's trees."""
    folder = pipeline.state_dir / pipeline.name
    folder.mkdir(parents=True, exist_ok=True)
    for place in folder, pathlib.Path("/usr/local/share"):
        with tempfile.NamedTemporaryFile("w", dir=place) as file:
            file.write(pipeline.key + "\n")
            file.flush()
            for command in "check", "run":
                done = pipeline(command, pipeline.ini,
                                CONFIG_ENCRYPTION_KEY=None,
                                CONFIG_ENCRYPTION_KEY_FILE=file.name)
                assert done.code == engine.USAGE, done
                assert "connectors can read files there" in done.stderr, done


def test_usage_errors(program):
    for arguments in ((), ("ruun",), ("run",), ("run", "/nonexistent.ini"),
                      ("run", "--frobnicate", "x.ini"), ("seal",),
                      ("status", "a", "b")):
        done = program(*arguments)
        assert done.code == engine.USAGE, done
        assert done.stderr, done


def test_help_everywhere(program):
    assert program("--version").stdout.startswith("ezcdc ")
    for command in ("run", "check", "seal", "key", "reseal", "connectors",
                    "status", "verify", "audit"):
        done = program(command, "--help")
        assert done.code == engine.OK and command in done.stdout, done
    assert program("--help").code == engine.OK
