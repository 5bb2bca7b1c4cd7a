# SPDX-License-Identifier: Apache-2.0
"""Which tables are taken in, and what is said of those that can't be."""

import pytest


def names(lines):
    return [line[2] for line in lines if line[0] == "table"]


def refusal(source, table):
    lines = source.run("discover", tables=table)
    texts = [line[3] for line in lines if line[0] == "table"]
    assert len(texts) == 1
    return texts[0]


def needs_partitions(server):
    if server.version < 13:
        pytest.skip("PostgreSQL 13 brought partitioned tables to publications")


def test_patterns(source):
    for name in ("orders", "order_lines", "orders_archive", '"Mixed"',
                 '"a.b*"'):
        source.table(f"{name} (id integer PRIMARY KEY)")
    source.sql("CREATE SCHEMA other")
    source.table("other.orders (id integer PRIMARY KEY)")
    source.sql("CREATE VIEW order_view AS SELECT 1 AS id")

    def found(tables):
        return names(source.run("discover", tables=tables))

    assert found("public.order*, !public.*_archive") \
        == ["public.order_lines", "public.orders"]
    assert found("orders") == ["public.orders"]
    assert found("*.orders") == ["other.orders", "public.orders"]
    assert found("PUBLIC.Orders") == ["public.orders"]
    assert found('public."Mixed", "public"."a.b*"') \
        == ["public.Mixed", "public.a.b*"]
    assert found("public.order?") == ["public.orders"]
    assert found('"public".*,!public.order*') \
        == ["public.Mixed", "public.a.b*"]


def test_patterns_that_lead_nowhere(source):
    source.table("orders (id integer PRIMARY KEY)")
    source.run("discover", tables="public.ordres", expect=1)
    assert "has no table public.ordres" in source.errors
    source.run("discover", tables="nothing.*", expect=1)
    source.run("discover", tables="a b", expect=1)
    assert "comma" in source.errors
    source.run("discover", tables='"open', expect=1)
    source.run("discover", tables="public.orders, nothing.*")
    assert "no table of database" in source.errors


def test_refusals(source):
    sql = source.sql
    source.table("nokey (x integer)")
    assert "no usable key" in refusal(source, "nokey")
    source.table("nothing (id integer PRIMARY KEY)")
    sql("ALTER TABLE nothing REPLICA IDENTITY NOTHING")
    assert "NOTHING" in refusal(source, "nothing")
    sql("CREATE VIEW v AS SELECT 1 AS one")
    assert "view" in refusal(source, "v")
    sql("CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one")
    assert "view" in refusal(source, "mv")
    sql("CREATE UNLOGGED TABLE fast (id integer PRIMARY KEY)")
    assert "unlogged" in refusal(source, "fast")
    source.table("deferred (id integer PRIMARY KEY DEFERRABLE)")
    assert "deferrable" in refusal(source, "deferred")
    # Old rows in full do not help: the keys of two rows may be swapped in one
    # transaction, and the second change would delete the first one's row.
    sql("ALTER TABLE deferred REPLICA IDENTITY FULL")
    assert "deferrable" in refusal(source, "deferred")
    source.table("empty ()")
    assert refusal(source, "empty") != ""


def test_rights(source):
    source.table("secret (id integer PRIMARY KEY, a text, b text)",
                 owner="postgres")
    source.sql("GRANT SELECT (id, a) ON secret TO cdc")
    assert "may not read column b" in refusal(source, "secret")
    source.sql("GRANT SELECT ON secret TO cdc")
    assert refusal(source, "secret") == ""
    source.sql("ALTER TABLE secret ENABLE ROW LEVEL SECURITY")
    assert "row-level security" in refusal(source, "secret")
    source.run("prepare", tables="secret", expect=8)
    assert "row-level security" in source.errors


def test_identity_index(source):
    source.table("t (a text NOT NULL, id integer PRIMARY KEY, b integer"
                 " NOT NULL)")
    source.sql("CREATE UNIQUE INDEX by_ba ON t (b, a)")
    source.sql("ALTER TABLE t REPLICA IDENTITY USING INDEX by_ba")
    lines = source.run("copy")
    source.sql("INSERT INTO t VALUES ('x', 1, 7)")
    source.sql("UPDATE t SET b = 8")
    source.sql("DELETE FROM t")
    for told in (source.run("discover"), source.run("stream", confirm="no")):
        keys = {line[1]: line[6].split()[3] for line in told
                if line[0] == "column"}
        assert keys == {"a": "2", "id": "0", "b": "1"}
    lines = source.run("stream")
    assert [line[2:] for line in lines if line[0] == "update"] \
        == [["x", "1", "8", "old", "x", "~", "7"]]
    assert [line[2:] for line in lines if line[0] == "delete"] \
        == [["x", "~", "8"]]
    source.sql("DROP INDEX by_ba")
    assert "index of its replica identity is gone" in refusal(source, "t")


def test_partitions_before_13(source, server):
    if server.version >= 13:
        pytest.skip("PostgreSQL 13 publishes partitioned tables as one")
    source.table("p (id integer PRIMARY KEY) PARTITION BY RANGE (id)")
    source.table("p_1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    assert "before version 13" in refusal(source, "p")
    assert refusal(source, "p_1") == ""
    source.run("prepare", expect=8)
    assert "name its partitions" in source.errors


def test_partitions(source, server):
    needs_partitions(server)
    source.table("p (id integer, region text, v text, PRIMARY KEY (id, region))"
                 " PARTITION BY LIST (region)")
    source.table("p_eu PARTITION OF p FOR VALUES IN ('eu')")
    # Other columns before, and in another order.
    source.table("p_us (gone integer, v text, region text NOT NULL,"
                 " id integer NOT NULL)")
    source.sql("ALTER TABLE p_us DROP COLUMN gone")
    source.sql("ALTER TABLE p ATTACH PARTITION p_us FOR VALUES IN ('us')")
    source.table("p_rest PARTITION OF p DEFAULT PARTITION BY RANGE (id)")
    source.table("p_rest_1 PARTITION OF p_rest FOR VALUES FROM (0) TO (100)")
    source.sql("INSERT INTO p VALUES (1, 'eu', 'a'), (2, 'us', 'b'),"
               " (3, 'xx', 'c')")
    assert names(source.run("discover")) == ["public.p"]
    lines = source.run("copy")
    assert sorted(line[2:] for line in lines if line[0] == "read") \
        == [["1", "eu", "a"], ["2", "us", "b"], ["3", "xx", "c"]]
    source.sql("INSERT INTO p_us VALUES ('d', 'us', 4)")
    source.sql("UPDATE p SET region = 'eu' WHERE id = 2")
    source.sql("TRUNCATE p")
    lines = [line for line in source.run("stream")
             if line[0] in ("insert", "update", "delete", "truncate")]
    table = lines[0][1]
    assert [[line[0]] + line[2:] for line in lines] == [
        ["insert", "4", "us", "d"],
        ["delete", "2", "us", "~"],
        ["insert", "2", "eu", "b"],
        ["truncate"],
    ]
    assert {line[1] for line in lines} == {table}
    assert source.run("fetch", keys="1;eu") == []


def test_partition_by_itself(source):
    source.table("p (id integer PRIMARY KEY) PARTITION BY RANGE (id)")
    source.table("p_1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    source.sql("INSERT INTO p VALUES (1)")
    lines = source.run("copy", tables="p_1")
    assert [line[2:] for line in lines if line[0] == "read"] == [["1"]]
    source.sql("INSERT INTO p VALUES (2)")
    lines = source.run("stream", tables="p_1")
    assert [line[2:] for line in lines if line[0] == "insert"] == [["2"]]


def test_foreign_leaf(source, server):
    needs_partitions(server)
    source.sql("CREATE EXTENSION file_fdw")
    source.sql("CREATE SERVER files FOREIGN DATA WRAPPER file_fdw")
    source.table("p (id integer) PARTITION BY RANGE (id)")
    source.sql("CREATE FOREIGN TABLE p_1 PARTITION OF p FOR VALUES FROM (0)"
               " TO (10) SERVER files OPTIONS (filename '/dev/null')")
    assert "p_1 is a foreign" in refusal(source, "p")


def test_inheritance_is_no_partitioning(source):
    source.table("parent (id integer PRIMARY KEY)")
    source.sql("CREATE TABLE child () INHERITS (parent)")
    source.sql("ALTER TABLE child ADD PRIMARY KEY (id)")
    source.sql("ALTER TABLE child OWNER TO cdc")
    source.sql("INSERT INTO parent VALUES (1)")
    source.sql("INSERT INTO child VALUES (2)")
    lines = source.run("copy", tables="parent")
    assert [line[2:] for line in lines if line[0] == "read"] == [["1"]]
    source.sql("INSERT INTO child VALUES (3)")
    assert not [line for line in source.run("stream", tables="parent")
                if line[0] == "insert"]


def test_generated_columns(source):
    source.table("g (id integer PRIMARY KEY, twice integer GENERATED ALWAYS AS"
                 " (id * 2) STORED, v text)")
    source.sql("INSERT INTO g VALUES (1, DEFAULT, 'a')")
    lines = source.run("copy")
    assert [line[2:] for line in lines if line[0] == "read"] == [["1", "a"]]
    source.sql("INSERT INTO g VALUES (2, DEFAULT, 'b')")
    lines = source.run("stream")
    assert [line[2:] for line in lines if line[0] == "insert"] == [["2", "b"]]
