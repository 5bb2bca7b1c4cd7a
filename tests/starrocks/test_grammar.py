# SPDX-License-Identifier: Apache-2.0
"""What StarRocks' grammars accept and reject, version by version."""

import pytest

from stand_in.errors import SqlError
from stand_in.grammar import parse
from stand_in.version import Version

VERSIONS = ["2.5.22", "3.3.11", "3.5.2", "4.1.0"]
PK = "PRIMARY KEY(`id`) DISTRIBUTED BY HASH(`id`)"

ACCEPTED = [
    "CREATE DATABASE IF NOT EXISTS `cdc`",
    "CREATE TABLE t (`id` BIGINT NOT NULL, v INT) " + PK + " ORDER BY (v)"
    " PROPERTIES (\"replication_num\"=\"1\","
    "\"fast_schema_evolution\"=\"true\")",
    "CREATE TABLE t (`id` BIGINT NOT NULL, ts DATETIME DEFAULT"
    " CURRENT_TIMESTAMP, x VARCHAR(10) DEFAULT NULL) " + PK,
    "CREATE TABLE t (`id` BIGINT NOT NULL) PRIMARY KEY(`id`) COMMENT \"x\""
    " DISTRIBUTED BY HASH(`id`) BUCKETS 4 PROPERTIES (\"a\"=\"b\")",
    "ALTER TABLE `cdc`.`t` ADD COLUMN `x` INT NULL",
    "ALTER TABLE `cdc`.`t` ADD COLUMN `x` INT NULL DEFAULT \"0\" AFTER `c`,"
    " ADD COLUMN `y` VARCHAR(10) NULL PROPERTIES(\"timeout\"=\"600\")",
    "ALTER TABLE `cdc`.`t` ADD COLUMN (`x` INT NULL, `y` INT NULL)",
    "ALTER TABLE `cdc`.`t` DROP COLUMN `x`",
    "ALTER TABLE `cdc`.`t` MODIFY COLUMN `x` BIGINT NULL",
    "ALTER TABLE `cdc`.`t` RENAME `t2`",
    "ALTER TABLE `cdc`.`t` SWAP WITH `t2`",
    "SHOW ALTER TABLE COLUMN FROM `cdc` WHERE TableName = 't'"
    " ORDER BY JobId DESC LIMIT 1",
    "CANCEL ALTER TABLE COLUMN FROM `cdc`.`t`",
    "TRUNCATE TABLE `cdc`.`t`",
    "DROP TABLE IF EXISTS `cdc`.`t` FORCE",
    "INSERT INTO `cdc`.`t` WITH LABEL l1 (`id`,`v`) VALUES (1,2),(3,4)",
    "DELETE FROM `cdc`.`t` WHERE `id` IN (1,2,3)",
    "DELETE FROM t USING s WHERE t.id = s.id",
    "UPDATE t SET v = 1 WHERE id = 2",
    "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK",
    "SET autocommit = 0", "SET NAMES utf8mb4",
    "SET SESSION sql_mode = 'ANSI_QUOTES'", "SET time_zone = '+00:00'",
    "SELECT current_version(), @@version_comment",
    "SELECT /*+ SET_VAR(query_timeout=10) */ 1",
    "SELECT GET_LOCK('a', 10)",
    "SELECT * FROM information_schema.columns WHERE table_schema='a' AND"
    " table_name='b'",
    "SHOW VARIABLES LIKE 'version'", "SHOW FRONTENDS", "SHOW BACKENDS",
    "SHOW CREATE TABLE `cdc`.`t`",
    "SHOW TRANSACTION FROM cdc WHERE LABEL = 'x'",
    "LOCK TABLES t WRITE",
    "SUBMIT TASK AS INSERT INTO t SELECT 1",
    "SELECT `a``b` FROM `t``x`; ",
    "select 'it''s', \"a\\\"b\" -- a remark",
]

REJECTED = [
    "CREATE TABLE t (`id` BIGINT NOT NULL PRIMARY KEY, v INT)",
    "CREATE TABLE t (`id` BIGINT NOT NULL, v INT, PRIMARY KEY(`id`))",
    "CREATE TABLE t (`id` BIGINT NOT NULL) " + PK + " BUCKETS 1"
    " COMMENT \"x\"",
    "ALTER TABLE t ADD COLUMN IF NOT EXISTS `x` INT NULL",
    "ALTER TABLE t ADD `x` INT NULL",
    "ALTER TABLE t DROP COLUMN IF EXISTS `x`",
    "ALTER TABLE t CHANGE COLUMN `x` `y` INT",
    "ALTER TABLE t RENAME TO `t2`",
    "INSERT INTO t (id,b) VALUES (1, b'1')",
    "INSERT INTO t (id,v) VALUES (1,2) ON DUPLICATE KEY UPDATE v=2",
    "INSERT IGNORE INTO t (id,v) VALUES (1,2)",
    "REPLACE INTO t (id,v) VALUES (1,2)",
    "DELETE FROM `cdc`.`t` WHERE (`a`,`b`) IN ((1,2),(3,4))",
    "SELECT * FROM t FOR UPDATE",
    "SELECT 1; SELECT 2", "SELECT", "", "SELECT key FROM t",
    "CREATE TABLE t (id BIGINT NOT NULL, rank INT, select INT) " + PK,
    "SELECT 'open", "SELECT # remark\n1",
] + ["CREATE TABLE t (`id` BIGINT NOT NULL, v %s) %s" % (kind, PK)
     for kind in ("DATETIME(6)", "INT UNSIGNED", "BIGINT UNSIGNED",
                  "DOUBLE PRECISION", "LONGTEXT", "BLOB", "TIMESTAMP",
                  "SERIAL", "NVARCHAR(10)", "VARCHAR(MAX)", "FLOAT(10)",
                  "DATE(1)", "UUID", "JSONB")]

BY_VERSION = [
    ("CREATE TABLE t (`id` BIGINT NOT NULL, b VARBINARY) " + PK, "nyyy"),
    ("CREATE TABLE t (`id` BIGINT NOT NULL, v INT, g INT AS v+1) " + PK,
     "nyyy"),
    ("ALTER TABLE t RENAME COLUMN `x` TO `y`", "nyyy"),
    ("ALTER TABLE t COMMENT = \"c\"", "nyyy"),
    ("INSERT INTO t VALUES (x'ABCD', X'00')", "nyyy"),
    ("PREPARE s1 FROM SELECT 1", "nyyy"),
    ("ALTER TABLE t MODIFY COLUMN x COMMENT \"c\"", "nnyy"),
    ("INSERT INTO t (`id`,`v`) WITH LABEL `l-1` VALUES (1,2)", "nnyy"),
    ("CREATE TABLE t (`id` BIGINT NOT NULL, v INT DEFAULT 5) " + PK, "nnny"),
    ("BEGIN WITH LABEL l1", "nnny"),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sql", ACCEPTED)
def test_accepted(sql, version):
    assert parse(sql, Version(version))["kind"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("sql", REJECTED)
def test_rejected(sql, version):
    with pytest.raises(SqlError) as caught:
        parse(sql, Version(version))
    assert caught.value.code == 1064
    assert caught.value.text.startswith("Getting syntax error at line ")


@pytest.mark.parametrize("sql, verdicts", BY_VERSION)
def test_by_version(sql, verdicts):
    for version, verdict in zip(VERSIONS, verdicts):
        if verdict == "y":
            assert parse(sql, Version(version))["kind"]
        else:
            with pytest.raises(SqlError):
                parse(sql, Version(version))


def test_numeric_76_is_grammar_only_from_3():
    sql = "CREATE TABLE t (`id` BIGINT NOT NULL, n NUMERIC(76,10)) " + PK
    assert parse(sql, Version("3.3.11"))["columns"][1]["type"].precision == 76


def test_position_of_an_error():
    with pytest.raises(SqlError) as caught:
        parse("SELECT 1\nFROM t FOR UPDATE", Version("3.3.11"))
    assert "at line 2, column 7" in caught.value.text


def test_over_the_wire(shared):
    import pymysql
    for sql in ("REPLACE INTO t (id) VALUES (1)", "SELECT 1; SELECT 2"):
        with pytest.raises(pymysql.err.ProgrammingError) as caught:
            shared.sql(sql)
        assert caught.value.args[0] == 1064
        assert caught.value.args[1].startswith("Getting syntax error")
    assert "statement_rejected" in shared.bad_manners()
