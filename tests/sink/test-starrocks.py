# SPDX-License-Identifier: Apache-2.0
"""The StarRocks sink by itself, against the stand-in."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

SOURCE = pathlib.Path(os.environ["abs_top_srcdir"])
BUILD = pathlib.Path(os.environ["abs_top_builddir"])
sys.dont_write_bytecode = True
sys.path[:0] = [str(SOURCE / "tests" / name)
                for name in ("house", "sink", "starrocks")]

from house import Tap, skip_all  # noqa: E402
from sink import *  # noqa: E402,F403

CONNECTOR = BUILD / "plugins" / "starrocks" / ".libs" / "starrocks.so"
DRIVER = BUILD / "tests" / "sink" / "driver"

try:
    import lz4.frame  # noqa: F401
    import pymysql  # noqa: F401
    import zstandard  # noqa: F401

    from client import StandIn  # noqa: E402
except ImportError as missing:
    skip_all(f"the stand-in needs more Python packages: {missing}")
if not CONNECTOR.exists():
    skip_all("the starrocks connector was not built")

FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="ezcdc-sink-"))
SIMPLE = table("t", column("id", INT64, 1), column("v"))


def options(server, **more):
    given = dict(
        host="127.0.0.1",
        port=str(server.ports["mysql"]),
        load_url=f"http://127.0.0.1:{server.ports['fe']}",
        database="shop",
        user="root",
        password="secret",
        replication_num="1",
    )
    given.update(more)
    return {name: value for name, value in given.items() if value is not None}


def expect(answer, code, *parts):
    """The answer has this code, and its message these parts."""
    text = answer["error"]
    assert answer["code"] == code, f"code {answer['code']}, not {code}: {text}"
    for part in parts:
        assert part in text, f"{part!r} is not in {text!r}"
    return answer


@contextlib.contextmanager
def opened(server, body_limit=0, tls=None, **more):
    sink = Sink(DRIVER, CONNECTOR)
    try:
        expect(sink("open", options=options(server, **more),
                    body_limit=body_limit, tls=tls or {}), OK)
        yield sink
        expect(sink("close"), OK)
    finally:
        status = sink.end()
        # Not to hide an error on its way.
        if sys.exc_info()[0] is None:
            assert status == 0, f"the driver ended with {status}"


@contextlib.contextmanager
def stand_in(*arguments, **more):
    folder = tempfile.mkdtemp(dir=FOLDER)
    with StandIn(folder, *arguments, **more) as server:
        yield server


class Shared:
    """The stand-in of the tests that need nothing special."""

    server = None
    round = 0


def fresh():
    """An empty stand-in.  Labels outlive it, so each round has its own."""
    server = Shared.server
    Shared.round += 1
    server.clear_faults()
    server.config(version_limit=1000, alter_delay=0.05)
    server.admin("DELETE", "manners")
    with contextlib.suppress(Exception):
        server.sql("DROP DATABASE IF EXISTS shop FORCE")
    return server


def write(sink, table_, label, *rows, **more):
    return sink("write", table=table_, label=f"r{Shared.round}-{label}",
                rows=list(rows), **more)


def used_labels(server):
    """Without the number of the round, and only of this one."""
    start = f"r{Shared.round}-"
    return [load["label"][len(start):] for load in server.loads()
            if load["label"].startswith(start)]


def polite(server):
    bad = server.manners()["bad"]
    assert not bad, bad


# ---- types and values

TYPES = table(
    "types",
    column("k", STRING, 1, length=20),
    column("flag", BOOL),
    column("small", INT16),
    column("middle", INT32),
    column("big", INT64),
    column("price", DECIMAL, precision=10, scale=2),
    column("exact", DECIMAL),
    column("huge", DECIMAL, precision=60, scale=5),
    column("single", FLOAT32),
    column("double", FLOAT64),
    column("text"),
    column("bytes", BYTES),
    column("date", DATE),
    column("time", TIME),
    column("at", TIMESTAMP),
    column("atz", TIMESTAMPTZ),
    column("uuid", UUID),
    column("doc", JSON),
    column("span", INTERVAL),
    column("list", ARRAY, element_type=INT32),
    column("other", OTHER),
)
TYPE_ROWS = [
    ["1", "true", "-32768", "2147483647", "-9223372036854775808", "-1.50",
     "123456789012345678901234567890.000000001", "-" + "9" * 55 + ".00001",
     "3.4028235e+38", "0.1", 'quote " back \\ nl \n tab \t nul-ish \x01 é 😀',
     "00ff7f", "2024-02-29", "24:00:00", "2024-01-02 03:04:05.000001",
     "0001-01-01 00:00:00", "123e4567-e89b-12d3-a456-426614174000",
     '{"b": 1, "a": [1.10, null], "b": 2}', "1 year -2 mons 04:05:06.7",
     "{1,NULL,3}", "(1,2)"],
    ["2", "false", "0", "0", "9223372036854775807", "99999999.99", "NaN",
     "0.00000", "1e-45", "-0", "", "", "0000-01-01", "00:00:00",
     "9999-12-31 23:59:59.999999", "2024-01-02 03:04:05", "u", "null",
     "-00:00:01", "{}", ""],
    ["3", None, None, None, None, None, None, None, "NaN", "NaN", "\\N", None,
     None, None, None, None, None, "[]", None, None, None],
    ["4", None, None, None, None, None, "-Infinity", None, "-Infinity",
     "Infinity", "null", None, None, None, None, None, None, None, None, None,
     None],
    ["5", None, None, None, None, "0.00", "0", None, "0.1",
     "1.7976931348623157e+308", " x ", None, None, None, None, None, None,
     None, None, None, None],
    ["6", None, None, None, None, None, None, None, "16777216",
     "0.30000000000000004", None, None, None, None, None, None, None, None,
     None, None, None],
    ["7", None, None, None, None, None, None, None, "1.6777216e+07", "5e-324",
     None, None, None, None, None, None, None, None, None, None, None],
]


def read_as(row):
    """FLOAT32 16777216 is printed in the form that PostgreSQL gives it."""
    return ["1.6777216e+07" if name == "16777216" else name for name in row]


def test_types():
    """every logical type comes back as it was written"""
    server = fresh()
    for compression in "none", "zstd", "lz4_frame":
        with opened(server, compression=compression) as sink:
            expect(sink("prepare", table=TYPES), OK)
            expect(write(sink, TYPES, "types-" + compression,
                         *(upsert(*row) for row in TYPE_ROWS)), OK)
            assert sink.rows(TYPES) == sorted(map(read_as, TYPE_ROWS))
            expect(write(sink, TYPES, "gone-" + compression,
                         *(delete(row[0], *[None] * 20) for row in TYPE_ROWS)),
                   OK)
            assert sink.rows(TYPES) == []
    polite(server)


def test_versions():
    """versions from 2.5 to 4.1, both run modes"""
    for version in "2.5.13", "3.1.10", "3.2.7", "3.5.2", "4.1.0":
        for mode in "shared_nothing", "shared_data":
            if mode == "shared_data" and version < "3.1":
                continue
            with stand_in("--version", version, "--run-mode", mode) as server:
                more = {"replication_num": None} if mode == "shared_data" \
                    else {}
                with opened(server, **more) as sink:
                    expect(sink("prepare", table=TYPES), OK)
                    expect(write(sink, TYPES, "a",
                                 *(upsert(*row) for row in TYPE_ROWS)), OK)
                    assert sink.rows(TYPES) == sorted(map(read_as, TYPE_ROWS))
                    expect(write(sink, TYPES, "b",
                                 upsert("2", *[UNCHANGED] * 9, "new", "ff",
                                        *[UNCHANGED] * 9)), OK)
                    changed = sink.rows(TYPES)[1]
                    assert changed[10:12] == ["new", "ff"], changed
                    assert changed[:10] == TYPE_ROWS[1][:10], changed
                    grown = table("types", *TYPES["columns"], column("new"),
                                  version=2)
                    expect(sink("prepare", table=grown), OK)
                polite(server)


def test_a_catalog_that_does_not_tell_of_generated_columns():
    """a server that does not know the column, whatever its version"""
    server = fresh()
    server.fault("sql_error", table="(?s).*GENERATION_EXPRESSION.*", times=99,
                 message="Column 'GENERATION_EXPRESSION' cannot be resolved.")
    with opened(server) as sink:
        expect(sink("prepare", table=TYPES), OK)
        expect(sink("prepare", table=TYPES), OK)
        expect(write(sink, TYPES, "a", *(upsert(*row) for row in TYPE_ROWS)),
               OK)
        assert sink.rows(TYPES) == sorted(map(read_as, TYPE_ROWS))
    server.clear_faults()
    polite(server)


def test_compression_that_the_server_does_not_know():
    """it would take the body for broken rows"""
    with stand_in("--version", "3.1.11") as server:
        for method in "zstd", "lz4_frame":
            with opened(server, compression=method) as sink:
                answer = expect(sink("prepare", table=TYPES), CONFIG)
                assert "compression" in answer["error"], answer
        assert not server.loads()
        with opened(server, compression="none") as sink:
            expect(sink("prepare", table=TYPES), OK)


def test_native_types():
    """json_type = json and decimal_unlimited = decimal"""
    server = fresh()
    docs = table("docs", column("id", INT64, 1), column("doc", JSON),
                 column("n", DECIMAL))
    with opened(server, json_type="json", decimal_unlimited="decimal",
                decimal_scale="3") as sink:
        expect(sink("prepare", table=docs), OK)
        expect(write(sink, docs, "a", upsert("1", '{"a":[1,"x"]}', "1.500")),
               OK)
        assert sink.rows(docs)[0][2] == "1.500"
        answer = expect(write(sink, docs, "b", upsert("2", "null", None),
                              upsert("3", None, "0.0001")), ROW)
        assert [row for row, _ in answer["refused"]] == [0, 1]
    polite(server)


def test_refused():
    """a value that StarRocks would change is refused before anything leaves"""
    server = fresh()
    wide = table("wide", column("k", STRING, 1), column("d", DATE),
                 column("at", TIMESTAMP), column("n", DECIMAL, precision=5,
                                                 scale=2),
                 column("s", STRING, length=2))
    rows = [
        upsert("ok", "2024-01-01", None, "999.99", "ab"),
        upsert("a", "infinity", None, None, None),
        upsert("b", None, "10000-01-01 00:00:00", None, None),
        upsert("c", None, None, "NaN", None),
        upsert("d", None, None, None, "x" * 9),
        upsert("e" * 129, None, None, None, None),
        delete("f", "infinity", None, None, None),
    ]
    with opened(server) as sink:
        expect(sink("prepare", table=wide), OK)
        before = len(server.loads())
        answer = expect(write(sink, wide, "a", *rows), ROW)
        assert [row for row, _ in answer["refused"]] == [1, 2, 3, 4, 5]
        reasons = dict(answer["refused"])
        assert '"d"' in reasons[1] and "infinite" in reasons[1]
        assert "x" * 9 not in reasons[4]
        assert len(server.loads()) == before
        expect(write(sink, wide, "a", rows[0], rows[6]), OK)
        assert len(sink.rows(wide)) == 1
    polite(server)


# ---- writing


def test_unchanged():
    """unchanged values stay, in one partial update a set of columns"""
    server = fresh()
    three = table("three", column("id", INT64, 1), column("a"),
                  column("b", BYTES), column("c"))
    with opened(server) as sink:
        expect(sink("prepare", table=three), OK)
        expect(write(sink, three, "a",
                     *(upsert(str(i), "a", "0102", "c") for i in range(6))),
               OK)
        before = len(server.loads())
        expect(write(sink, three, "b",
                     upsert("0", "A", UNCHANGED, "C"),
                     upsert("1", UNCHANGED, UNCHANGED, "C"),
                     upsert("2", "A", UNCHANGED, None),
                     upsert("3", UNCHANGED, "03", UNCHANGED),
                     upsert("4", "A", "04", "C"),
                     delete("5", None, None, None)), OK)
        assert len(server.loads()) - before == 4
        assert sink.rows(three) == [
            ["0", "A", "0102", "C"], ["1", "a", "0102", "C"],
            ["2", "A", "0102", None], ["3", "a", "03", "c"],
            ["4", "A", "04", "C"]]
        labels = used_labels(server)
        assert len(set(labels)) == len(labels)
    polite(server)


def test_parts():
    """a batch beyond the body limit is several loads, each found again"""
    server = fresh()
    rows = [upsert(str(i), "x" * 1000) for i in range(50)]
    with opened(server, body_limit=10000) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        server.fault("drop_before_reply", label=".*-3-.*", committed=False)
        expect(write(sink, SIMPLE, "big", *rows), UNAVAILABLE)
        first = used_labels(server)
        expect(write(sink, SIMPLE, "big", *rows), OK)
        assert len(sink.rows(SIMPLE)) == 50
        labels = used_labels(server)
        assert len(set(labels)) == 6, labels
        assert all(label.startswith("big-") and len(label) <= 128
                   for label in labels)
        assert set(first) <= set(labels)
    # Other cuts have other labels: nothing is taken for done that is not.
    with opened(server, body_limit=20000) as sink:
        other = [upsert(str(i), "y" * 1000) for i in range(50)]
        expect(sink("prepare", table=SIMPLE), OK)
        expect(write(sink, SIMPLE, "big", *other), OK)
        assert all(row[1][0] == "y" for row in sink.rows(SIMPLE))
    polite(server)


def test_one_row_beyond_the_limit():
    """a row that is larger than a body goes alone"""
    server = fresh()
    with opened(server, body_limit=1000) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        expect(write(sink, SIMPLE, "a", upsert("1", "x"),
                     upsert("2", "x" * 100000), upsert("3", "x")), OK)
        assert len(sink.rows(SIMPLE)) == 3
    polite(server)


def test_truncate():
    """truncate empties first, and a repeated attempt has the same result"""
    server = fresh()
    with opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        expect(write(sink, SIMPLE, "a", upsert("1", "old")), OK)
        expect(write(sink, SIMPLE, "b", upsert("2", "new"), truncate=True), OK)
        assert sink.rows(SIMPLE) == [["2", "new"]]
        expect(write(sink, SIMPLE, "b", upsert("2", "new"), truncate=True), OK)
        assert sink.rows(SIMPLE) == [["2", "new"]]
        server.fault("drop_before_reply", committed=True)
        expect(write(sink, SIMPLE, "c", upsert("3", "x"), truncate=True), OK)
        assert sink.rows(SIMPLE) == [["3", "x"]]
        expect(write(sink, SIMPLE, "d", truncate=True), OK)
        assert sink.rows(SIMPLE) == []
        expect(write(sink, SIMPLE, "e"), OK)
        # What will be refused does not empty the table.
        expect(write(sink, SIMPLE, "f", upsert("1", "kept")), OK)
        expect(write(sink, SIMPLE, "g", upsert("2", "x" * 1048577),
                     truncate=True), ROW)
        assert sink.rows(SIMPLE) == [["1", "kept"]]
    polite(server)


def test_search():
    """rows that only StarRocks refuses are found by halves"""
    server = fresh()
    keyed = table("keyed", column("k", STRING, 1), column("v"))
    rows = [upsert(f"{i}", "x") for i in range(100)]
    for i in 7, 8, 93:
        rows[i] = upsert("k" * 200 + str(i), "x")
    with opened(server, key_limit="1024B") as sink:
        expect(sink("prepare", table=keyed), OK)
        answer = expect(write(sink, keyed, "a", *rows), ROW)
        assert sorted(row for row, _ in answer["refused"]) == [7, 8, 93]
        assert all("primary key size" in why for _, why in answer["refused"])
        good = [row for i, row in enumerate(rows) if i not in (7, 8, 93)]
        expect(write(sink, keyed, "a", *good), OK)
        assert len(sink.rows(keyed)) == 97


def test_parallel():
    """several tables at once, from several threads"""
    server = fresh()
    tables = [table(f"p{i}", column("id", INT64, 1), column("v"))
              for i in range(8)]
    with opened(server, compression="zstd") as sink:
        expect(sink("parallel", requests=[dict(do="prepare", table=one)
                                          for one in tables]), OK)
        for turn in range(3):
            expect(sink("parallel", requests=[
                dict(do="write", table=one, label=f"r{Shared.round}-{i}-{turn}",
                     rows=[upsert(str(k), f"{turn} {k}") for k in range(200)])
                for i, one in enumerate(tables)]), OK)
        for one in tables:
            assert len(sink.rows(one)) == 200
    polite(server)


def test_again():
    """the same label again is one load"""
    server = fresh()
    with opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        for _ in range(3):
            expect(write(sink, SIMPLE, "same", upsert("1", "x")), OK)
        loads = [load for load in server.loads()
                 if load["label"].endswith("-same")]
        assert [load["status"] for load in loads] == [
            "Success", "Label Already Exists", "Label Already Exists"], loads
    polite(server)


# ---- outcomes

LOST = [
    ("drop_before_reply", dict(committed=True), OK),
    ("drop_before_reply", dict(committed=False), UNAVAILABLE),
    ("drop_in_reply", {}, OK),
    ("truncated_json", {}, OK),
    ("unknown_status", {}, OK),
    ("publish_delay", dict(seconds=1, reply_after=0), OK),
    ("drop_before_redirect", {}, UNAVAILABLE),
    ("drop_after_redirect", {}, UNAVAILABLE),
    ("drop_in_body", dict(bytes=10), UNAVAILABLE),
    ("http_error", dict(status=502), UNAVAILABLE),
    ("http_error_backend", dict(status=503), UNAVAILABLE),
    ("redirect_loop", dict(times=9), UNAVAILABLE),
    ("redirect_without_location", {}, UNAVAILABLE),
    ("too_many_versions", {}, THROTTLED),
    ("too_many_versions_after_body", {}, THROTTLED),
    ("fail", dict(message="Service is shutting down, please retry later!"),
     UNAVAILABLE),
    ("fail", dict(message="current running txns on db 10 is 1000, larger than"
                  " limit 1000"), THROTTLED),
    ("fail", dict(message="Memory of process exceed limit."), THROTTLED),
    ("frontend_fail", dict(message="No backend alive."), UNAVAILABLE),
    ("fail_after_body", dict(message="timeout by txn manager"), UNAVAILABLE),
]


def test_outcomes():
    """whatever gets lost, the label settles it and the row is there once"""
    server = fresh()
    with opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        for number, (action, rule, code) in enumerate(LOST):
            server.clear_faults()
            server.fault(action, **rule)
            label = f"lost-{number}"
            answer = write(sink, SIMPLE, label, upsert(str(number), action))
            assert answer["code"] == code, (action, rule, answer["error"])
            if "status" in rule:
                assert f"HTTP {rule['status']} " in answer["error"], answer
            server.clear_faults()
            if code != OK:
                expect(write(sink, SIMPLE, label,
                             upsert(str(number), action)), OK)
            assert [str(number), action] in sink.rows(SIMPLE), action
    polite(server)


def test_redirects():
    """loads go to nodes that the cluster lists, and to no others"""
    server = fresh()
    with opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        server.fault("redirect_to", host="127.0.0.1", port=9)
        expect(write(sink, SIMPLE, "a", upsert("1", "x")), CONFIG, "refused")
        expect(write(sink, SIMPLE, "a", upsert("1", "x")), OK)
    polite(server)


def test_frontends():
    """the next frontend is taken when one does not answer"""
    server = fresh()
    with opened(server, load_url="http://127.0.0.1:1,127.0.0.1:"
                f"{server.ports['fe']}") as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        expect(write(sink, SIMPLE, "a", upsert("1", "x")), UNAVAILABLE)
        expect(write(sink, SIMPLE, "a", upsert("1", "x")), OK)
        expect(write(sink, SIMPLE, "b", upsert("1", "x")), OK)


def test_stop():
    """an interruption ends a wait"""
    server = fresh()
    with opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        server.fault("publish_delay", seconds=30, reply_after=0)
        answer = expect(sink("write", table=SIMPLE, label="slow",
                             rows=[upsert("1", "x")], interrupt_after=2),
                        STOPPED)
        begun, ended = answer["waits"]
        assert "slow" in begun and ended is None


def test_credentials():
    """a refused password and a revoked one"""
    server = fresh()
    with opened(server, password="wrong") as sink:
        answer = expect(sink("prepare", table=SIMPLE), CREDENTIAL)
        assert "wrong" not in answer["error"].replace("what is wrong", "")
        expect(sink("check", tables=[]), CREDENTIAL)


# ---- tables


def test_grow():
    """columns are added and widened, dropped ones stay"""
    server = fresh()
    grown = table("t", column("id", INT64, 1), column("v"),
                  column("n", INT32), column("s", STRING, length=5), version=2)
    wider = table("t", column("id", INT64, 1), column("n", INT64),
                  column("s"), version=3)
    with opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        expect(write(sink, SIMPLE, "a", upsert("1", "x")), OK)
        expect(sink("prepare", table=grown), OK)
        expect(write(sink, grown, "b", upsert("2", "y", "7", "abcde")), OK)
        assert sink.rows(grown) == [["1", "x", None, None],
                                    ["2", "y", "7", "abcde"]]
        expect(sink("prepare", table=wider), OK)
        expect(write(sink, wider, "c",
                     upsert("3", "9223372036854775807", "z" * 100)), OK)
        assert sink.rows(wider) == [
            ["1", None, None], ["2", "7", "abcde"],
            ["3", "9223372036854775807", "z" * 100]]
        # Once more: nothing is left to do.
        before = len(server.manners()["statements"])
        expect(sink("prepare", table=wider), OK)
        assert not any("ALTER TABLE `" in str(s) for s in
                       server.manners()["statements"][before:])
    polite(server)


def test_foreign_tables():
    """tables made by somebody else: used if they can be, refused by name"""
    server = fresh()
    server.sql("CREATE DATABASE shop")
    make = ("CREATE TABLE shop.t (%s) %s DISTRIBUTED BY HASH (id)"
            ' PROPERTIES ("replication_num" = "1")')
    refused = [
        ("id BIGINT NOT NULL, v VARCHAR(10)", "DUPLICATE KEY (id)",
         "not a PRIMARY KEY table"),
        ("id BIGINT NOT NULL, x INT NOT NULL, v VARCHAR(10)",
         "PRIMARY KEY (id, x)", "its PRIMARY KEY is not (`id`)"),
        ("id INT NOT NULL, v VARCHAR(10)", "PRIMARY KEY (id)",
         "`id` is INT and can't become BIGINT"),
        ("id BIGINT NOT NULL, v DATETIME", "PRIMARY KEY (id)",
         "`v` is DATETIME and can't become VARCHAR(1048576)"),
        ("id BIGINT NOT NULL, v VARCHAR(10), own INT NOT NULL",
         "PRIMARY KEY (id)", "`own` is NOT NULL without a default"),
    ]
    with opened(server) as sink:
        for columns, key, part in refused:
            server.sql("DROP TABLE IF EXISTS shop.t FORCE")
            server.sql(make % (columns, key))
            expect(sink("prepare", table=SIMPLE), OPERATOR, part)
            reports = sink("check", tables=[SIMPLE])["reports"]
            assert any(outcome == "fail" and part in finding
                       for outcome, _, finding, _ in reports), reports
        server.sql("DROP TABLE shop.t FORCE")
        server.sql(make % ('ID BIGINT NOT NULL, V VARCHAR(10) NOT NULL,'
                           ' own INT NOT NULL DEFAULT "5", free INT',
                           "PRIMARY KEY (ID)"))
        expect(sink("prepare", table=SIMPLE), OK)
        expect(write(sink, SIMPLE, "a", upsert("1", "x"), upsert("2", None)),
               OK)
        expect(write(sink, SIMPLE, "b", delete("2", None)), OK)
        assert sink.rows(SIMPLE) == [["1", "x"]]
        assert server.sql("SELECT own, free FROM shop.t") == ((5, None),)
    polite(server)


def test_names():
    """odd names of tables and columns; names that differ only in case"""
    server = fresh()
    odd = table("Ördérs \"x\"", column("sélect", INT64, 1),
                column("a`b"), column("by'te", BYTES), column("from"))
    twins = table("twins", column("id", INT64, 1), column("V"), column("v"))
    with opened(server) as sink:
        expect(sink("prepare", table=odd), OK)
        expect(write(sink, odd, "a", upsert("1", "x", "ff", "y")), OK)
        expect(write(sink, odd, "b", upsert("1", UNCHANGED, UNCHANGED, "z")),
               OK)
        assert sink.rows(odd) == [["1", "x", "ff", "z"]]
        expect(sink("prepare", table=twins), OPERATOR, '"V" and "v"')
        expect(sink("prepare", table=table("nokey", column("v"))), OPERATOR,
               "no key")
    polite(server)


def test_dropped_table():
    """a table that vanished is prepared again"""
    server = fresh()
    with opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), OK)
        server.sql("DROP TABLE shop.t FORCE")
        expect(write(sink, SIMPLE, "a", upsert("1", "x")), SCHEMA)
        expect(sink("prepare", table=SIMPLE), OK)
        expect(write(sink, SIMPLE, "a", upsert("1", "x")), OK)


def test_slow_alter():
    """a schema change that takes long hands control back"""
    server = fresh()
    grown = table("t", *SIMPLE["columns"], column("n", INT64), version=2)
    with opened(server) as sink:
        expect(sink("prepare", table=table("t", column("id", INT64, 1),
                                           column("v", STRING, length=1))), OK)
        server.config(alter_delay=3600)
        server.sql("ALTER TABLE shop.t MODIFY COLUMN v VARCHAR(40) NULL")
        expect(sink("prepare", table=grown, interrupt_after=3), STOPPED)


def test_check():
    """check reports, changes nothing"""
    server = fresh()
    with opened(server) as sink:
        answer = expect(sink("check", tables=[SIMPLE]), OK)
        assert [report[0] for report in answer["reports"]] == ["ok"] * 5, answer
        assert not server.sql("SHOW DATABASES LIKE 'shop'")
    with opened(server, load_url="http://127.0.0.1:1") as sink:
        expect(sink("check", tables=[]), UNAVAILABLE)
    with opened(server, port="1") as sink:
        expect(sink("check", tables=[]), UNAVAILABLE, "port 1")
    polite(server)


# ---- TLS


def certificate(name, subject):
    cert, key = FOLDER / f"{name}.pem", FOLDER / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-keyout", key, "-out", cert, "-subj", "/CN=" + name, "-addext",
         "subjectAltName=" + subject], check=True, capture_output=True)
    return str(cert), str(key)


def test_tls_modes():
    """each ssl_mode against servers with and without TLS"""
    cert, key = certificate("right", "IP:127.0.0.1")
    named, named_key = certificate("named", "DNS:elsewhere.example")
    wrong = certificate("wrong", "IP:127.0.0.1")[0]
    plain, secure = [[None, None]], None
    cases = [  # the server's certificate, mode, CA, result
        (cert, key, "disable", None, OK, plain),
        (cert, key, "prefer", None, OK, secure),
        (cert, key, "require", None, OK, secure),
        (cert, key, "require", wrong, CONFIG, None),
        (cert, key, "verify-ca", cert, OK, secure),
        (cert, key, "verify-ca", wrong, CONFIG, None),
        (cert, key, "verify-full", cert, OK, secure),
        (cert, key, "verify-full", wrong, CONFIG, None),
        (cert, key, "verify-full", None, CONFIG, None),
        (named, named_key, "verify-ca", named, OK, secure),
        (named, named_key, "verify-full", named, CONFIG, None),
        (None, None, "disable", None, OK, plain),
        (None, None, "prefer", None, OK, plain),
        (None, None, "require", None, CONFIG, None),
        (None, None, "verify-ca", cert, CONFIG, None),
        (None, None, "verify-full", cert, CONFIG, None),
    ]
    servers = {}
    with contextlib.ExitStack() as stack:
        for cert_, key_, mode, root, code, negotiated in cases:
            if cert_ not in servers:
                servers[cert_] = stack.enter_context(
                    stand_in("--tls-cert", cert_, "--tls-key", key_) if cert_
                    else stand_in("--no-mysql-tls"))
            what = f"{mode} CA {root} server {cert_}"
            with opened(servers[cert_], tls=dict(mode=mode, root_cert=root),
                        load_plaintext="allow") as sink:
                answer = sink("prepare", table=SIMPLE)
                assert answer["code"] == code, f"{what}: {answer}"
                if code != OK:
                    assert "secret" not in answer["error"]
                    continue
                if negotiated is secure:
                    assert answer["negotiated"][0][0] == "TLSv1.2", what
                    assert answer["negotiated"][0][1], what
                else:
                    assert answer["negotiated"] == negotiated, what


def test_tls_minimum():
    """a server with an older TLS than demanded is refused"""
    cert, key = certificate("old", "IP:127.0.0.1")
    with stand_in("--tls-cert", cert, "--tls-key", key) as server, \
            opened(server, tls=dict(mode="verify-full", root_cert=cert,
                                    minimum_version="TLSv1.3"),
                   load_plaintext="allow") as sink:
        assert sink("prepare", table=SIMPLE)["code"] in (CONFIG, UNAVAILABLE)


def test_tls_required():
    """a server that wants TLS says so"""
    cert, key = certificate("must", "IP:127.0.0.1")
    with stand_in("--tls-cert", cert, "--tls-key", key,
                  "--tls-required") as server, opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), CONFIG, "ssl_enabled")


def test_clear_password():
    """a server that asks for the password in the clear does not get it"""
    with stand_in("--clear-user", "root") as server, opened(server) as sink:
        expect(sink("prepare", table=SIMPLE), CONFIG,
               "mysql_native_password")
        assert "clear_password_without_tls" not in server.bad_manners()


def test_plaintext_loads():
    """http:// beside TLS needs consent, but not over the loopback"""
    sink = Sink(DRIVER, CONNECTOR)
    given = dict(host="fe", database="d", user="u", password="p")
    far = dict(given, load_url="http://fe.example:8030")
    tls = dict(mode="verify-full")
    expect(sink("open", options=far, tls=tls), CONFIG, "load_plaintext")
    expect(sink("open", options=dict(far, load_plaintext="allow"), tls=tls),
           OK)
    expect(sink("close"), OK)
    expect(sink("open", options=far, tls=dict(mode="disable")), OK)
    expect(sink("close"), OK)
    near = dict(given, load_url="http://127.0.0.1:8030")
    expect(sink("open", options=near, tls=tls), OK)
    expect(sink("close"), OK)
    expect(sink("open", options=dict(given, load_url="fe:8030")), CONFIG,
           "load_url")
    assert sink.end() == 0


def main():
    tap = Tap()
    only = sys.argv[1:]
    tests = [(name, function) for name, function in globals().items()
             if name.startswith("test_") and (not only or name in only)]
    with stand_in() as Shared.server:
        for name, function in tests:
            try:
                function()
                problems = []
            except Exception:  # whatever it was, the others still run
                problems = traceback.format_exc().splitlines()
            tap.result(not problems, f"{name}: {function.__doc__}", problems)
    subprocess.run(["rm", "-rf", str(FOLDER)], check=True)
    tap.end()


main()
