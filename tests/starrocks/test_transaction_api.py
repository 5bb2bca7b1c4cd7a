# SPDX-License-Identifier: Apache-2.0
"""The transaction interface of stream load."""

import json
import subprocess
import time

import pytest

from conftest import CREATE, fresh

JSON = {"format": "json", "strip_outer_array": "true", "strict_mode": "true",
        "max_filter_ratio": "0"}
BODY = json.dumps([{"id": 1, "v": "a"}])


class Api:
    def __init__(self, server, table, label, **fixed):
        self.server = server
        self.fixed = dict(fixed, db="d", table=table, label=label)

    def call(self, operation, body=None, base=None, **headers):
        method = "PUT" if operation == "load" else "POST"
        command = ["curl", "-s", "--location-trusted", "-X", method, "-u",
                   "%s:%s" % (self.server.user, self.server.password)]
        if body is not None:
            command += ["-T", self.server.body_file(body), "-H",
                        "Expect: 100-continue"]
        for pair in dict(self.fixed, **headers).items():
            command += ["-H", "%s: %s" % pair]
        base = base or self.server.ports["fe"]
        command.append("http://127.0.0.1:%d/api/transaction/%s"
                       % (base, operation))
        return json.loads(subprocess.run(command, capture_output=True,
                                         check=False, timeout=60).stdout)

    def load(self, body=BODY, **headers):
        return self.call("load", body, **dict(JSON, **headers))


@pytest.fixture
def api(shared, table):
    name = table()
    return Api(shared, name, fresh())


def rows(api):
    return api.server.rows("d." + api.fixed["table"])


def test_two_phases(api):
    assert api.call("begin")["Status"] == "OK"
    assert api.load()["Status"] == "OK"
    assert api.load(json.dumps([{"id": 2}]))["Status"] == "OK"
    answer = api.call("prepare")
    assert answer["Status"] == "OK" and answer["NumberLoadedRows"] == 2
    assert api.server.load_state("d", api.fixed["label"]) == "PREPARED"
    assert rows(api) == ()
    assert api.call("prepare")["Status"] == "TXN_NOT_EXISTS"
    assert api.call("commit")["Status"] == "OK"
    assert rows(api) == (("1", "a"), ("2", None))
    again = api.call("commit")
    assert again["Status"] == "OK" and "already committed" in \
        again["Message"]
    assert "Can not abort VISIBLE" in api.call("rollback")["Message"]


def test_one_phase_and_rollback(api):
    api.call("begin")
    api.load()
    assert api.call("commit")["Status"] == "OK"
    assert rows(api) == (("1", "a"),)
    other = Api(api.server, api.fixed["table"], fresh())
    other.call("begin")
    other.load(json.dumps([{"id": 2}]))
    assert other.call("rollback")["Status"] == "OK"
    assert "Can not commit ABORTED" in other.call("commit")["Message"]
    assert rows(api) == (("1", "a"),)


def test_labels_and_names(api):
    api.call("begin")
    answer = api.call("begin")
    assert answer["Status"] == "LABEL_ALREADY_EXISTS"
    assert answer["ExistingJobStatus"] == "RUNNING"
    assert answer["Message"] == ""
    assert api.load(table="other")["Status"] == "INVALID_ARGUMENT"
    lost = Api(api.server, api.fixed["table"], fresh())
    assert "has no backend" in lost.call("commit")["Message"]


def test_wrong_backend(api):
    api.call("begin")
    answers = {api.call("load", BODY, base=port, **JSON)["Status"]
               for port in api.server.ports["be"]}
    assert answers == {"OK", "TXN_NOT_EXISTS"}


def test_parameters_may_not_drift(api):
    api.call("begin")
    api.load()
    answer = api.load(strict_mode="false")
    assert answer["Message"] == "load request not equal last."
    assert "Can not commit ABORTED" in api.call("commit")["Message"]


def test_no_data(api):
    api.call("begin")
    assert "hasn't send any data yet" in api.call("prepare")["Message"]


def test_errors_come_with_prepare(api):
    api.call("begin")
    assert api.load(json.dumps([{"id": "x"}]))["Status"] == "OK"
    answer = api.call("prepare")
    assert answer["Status"] == "INTERNAL_ERROR"
    assert answer["Message"] == "too many filtered rows"
    assert "ErrorURL" in answer


def test_a_backend_restart_keeps_only_what_was_prepared(api):
    other = Api(api.server, api.fixed["table"], fresh())
    for each in (api, other):
        each.call("begin")
        each.load()
    api.call("prepare")
    for number in (0, 1):
        api.server.admin("POST", "backend_restart", {"number": number})
    assert "ABORTED" in other.call("commit")["Message"]
    assert api.call("commit")["Status"] == "OK"
    assert rows(api) == (("1", "a"),)


def test_prepared_survives_a_kill(start):
    server = start()
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v VARCHAR(20)"))
    api = Api(server, "t", "l1")
    api.call("begin")
    api.load()
    api.call("prepare")
    server.kill()
    server.restart()
    assert server.load_state("d", "l1") == "PREPARED"
    assert api.call("commit")["Status"] == "OK"
    assert server.rows("d.t") == (("1", "a"),)


def test_a_leader_change_forgets_the_backend(api):
    api.call("begin")
    api.server.admin("POST", "leader_change", {})
    assert "has no backend" in api.load()["Message"]


def test_timeout(api):
    api.call("begin", timeout="100")
    api.server.admin("POST", "clock", {"seconds": 101})
    deadline = time.monotonic() + 10
    while api.server.load_state("d", api.fixed["label"]) != "ABORTED":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    api.server.admin("POST", "clock", {"seconds": -101})
    assert api.load()["Status"] == "ABORTED"


def test_publish_timeout_of_a_commit(api):
    api.call("begin")
    api.load()
    api.call("prepare")
    api.server.fault("publish_delay", table=api.fixed["table"],
                     seconds=3600, reply_after=0.1)
    assert "publish timeout" in api.call("commit")["Message"]
    assert api.server.load_state("d", api.fixed["label"]) == "COMMITTED"
    api.server.release()
    assert rows(api) == (("1", "a"),)


def test_a_prepared_transaction_blocks_schema_changes(api):
    name = api.fixed["table"]
    api.call("begin")
    api.load()
    api.call("prepare")
    api.server.sql("ALTER TABLE d.%s MODIFY COLUMN v VARCHAR(30)" % name)

    def state():
        return api.server.sql("SHOW ALTER TABLE COLUMN FROM d WHERE TableName"
                              " = '%s'" % name)[0][9]

    deadline = time.monotonic() + 10
    while state() != "WAITING_TXN":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    api.call("commit")
    while state() != "FINISHED":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert rows(api) == (("1", "a"),)


def test_many_tables(start):
    server = start("--version", "4.1.0")
    server.sql("CREATE DATABASE d")
    for name in ("t1", "t2"):
        server.sql(CREATE % (name, "id BIGINT NOT NULL, v VARCHAR(20)"))
    api = Api(server, "t1", "l1", transaction_type="multi", timeout="60")
    assert api.call("begin") == {"Status": "OK", "Message": ""}
    assert api.load()["Status"] == "OK"
    assert api.load(table="t2")["Status"] == "OK"
    assert "Unsupported operation" in api.call("prepare")["Message"]
    assert server.rows("d.t1") == ()
    assert api.call("commit")["Status"] == "OK"
    assert server.rows("d.t1") == server.rows("d.t2") == (("1", "a"),)
    api = Api(server, "t1", "l2", transaction_type="multi", timeout="60")
    api.call("begin")
    api.load()
    assert api.load(json.dumps([{"id": "x"}]))["Status"] == "INTERNAL_ERROR"
    assert "Can not commit CANCELLED" in api.call("commit")["Message"]
