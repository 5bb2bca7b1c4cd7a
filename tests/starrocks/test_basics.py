# SPDX-License-Identifier: Apache-2.0
"""Start, TLS, sign-in, restart."""

import json
import os
import ssl
import subprocess

import pymysql
import pytest

from conftest import CREATE

ROWS = json.dumps([{"id": 1, "v": "a"}, {"id": 2, "v": None}])
JSON = {"format": "json", "strip_outer_array": "true"}


def test_load_and_read_back(start):
    server = start()
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v VARCHAR(20)"))
    answer = server.load("d", "t", ROWS, label="l1", **JSON)
    assert answer["Status"] == "Success"
    assert answer["NumberLoadedRows"] == 2
    assert server.rows("d.t") == (("1", "a"), ("2", None))
    assert server.bad_manners() == []


def test_everything_survives_a_kill(start):
    server = start()
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v VARCHAR(20)"))
    server.load("d", "t", ROWS, label="l1", **JSON)
    server.kill()
    server.restart()
    assert server.rows("d.t") == (("1", "a"), ("2", None))
    assert server.load_state("d", "l1") == "VISIBLE"
    again = server.load("d", "t", ROWS, label="l1", **JSON)
    assert again["Status"] == "Label Already Exists"
    assert again["ExistingJobStatus"] == "FINISHED"


def test_sigterm_ends_cleanly(start):
    server = start()
    server.stop()
    assert server.process.returncode == 0
    assert not os.path.exists(os.path.join(server.folder, "ports.json"))


def test_sign_in(start):
    server = start("--user", "other", "--password", "word")
    assert server.sql("SELECT 1", user="other", password="word") == ((1,),)
    for user, password in (("root", "wrong"), ("root", ""), ("who", "word")):
        with pytest.raises(pymysql.err.OperationalError) as caught:
            server.sql("SELECT 1", user=user, password=password)
        assert caught.value.args[0] == 1045


def test_mysql_tls(start, certificate):
    server = start("--tls-cert", certificate[0], "--tls-key", certificate[1])
    context = ssl.create_default_context(cafile=certificate[0])
    connection = server.connect(ssl=context)
    assert connection._sock.version() == "TLSv1.2"
    connection.close()
    with pytest.raises(pymysql.err.OperationalError):
        server.connect(ssl=ssl.create_default_context())


def test_mysql_tls_can_be_required(start, certificate):
    server = start("--tls-cert", certificate[0], "--tls-key", certificate[1],
                   "--tls-required")
    with pytest.raises(pymysql.err.OperationalError) as caught:
        server.connect()
    assert caught.value.args[0] == 5205


def test_no_tls_is_offered_without_a_certificate(start):
    """pymysql goes on in plain text then, which is the client's affair."""
    server = start()
    connection = server.connect(ssl=ssl.create_default_context())
    assert not isinstance(connection._sock, ssl.SSLSocket)
    connection.close()


@pytest.mark.parametrize("mode", ["http", "https", "follow"])
def test_https_in_front(start, certificate, mode):
    server = start("--tls-cert", certificate[0], "--tls-key", certificate[1],
                   "--redirect", mode)
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v VARCHAR(20)"))
    base = "https://127.0.0.1:%d" % server.ports["fe_tls"]
    answer = server.load("d", "t", ROWS, base=base, label="l1",
                         curl=["--cacert", certificate[0]], **JSON)
    assert answer["Status"] == "Success"
    backends = [r for r in server.manners()["requests"]
                if r["where"] == "backend"]
    assert [r["tls"] for r in backends] == [mode != "http"]


def test_https_can_want_a_client_certificate(start, certificate):
    server = start("--tls-cert", certificate[0], "--tls-key", certificate[1],
                   "--tls-client-ca", certificate[0])
    command = ["curl", "-s", "--cacert", certificate[0],
               "https://127.0.0.1:%d/api/health" % server.ports["fe_tls"]]
    assert subprocess.run(command, check=False).returncode != 0
    command += ["--cert", certificate[0], "--key", certificate[1]]
    assert subprocess.run(command, capture_output=True,
                          check=False).returncode == 0


def test_clear_password_users(start, certificate):
    server = start("--tls-cert", certificate[0], "--tls-key", certificate[1],
                   "--user", "ldap", "--password", "pw", "--clear-user",
                   "ldap")
    context = ssl.create_default_context(cafile=certificate[0])
    connection = server.connect(user="ldap", password="pw", ssl=context)
    connection.close()
    assert server.bad_manners() == []
