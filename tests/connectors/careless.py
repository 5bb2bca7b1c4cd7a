# SPDX-License-Identifier: Apache-2.0
"""A connector that breaks a rule of the ABI is told which: the run ends with
that reason, and nothing crashes or is lost in silence. The rules are broken in
careless.c. Prints TAP."""

import os
import shutil
import sys
import tempfile

from pipeline import connector
from tap import EZCDC, Tests, run

INI = """[pipeline]
name = p
state_dir = %(folder)s/state
connector_dir = %(folder)s
on_bad_row = dead_letter
[source]
connector = careless
fault = %(source)s
[sink]
%(sink)s
"""

# Fault of the sink: what the message says.
SINK = {
    "refuse_truncate": "it empties a table",
    "announce": "announce load load: a log has no table",
}

# Fault of the source: the same, and the function that it names.
SOURCE = {
    "no_table": "list_table: there is no table",
    "no_id": "list_table: the table with the id 0: the id is 0",
    "no_schema": "list_table: the table with the id 7: schema is NULL",
    "no_name": "list_table: the table with the id 7: there is no name",
    "no_columns": "list_table: the table with the id 7: columns is NULL",
    "zero_columns": "list_table: the table with the id 7: there is no column",
    "no_column_name": "list_table: the table with the id 7: a column has no"
                      " name",
    "no_type_name": "list_table: the table with the id 7: a column has no"
                    " type_name",
    "unknown_type": "list_table: the table with the id 7: a column has a type",
    "two_keys": "list_table: the table with the id 7: key_count is not",
    "no_key": "table .ticks: it has no key, by which the sink",
    "no_chunk": "list_chunk: chunk is NULL",
    "begin_in_a_chunk": "feed_begin: only a stream is fed that",
    "read_value_without_data": "feed_row: a value of a chunk has no data",
    "no_begin": "the table with the id 7 came before feed_begin",
    "no_commit": "feed_begin: commit is NULL",
    "long_position": "a position of 1000 bytes",
    "no_values": "feed_row: values is NULL",
    "unknown_operation": "feed_row: the operation is none",
    "truncate_as_row": "feed_row: a truncate has no row",
    "unknown_table": "the table with the id 99, which neither",
    "value_without_data": "feed_row: a change has no key, or a value",
    "unknown_state": "feed_row: a change has no key, or a value",
    "null_in_the_key": "feed_row: a change has no key, or a value",
    "no_end": "feed_commit: end is NULL",
    "end_before_begin": "feed_commit: the end is before the commit",
}


def run_once(folder, name, source="none", sink="connector = careless"):
    folder = os.path.join(folder, name)
    os.mkdir(folder)
    for names in (("careless",), ("discard",)):
        copy = shutil.copy(connector("tests", "connectors", *names), folder)
        os.chmod(copy, 0o755)
    ini = os.path.join(folder, "p.ini")
    with open(ini, "w", encoding="ascii") as file:
        file.write(INI % {"folder": folder, "source": source, "sink": sink})
    return run([EZCDC, "run", "--until-caught-up", ini], timeout=60)


def check(tests, done, name, reason):
    told = done.stderr
    tests.result(done.returncode == 1 and reason in told
                 and "started again" not in told,
                 "%s: %s" % (name, reason), told)


def main():
    os.umask(0o022)
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        tests.succeeds(run_once(folder, "log"), "no fault, to a log")
        tests.succeeds(run_once(folder, "keyed", sink="connector = discard"),
                       "no fault, to a sink of keys")
        for fault, reason in SINK.items():
            done = run_once(folder, fault,
                            sink="connector = careless\nfault = " + fault)
            check(tests, done, fault, reason)
        tests.succeeds(run_once(folder, "no_key_log", "no_key"),
                       "a table without a key, to a log")
        for fault, reason in SOURCE.items():
            check(tests, run_once(folder, fault, fault,
                                  "connector = discard"), fault, reason)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
