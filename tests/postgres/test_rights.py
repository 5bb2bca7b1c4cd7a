# SPDX-License-Identifier: Apache-2.0
"""What the role may not do is told by check, with the statement that mends it."""

import pytest


def failures(source, **options):
    """{subject: (finding, remedy)} of what check finds missing."""
    return {line[1]: (line[2], line[3]) for line in
            source.run("check", **options) if line[0] == "fail"}


def test_schema_that_may_not_be_used(source, server):
    """SELECT on a table is worth nothing without its schema, nor is that of the
    partitions, which are read one by one."""
    # Version 12 does not publish a partitioned table.
    part = "p" if server.version >= 13 else "parts.p_1"
    tables = f"shut.t, {part}"
    source.sql("CREATE SCHEMA shut; CREATE SCHEMA parts;"
               "CREATE TABLE shut.t (id integer PRIMARY KEY);"
               "CREATE TABLE p (id integer PRIMARY KEY)"
               " PARTITION BY RANGE (id);"
               "CREATE TABLE parts.p_1 PARTITION OF p"
               " FOR VALUES FROM (0) TO (10);"
               "GRANT SELECT ON shut.t, p, parts.p_1 TO cdc;"
               f"CREATE PUBLICATION {source.publication} FOR TABLE {tables}"
               + " WITH (publish_via_partition_root = true)" * (part == "p"))
    lines = [line for line in source.run("check", tables=tables)
             if line[0] == "fail"]
    assert [(line[1], line[3]) for line in lines] == [
        ("schema", "GRANT USAGE ON SCHEMA parts TO cdc"),
        ("schema", "GRANT USAGE ON SCHEMA shut TO cdc")]
    for line in lines:
        source.sql(line[3])
    assert not failures(source, tables=tables)
    source.run("copy", tables=tables)


def test_publication_that_may_not_be_made(source, server):
    source.table("mine (id integer PRIMARY KEY)")
    source.table("theirs (id integer PRIMARY KEY)", owner="postgres")
    source.table("more (id integer PRIMARY KEY)", owner="postgres")
    source.sql("GRANT SELECT ON theirs, more TO cdc")
    finding, remedy = failures(source)["publication"]
    assert "does not own table public.more and 1 more" in finding
    assert remedy.startswith("let postgres or a superuser CREATE PUBLICATION"
                             f" {source.publication} ")
    # One that may own, but not create.
    server.sql(f"ALTER DATABASE {source.database} OWNER TO postgres")
    finding, remedy = failures(source, tables="mine")["publication"]
    assert "may not create it in this database" in finding
    source.run("prepare", tables="mine", expect=8)
    source.sql(remedy)
    assert not failures(source, tables="mine")
    source.run("prepare", tables="mine")


@pytest.mark.parametrize("kind", ["role", "database"])
def test_connection_limit(source, server, kind):
    source.table("t (id integer PRIMARY KEY)")
    name = {"role": "cdc", "database": source.database}[kind]
    server.sql(f"ALTER {kind} {name} CONNECTION LIMIT 1")
    try:
        finding, remedy = failures(source)[f"connection limit of the {kind}"]
        assert finding.startswith("1, 0 in use by others")
        assert remedy.startswith(f"ALTER {kind.upper()} {name} CONNECTION"
                                 " LIMIT 3 ")
        source.run("copy", expect=3)
        assert f"(ALTER {kind.upper()} ... CONNECTION LIMIT" in source.errors
        server.sql(f"ALTER {kind} {name} CONNECTION LIMIT 3")
        assert not failures(source)
        source.run("copy")
    finally:
        server.sql(f"ALTER {kind} {name} CONNECTION LIMIT -1")
