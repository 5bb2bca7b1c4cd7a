# SPDX-License-Identifier: Apache-2.0
"""Rules of CREATE TABLE and ALTER TABLE beyond the grammar."""

import threading
import time

import pymysql
import pytest

from conftest import CREATE

PROPS = " PROPERTIES (\"replication_num\"=\"1\")"
ERRORS = (pymysql.err.OperationalError, pymysql.err.ProgrammingError,
          pymysql.err.InternalError, pymysql.err.DataError,
          pymysql.err.IntegrityError)


def refused(server, sql, text, code=None):
    with pytest.raises(ERRORS) as caught:
        server.sql(sql)
    assert text in caught.value.args[1]
    if code:
        assert caught.value.args[0] == code


def make(columns, rest="PRIMARY KEY (id) DISTRIBUTED BY HASH (id)" + PROPS):
    return "CREATE TABLE d.x (%s) %s" % (columns, rest)


@pytest.mark.parametrize("sql, text", [
    (make("v INT, id BIGINT NOT NULL"), "must be the first few columns"),
    (make("id BIGINT"), "cannot be nullable"),
    (make("id BIGINT NULL"), "cannot be nullable"),
    (make("id DECIMAL(10,2) NOT NULL"), "Invalid data type of key column"),
    (make("id CHAR(10) NOT NULL"), "Invalid data type of key column"),
    (make("id DOUBLE NOT NULL"), "Invalid data type of key column"),
    (make("id JSON NOT NULL"), "Invalid data type of key column"),
    (make("id VARBINARY NOT NULL"), "Invalid data type of key column"),
    (make("id BIGINT NOT NULL, v INT", "PRIMARY KEY (id) DISTRIBUTED BY"
          " HASH (v)" + PROPS), "is not key column"),
    (make("id BIGINT NOT NULL, v INT", "PRIMARY KEY (id) DISTRIBUTED BY"
          " HASH (w)" + PROPS), "doesn't exist"),
    (make("id BIGINT NOT NULL, v INT", "PRIMARY KEY (id) DISTRIBUTED BY"
          " RANDOM" + PROPS), "must use hash distribution"),
    (make("id BIGINT NOT NULL", "PRIMARY KEY (id) DISTRIBUTED BY HASH (id)"
          " PROPERTIES (\"replication_num\"=\"1\",\"x\"=\"y\")"),
     "Unknown properties: {x=y}"),
    (make("id BIGINT NOT NULL", "PRIMARY KEY (id) DISTRIBUTED BY HASH (id)"),
     "Table replication num should be less than or equal"),
    (make("id BIGINT NOT NULL", "PRIMARY KEY (id) DISTRIBUTED BY HASH (id)"
          " PROPERTIES (\"replication_num\"=\"3\")"),
     "Table replication num should be less than or equal"),
    (make("id BIGINT NOT NULL, __op INT"), "system keyword"),
    (make("id BIGINT NOT NULL, `a=b` INT"), "Incorrect column name"),
    (make("id BIGINT NOT NULL, ID INT"), "Duplicate column name"),
    (make("id BIGINT NOT NULL, v VARCHAR(1048577)"), "Varchar size"),
    (make("id BIGINT NOT NULL, v CHAR(256)"), "Char size"),
    (make("id BIGINT NOT NULL, v DECIMAL(39,2)"), "precision"),
    (make("id BIGINT NOT NULL, v DECIMAL(5,6)"), "scale"),
    (make("id BIGINT NOT NULL, v TIME"), "Unsupported data type"),
    (make("id BIGINT NOT NULL, v INT DEFAULT \"x\""),
     "Invalid default value"),
    (make("id BIGINT NOT NULL, v INT NOT NULL DEFAULT NULL"),
     "Can not set null default value"),
    (make("id BIGINT NOT NULL, v INT DEFAULT CURRENT_TIMESTAMP"),
     "Default function"),
    (make("id BIGINT NOT NULL, v INT SUM"), "aggregate function"),
])
def test_create_is_refused(shared, sql, text):
    refused(shared, sql, text, 1064 if "Incorrect" not in text
            and "Duplicate" not in text else None)


def test_names_of_things_that_do_not_exist(shared):
    refused(shared, "CREATE TABLE nix.t (id INT NOT NULL) PRIMARY KEY (id)"
            " DISTRIBUTED BY HASH (id)" + PROPS, "Unknown database", 5501)
    refused(shared, "SELECT * FROM d.nix", "Unknown table", 5502)
    refused(shared, "SELECT * FROM nix", "No database selected", 1046)
    refused(shared, "CREATE DATABASE d", "database exists", 1007)
    refused(shared, "CREATE DATABASE `9d`", "Incorrect database name")


def test_exists(shared, table):
    name = table()
    refused(shared, CREATE % (name, "id BIGINT NOT NULL"), "already exists",
            1050)
    shared.sql((CREATE % (name, "id BIGINT NOT NULL")).replace(
        "CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
    refused(shared, "SELECT nix FROM d." + name, "cannot be resolved", 5509)


def test_properties_by_version(start):
    server = start("--version", "3.1.10")
    server.sql("CREATE DATABASE d")
    refused(server, make("id BIGINT NOT NULL", "PRIMARY KEY (id) DISTRIBUTED"
                         " BY HASH (id) PROPERTIES (\"replication_num\"="
                         "\"1\",\"fast_schema_evolution\"=\"true\")"),
            "Unknown properties: {fast_schema_evolution=true}")


def test_string_is_65533_bytes(shared, table):
    name = table("id BIGINT NOT NULL, a STRING, b VARCHAR(10), c BOOLEAN,"
                 " e DECIMAL(10,2), f TEXT")
    rows = shared.texts(
        "SELECT column_name, data_type, column_type, column_key, column_size,"
        " decimal_digits FROM information_schema.columns WHERE"
        " table_schema = 'd' AND table_name = '%s' ORDER BY ordinal_position"
        % name)
    assert rows == (
        ("id", "bigint", "bigint(20)", "PRI", "19", "0"),
        ("a", "varchar", "varchar(65533)", "", "65533", None),
        ("b", "varchar", "varchar(10)", "", "10", None),
        ("c", "tinyint", "tinyint(1)", "", "1", None),
        ("e", "decimal", "decimal(10, 2)", "", "10", "2"),
        ("f", "varchar", "varchar(65533)", "", "65533", None))


def test_describe_and_show(shared, table):
    name = table()
    assert shared.sql("DESC d." + name) == (
        ("id", "bigint", "NO", "true", None, ""),
        ("v", "varchar(20)", "YES", "false", None, ""))
    text = shared.sql("SHOW CREATE TABLE d." + name)[0][1]
    assert "PRIMARY KEY(`id`)" in text and "HASH(`id`) BUCKETS 1" in text
    shared.sql("DROP TABLE d.%s FORCE" % name)
    shared.sql(text, database="d")
    assert (name,) in shared.sql("SHOW TABLES FROM d")
    assert ("d",) in shared.sql("SHOW DATABASES LIKE 'd'")
    assert len(shared.sql("SHOW BACKENDS")) == 2
    assert shared.sql("SHOW COMPUTE NODES") == ()
    assert shared.sql("SHOW VARIABLES LIKE 'version'") == (
        ("version", "8.0.33"),)
    assert shared.sql("SELECT table_model, properties FROM"
                      " information_schema.tables_config WHERE table_name ="
                      " '%s'" % name)[0][0] == "PRI_KEYS"


def jobs(server, name):
    return server.sql("SHOW ALTER TABLE COLUMN FROM `d` WHERE TableName ="
                      " '%s' ORDER BY JobId DESC LIMIT 1" % name)


def finished(server, name):
    """Waits for the end of the newest job; returns its state."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        state = jobs(server, name)[0][9]
        if state in ("FINISHED", "CANCELLED"):
            return state
        time.sleep(0.02)
    raise AssertionError("the job does not end")


def test_fast_add_and_drop(shared, table):
    name = table()
    shared.sql("INSERT INTO d.%s VALUES (1, 'a')" % name)
    shared.sql("ALTER TABLE d.%s ADD COLUMN n INT NULL DEFAULT \"7\" AFTER"
               " id, ADD COLUMN z VARCHAR(5)" % name)
    assert jobs(shared, name)[0][9] == "FINISHED"
    assert shared.rows("d." + name) == (("1", "7", "a", None),)
    shared.sql("ALTER TABLE d.%s DROP COLUMN v" % name)
    assert shared.rows("d." + name) == (("1", "7", None),)


@pytest.mark.parametrize("clause, text", [
    ("ADD COLUMN v INT", "already exists in base table: v"),
    ("ADD COLUMN m INT NOT NULL", "non-nullable"),
    ("ADD COLUMN m INT KEY", "key column"),
    ("DROP COLUMN nix", "Column does not exists: nix"),
    ("DROP COLUMN id", "key column"),
    ("MODIFY COLUMN id LARGEINT NOT NULL", "key"),
    ("MODIFY COLUMN v VARCHAR(10)", "Cannot shorten string length"),
    ("MODIFY COLUMN v VARCHAR(30) NOT NULL", "nullable to non-nullable"),
    ("MODIFY COLUMN v DATETIME", "Can not change VARCHAR(20) to DATETIME"),
    ("MODIFY COLUMN v VARCHAR(30) DEFAULT \"x\"", "default"),
    ("MODIFY COLUMN n INT", "Can not change BIGINT(20) to INT(11)"),
    ("MODIFY COLUMN n DECIMAL(20,0)", "Can not change"),
    ("RENAME nix.t2", "Getting syntax error"),
    ("ADD COLUMN x INT, RENAME y", "Getting syntax error"),
])
def test_alter_is_refused(shared, table, clause, text):
    name = table("id BIGINT NOT NULL, v VARCHAR(20), n BIGINT")
    refused(shared, "ALTER TABLE d.%s %s" % (name, clause), text)


def test_modify_is_a_job_and_one_at_a_time(shared, table):
    name = table("id BIGINT NOT NULL, n INT")
    shared.sql("INSERT INTO d.%s VALUES (1, 5)" % name)
    shared.admin("POST", "alter", {"database": "d", "table": name,
                                   "action": "hang"})
    shared.sql("ALTER TABLE d.%s MODIFY COLUMN n BIGINT" % name)
    assert jobs(shared, name)[0][9] == "PENDING"
    refused(shared, "ALTER TABLE d.%s ADD COLUMN x INT" % name,
            "A schema change operation is in progress on the table " + name)
    answer = shared.load("d", name, '{"id": 2, "n": 6}', label=name + "1",
                         format="json")
    assert answer["Status"] == "Success"
    shared.release()
    assert finished(shared, name) == "FINISHED"
    assert shared.sql("DESC d." + name)[1][1] == "bigint"
    assert shared.rows("d." + name) == (("1", "5"), ("2", "6"))


def test_jobs_can_be_cancelled(shared, table):
    name = table("id BIGINT NOT NULL, n INT")
    for action in ("cancel", "hang"):
        shared.admin("POST", "alter", {"database": "d", "table": name,
                                       "action": action})
        shared.sql("ALTER TABLE d.%s MODIFY COLUMN n BIGINT" % name)
        if action == "hang":
            shared.sql("CANCEL ALTER TABLE COLUMN FROM d." + name)
        assert finished(shared, name) == "CANCELLED"
    assert shared.sql("DESC d." + name)[1][1] == "int"


def test_a_job_survives_a_kill(start):
    server = start("--config", "alter_delay=3600")
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, n INT"))
    server.sql("ALTER TABLE d.t MODIFY COLUMN n BIGINT")
    assert jobs(server, "t")[0][9] == "PENDING"
    server.kill()
    server.restart()
    assert finished(server, "t") == "FINISHED"
    assert server.sql("DESC d.t")[1][1] == "bigint"


def test_before_fast_evolution_everything_is_a_job(start):
    server = start("--version", "3.1.10")
    server.sql("CREATE DATABASE d")
    server.sql(CREATE % ("t", "id BIGINT NOT NULL, n INT"))
    server.sql("ALTER TABLE d.t ADD COLUMN x INT NULL")
    assert finished(server, "t") == "FINISHED"
    assert len(server.sql("DESC d.t")) == 3


def test_rename_swap_truncate(shared, table):
    name = table()
    shared.sql("INSERT INTO d.%s VALUES (1, 'a')" % name)
    shared.sql("DROP TABLE IF EXISTS d.other FORCE")
    shared.sql("ALTER TABLE d.%s RENAME other" % name)
    shared.sql(CREATE % (name, "id BIGINT NOT NULL, v VARCHAR(20)"))
    shared.sql("ALTER TABLE d.%s SWAP WITH other" % name)
    assert shared.rows("d." + name) == (("1", "a"),)
    assert shared.rows("d.other") == ()
    shared.sql("TRUNCATE TABLE d." + name)
    assert shared.rows("d." + name) == ()


def test_rename_column(shared, table):
    name = table()
    shared.sql("ALTER TABLE d.%s RENAME COLUMN v TO w" % name)
    assert [r[0] for r in shared.sql("DESC d." + name)] == ["id", "w"]
    refused(shared, "ALTER TABLE d.%s ADD COLUMN v INT" % name, "renamed")


def test_shared_data(start):
    server = start("--run-mode", "shared_data")
    server.sql("CREATE DATABASE d")
    server.sql("CREATE TABLE d.t (id BIGINT NOT NULL) PRIMARY KEY (id)"
               " DISTRIBUTED BY HASH (id)")
    assert server.sql("SHOW BACKENDS") == ()
    assert len(server.sql("SHOW COMPUTE NODES")) == 2
    server.sql("ALTER TABLE d.t ADD COLUMN n INT NULL")
    assert finished(server, "t") == "FINISHED"


def test_privileges(start):
    server = start()
    server.sql("CREATE DATABASE d")
    server.admin("POST", "user", {"user": "reader", "password": "r",
                                  "grants": ["SELECT"]})
    with pytest.raises(ERRORS) as caught:
        server.sql(CREATE % ("t", "id BIGINT NOT NULL"), user="reader",
                   password="r")
    assert caught.value.args[0] == 5203


def test_a_load_that_was_planned_before_a_modify(shared, table):
    """It began during the job and is committed after it."""
    name = table("id BIGINT NOT NULL, n INT")
    shared.admin("POST", "alter", {"database": "d", "table": name,
                                   "action": "delay", "seconds": 1})
    shared.sql("ALTER TABLE d.%s MODIFY COLUMN n VARCHAR(20)" % name)
    shared.fault("hold", table=name)
    results = []
    worker = threading.Thread(target=lambda: results.append(shared.load(
        "d", name, '{"id": 1, "n": 7}', label=name, format="json")))
    worker.start()
    while not shared.admin("GET", "faults")["held"]:
        time.sleep(0.02)
    assert finished(shared, name) == "FINISHED"
    shared.release()
    worker.join()
    assert results[0]["Status"] == "Success"
    assert shared.rows("d." + name) == (("1", "7"),)


def test_a_load_into_a_table_that_is_dropped_meanwhile(shared, table):
    name = table()
    shared.fault("hold", table=name)
    results = []
    worker = threading.Thread(target=lambda: results.append(shared.load(
        "d", name, '{"id": 1, "v": "a"}', label=name, format="json")))
    worker.start()
    while not shared.admin("GET", "faults")["held"]:
        time.sleep(0.02)
    shared.sql("DROP TABLE d.%s FORCE" % name)
    shared.release()
    worker.join()
    assert results[0]["Status"] == "Fail"
