# SPDX-License-Identifier: Apache-2.0
"""What a pipeline makes and puts aside is in its audit log, once."""

import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'n' || i FROM generate_series(1, 10) i")


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


def actions(pipeline):
    return [record["action"] for record in pipeline.audit()]


def records(pipeline, action):
    """(resource, detail) of each record of an action."""
    found = [record for record in pipeline.audit()
             if record["action"] == action]
    assert all(record["outcome"] == "success" for record in found), found
    return [(record["resource_id"], record["detail"]) for record in found]


def test_a_first_run_in_the_order_of_its_acts(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    told = ("pipeline.started", "config.accepted", "table.created",
            "slot.created", "snapshot.started", "snapshot.finished",
            "pipeline.stopped")
    assert [action for action in actions(pipeline) if action in told] == [*told]
    assert records(pipeline, "config.accepted") == [(pipeline.name, {})]
    assert records(pipeline, "table.created") == [("items", {})]
    (source, _), = records(pipeline, "slot.created")
    assert source, "the record names the source"
    assert pipeline.audit_verify().code == 0

    pipeline.until_caught_up()
    assert len(records(pipeline, "config.accepted")) == 2
    for action in ("slot.created", "table.created", "snapshot.started"):
        assert len(records(pipeline, action)) == 1, action


def test_each_opening_of_a_credential_has_a_record(items):
    """With who asked, for what and why: as many as the server saw logins."""
    pipeline = items.pipeline()
    pipeline.seal()

    def logins():
        return items.postgres.log().count(
            f"connection authenticated: identity=\"{items.role}\"")

    before = logins()
    pipeline.until_caught_up()
    openings = records(pipeline, "credential.unsealed")
    source = [detail for name, detail in openings
              if name == f"{pipeline.name}/source.password"]
    sink = [detail for name, detail in openings
            if name == f"{pipeline.name}/sink.password"]
    assert len(source) == logins() - before > 0
    assert len(source) + len(sink) == len(openings)
    assert {detail["reason"] for detail in source} == {"connect"}
    assert {detail["reason"] for detail in sink} == {"connect", "load"}
    for name, detail in openings:
        assert f"{pipeline.name}/{detail['section']}.{detail['option']}" == name
        assert re.fullmatch("[0-9a-f]{16}", detail["sealed_under"]), detail


def test_the_slot_of_an_administrator_was_not_created(items):
    pipeline = items.pipeline()
    items.admin("CREATE PUBLICATION by_admin FOR TABLE items"
                " WITH (publish_via_partition_root = true)")
    items.admin("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')",
                (pipeline.slot,))
    pipeline.section("source", publication="by_admin")
    pipeline.until_caught_up()
    assert records(pipeline, "slot.created") == []
    items.assert_same("items")


def test_a_refused_configuration_was_not_accepted(items):
    pipeline = items.pipeline()
    pipeline.seal()
    pipeline.configure(source={"snapshot": "sometimes"})
    assert pipeline.until_caught_up(expect=2)
    assert "config.accepted" not in actions(pipeline)
    assert "config.rejected" in actions(pipeline)


def test_a_target_that_is_gone_is_created_and_filled_again(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    items.starrocks.sql("DROP TABLE items FORCE", items.target)
    done = pipeline.until_caught_up()
    assert "was gone" in done.stderr, done
    assert records(pipeline, "table.created") == [("items", {})] * 2
    items.assert_same("items")


def test_a_target_that_does_not_fit_is_not_said_to_be_gone(items):
    items.starrocks.sql(f"CREATE DATABASE {items.target}")
    items.starrocks.sql(
        "CREATE TABLE items (id INT NOT NULL, other INT NOT NULL, name STRING)"
        " PRIMARY KEY (id, other) DISTRIBUTED BY HASH (id)"
        " PROPERTIES ('replication_num' = '1')", items.target)
    pipeline = items.pipeline()
    done = pipeline.until_caught_up(expect=1)
    assert "items" in done.stderr and "was gone" not in done.stderr, done
    assert records(pipeline, "table.created") == []


def test_dead_letters(world):
    world.sql("CREATE TABLE odd (id int PRIMARY KEY, day date);"
              "INSERT INTO odd VALUES (1, 'infinity'), (2, '-infinity'),"
              " (3, NULL)")
    pipeline = world.pipeline("public.odd",
                              pipeline={"on_bad_row": "dead_letter"})
    pipeline.until_caught_up()
    assert records(pipeline, "dead_letter.stored") == [
        ("public.odd", {"rows": 2})]
    assert pipeline.status()["dead_letters"] == 2


def test_dead_letters_do_not_wait_and_go_nowhere_else(world):
    world.sql("CREATE TABLE odd (id int PRIMARY KEY, day date)")
    pipeline = world.pipeline("public.odd",
                              pipeline={"on_bad_row": "dead_letter"})
    pipeline.until_caught_up()
    letters = pipeline.state_dir / pipeline.name / "dead_letters.jsonl"
    world.sql("INSERT INTO odd VALUES (1, 'infinity')")
    refusal = f"{letters}: it is not a regular file with one name; move it away"
    os.mkfifo(letters)
    assert refusal in pipeline.until_caught_up(expect=1).stderr
    letters.unlink()
    other = letters.with_name("other")
    other.write_text("")
    letters.hardlink_to(other)
    assert refusal in pipeline.until_caught_up(expect=1).stderr
    assert other.read_text() == ""
    other.unlink()
    pipeline.until_caught_up()
    assert len(letters.read_text().splitlines()) == 1


def test_a_dead_letter_is_written_whole_or_not_at_all(world):
    """On a disk that is nearly full the next one begins on its own line."""
    world.sql("CREATE TABLE odd (id int PRIMARY KEY, day date)")
    pipeline = world.pipeline("public.odd",
                              pipeline={"on_bad_row": "dead_letter"})
    pipeline.until_caught_up()
    letters = pipeline.state_dir / pipeline.name / "dead_letters.jsonl"
    size = (64 << 20) - 40
    with letters.open("wb") as file:
        file.truncate(size - 1)
        file.seek(size - 1)
        file.write(b"\n")
    letters.chmod(0o600)
    world.sql("INSERT INTO odd VALUES (1, 'infinity')")
    done = subprocess.run(
        ["prlimit", f"--fsize={64 << 20}", str(pipeline.program.path), "run",
         "--until-caught-up", str(pipeline.ini)],
        env=pipeline.program.environment(CONFIG_ENCRYPTION_KEY=pipeline.key),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1, done
    assert f"write {letters}: " in done.stderr, done
    assert letters.stat().st_size == size
    pipeline.until_caught_up()
    with letters.open("rb") as file:
        file.seek(size)
        line, = file.read().splitlines()
    assert json.loads(line)["key"] == "id=1"


def test_a_named_pipe_is_no_audit_log(program, tmp_path):
    os.mkfifo(tmp_path / "log")
    done = program("audit", "show", tmp_path / "log")
    assert done.code == 2 and "is not a regular file" in done.stderr, done


def test_a_log_that_was_renamed_goes_on_in_a_new_file(items):
    """What etc/ezcdc.logrotate does: rename, then SIGHUP."""
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    old = pipeline.audit_log.with_suffix(".jsonl-1")
    pipeline.audit_log.rename(old)
    run.process.send_signal(signal.SIGHUP)
    run.wait_until(pipeline.audit_log.exists, "the new log is there")
    assert run.terminate() == 0, run.describe()
    last = json.loads(old.read_text().splitlines()[-1])
    first, *others = pipeline.audit()
    assert first["action"] == "audit.opened"
    assert (first["seq"], first["prev"]) == (last["seq"] + 1, last["mac"])
    assert "key.reloaded" in [record["action"] for record in others]

    # And while nothing has it open.
    newer = pipeline.audit_log.with_suffix(".jsonl-2")
    pipeline.audit_log.rename(newer)
    pipeline.until_caught_up()
    done = pipeline("audit", "verify", "--checkpoint",
                    f"{pipeline.audit_log}.checkpoint", old, newer,
                    pipeline.audit_log)
    assert done.code == 0, done
    assert "seq 0 to " in done.stdout and "3 files, 1 checkpoints" in done.stdout
    for log in (old, newer, pipeline.audit_log):
        done = pipeline("audit", "verify", log)
        assert done.code == 0, done

    # What is taken away between two files is missed.
    lines = newer.read_text().splitlines(keepends=True)
    newer.write_text("".join(lines[:-1]))
    done = pipeline("audit", "verify", old, newer, pipeline.audit_log)
    assert done.code == 3, done
    seq = pipeline.audit()[0]["seq"]
    assert done.stdout.startswith(f"{pipeline.audit_log}: line 1, seq {seq}: ")


def test_records_are_copied_to_syslog(items):
    """By the keeper and by commands, each as it is in the log."""
    pipeline = items.pipeline()
    pipeline.folder.mkdir(exist_ok=True)
    path = str(pipeline.folder / "syslog")
    copies = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(path)

        def receive():
            while copy := daemon.recv(1 << 17):
                copies.append(copy.decode())

        reader = threading.Thread(target=receive)
        reader.start()
        try:
            pipeline.section("pipeline", audit_syslog=path)
            pipeline.seal()
            pipeline.until_caught_up()
        finally:
            daemon.sendto(b"", path)    # the end
            reader.join()
    parts = [re.fullmatch(r"<(8[45])>ezcdc\[\d+\]: (.*)", copy)
             for copy in copies]
    assert [part.group(2) for part in parts] \
        == pipeline.audit_log.read_text().splitlines()
    for part in parts:
        good = json.loads(part.group(2))["outcome"] == "success"
        assert part.group(1) == ("85" if good else "84"), part.group(0)
