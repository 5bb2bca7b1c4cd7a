# SPDX-License-Identifier: Apache-2.0
"""Stream Load over HTTP: redirects, labels, headers, sizes, compression."""

import base64
import bz2
import gzip
import json
import re
import socket
import subprocess
import threading
import time
import urllib.request
import zlib

import lz4.frame
import pytest
import zstandard

from conftest import CREATE

JSON = {"format": "json", "strip_outer_array": "true"}


def rows(*pairs):
    return json.dumps([{"id": i, "v": v} for i, v in pairs])


def curl(server, *arguments):
    """(status, headers, body) of one request without following."""
    done = subprocess.run(
        ["curl", "-s", "-i", "-u", "%s:%s" % (server.user, server.password)]
        + list(arguments), capture_output=True, check=False, timeout=60)
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    while head.startswith("HTTP/1.1 100"):
        head, _, body = body.partition("\r\n\r\n")
    lines = head.split("\r\n")
    headers = {k.lower(): v for k, _, v in
               (line.partition(": ") for line in lines[1:])}
    return int(lines[0].split()[1]) if lines[0] else 0, headers, body


def url(server, path, port="fe"):
    return "http://127.0.0.1:%d%s" % (server.ports[port], path)


def test_redirect_keeps_path_and_query_and_closes(shared, table):
    name = table()
    seen = set()
    for _ in range(20):
        status, headers, body = curl(
            shared, "-X", "PUT", "-H", "Expect: 100-continue",
            url(shared, "/api/d/%s/_stream_load?a=b" % name))
        assert status == 307 and body == ""
        assert headers["connection"] == "close"
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/api/d/%s/"
                             r"_stream_load\?a=b" % name,
                             headers["location"])
        seen.add(int(found.group(1)))
    assert seen == set(shared.ports["be"])


def test_frontend_never_reads_the_body(shared, table):
    """No 100 comes from it, only the 307, while the body is still unsent."""
    name = table()
    with socket.create_connection(("127.0.0.1", shared.ports["fe"])) as sock:
        pair = base64.b64encode(b"root:secret").decode()
        sock.sendall(("PUT /api/d/%s/_stream_load HTTP/1.1\r\nHost: x\r\n"
                      "Authorization: Basic %s\r\nExpect: 100-continue\r\n"
                      "Content-Length: 100\r\n\r\n" % (name, pair)).encode())
        data = b""
        while piece := sock.recv(4096):
            data += piece
    assert data.startswith(b"HTTP/1.1 307 ")


@pytest.mark.parametrize("credentials, text", [
    ([], "Need auth information."),
    (["-u", "root:wrong"], "Access denied for root@127.0.0.1"),
    (["-u", "who:secret"], "Access denied for who@127.0.0.1"),
])
def test_unauthorized(shared, table, credentials, text):
    command = ["curl", "-s", "-i", "-X", "PUT", "-H",
               "Expect: 100-continue"] + credentials
    command.append(url(shared, "/api/d/%s/_stream_load" % table()))
    out = subprocess.run(command, capture_output=True, check=False,
                         text=True).stdout
    assert out.startswith("HTTP/1.1 401 ")
    assert 'WWW-Authenticate: Basic realm=""' in out
    body = json.loads(out.partition("\n\n")[2])
    assert body == {"status": "FAILED", "code": "1", "msg": text,
                    "message": text}


def test_no_insert_privilege(shared, table):
    shared.admin("POST", "user", {"user": "reader", "password": "r",
                                  "grants": ["SELECT"]})
    done = shared.raw_load("d", table(), rows((1, "a")), user="reader",
                           password="r", label="p1", **JSON)
    assert "INSERT privilege" in json.loads(done.stdout)["msg"]


@pytest.mark.parametrize("version, shape", [
    ("3.3.11", {"Status": "FAILED", "Message": "class com.starrocks.common."
                "DdlException: There is no 100-continue header"}),
    ("2.5.22", {"status": "FAILED", "msg": "There is no 100-continue"
                " header"}),
])
def test_expect_is_required(start, version, shape):
    server = start("--version", version)
    status, _, body = curl(server, "-X", "PUT", "-H", "Expect:",
                           url(server, "/api/d/t/_stream_load"))
    assert status == 200 and json.loads(body) == shape
    assert "no_expect" in server.bad_manners()


def test_no_backend(start):
    server = start()
    for number in (0, 1):
        server.admin("POST", "backend", {"number": number, "alive": False})
    answer = server.load("d", "t", "[]", label="l", **JSON)
    assert answer["Status"] == "FAILED"
    assert answer["Message"].endswith("No backend alive.")


def test_long_heads_are_refused(shared):
    status, _, _ = curl(shared, "-H", "columns: " + "x" * 33000,
                        url(shared, "/api/d/t/_stream_load"))
    assert status == 431
    status, _, _ = curl(shared, url(shared, "/api/" + "x" * 4200))
    assert status == 414
    status, _, _ = curl(shared, url(shared, "/nix"))
    assert status == 404


def test_names_are_percent_decoded(shared):
    shared.sql("DROP TABLE IF EXISTS d.`größe x` FORCE")
    shared.sql(CREATE % ("`größe x`", "id BIGINT NOT NULL, v VARCHAR(9)"))
    answer = shared.load("d", "gr%C3%B6%C3%9Fe%20x", rows((1, "a")),
                         label="odd-name", **JSON)
    assert answer["Status"] == "Success"
    assert shared.rows("d.`größe x`") == (("1", "a"),)


def test_answer_has_all_fields(shared, table):
    name = table()
    body = rows((1, "a"), (2, "b"))
    answer = shared.load("d", name, body, label=name, **JSON)
    assert list(answer) == [
        "TxnId", "Label", "Db", "Table", "Status", "Message",
        "NumberTotalRows", "NumberLoadedRows", "NumberFilteredRows",
        "NumberUnselectedRows", "LoadBytes", "LoadTimeMs", "BeginTxnTimeMs",
        "StreamLoadPlanTimeMs", "ReadDataTimeMs", "WriteDataTimeMs",
        "CommitAndPublishTimeMs"]
    assert answer["LoadBytes"] == len(body)


def test_label_rules(shared, table):
    name = table()
    bad = shared.load("d", name, rows((1, "a" * 21)), label=name, **JSON)
    assert bad["Status"] == "Fail"
    assert bad["Message"] == "too many filtered rows"
    assert shared.load_state("d", name) == "ABORTED"
    good = shared.load("d", name, rows((1, "a")), label=name, **JSON)
    assert good["Status"] == "Success"
    again = shared.load("d", name, rows((1, "b")), label=name, **JSON)
    assert again["Status"] == "Label Already Exists"
    assert again["ExistingJobStatus"] == "FINISHED"
    assert "label_reused_with_other_content" in shared.bad_manners()
    wrong = shared.load("d", name, rows((1, "b")), label="a b", **JSON)
    assert wrong["Status"] == "Fail"
    long = shared.load("d", name, rows((1, "b")), label="x" * 129, **JSON)
    assert long["Status"] == "Fail"
    assert shared.rows("d." + name) == (("1", "a"),)


def test_running_label(shared, table):
    name = table()
    shared.fault("hold", table=name)
    worker = threading.Thread(target=shared.load, args=(
        "d", name, rows((1, "a"))), kwargs=dict(JSON, label=name))
    worker.start()
    while not shared.admin("GET", "faults")["held"]:
        time.sleep(0.02)
    again = shared.load("d", name, rows((1, "a")), label=name, **JSON)
    assert again["ExistingJobStatus"] == "RUNNING"
    assert shared.load_state("d", name) == "PREPARE"
    assert shared.rows("d." + name) == ()
    shared.release()
    worker.join()
    assert shared.rows("d." + name) == (("1", "a"),)


def test_labels_are_forgotten(start):
    server = start()
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v VARCHAR(20)"))
    server.sql("ADMIN SET FRONTEND CONFIG (\"label_keep_max_num\" = \"2\")")
    for number in range(4):
        server.load("d", "t", rows((1, "a")), label="l%d" % number, **JSON)
    assert server.load_state("d", "l0") == "UNKNOWN"
    assert server.load_state("d", "l3") == "VISIBLE"
    server.admin("POST", "clock", {"seconds": 4 * 24 * 3600})
    assert server.load_state("d", "l3") == "UNKNOWN"


def test_cancel(shared, table):
    name = table()
    shared.fault("hold", table=name)
    results = []
    worker = threading.Thread(target=lambda: results.append(shared.load(
        "d", name, rows((1, "a")), label=name, **JSON)))
    worker.start()
    while not shared.admin("GET", "faults")["held"]:
        time.sleep(0.02)
    status, _, body = curl(shared, "-X", "POST", url(
        shared, "/api/d/%s/_cancel?label=%s" % (name, name)))
    assert status == 200 and json.loads(body)["status"] == "OK"
    assert shared.load_state("d", name) == "ABORTED"
    shared.release()
    worker.join()
    assert results[0]["Status"] == "Fail"
    assert shared.rows("d." + name) == ()


@pytest.mark.parametrize("headers, text", [
    ({"format": "xml"}, "unknown data format, format=xml"),
    ({"strict_mode": "maybe"}, "Invalid strict mode format"),
    ({"timeout": "x"}, "Invalid timeout format"),
    ({"timeout": "0"}, "timeout"),
    ({"max_filter_ratio": "x"}, "max_filter_ratio"),
    ({"columns": "id, v, v"}, "Duplicate column: v"),
    ({"columns": "id, w = v"}, "unknown reference column"),
    ({"columns": "id v"}, "syntax error"),
    ({"columns": "v"}, "Column has no default value. column: id"),
    ({"partial_update": "true", "columns": "v"},
     "key column id not in partial update columns"),
    ({"compression": "GZIP", "Content-Encoding": "gzip"}, "Both compression"),
    ({"compression": "RAR"}, "unsupported compression"),
    ({"merge_condition": "id"}, "should not be primary key"),
    ({"partitions": "a", "temporary_partitions": "b"}, "partitions"),
])
def test_bad_headers(shared, table, headers, text):
    name = table()
    settings = dict(JSON)
    settings.update(headers)
    answer = shared.load("d", name, rows((1, "a")), label=name + "-bad",
                         **settings)
    assert answer["Status"] == "Fail"
    assert text in answer["Message"]


def test_early_failure_comes_without_100(shared, table):
    """The body stays unread, and is not asked for."""
    name = table()
    pair = base64.b64encode(b"root:secret").decode()
    head = ("PUT /api/d/%s/_stream_load HTTP/1.1\r\nHost: x\r\n"
            "Authorization: Basic %s\r\nExpect: 100-continue\r\n"
            "format: %s\r\nlabel: %s\r\nContent-Length: 13\r\n\r\n")
    with socket.create_connection(("127.0.0.1",
                                   shared.ports["be"][0])) as sock:
        sock.sendall((head % (name, pair, "xml", "e1")).encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
    with socket.create_connection(("127.0.0.1",
                                   shared.ports["be"][0])) as sock:
        sock.sendall((head % (name, pair, "json", "e2")).encode())
        assert sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b'{"id":1,"v":1')
        sock.shutdown(socket.SHUT_WR)
        answer = sock.recv(65536)
    assert b'"Status": "Fail"' in answer


def test_backend_wants_credentials_again(shared, table):
    name = table()
    done = subprocess.run(
        ["curl", "-s", "-X", "PUT", "-d", "{}", "-H", "format: json", url(
            shared, "/api/d/%s/_stream_load" % name).replace(
                str(shared.ports["fe"]), str(shared.ports["be"][0]))],
        capture_output=True, check=False)
    assert "no valid Basic authorization" in \
        json.loads(done.stdout)["Message"]


def test_cut_body_fails(shared, table):
    name = table()
    pair = base64.b64encode(b"root:secret").decode()
    with socket.create_connection(("127.0.0.1",
                                   shared.ports["be"][0])) as sock:
        sock.sendall(("PUT /api/d/%s/_stream_load HTTP/1.1\r\nHost: x\r\n"
                      "Authorization: Basic %s\r\nformat: json\r\n"
                      "label: cut\r\nContent-Length: 100\r\n\r\n{\"id\": 1}"
                      % (name, pair)).encode())
        sock.shutdown(socket.SHUT_WR)
        answer = sock.recv(65536)
    assert b"receive body don't equal with body bytes" in answer
    assert shared.load_state("d", "cut") == "ABORTED"
    assert shared.rows("d." + name) == ()


def test_chunked(shared, table):
    name = table()
    answer = shared.load("d", name, rows((1, "a")).encode(), label=name,
                         curl=["chunked"], **JSON)
    assert answer["Status"] == "Success"
    sent = [r for r in shared.manners()["requests"]
            if r["where"] == "backend"][-1]
    assert sent["headers"]["transfer-encoding"] == "chunked"


def test_json_limit(shared, table):
    name = table()
    shared.config(json_limit=10)
    try:
        answer = shared.load("d", name, rows((1, "a")), label=name, **JSON)
        assert answer["Message"].startswith(
            "The size of this batch exceed the max size [10]  of json type")
        answer = shared.load("d", name, rows((1, "a")), label=name,
                             ignore_json_size="true", **JSON)
        assert answer["Status"] == "Success"
    finally:
        shared.config(json_limit=104857600)


@pytest.mark.parametrize("name, pack", [
    ("GZIP", gzip.compress), ("BZIP2", bz2.compress),
    ("LZ4_FRAME", lz4.frame.compress), ("ZLIB", zlib.compress),
    ("ZSTD", lambda d: zstandard.ZstdCompressor().compress(d)),
    ("zstd", lambda d: zstandard.ZstdCompressor().compress(d)),
])
def test_json_compression(shared, table, name, pack):
    target = table()
    label = "%s-%s" % (target, name)
    answer = shared.load("d", target, pack(rows((1, "a")).encode()),
                         label=label, compression=name, **JSON)
    assert answer["Status"] == "Success"
    assert shared.rows("d." + target) == (("1", "a"),)
    broken = pack(rows((2, "b")).encode())[:-3]
    answer = shared.load("d", target, broken, label=label + "-cut",
                         compression=name, **JSON)
    assert answer["Status"] == "Fail"


def test_compression_is_too_new(start):
    server = start("--version", "3.2.6")
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, v VARCHAR(20)"))
    answer = server.load("d", "t", gzip.compress(rows((1, "a")).encode()),
                         label="l", compression="GZIP", **JSON)
    assert answer["Status"] == "Fail"
    assert "compression_header_too_early" in server.bad_manners()


def test_compressed_csv_goes_by_format(shared, table):
    name = table()
    body = gzip.compress(b"1\ta\n")
    answer = shared.load("d", name, body, label=name + "1", format="gzip")
    assert answer["Status"] == "Success"
    answer = shared.load("d", name, body, label=name + "2", format="csv",
                         compression="GZIP")
    assert answer["Status"] == "Fail"


def test_errors_can_be_looked_up(shared, table):
    name = table()
    answer = shared.load("d", name, rows((1, "a"), (2, "b" * 21)),
                         label=name, **JSON)
    with urllib.request.urlopen(answer["ErrorURL"], timeout=10) as reply:
        text = reply.read().decode()
    assert text.startswith("Error: String (length=21) is too long. The max"
                           " length of 'v' is 20. Row: {")
    answer = shared.load("d", name, rows((1, "a"), (2, "b" * 21)),
                         label=name, max_filter_ratio="0.5", **JSON)
    assert answer["Status"] == "Success" and "ErrorURL" in answer
    assert answer["NumberFilteredRows"] == 1
    assert shared.rows("d." + name) == (("1", "a"),)


def test_empty_load_is_an_error(shared, table):
    name = table()
    answer = shared.load("d", name, "[]", label=name, **JSON)
    assert answer["Message"].startswith("No partitions have data available")


def test_unknown_names(shared):
    answer = shared.load("nix", "t", "{}", label="u1", format="json")
    assert answer["Message"] == "unknown database, database=nix"
    answer = shared.load("d", "nix", "{}", label="u2", format="json")
    assert answer["Message"] == "unknown table, table=d.nix"


def test_a_load_is_visible_as_a_whole(shared, table):
    name = table()
    shared.sql("INSERT INTO d.%s VALUES (1, 'old')" % name)
    counts = set()
    stop = threading.Event()

    def read():
        connection = shared.connect()
        with connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("SELECT count(*), max(v) FROM d." + name)
                counts.add(cursor.fetchone())
        connection.close()

    worker = threading.Thread(target=read)
    worker.start()
    body = rows(*[(i, "new") for i in range(20000)])
    answer = shared.load("d", name, body, label=name, **JSON)
    stop.set()
    worker.join()
    assert answer["Status"] == "Success"
    assert counts <= {(1, "old"), (20000, "new")}


def test_manners(shared, table):
    name = table()
    shared.load("d", name, rows((1, "a")), strict_mode="false",
                max_filter_ratio="0.1", **JSON)
    assert shared.bad_manners() == ["no_label", "no_max_filter_ratio_0",
                                    "no_strict_mode"]
    load = shared.loads()[-1]
    assert (load["table"], load["rows"], load["status"]) == (name, 1,
                                                             "Success")


def test_more_manners(shared, table):
    name = table()
    shared.load("d", name, '[{"id": 1, "w": 2}]', label=name,
                **dict(JSON, stict_mode="true"))
    assert shared.bad_manners() == ["unknown_header", "unknown_json_key"]
    notices = {n["manner"] for n in shared.manners()["notices"]}
    assert "json_key_missing_in_upsert" in notices


def test_a_follower_sends_clients_to_the_leader(start):
    server = start("--follower-port", "0")
    path = "/api/d/get_load_state?label=x"
    status, headers, _ = curl(server, url(server, path, "follower"))
    assert status == 307
    assert headers["location"] == url(server, path)
    status, headers, _ = curl(
        server, "-X", "PUT", "-H", "Expect: 100-continue",
        url(server, "/api/d/t/_stream_load", "follower"))
    assert status == 307
    assert int(headers["location"].split(":")[2].split("/")[0]) in \
        server.ports["be"]


def test_wrong_methods(shared, table):
    for method, path in (("POST", "/api/d/%s/_stream_load" % table()),
                         ("GET", "/api/transaction/begin"),
                         ("POST", "/api/d/get_load_state?label=x")):
        status, _, _ = curl(shared, "-X", method, "-H",
                            "Expect: 100-continue", url(shared, path))
        assert status == 404
