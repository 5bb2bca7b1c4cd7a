# SPDX-License-Identifier: Apache-2.0
"""Each fault does what it says, once, and to whom it is meant."""

import json
import threading
import time

import pytest

from conftest import fresh

JSON = {"format": "json", "strip_outer_array": "true"}
BODY = json.dumps([{"id": 1, "v": "a"}])

# Codes of curl
EMPTY_REPLY, SEND_ERROR, RECEIVE_ERROR, PARTIAL, TOO_MANY_REDIRECTS = \
    52, 55, 56, 18, 47
BROKEN = (EMPTY_REPLY, SEND_ERROR, RECEIVE_ERROR)


def attempt(server, name, label, body=BODY, curl=()):
    return server.raw_load("d", name, body, label=label, curl=curl, **JSON)


@pytest.mark.parametrize("action, more, state", [
    ("drop_before_redirect", {}, "UNKNOWN"),
    ("drop_after_redirect", {}, "UNKNOWN"),
    ("drop_in_body", {"bytes": 5}, "ABORTED"),
    ("drop_before_reply", {"committed": True}, "VISIBLE"),
    ("drop_before_reply", {"committed": False}, "ABORTED"),
])
def test_dropped_connections(shared, table, action, more, state):
    name = table()
    label = fresh()
    shared.fault(action, table=name, **more)
    assert attempt(shared, name, label).returncode in BROKEN
    assert shared.load_state("d", label) == state
    assert (shared.rows("d." + name) != ()) == (state == "VISIBLE")
    again = json.loads(attempt(shared, name, label).stdout)
    if state == "VISIBLE":
        assert again["Status"] == "Label Already Exists"
    else:
        assert again["Status"] == "Success"
    assert shared.rows("d." + name) == (("1", "a"),)


def test_cut_and_spoilt_replies(shared, table):
    name = table()
    label = fresh()
    shared.fault("drop_in_reply", table=name)
    assert attempt(shared, name, label).returncode == PARTIAL
    assert shared.load_state("d", label) == "VISIBLE"
    shared.fault("truncated_json", table=name)
    with pytest.raises(ValueError):
        json.loads(attempt(shared, name, fresh()).stdout)
    shared.fault("unknown_status", table=name, message="Odd")
    answer = json.loads(attempt(shared, name, fresh()).stdout)
    assert answer["Status"] == "Odd"


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("action", ["http_error", "http_error_backend"])
def test_errors_of_a_proxy(shared, table, action, status):
    name = table()
    shared.fault(action, table=name, status=status)
    done = attempt(shared, name, fresh(), curl=["-w", "%{http_code}"])
    assert done.stdout.startswith(b"<html>")
    assert done.stdout.endswith(b"%d" % status)


def test_redirects(shared, table):
    name = table()
    shared.fault("redirect_loop", table=name, times=100)
    done = attempt(shared, name, fresh(), curl=["--max-redirs", "5"])
    assert done.returncode == TOO_MANY_REDIRECTS
    shared.clear_faults()
    shared.fault("redirect_without_location", table=name)
    done = attempt(shared, name, fresh(), curl=["-w", "%{http_code}"])
    assert done.stdout == b"307"
    shared.fault("redirect_to", table=name,
                 location="http://192.0.2.1:8040/x")
    done = attempt(shared, name, fresh(), curl=[
        "-w", "%{redirect_url}", "--max-redirs", "0"])
    assert done.stdout.endswith(b"http://192.0.2.1:8040/x")


@pytest.mark.parametrize("action, text", [
    ("fail", "tablet writer"), ("fail_after_body", "tablet writer"),
    ("too_many_versions", "too many versions"),
    ("too_many_versions_after_body", "too many versions"),
])
def test_failures(shared, table, action, text):
    name = table()
    label = fresh()
    more = {"message": "tablet writer failed"} if "fail" in action else {}
    shared.fault(action, table=name, **more)
    answer = json.loads(attempt(shared, name, label).stdout)
    assert answer["Status"] == "Fail" and text in answer["Message"]
    assert shared.load_state("d", label) == "ABORTED"


def test_frontend_failure(shared, table):
    name = table()
    shared.fault("frontend_fail", table=name,
                 message="current fe is not master")
    answer = json.loads(attempt(shared, name, fresh()).stdout)
    assert answer["Status"] == "FAILED"
    assert "current fe is not master" in answer["Message"]


def test_publish_delay(shared, table):
    name = table()
    shared.fault("publish_delay", table=name, seconds=3600)
    label = fresh()
    answer = json.loads(attempt(shared, name, label).stdout)
    assert answer["Status"] == "Publish Timeout"
    assert shared.load_state("d", label) == "COMMITTED"
    assert shared.rows("d." + name) == ()
    again = json.loads(attempt(shared, name, label).stdout)
    assert again["ExistingJobStatus"] == "FINISHED"
    shared.release()
    assert shared.load_state("d", label) == "VISIBLE"
    assert shared.rows("d." + name) == (("1", "a"),)


def test_publish_order_is_commit_order(shared, table):
    name = table()
    shared.fault("publish_delay", table=name, seconds=3600)
    attempt(shared, name, fresh())
    results = []
    worker = threading.Thread(target=lambda: results.append(attempt(
        shared, name, "later-" + name, json.dumps([{"id": 1, "v": "b"}]))))
    worker.start()
    while shared.load_state("d", "later-" + name) != "COMMITTED":
        time.sleep(0.02)
    assert shared.rows("d." + name) == ()
    shared.release()
    worker.join()
    assert json.loads(results[0].stdout)["Status"] == "Success"
    assert shared.rows("d." + name) == (("1", "b"),)


def test_committed_rows_survive_a_kill(start):
    from conftest import CREATE
    server = start()
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v VARCHAR(20)"))
    server.fault("publish_delay", table="t", seconds=3600)
    attempt(server, "t", "l1")
    server.kill()
    server.restart()
    assert server.load_state("d", "l1") == "VISIBLE"
    assert server.rows("d.t") == (("1", "a"),)


def test_a_running_load_is_aborted_by_a_kill(start):
    from conftest import CREATE
    server = start()
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v VARCHAR(20)"))
    server.fault("hold", table="t")
    worker = threading.Thread(target=attempt, args=(server, "t", "l1"))
    worker.start()
    while not server.admin("GET", "faults")["held"]:
        time.sleep(0.02)
    server.kill()
    worker.join()
    server.restart()
    assert server.load_state("d", "l1") == "ABORTED"
    assert json.loads(attempt(server, "t", "l1").stdout)["Status"] == \
        "Success"


def test_faults_choose_their_victims(shared, table):
    name = table()
    shared.fault("fail", label="victim-.*", nth=2, times=1, message="hit")
    assert json.loads(attempt(shared, name, fresh()).stdout)["Status"] == \
        "Success"
    outcomes = [json.loads(attempt(shared, name, "victim-%d-%s" % (
        n, name)).stdout)["Status"] for n in range(3)]
    assert outcomes == ["Success", "Fail", "Success"]
    with pytest.raises(ValueError):
        shared.fault("nonsense")


def test_state_faults(shared, table):
    name = table()
    label = fresh()
    attempt(shared, name, label)
    shared.fault("state_error", label=label, status=502)
    with pytest.raises(OSError):
        shared.load_state("d", label)
    shared.fault("state_drop", label=label)
    with pytest.raises(OSError):
        shared.load_state("d", label)
    assert shared.load_state("d", label) == "VISIBLE"


def test_concurrent_loads_on_one_table_are_noticed(shared, table):
    name = table()
    shared.fault("hold", table=name)
    worker = threading.Thread(target=attempt, args=(shared, name, fresh()))
    worker.start()
    while not shared.admin("GET", "faults")["held"]:
        time.sleep(0.02)
    attempt(shared, name, fresh())
    shared.release()
    worker.join()
    assert "concurrent_loads_on_one_table" in shared.bad_manners()


def test_too_many_versions_for_real(shared, table):
    name = table()
    shared.config(version_limit=3, version_window=3600)
    try:
        results = [json.loads(attempt(shared, name, fresh()).stdout)
                   for _ in range(4)]
    finally:
        shared.config(version_limit=1000, version_window=60)
    assert [r["Status"] for r in results] == ["Success"] * 3 + ["Fail"]
    assert "because of too many versions" in results[3]["Message"]


def test_slow_and_hanging_replies(shared, table):
    name = table()
    shared.fault("drip_reply", table=name, seconds=0.2)
    answer = json.loads(attempt(shared, name, fresh()).stdout)
    assert answer["Status"] == "Success"
    shared.fault("hang_before_reply", table=name)
    label = fresh()
    done = attempt(shared, name, label, curl=["--max-time", "1"])
    assert done.returncode == 28
    assert shared.load_state("d", label) == "VISIBLE"
    shared.release()


def test_a_prompt_retry_is_no_concurrent_load(shared, table):
    """A dropped load is over before its client can know."""
    name = table()
    for number in range(10):
        label = fresh()
        shared.fault("drop_in_body", table=name)
        attempt(shared, name, label)
        answer = json.loads(attempt(shared, name, label).stdout)
        assert answer["Status"] == "Success", number
    assert shared.bad_manners() == []
