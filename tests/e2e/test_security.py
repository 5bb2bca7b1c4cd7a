# SPDX-License-Identifier: Apache-2.0
"""Passwords, certificates, the audit log, and what must never be printed."""

import json
import pathlib
import signal

import pytest

from harness.certificates import Authority

ITEMS = ("CREATE TABLE items (id int PRIMARY KEY, name text);"
         "INSERT INTO items SELECT i, 'canary-row-' || i"
         " FROM generate_series(1, 100) i")


@pytest.fixture
def items(world):
    world.sql(ITEMS)
    return world


def test_no_secret_and_no_row_in_any_output(items):
    pipeline = items.pipeline()
    pipeline.check()
    run = pipeline.start()
    run.wait_streaming()
    items.sql("UPDATE items SET name = name || '!'")
    items.settle(run, "items")
    pipeline.verify()
    items.starrocks.sql("DELETE FROM items WHERE id = 5", items.target)
    pipeline.verify()
    assert "canary-row-" not in pipeline.outputs()
    assert "canary-row-" not in pipeline.audit_log.read_text()
    assert not items.leaks()


def test_a_wrong_password_is_told_and_waited_for(items):
    pipeline = items.pipeline()
    pipeline.secrets["source.password"] = "canary-wrong-password"
    done = pipeline.check()
    assert done.code == 3, done
    assert "password" in done.text, done
    bounded = pipeline.until_caught_up(expect=None)
    assert bounded.code == 1, bounded
    assert "canary-wrong" not in pipeline.outputs()


def test_a_wrong_sink_password(items):
    pipeline = items.pipeline()
    pipeline.secrets["sink.password"] = "canary-wrong-password"
    done = pipeline.check()
    assert done.code == 3, done
    assert "canary-wrong" not in pipeline.outputs()


@pytest.mark.parametrize("section", ["source", "sink"])
def test_a_certificate_of_another_authority_is_refused(items, section,
                                                       tmp_path):
    other = Authority(tmp_path / "other")
    pipeline = items.pipeline()
    pipeline.section(section, ssl_root_cert=other.certificate)
    done = pipeline.check()
    assert done.code == 3, done
    assert "certificate" in done.text.lower(), done
    assert pipeline.until_caught_up(expect=None).code == 1
    assert items.target_rows("items") is None


@pytest.mark.parametrize("section", ["source", "sink"])
def test_a_certificate_for_another_name_is_refused(items, section):
    # The servers' certificates name localhost and 127.0.0.1, not 127.0.0.2.
    pipeline = items.pipeline()
    pipeline.section(section, host="127.0.0.2")
    done = pipeline.check()
    assert done.code == 3, done


@pytest.mark.parametrize("section, mode", [
    ("source", "disable"), ("source", "allow"), ("source", "prefer"),
    ("source", "require"), ("source", "verify-ca"), ("sink", "prefer"),
    ("sink", "require"), ("sink", "verify-ca")])
def test_a_weaker_ssl_mode_warns_and_is_audited(items, section, mode):
    pipeline = items.pipeline()
    pipeline.section(section, ssl_mode=mode)
    done = pipeline.until_caught_up(expect=None)
    assert f"{section}.ssl_mode = {mode}: " in done.stderr, done
    weakened = [record["detail"] for record in pipeline.audit()
                if record["action"] == "tls.weakened"]
    assert {"option": "ssl_mode", "value": mode} in weakened, weakened


def test_verified_tls_is_no_weakness(items):
    pipeline = items.pipeline()
    done = pipeline.until_caught_up()
    for record in pipeline.audit():
        assert record["action"] != "tls.weakened" \
            or record["detail"]["option"] == "load_url", record
    assert "ssl_mode" not in done.stderr, done


def test_the_audit_log_is_chained_and_complete(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    records = pipeline.audit()
    for number, record in enumerate(records):
        for field in ("timestamp", "action", "user_id", "resource_id",
                      "ip_address", "outcome", "detail", "seq", "prev", "mac"):
            assert field in record, record
        assert record["seq"] == records[0]["seq"] + number
    openings = [record for record in records
                if "credential" in record["action"]]
    assert len(openings) >= 2, openings
    assert any("password" in json.dumps(record) for record in openings)
    done = pipeline.audit_verify()
    assert done.code == 0, done


@pytest.mark.parametrize("damage", ["change", "drop", "swap", "insert"])
def test_audit_verify_names_the_first_bad_record(items, damage):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    lines = pipeline.audit_log.read_text().splitlines()
    assert len(lines) >= 4
    if damage == "change":
        lines[2] = lines[2].replace('"outcome":"success"',
                                    '"outcome":"failure"')
        if lines[2] == pipeline.audit_log.read_text().splitlines()[2]:
            record = json.loads(lines[2])
            record["user_id"] = "mallory"
            lines[2] = json.dumps(record, separators=(",", ":"))
    elif damage == "drop":
        del lines[2]
    elif damage == "swap":
        lines[2], lines[1] = lines[1], lines[2]
    else:
        lines.insert(2, lines[1])
    pipeline.audit_log.write_text("\n".join(lines) + "\n")
    done = pipeline.audit_verify()
    assert done.code == 3, done
    bad = 2 if damage == "swap" else 3
    assert f"{bad}" in done.text and "seq" in done.text, done


def test_an_audit_log_that_cannot_be_written_stops_everything(items, tmp_path):
    pipeline = items.pipeline()
    pipeline.seal()
    (tmp_path / "file").write_text("no folder")
    pipeline.configure(pipeline={
        "audit_log": tmp_path / "file" / "audit.jsonl"})
    done = pipeline.until_caught_up(expect=None)
    assert done.code in (1, 2), done
    assert "audit" in done.stderr, done
    assert items.target_rows("items") is None


def test_the_key_is_in_no_process_and_the_runner_s_environment_is_clean(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    runner = run.runner()
    for pid in (run.keeper, runner):
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        assert pipeline.key.encode() not in environment, pid
    names = {entry.split(b"=")[0] for entry in pathlib.Path(
        f"/proc/{runner}/environ").read_bytes().split(b"\0") if entry}
    assert not any(b"KEY" in name or b"PGPASS" in name for name in names)
    keeper_maps = pathlib.Path(f"/proc/{run.keeper}/maps").read_text()
    assert "postgres.so" not in keeper_maps
    assert "starrocks.so" not in keeper_maps
    assert run.terminate() == 0


def test_the_environment_of_libpq_is_ignored(items):
    pipeline = items.pipeline()
    done = pipeline.until_caught_up(PGHOST="192.0.2.1", PGPORT="1",
                                    PGOPTIONS="-c default_transaction_read_only"
                                    "=nonsense", PGSSLMODE="disable")
    assert done.code == 0
    items.assert_same("items")


def test_state_and_ini_files_are_private(items):
    pipeline = items.pipeline()
    pipeline.until_caught_up()
    for path in (pipeline.state_dir / pipeline.name).rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert pipeline.audit_log.stat().st_mode & 0o037 == 0


def test_the_runner_is_confined(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    status = dict(line.split(":\t", 1) for line in pathlib.Path(
        f"/proc/{run.runner()}/status").read_text().splitlines()
        if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    limits = pathlib.Path(f"/proc/{run.runner()}/limits").read_text()
    core = next(line for line in limits.splitlines()
                if line.startswith("Max core file size"))
    assert core.split()[4] == "0", core
    assert run.terminate() == 0


def test_h132_a_rotated_password_is_taken_on_sighup(items):
    pipeline = items.pipeline()
    run = pipeline.start()
    run.wait_streaming()
    fresh = "canary-rotated-password"
    items.postgres.sql(f"ALTER ROLE {items.role} PASSWORD '{fresh}'")
    pipeline.secrets["source.password"] = fresh
    pipeline.seal()
    run.process.send_signal(signal.SIGHUP)
    pid = items.postgres.walsender(pipeline.slot)
    items.postgres.terminate(pid)
    items.sql("INSERT INTO items VALUES (1000, 'after')")
    items.settle(run, "items")
    assert fresh not in pipeline.outputs()
