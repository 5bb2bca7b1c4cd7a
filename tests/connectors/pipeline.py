# SPDX-License-Identifier: Apache-2.0
"""Whole runs without a database: counter to file, and to discard, also with
a process that dies. What arrives must be what counter.c says. Prints TAP."""

import json
import os
import shutil
import sys
import tempfile

from tap import BUILD, EZCDC, Tests, run

ROWS, TABLES, TRANSACTIONS, CHANGES = 300, 3, 60, 20


def connector(*words):
    return os.path.join(BUILD, *words[:-1], ".libs", words[-1] + ".so")


def wanted():
    """The rows at the end: {(table, id): version}, by the rule in counter.c."""
    rows = {(table, number): 0 for table in range(TABLES)
            for number in range(1, ROWS + 1)}
    for change in range(TRANSACTIONS * CHANGES):
        table, of_table = change % TABLES, change // TABLES
        group, kind = divmod(of_table, 4)
        inserted = ROWS + group + 1
        if kind == 0:
            rows[table, inserted] = 0
        elif kind == 1:
            rows[table, inserted] = 1
        elif kind == 2:
            rows[table, group % ROWS + 1] = group + 1
        else:
            del rows[table, inserted]
    return rows


def replay(lines):
    """The rows that the lines of the file sink lead to, in full."""
    rows = {}
    for line in lines:
        table = int(line["table"].rsplit("_", 1)[1])
        key = (table, line["key"]["id"])
        if line["op"] == "delete":
            del rows[key]
        elif line["op"] in ("read", "insert", "update"):
            kept = {name: rows[key][name]
                    for name in line.get("unchanged", ())}
            rows[key] = dict(line["after"], **kept)
    return rows


def row_of(number, version):
    return {"id": number, "version": version,
            "label": "row %d version %d" % (number, version),
            "amount": "%d.25" % number,
            "note": None if number % 7 == 0 else "note %d" % number,
            "payload": "x" * 50}


class Pipeline:
    """A configuration in a folder of its own."""

    def __init__(self, folder, name, sink, source_options=""):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        for path in (connector("tests", "connectors", "counter"),
                     connector("tests", "connectors", "discard"),
                     connector("plugins", "file", "file")):
            copy = shutil.copy(path, self.folder)
            os.chmod(copy, 0o755)
        self.lines_path = os.path.join(self.folder, "lines.jsonl")
        self.ini = os.path.join(self.folder, name + ".ini")
        with open(self.ini, "w", encoding="ascii") as file:
            file.write(
                "[pipeline]\nname = %s\nstate_dir = %s/state\n"
                "connector_dir = %s\n[source]\nconnector = counter\n"
                "rows = %d\ntables = %d\ntransactions = %d\nchanges = %d\n"
                "width = 50\n%s\n[sink]\n%s\n" % (
                    name, self.folder, self.folder, ROWS, TABLES,
                    TRANSACTIONS, CHANGES, source_options,
                    sink.replace("LINES", self.lines_path)))

    def until_caught_up(self):
        return run([EZCDC, "run", "--until-caught-up", self.ini],
                   timeout=300)

    def lines(self):
        with open(self.lines_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def records(self):
        with open(os.path.join(self.folder, "state",
                               os.path.basename(self.ini)[:-4],
                               "audit.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def audited(self):
        return [record["action"] for record in self.records()]


def check_lines(tests, lines, name):
    """The state is right, and no change is there twice."""
    expected = {key: row_of(key[1], version)
                for key, version in wanted().items()}
    found = replay(lines)
    tests.result(found == expected, name + ": every row is right",
                 "%d rows, not %d" % (len(found), len(expected)))
    places = [(line["position"], line["ordinal"]) for line in lines
              if line["op"] != "read"]
    tests.equal(len(places), TRANSACTIONS * CHANGES,
                name + ": each change is there once")
    tests.result(places == sorted(places), name + ": in commit order")


def main():
    os.umask(0o022)
    os.environ["CONFIG_ENCRYPTION_KEY"] = run([EZCDC, "key",
                                               "new"]).stdout.strip()
    to_file = "connector = file\npath = LINES"
    tests = Tests()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)

        plain = Pipeline(folder, "plain", to_file)
        tests.succeeds(plain.until_caught_up(), "a run ends by itself")
        check_lines(tests, plain.lines(), "plain")
        tests.equal(plain.audited().count("connector.loaded"), 2,
                    "both connectors are audited")
        before = len(plain.lines())
        tests.succeeds(plain.until_caught_up(), "a second run finds nothing")
        tests.equal(len(plain.lines()), before, "and writes nothing")

        stream = Pipeline(folder, "stream", to_file, "crash_at = 31")
        tests.succeeds(stream.until_caught_up(),
                       "a runner that dies in the stream is started again")
        check_lines(tests, stream.lines(), "stream")
        tests.equal(stream.audited().count("runner.crashed"), 1,
                    "the crash is audited")

        copy = Pipeline(folder, "copy", to_file, "crash_at_row = 40")
        tests.succeeds(copy.until_caught_up(),
                       "a runner that dies in the copy is started again")
        check_lines(tests, copy.lines(), "copy")

        discard = Pipeline(folder, "discard",
                           "connector = discard\nfail_every = 4")
        tests.succeeds(discard.until_caught_up(),
                       "a sink that fails now and then gets all in the end")
        done = run([EZCDC, "status", "--json", discard.ini])
        tests.succeeds(done, "status afterwards")
        tests.equal({table["name"].lstrip("."): table["phase"]
                     for table in json.loads(done.stdout)["tables"]},
                    {"counter_%d" % number: "streaming"
                     for number in range(TABLES)}, "all tables are streaming")
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())
