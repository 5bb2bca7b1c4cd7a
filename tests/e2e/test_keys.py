# SPDX-License-Identifier: Apache-2.0
"""Keys: which values need them, how they are changed, what remains of them."""

import ctypes
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

from harness import engine, process
from harness.waiting import wait_for

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 10) i")


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


def key_id(program, key):
    return program("key", "id", CONFIG_ENCRYPTION_KEY=key).stdout.strip()


def sealed_values(path):
    return re.findall(r"^\w+ = (ezc1:\S+)$", path.read_text(), re.MULTILINE)


# ---- status and retire ------------------------------------------------------

def test_status_says_which_value_is_under_which_key(items):
    pipeline = items.pipeline()
    pipeline.seal()
    old, new = pipeline.key, pipeline.program.new_key()
    old_id, new_id = (key_id(pipeline.program, key) for key in (old, new))
    count = len(sealed_values(pipeline.ini))

    done = pipeline.program("key", "status", pipeline.ini,
                            CONFIG_ENCRYPTION_KEY=new,
                            CONFIG_ENCRYPTION_KEYS_OLD=old)
    assert done.code == engine.OK, done
    assert f"source.password: sealed under key {old_id} (old)" in done.stdout
    assert f"key {new_id} (primary): 0 sealed values" in done.stdout
    assert f"key {old_id} (old): {count} sealed values" in done.stdout
    assert old not in done.text and new not in done.text

    done = pipeline.program("key", "status", pipeline.ini,
                            CONFIG_ENCRYPTION_KEY=new)
    assert done.code == engine.FOUND, done
    assert f"under key {old_id} (not in the ring)" in done.stdout
    assert f"not in the ring: {count} sealed values" in done.stdout


def test_status_is_there_for_programs(items):
    pipeline = items.pipeline()
    pipeline.seal()
    old, new = pipeline.key, pipeline.program.new_key()
    old_id, new_id = (key_id(pipeline.program, key) for key in (old, new))
    lines = pipeline.ini.read_text().splitlines()
    places = [(number, line.split(" = ")[0])
              for number, line in enumerate(lines, 1) if "ezc1:" in line]

    def status(*files, **ring):
        done = pipeline.program("key", "status", "--json", *files,
                                CONFIG_ENCRYPTION_KEY=new, **ring)
        return done.code, json.loads(done.stdout)

    code, shown = status(pipeline.ini, CONFIG_ENCRYPTION_KEYS_OLD=old)
    assert code == engine.OK and shown["ok"] and shown["missing"] == 0
    assert shown["keys"] == [
        {"id": new_id, "use": "primary", "values": 0},
        {"id": old_id, "use": "old", "values": len(places)}]
    assert [(value["line"], value["option"])
            for value in shown["values"]] == places
    for value in shown["values"]:
        assert value["file"] == str(pipeline.ini)
        assert value["section"] in ("source", "sink")
        assert (value["key"], value["use"]) == (old_id, "old")

    code, shown = status(pipeline.ini)
    assert code == engine.FOUND and not shown["ok"]
    assert shown["missing"] == len(places) == len(shown["values"])
    assert {value["use"] for value in shown["values"]} == {None}

    # Not the whole truth, and it says so.
    code, shown = status(pipeline.ini, pipeline.folder / "none.ini",
                         CONFIG_ENCRYPTION_KEYS_OLD=old)
    assert code == engine.USAGE and not shown["ok"]
    assert len(shown["values"]) == len(places)


def test_a_key_is_retired_only_when_no_value_needs_it(items):
    pipeline = items.pipeline()
    pipeline.seal()
    program = pipeline.program
    ring = {"CONFIG_ENCRYPTION_KEY": program.new_key(),
            "CONFIG_ENCRYPTION_KEYS_OLD": pipeline.key}
    old, new = (key_id(program, key) for key in
                (pipeline.key, ring["CONFIG_ENCRYPTION_KEY"]))
    count = len(sealed_values(pipeline.ini))

    done = program("key", "retire", old, pipeline.ini, **ring)
    assert done.code == engine.FOUND, done
    assert f"{count} sealed values are under it" in done.stderr
    assert "source.password" in done.stdout
    assert "key.retired" not in pipeline.audit_log.read_text()

    assert program("reseal", pipeline.ini, **ring).code == engine.OK
    done = program("key", "retire", new, pipeline.ini, **ring)
    assert done.code == engine.FOUND and "primary" in done.stderr, done
    done = program("key", "retire", "0" * 16, pipeline.ini, **ring)
    assert done.code == engine.USAGE, done

    done = program("key", "retire", old, pipeline.ini, **ring)
    assert done.code == engine.OK, done
    record, = [record for record in pipeline.audit()
               if record["action"] == "key.retired"]
    assert record["detail"] == {"key": old, "file": str(pipeline.ini)}
    done = program("run", "--until-caught-up", pipeline.ini,
                   CONFIG_ENCRYPTION_KEY=ring["CONFIG_ENCRYPTION_KEY"])
    assert done.code == engine.OK, done
    items.assert_same("items")


@pytest.mark.parametrize("second", ["damaged", "missing"])
def test_no_key_is_retired_while_a_file_cannot_be_judged(items, second):
    pipeline = items.pipeline()
    pipeline.seal()
    program = pipeline.program
    ring = {"CONFIG_ENCRYPTION_KEY": program.new_key(),
            "CONFIG_ENCRYPTION_KEYS_OLD": pipeline.key}
    assert program("reseal", pipeline.ini, **ring).code == engine.OK
    other = pipeline.folder / "other.ini"
    if second == "damaged":
        value = sealed_values(pipeline.ini)[0]
        other.write_text(pipeline.ini.read_text().replace(value, value[:-1]))
    done = program("key", "retire", key_id(program, pipeline.key),
                   pipeline.ini, other, **ring)
    assert done.code == engine.USAGE, done
    assert str(other) in done.stderr
    assert "key.retired" not in pipeline.audit_log.read_text()


# ---- Changing the key -------------------------------------------------------

def write_key(path, *keys):
    """At once, as whoever reads it may come at any time."""
    fresh = path.with_suffix(".new")
    fresh.write_text("".join(f"{key}\n" for key in keys))
    os.chmod(fresh, 0o600)
    fresh.replace(path)


def test_the_key_of_a_running_pipeline_is_changed(items):
    pipeline = items.pipeline()
    pipeline.seal()
    program, old = pipeline.program, pipeline.key
    new = program.new_key()
    primary, others = (pipeline.folder / name for name in ("key", "old"))
    files = {"CONFIG_ENCRYPTION_KEY_FILE": primary,
             "CONFIG_ENCRYPTION_KEYS_OLD_FILE": others}
    write_key(primary, old)
    write_key(others)
    run = pipeline.start(CONFIG_ENCRYPTION_KEY=None, **files)
    run.wait_streaming()
    keeper, runner = run.keeper, run.runner()

    def reloads():
        return pipeline.audit_log.read_text().count('"key.reloaded"')

    def reload(first, *rest):
        before = reloads()
        write_key(primary, first)
        write_key(others, *rest)
        run.process.send_signal(signal.SIGHUP)
        run.wait_until(lambda: reloads() > before, "the keys are reloaded")

    reload(old, new)
    reload(new, old)
    done = program("reseal", pipeline.ini, **files)
    assert done.code == engine.OK, done
    reload(new, old)
    done = program("key", "retire", key_id(program, old), pipeline.ini,
                   **files)
    assert done.code == engine.OK, done
    reload(new)

    # A new connection needs the password, which only the new key opens.
    former = items.postgres.walsender(pipeline.slot)
    items.postgres.terminate(former)
    run.wait_until(lambda: items.postgres.walsender(pipeline.slot)
                   not in (None, former), "it is connected again")
    assert (run.keeper, run.runner()) == (keeper, runner)
    items.sql("INSERT INTO items VALUES (1000, 'after')")
    items.settle(run, "items")
    assert old not in pipeline.outputs() and new not in pipeline.outputs()


def test_reseal_that_is_killed_anywhere_loses_nothing(items):
    """Each file is as before or resealed, and another reseal ends the work."""
    pipeline = items.pipeline()
    pipeline.seal()
    program = pipeline.program
    files = [pipeline.ini, pipeline.folder / "second.ini"]
    shutil.copy(*files)
    keys = [pipeline.key, program.new_key()]
    size = pipeline.ini.stat().st_size
    count = len(sealed_values(pipeline.ini))

    def turn_ring():
        keys.reverse()
        return {"CONFIG_ENCRYPTION_KEY": keys[0],
                "CONFIG_ENCRYPTION_KEYS_OLD": keys[1]}

    begin = time.monotonic()
    assert program("reseal", *files, **turn_ring()).code == engine.OK
    usual = time.monotonic() - begin
    moments = random.Random(7)
    killed = 0
    for _ in range(60):
        ring = turn_ring()
        before = [path.read_bytes() for path in files]
        child = subprocess.Popen([program.path, "reseal", *files],
                                 env=program.environment(**ring),
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        try:
            child.wait(moments.uniform(0, usual))
        except subprocess.TimeoutExpired:
            child.kill()
            killed += child.wait() == -signal.SIGKILL
        # Complete, and every value opens: a dry run opens each.
        for path, content in zip(files, before):
            assert path.stat().st_size == size
            done = program("reseal", "--dry-run", path, **ring)
            assert done.code == engine.OK, done
            stale = int(re.search(r": (\d+) of", done.stdout)[1])
            assert stale == (count if path.read_bytes() == content else 0)
        done = program("reseal", *files, **ring)
        assert done.code == engine.OK, done
    assert killed > 15, "the moments are too late to mean anything"
    done = program("audit", "verify", pipeline.audit_log, **ring)
    assert done.code == engine.OK, done
    done = program("run", "--until-caught-up", pipeline.ini, **ring)
    assert done.code == engine.OK, done


# Under sanitizers the limit stops the child that seal asks about options.
@pytest.mark.long
@pytest.mark.parametrize("command", ["seal", "reseal"])
def test_what_a_killed_command_leaves_is_removed_by_the_next(items, command):
    """It is killed in the middle of the new file, by a limit of file sizes."""
    pipeline = items.pipeline()
    program = pipeline.program
    ring = {"CONFIG_ENCRYPTION_KEY": pipeline.key}
    if command == "seal":
        for option, secret in pipeline.secrets.items():
            section, name = option.split(".")
            pipeline.sections[section][name] = secret
        pipeline.write()
    else:
        pipeline.seal()
        ring = {"CONFIG_ENCRYPTION_KEY": program.new_key(),
                "CONFIG_ENCRYPTION_KEYS_OLD": pipeline.key}
    with pipeline.ini.open("a") as file:
        file.write("; a remark\n" * 100_000)
    backup = pipeline.ini.with_name(f"{pipeline.ini.name}.backup")
    shutil.copy(pipeline.ini, backup)
    before = pipeline.ini.read_bytes()

    def beside():
        return set(pipeline.folder.glob(f"{pipeline.ini.name}.*")) - {backup}

    child = subprocess.run(
        [program.path, command, pipeline.ini], check=False,
        env=program.environment(**ring), capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                              (600_000, 600_000)))
    assert child.returncode == -signal.SIGXFSZ, child
    assert pipeline.ini.read_bytes() == before
    left, = beside()
    assert "ezc1:" in left.read_text()
    if command == "reseal":
        assert program("reseal", "--dry-run", pipeline.ini, **ring).code == 0
        assert beside() == {left}, "a dry run changes nothing"

    done = program(command, pipeline.ini, **ring)
    assert done.code == engine.OK, done
    assert pipeline.ini.read_bytes() != before
    assert not beside() and backup.read_bytes() == before

    # Also if there is nothing to do for it.
    left.write_text("ezc1:")
    done = program(command, pipeline.ini, **ring)
    assert done.code == engine.OK, done
    assert not beside() and backup.exists()


@pytest.fixture
def small_disk(items):
    """A file system of its own, with room for a configuration or two."""
    folder = items.folder / "disk"
    folder.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none",
                           folder], check=False, stderr=subprocess.PIPE)
    if done.returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_reseal_on_a_full_disk_loses_nothing(items, small_disk):
    pipeline = items.pipeline()
    pipeline.seal()
    program = pipeline.program
    ini = small_disk / "shop.ini"
    ini.write_bytes(pipeline.ini.read_bytes())
    ini.chmod(0o600)
    ring = {"CONFIG_ENCRYPTION_KEY": program.new_key(),
            "CONFIG_ENCRYPTION_KEYS_OLD": pipeline.key}
    before = ini.read_bytes()
    ballast = small_disk / "ballast"
    with open(ballast, "wb", buffering=0) as file, \
            pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))

    done = program("reseal", ini, **ring)
    assert done.code == engine.FAILED, done
    assert "No space left" in done.stderr and str(ini) in done.stderr, done
    assert ini.read_bytes() == before
    assert set(small_disk.iterdir()) == {ini, ballast}
    # The records say that it did not happen after all.
    told = [record["outcome"] for record in pipeline.audit()
            if record["action"] == "credential.resealed"]
    count = len(sealed_values(ini))
    assert told == ["success"] * count + ["failure"] * count

    ballast.unlink()
    done = program("reseal", ini, **ring)
    assert done.code == engine.OK, done
    assert ini.read_bytes() != before
    done = program("key", "retire", key_id(program, pipeline.key), ini, **ring)
    assert done.code == engine.OK, done


# ---- A program that prints the key ------------------------------------------

def write_program(path, *lines):
    fresh = path.with_suffix(".new")
    fresh.write_text("\n".join(("#!/bin/sh", *lines, "")))
    fresh.chmod(0o700)
    fresh.replace(path)


def test_a_program_changes_the_key_of_a_running_pipeline(items):
    pipeline = items.pipeline()
    pipeline.seal()
    program, old = pipeline.program, pipeline.key
    new = program.new_key()
    service, others = (pipeline.folder.resolve() / name
                       for name in ("service", "others"))
    ring = {"CONFIG_ENCRYPTION_KEY": None,
            "CONFIG_ENCRYPTION_KEY_COMMAND": f"{service} get --id 7",
            "CONFIG_ENCRYPTION_KEYS_OLD_COMMAND": str(others)}
    write_program(service, f'[ "$*" = "get --id 7" ] && echo {old}')
    write_program(others, "exit 0")
    run = pipeline.start(**ring)
    run.wait_streaming()
    keeper, runner = run.keeper, run.runner()

    # A service that is out of order takes no key away.
    write_program(service, "printf 'no \\033[2J token\\n' >&2",
                  f"echo {new} >&2", "exit 9")
    run.process.send_signal(signal.SIGHUP)
    run.wait_text("the former ones stay")
    assert "failed with exit code 9" in run.text
    assert "says: no \\x1b[2J token" in run.text
    assert "key.reload_rejected" in pipeline.audit_log.read_text()

    write_program(service, f"echo {new}")
    write_program(others, f"echo {old}")
    run.process.send_signal(signal.SIGHUP)
    run.wait_text("were read anew")
    done = program("reseal", pipeline.ini, **ring)
    assert done.code == engine.OK, done
    write_program(others, "exit 0")
    told = run.text.count("were read anew")
    run.process.send_signal(signal.SIGHUP)
    run.wait_until(lambda: run.text.count("were read anew") > told,
                   "the keys are read again")

    former = items.postgres.walsender(pipeline.slot)
    items.postgres.terminate(former)
    run.wait_until(lambda: items.postgres.walsender(pipeline.slot)
                   not in (None, former), "it is connected again")
    assert (run.keeper, run.runner()) == (keeper, runner)
    items.sql("INSERT INTO items VALUES (1000, 'after')")
    items.settle(run, "items")
    assert run.terminate() == 0, run.describe()
    everything = pipeline.outputs() + pipeline.audit_log.read_text()
    assert old not in everything and new not in everything


# ---- What remains in the environment ----------------------------------------

def test_a_key_that_is_given_twice_is_wiped_twice(items):
    """No shell and no os.execve gives a variable twice, execve(2) does."""
    pipeline = items.pipeline()
    pipeline.seal()
    entries = [f"{name}={value}".encode()
               for name, value in pipeline.program.environment().items()]
    entry = f"CONFIG_ENCRYPTION_KEY={pipeline.key}".encode()
    spare = f"CONFIG_ENCRYPTION_KEYS_OLD={pipeline.program.new_key()}".encode()
    entries = [entry, spare, *entries, entry, spare]
    words = [bytes(pipeline.program.path), b"run", bytes(pipeline.ini)]
    arguments = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    environment = (ctypes.c_char_p * (len(entries) + 1))(*entries, None)
    libc = ctypes.CDLL(None)

    pid = os.fork()
    if pid == 0:
        libc.execve(words[0], arguments, environment)
        os._exit(127)
    try:
        wait_for(lambda: pipeline.status().get("phase") == "streaming", 60,
                 "streaming")
        below = process.descendants(pid)
        assert below, "the runner is there"
        for one in (pid, *below):
            content = pathlib.Path(f"/proc/{one}/environ").read_bytes()
            for digits in (entry, spare):
                assert digits.split(b"=")[1] not in content, one
    finally:
        os.kill(pid, signal.SIGTERM)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
